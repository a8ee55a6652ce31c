# tests/crash: see tests/core/local.mk for the pattern.
