# tests/core: test-<name>.c stands for src/core/<name>.c.

if HAVE_CHECK
endif
