# mail: the protocols and formats; knows no SQL and no requests.

noinst_LIBRARIES += libmail.a
libmail_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) $(IDN2_CFLAGS) \
	$(ZLIB_CFLAGS)
libmail_a_SOURCES = \
	%D%/address.c %D%/address.h \
	%D%/charset.c %D%/charset.h \
	%D%/compose.c %D%/compose.h \
	%D%/compose-field.c %D%/compose-field.h \
	%D%/date.c %D%/date.h \
	%D%/dial.c %D%/dial.h \
	%D%/dials.c %D%/dials.h \
	%D%/dsn.c %D%/dsn.h \
	%D%/echo.c %D%/echo.h \
	%D%/edit.c %D%/edit.h \
	%D%/egress.c %D%/egress.h \
	%D%/fetch.c %D%/fetch.h \
	%D%/header.c %D%/header.h \
	%D%/html.c %D%/html.h \
	%D%/imap-change.c \
	%D%/imap-code.c %D%/imap-code.h \
	%D%/imap-command.c %D%/imap-command.h \
	%D%/imap-deflate.c %D%/imap-deflate.h \
	%D%/imap-engine.c %D%/imap-engine.h \
	%D%/imap-envelope.c \
	%D%/imap-fetch.c \
	%D%/imap-folder.c \
	%D%/imap-outgoing.c %D%/imap-outgoing.h \
	%D%/imap-lexer.c %D%/imap-lexer.h \
	%D%/imap-link.c %D%/imap-link.h \
	%D%/imap-message.c %D%/imap-message.h \
	%D%/imap-reader.c %D%/imap-reader.h \
	%D%/imap-response.c %D%/imap-response.h \
	%D%/imap-set.c %D%/imap-set.h \
	%D%/imap-structure.c \
	%D%/imap-watch.c %D%/imap-watch.h \
	%D%/imap.c %D%/imap.h %D%/imap-session.h \
	%D%/mime.c %D%/mime-body.c %D%/mime.h \
	%D%/mutf7.c %D%/mutf7.h \
	%D%/parameter.c %D%/parameter.h \
	%D%/people.c %D%/people.h \
	%D%/post.c %D%/post.h \
	%D%/probe.c %D%/probe.h \
	%D%/rfc2047.c %D%/rfc2047.h \
	%D%/smtp-command.c %D%/smtp-command.h \
	%D%/smtp-dots.c %D%/smtp-dots.h \
	%D%/smtp-fate.c %D%/smtp-fate.h \
	%D%/smtp-kept.c %D%/smtp-kept.h \
	%D%/smtp-link.c %D%/smtp-link.h \
	%D%/smtp-reply.c %D%/smtp-reply.h \
	%D%/smtp-text.c %D%/smtp-text.h \
	%D%/smtp.c %D%/smtp.h \
	%D%/threading.c %D%/threading.h \
	%D%/transfer.c %D%/transfer.h

mail_libs = libmail.a $(CURL_LIBS) $(IDN2_LIBS) $(ZLIB_LIBS) $(core_libs)
