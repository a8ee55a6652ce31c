# domain: the rules that span statements.
#
#	noinst_LIBRARIES += libdomain.a
#	libdomain_a_CPPFLAGS = $(AM_CPPFLAGS)
#	libdomain_a_SOURCES = %D%/thing.c %D%/thing.h
#	domain_libs = libdomain.a $(mail_libs) $(db_libs)

domain_libs = $(mail_libs) $(db_libs)
