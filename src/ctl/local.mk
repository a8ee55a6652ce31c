# ctl: letterrackctl.

sbin_PROGRAMS += letterrackctl
letterrackctl_CPPFLAGS = $(AM_CPPFLAGS) -DVERSION='"$(PACKAGE_VERSION)"'
letterrackctl_SOURCES = \
	%D%/configtest.c \
	%D%/ctl.h \
	%D%/main.c \
	%D%/migrate.c \
	%D%/openapi.c \
	%D%/serve.c
letterrackctl_LDADD = $(families_libs)
