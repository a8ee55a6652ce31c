# tests/crash: programs are killed and taken up again; see crash.h.

EXTRA_DIST += %D%/billing.test.mjs \
	%D%/deliveries.slow.test.mjs \
	%D%/hosts.slow.test.mjs \
	%D%/outgoing.test.mjs \
	%D%/proxy.test.mjs \
	%D%/restart.slow.test.mjs \
	%D%/sending.test.mjs \
	%D%/threads.test.mjs \
	%D%/transfer.test.mjs \
	%D%/trouble.slow.test.mjs \
	%D%/watchers.test.mjs

if HAVE_CHECK
check_LIBRARIES += libcrash.a
libcrash_a_CPPFLAGS = $(domain_check_cppflags)
libcrash_a_SOURCES = %D%/crash.c %D%/crash.h %D%/stir.c \
	%D%/cable.c %D%/cable.h
crash_libs = libcrash.a libhouse.a $(check_libs) $(domain_libs)

crash_tests = %D%/test-sync-kill %D%/test-flags-kill \
	%D%/test-expunge-kill %D%/test-hold-kill %D%/test-workers %D%/test-server-faults
check_PROGRAMS += $(crash_tests)
TESTS += $(crash_tests)
%C%_test_sync_kill_CPPFLAGS = $(domain_check_cppflags)
%C%_test_sync_kill_LDADD = $(crash_libs)
%C%_test_flags_kill_CPPFLAGS = $(domain_check_cppflags)
%C%_test_flags_kill_LDADD = $(crash_libs)
%C%_test_expunge_kill_CPPFLAGS = $(domain_check_cppflags)
%C%_test_expunge_kill_LDADD = $(crash_libs)
%C%_test_hold_kill_CPPFLAGS = $(domain_check_cppflags)
%C%_test_hold_kill_LDADD = $(crash_libs)
%C%_test_workers_CPPFLAGS = $(domain_check_cppflags)
%C%_test_workers_LDADD = $(crash_libs)
%C%_test_server_faults_CPPFLAGS = $(domain_check_cppflags)
%C%_test_server_faults_LDADD = $(crash_libs)
endif
