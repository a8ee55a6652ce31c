# tests/db: see tests/core/local.mk for the pattern. Each program has a
# PostgreSQL of its own (tests/lib/pg.sh).

EXTRA_DIST += %D%/schema.sql %D%/thing.sql tests/lib/pg.sh

if HAVE_CHECK
db_check_cppflags = $(check_cppflags) -I$(top_builddir)/tests \
	-DTOP_SRCDIR='"$(abs_top_srcdir)"'
check_LIBRARIES += libthing.a
libthing_a_CPPFLAGS = $(db_check_cppflags)
libthing_a_SOURCES = \
	%D%/fixture.c %D%/fixture.h \
	%D%/thing.c %D%/thing.h
nodist_libthing_a_SOURCES = %D%/thing-sql.c

check_PROGRAMS += %D%/test-db
TESTS += %D%/test-db
%C%_test_db_SOURCES = %D%/test-db.c
%C%_test_db_CPPFLAGS = $(db_check_cppflags)
%C%_test_db_LDADD = libthing.a $(check_libs) $(db_libs)

THING_AWK = -v room=db -v noun=thing \
	-f $(top_srcdir)/sql/typed.awk $(srcdir)/%D%/thing.sql
%D%/thing-sql.h: %D%/thing.sql sql/typed.awk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SQL_AWK) -v out=h $(THING_AWK) >$@.tmp && mv $@.tmp $@
%D%/thing-sql.c: %D%/thing.sql sql/typed.awk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SQL_AWK) -v out=c $(THING_AWK) >$@.tmp && mv $@.tmp $@
BUILT_SOURCES += %D%/thing-sql.h
CLEANFILES += %D%/thing-sql.h %D%/thing-sql.c
endif
