# tests/domain: see tests/core/local.mk for the pattern.
