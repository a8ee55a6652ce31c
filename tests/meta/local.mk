# tests/meta: see tests/core/local.mk for the pattern.
