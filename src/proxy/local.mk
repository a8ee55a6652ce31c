# proxy: letterrack-smtpd, which takes mail from programs.

bin_PROGRAMS += letterrack-smtpd
letterrack_smtpd_SOURCES = \
	%D%/beat.c %D%/beat.h \
	%D%/caller.c %D%/caller.h \
	%D%/letter.c %D%/letter.h \
	%D%/listen.c %D%/listen.h \
	%D%/loop.c \
	%D%/main.c \
	%D%/peers.c %D%/peers.h \
	%D%/pool.c %D%/pool.h \
	%D%/proxy.h \
	%D%/talk.c %D%/talk.h \
	%D%/tls.c %D%/tls.h \
	%D%/verb.c %D%/verb.h %D%/verb-auth.c %D%/verb-envelope.c \
	%D%/wire.c %D%/wire.h
letterrack_smtpd_CPPFLAGS = $(AM_CPPFLAGS) $(SSL_CFLAGS) \
	-DVERSION='"$(PACKAGE_VERSION)"'
letterrack_smtpd_LDADD = $(domain_libs) $(SSL_LIBS)
