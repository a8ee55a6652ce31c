# mail: knows no SQL and no requests.
#
#	noinst_LIBRARIES += libmail.a
#	libmail_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) $(GMIME_CFLAGS)
#	libmail_a_SOURCES = %D%/thing.c %D%/thing.h
#	mail_libs = libmail.a $(CURL_LIBS) $(GMIME_LIBS) $(core_libs)

mail_libs = $(core_libs)
