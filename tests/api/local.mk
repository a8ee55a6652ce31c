# tests/api: see tests/core/local.mk for the pattern.
