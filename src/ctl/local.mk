# ctl: letterrackctl.
#
#	sbin_PROGRAMS += letterrackctl
#	letterrackctl_SOURCES = %D%/main.c
#	letterrackctl_LDADD = $(web_libs)
