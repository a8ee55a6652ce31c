# tests/crash: programs are killed and taken up again; see crash.h.

if HAVE_CHECK
check_LIBRARIES += libcrash.a
libcrash_a_CPPFLAGS = $(domain_check_cppflags)
libcrash_a_SOURCES = %D%/crash.c %D%/crash.h %D%/stir.c
crash_libs = libcrash.a libhouse.a $(check_libs) $(domain_libs)

check_PROGRAMS += %D%/test-sync-kill
TESTS += %D%/test-sync-kill
%C%_test_sync_kill_CPPFLAGS = $(domain_check_cppflags)
%C%_test_sync_kill_LDADD = $(crash_libs)
endif
