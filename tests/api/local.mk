# tests/api: see tests/core/local.mk for the pattern.

EXTRA_DIST += %D%/nginx.test.mjs
