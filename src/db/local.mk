# db: the only user of libpq.

noinst_LIBRARIES += libdb.a
libdb_a_CPPFLAGS = $(AM_CPPFLAGS) $(PQ_CFLAGS)
libdb_a_SOURCES = \
	%D%/args.c \
	%D%/db.h \
	%D%/decode.c %D%/decode.h \
	%D%/fill.c \
	%D%/guard.c \
	%D%/ids.c %D%/ids.h \
	%D%/inside.h \
	%D%/link.c \
	%D%/listen.c \
	%D%/migrate.c %D%/migrate.h \
	%D%/pipe.c \
	%D%/pq.c \
	%D%/reach.c %D%/reach.h \
	%D%/row.c %D%/row.h \
	%D%/sqlstate.c \
	%D%/stmt.h \
	%D%/tx.c
nodist_libdb_a_SOURCES = %D%/migrations.c

db_libs = libdb.a $(PQ_LIBS) $(core_libs)
