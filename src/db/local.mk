# db: the only user of libpq.
#
#	noinst_LIBRARIES += libdb.a
#	libdb_a_CPPFLAGS = $(AM_CPPFLAGS) $(PQ_CFLAGS)
#	libdb_a_SOURCES = %D%/thing.c %D%/thing.h
#	db_libs = libdb.a $(PQ_LIBS) $(core_libs)

db_libs = $(core_libs)
