# tests/mail: see tests/core/local.mk for the pattern.
