# tests/db: see tests/core/local.mk for the pattern. A program that needs
# PostgreSQL has one of its own (tests/lib/pg.sh).

EXTRA_DIST += %D%/schema.sql %D%/thing.sql tests/lib/pg.sh
dist_check_SCRIPTS += %D%/test-letterrackctl.sh %D%/test-typed.sh
TESTS += %D%/test-letterrackctl.sh %D%/test-typed.sh

if HAVE_CHECK
db_check_cppflags = $(check_cppflags) -I$(top_builddir)/tests \
	-DTOP_SRCDIR='"$(abs_top_srcdir)"'
db_check_libs = libthing.a $(check_libs) $(db_libs)

check_LIBRARIES += libthing.a
libthing_a_CPPFLAGS = $(db_check_cppflags)
libthing_a_SOURCES = \
	%D%/fixture.c %D%/fixture.h \
	%D%/thing.c %D%/thing.h
nodist_libthing_a_SOURCES = %D%/thing-sql.c

db_tests = \
	%D%/test-db \
	%D%/test-ids \
	%D%/test-link \
	%D%/test-migrate \
	%D%/test-row \
	%D%/test-tx
check_PROGRAMS += $(db_tests)
TESTS += $(db_tests)

%C%_test_db_SOURCES = %D%/test-db.c
%C%_test_db_CPPFLAGS = $(db_check_cppflags)
%C%_test_db_LDADD = $(db_check_libs)

%C%_test_ids_SOURCES = %D%/test-ids.c
%C%_test_ids_CPPFLAGS = $(db_check_cppflags)
%C%_test_ids_LDADD = $(db_check_libs)

%C%_test_link_SOURCES = %D%/test-link.c
%C%_test_link_CPPFLAGS = $(db_check_cppflags)
%C%_test_link_LDADD = $(db_check_libs)

%C%_test_migrate_SOURCES = %D%/test-migrate.c
%C%_test_migrate_CPPFLAGS = $(db_check_cppflags)
%C%_test_migrate_LDADD = $(db_check_libs)

%C%_test_row_SOURCES = %D%/test-row.c
%C%_test_row_CPPFLAGS = $(db_check_cppflags)
%C%_test_row_LDADD = $(db_check_libs)

%C%_test_tx_SOURCES = %D%/test-tx.c
%C%_test_tx_CPPFLAGS = $(db_check_cppflags)
%C%_test_tx_LDADD = $(db_check_libs)

THING_AWK = -v room=db -v noun=thing \
	-f $(top_srcdir)/sql/typed.awk $(srcdir)/%D%/thing.sql
%D%/thing-sql.h: %D%/thing.sql sql/typed.awk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SQL_AWK) -v out=h $(THING_AWK) \
	    >$@.tmp && mv $@.tmp $@
%D%/thing-sql.c: %D%/thing.sql sql/typed.awk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SQL_AWK) -v out=c $(THING_AWK) \
	    >$@.tmp && mv $@.tmp $@
BUILT_SOURCES += %D%/thing-sql.h
CLEANFILES += %D%/thing-sql.h %D%/thing-sql.c
endif
