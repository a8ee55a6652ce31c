# tests/domain: see tests/core/local.mk for the pattern. A house (house.h) is a
# PostgreSQL and a Dovecot of its own.

EXTRA_DIST += tests/lib/dovecot.sh

if HAVE_CHECK
domain_check_cppflags = $(PQ_CFLAGS) $(check_cppflags) $(CURL_CFLAGS) \
	-DTOP_SRCDIR='"$(abs_top_srcdir)"' \
	-DLETTERRACK_SYNC='"$(abs_top_builddir)/letterrack-sync"' \
	-DLETTERRACK_WATCH='"$(abs_top_builddir)/letterrack-watch"'
check_LIBRARIES += libhouse.a
libhouse_a_CPPFLAGS = $(domain_check_cppflags)
libhouse_a_SOURCES = %D%/house.c %D%/house.h %D%/house-tables.c \
	%D%/profiles.c %D%/profiles.h

check_PROGRAMS += %D%/test-body-cache %D%/test-hold %D%/test-rule-match \
	%D%/test-sync %D%/test-sync-moves
TESTS += %D%/test-body-cache %D%/test-hold %D%/test-rule-match \
	%D%/test-sync %D%/test-sync-moves
%C%_test_hold_CPPFLAGS = $(domain_check_cppflags)
%C%_test_hold_LDADD = libhouse.a $(check_libs) $(domain_libs)
%C%_test_rule_match_CPPFLAGS = $(domain_check_cppflags)
%C%_test_rule_match_LDADD = $(check_libs) $(domain_libs)
check_PROGRAMS += %D%/test-body-cache %D%/test-search-query %D%/test-sync \
	%D%/test-sync-moves
TESTS += %D%/test-body-cache %D%/test-search-query %D%/test-sync \
	%D%/test-sync-moves
%C%_test_body_cache_CPPFLAGS = $(domain_check_cppflags)
%C%_test_body_cache_LDADD = $(check_libs) $(domain_libs)
%C%_test_search_query_CPPFLAGS = $(domain_check_cppflags)
%C%_test_search_query_LDADD = $(check_libs) $(domain_libs)
%C%_test_sync_CPPFLAGS = $(domain_check_cppflags)
%C%_test_sync_LDADD = libhouse.a $(check_libs) $(domain_libs)
%C%_test_sync_moves_CPPFLAGS = $(domain_check_cppflags)
%C%_test_sync_moves_LDADD = libhouse.a $(check_libs) $(domain_libs)

odd_sources = %D%/odd.c %D%/odd.h tests/wire/scripted-server.c \
	tests/wire/scripted-server.h tests/wire/number.h
odd_tests = %D%/test-sync-odd %D%/test-sync-breaks %D%/test-sync-folders \
	%D%/test-sync-alike %D%/test-expunge
check_PROGRAMS += $(odd_tests)
TESTS += $(odd_tests)
%C%_test_sync_odd_SOURCES = %D%/test-sync-odd.c $(odd_sources)
%C%_test_sync_odd_CPPFLAGS = $(domain_check_cppflags)
%C%_test_sync_odd_LDADD = libhouse.a $(check_libs) $(domain_libs) -lpthread
%C%_test_sync_breaks_SOURCES = %D%/test-sync-breaks.c $(odd_sources)
%C%_test_sync_breaks_CPPFLAGS = $(domain_check_cppflags)
%C%_test_sync_breaks_LDADD = libhouse.a $(check_libs) $(domain_libs) -lpthread
%C%_test_sync_folders_SOURCES = %D%/test-sync-folders.c $(odd_sources)
%C%_test_sync_folders_CPPFLAGS = $(domain_check_cppflags)
%C%_test_sync_folders_LDADD = libhouse.a $(check_libs) $(domain_libs) -lpthread
%C%_test_sync_alike_SOURCES = %D%/test-sync-alike.c $(odd_sources)
%C%_test_sync_alike_CPPFLAGS = $(domain_check_cppflags)
%C%_test_sync_alike_LDADD = libhouse.a $(check_libs) $(domain_libs) -lpthread
%C%_test_expunge_SOURCES = %D%/test-expunge.c $(odd_sources)
%C%_test_expunge_CPPFLAGS = $(domain_check_cppflags)
%C%_test_expunge_LDADD = libhouse.a $(check_libs) $(domain_libs) -lpthread
endif
