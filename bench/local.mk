# bench: figures, and the mail they are taken with.

noinst_PROGRAMS += bench/mailgen bench/imap-raw bench/http-load \
	bench/smtp-load bench/token-check
bench_mailgen_SOURCES = \
	%D%/mailgen.c \
	%D%/letter.c %D%/letter.h \
	%D%/letter-header.c %D%/letter-body.c %D%/letter-parts.h \
	%D%/sheet.c %D%/sheet.h \
	%D%/words.c %D%/words.h
bench_http_load_SOURCES = %D%/http-load.c
bench_smtp_load_SOURCES = %D%/smtp-load.c
bench_imap_raw_SOURCES = %D%/imap-raw.c
bench_imap_raw_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
bench_imap_raw_LDADD = -lssl $(CRYPTO_LIBS)
bench_token_check_SOURCES = %D%/token-check.c
bench_token_check_LDADD = $(web_libs)

EXTRA_DIST += %D%/run.mjs %D%/measure.mjs %D%/load.mjs \
	%D%/http.mjs %D%/login.mjs %D%/emails.sql %D%/php.mjs %D%/list.php \
	%D%/search.mjs %D%/search.sql \
	%D%/threads.mjs %D%/threads.sql %D%/threads.php \
	%D%/deliver.mjs %D%/send.mjs %D%/jobs.mjs %D%/sync.mjs %D%/proxy.mjs \
	%D%/smtpd.mjs \
	%D%/imapflow.mjs %D%/watch.mjs
