# tests/domain: see tests/core/local.mk for the pattern. A house (house.h) is a
# PostgreSQL and a Dovecot of its own.

EXTRA_DIST += tests/lib/dovecot.sh

if HAVE_CHECK
domain_check_cppflags = $(check_cppflags) $(CURL_CFLAGS) \
	-DTOP_SRCDIR='"$(abs_top_srcdir)"' \
	-DLETTERRACK_SYNC='"$(abs_top_builddir)/letterrack-sync"'
check_LIBRARIES += libhouse.a
libhouse_a_CPPFLAGS = $(domain_check_cppflags)
libhouse_a_SOURCES = %D%/house.c %D%/house.h %D%/profiles.c %D%/profiles.h

check_PROGRAMS += %D%/test-body-cache %D%/test-sync %D%/test-sync-moves
TESTS += %D%/test-body-cache %D%/test-sync %D%/test-sync-moves
%C%_test_body_cache_CPPFLAGS = $(domain_check_cppflags)
%C%_test_body_cache_LDADD = $(check_libs) $(domain_libs)
%C%_test_sync_CPPFLAGS = $(domain_check_cppflags)
%C%_test_sync_LDADD = libhouse.a $(check_libs) $(domain_libs)
%C%_test_sync_moves_CPPFLAGS = $(domain_check_cppflags)
%C%_test_sync_moves_LDADD = libhouse.a $(check_libs) $(domain_libs)

check_PROGRAMS += %D%/test-sync-odd
TESTS += %D%/test-sync-odd
%C%_test_sync_odd_SOURCES = %D%/test-sync-odd.c \
	tests/wire/scripted-server.c tests/wire/scripted-server.h \
	tests/wire/number.h
%C%_test_sync_odd_CPPFLAGS = $(domain_check_cppflags)
%C%_test_sync_odd_LDADD = libhouse.a $(check_libs) $(domain_libs) -lpthread
endif
