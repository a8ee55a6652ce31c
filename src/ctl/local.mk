# ctl: letterrackctl.

sbin_PROGRAMS += letterrackctl
letterrackctl_CPPFLAGS = $(AM_CPPFLAGS) -DVERSION='"$(PACKAGE_VERSION)"'
letterrackctl_SOURCES = \
	%D%/account.c \
	%D%/audit.c \
	%D%/client.c \
	%D%/configtest.c \
	%D%/ctl.h \
	%D%/demo.c \
	%D%/init.c \
	%D%/key.c \
	%D%/main.c \
	%D%/migrate.c \
	%D%/openapi.c \
	%D%/people.c %D%/people.h \
	%D%/plan.c \
	%D%/queue.c \
	%D%/search.c \
	%D%/serve.c \
	%D%/sieve.c \
	%D%/status.c \
	%D%/threads.c \
	%D%/token.c \
	%D%/user.c \
	%D%/verify.c
letterrackctl_LDADD = $(families_libs)
