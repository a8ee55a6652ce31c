# web: the only user of libfcgi.
#
#	noinst_LIBRARIES += libweb.a
#	libweb_a_CPPFLAGS = $(AM_CPPFLAGS) $(JSONC_CFLAGS)
#	libweb_a_SOURCES = %D%/thing.c %D%/thing.h
#	web_libs = libweb.a $(FCGI_LIBS) $(JSONC_LIBS) $(domain_libs)

web_libs = $(domain_libs)
