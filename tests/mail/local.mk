# tests/mail: test-<name>.c stands for src/mail/<name>.c.

EXTRA_DIST += %D%/run.h

if HAVE_CHECK
mail_tests = \
	%D%/test-date \
	%D%/test-egress \
	%D%/test-imap-set \
	%D%/test-mutf7 \
	%D%/test-parameter \
	%D%/test-rfc2047
check_PROGRAMS += $(mail_tests)
TESTS += $(mail_tests)
%C%_test_date_CPPFLAGS = $(check_cppflags)
%C%_test_date_LDADD = $(mail_libs) $(check_libs)
%C%_test_egress_CPPFLAGS = $(check_cppflags)
%C%_test_egress_LDADD = $(mail_libs) $(check_libs)
%C%_test_imap_set_CPPFLAGS = $(check_cppflags)
%C%_test_imap_set_LDADD = $(mail_libs) $(check_libs)
%C%_test_mutf7_CPPFLAGS = $(check_cppflags)
%C%_test_mutf7_LDADD = $(mail_libs) $(check_libs)
%C%_test_parameter_CPPFLAGS = $(check_cppflags)
%C%_test_parameter_LDADD = $(mail_libs) $(check_libs)
%C%_test_rfc2047_CPPFLAGS = $(check_cppflags)
%C%_test_rfc2047_LDADD = $(mail_libs) $(check_libs)
endif
