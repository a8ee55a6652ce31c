# tests/wire: see tests/core/local.mk for the pattern.
