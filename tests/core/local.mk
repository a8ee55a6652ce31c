# tests/core: test-<name>.c stands for src/core/<name>.c.

if HAVE_CHECK
core_check_cppflags = $(check_cppflags) $(CRYPTO_CFLAGS)
core_check_libs = $(check_libs) $(core_libs)

core_tests = %D%/test-envelope %D%/test-jws
check_PROGRAMS += $(core_tests)
TESTS += $(core_tests)

%C%_test_envelope_SOURCES = %D%/test-envelope.c
%C%_test_envelope_CPPFLAGS = $(core_check_cppflags)
%C%_test_envelope_LDADD = $(core_check_libs)
%C%_test_jws_SOURCES = %D%/test-jws.c
%C%_test_jws_CPPFLAGS = $(core_check_cppflags)
%C%_test_jws_LDADD = $(core_check_libs)
endif
