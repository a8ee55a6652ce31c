# bench: figures, and the mail they are taken with.

noinst_PROGRAMS += bench/mailgen
bench_mailgen_SOURCES = \
	%D%/mailgen.c \
	%D%/letter.c %D%/letter.h \
	%D%/sheet.c %D%/sheet.h \
	%D%/words.c %D%/words.h

EXTRA_DIST += %D%/run.mjs %D%/measure.mjs %D%/load.mjs %D%/wrk.lua \
	%D%/http.mjs %D%/emails.sql %D%/php.mjs %D%/list.php
