# core: what every program needs; knows no protocol and no database.

noinst_LIBRARIES += libcore.a
libcore_a_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
libcore_a_SOURCES = \
	%D%/arena.c %D%/arena.h \
	%D%/buffer.c %D%/buffer.h \
	%D%/clock.c %D%/clock.h \
	%D%/conf.c %D%/conf.h \
	%D%/failpoint.c %D%/failpoint.h \
	%D%/json.h %D%/json-scan.c %D%/json-write.c \
	%D%/log.c %D%/log.h \
	%D%/result.c %D%/result.h \
	%D%/secret.c %D%/secret.h \
	%D%/text.c %D%/text-code.c %D%/text.h

core_libs = libcore.a $(CRYPTO_LIBS)
