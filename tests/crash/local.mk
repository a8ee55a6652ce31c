# tests/crash: programs are killed and taken up again.

if HAVE_CHECK
check_PROGRAMS += %D%/test-sync-kill
TESTS += %D%/test-sync-kill
%C%_test_sync_kill_CPPFLAGS = $(domain_check_cppflags)
%C%_test_sync_kill_LDADD = libhouse.a $(check_libs) $(domain_libs)
endif
