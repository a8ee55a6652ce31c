# tests/db: see tests/core/local.mk for the pattern.
