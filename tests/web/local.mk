# tests/web: see tests/core/local.mk for the pattern.
