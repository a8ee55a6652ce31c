# tests/wire: conversations with scripted servers.

EXTRA_DIST += %D%/imap

if HAVE_CHECK
check_PROGRAMS += %D%/test-imap
TESTS += %D%/test-imap
%C%_test_imap_SOURCES = %D%/test-imap.c \
	%D%/imap-client.c %D%/imap-client.h \
	%D%/scripted-server.c %D%/scripted-server.h %D%/number.h \
	$(imap_show)
%C%_test_imap_CPPFLAGS = $(check_cppflags) $(CURL_CFLAGS) $(ZLIB_CFLAGS)
%C%_test_imap_LDADD = $(check_libs) $(mail_libs) -lpthread

check_PROGRAMS += %D%/test-smtp
TESTS += %D%/test-smtp
%C%_test_smtp_SOURCES = %D%/test-smtp.c \
	%D%/scripted-server.c %D%/scripted-server.h %D%/number.h
%C%_test_smtp_CPPFLAGS = $(check_cppflags) $(CURL_CFLAGS) $(ZLIB_CFLAGS)
%C%_test_smtp_LDADD = $(check_libs) $(mail_libs) -lpthread

check_PROGRAMS += %D%/test-watch
TESTS += %D%/test-watch
%C%_test_watch_SOURCES = %D%/test-watch.c \
	%D%/scripted-server.c %D%/scripted-server.h %D%/number.h
%C%_test_watch_CPPFLAGS = $(check_cppflags) $(CURL_CFLAGS) $(ZLIB_CFLAGS)
%C%_test_watch_LDADD = $(check_libs) $(mail_libs) -lpthread

check_PROGRAMS += %D%/test-dovecot
TESTS += %D%/test-dovecot
%C%_test_dovecot_SOURCES = %D%/test-dovecot.c \
	%D%/dovecot-server.c %D%/dovecot-server.h \
	%D%/imap-client.c %D%/imap-client.h %D%/number.h \
	$(imap_show)
%C%_test_dovecot_CPPFLAGS = $(check_cppflags) $(CURL_CFLAGS)
%C%_test_dovecot_LDADD = $(check_libs) $(mail_libs)
endif
