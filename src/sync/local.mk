# sync: letterrack-sync, which does the jobs that are due.

bin_PROGRAMS += letterrack-sync
letterrack_sync_SOURCES = \
	%D%/housekeeping.c %D%/housekeeping.h \
	%D%/keeper.c %D%/keeper.h \
	%D%/main.c \
	%D%/named.c %D%/named.h \
	%D%/progress.c %D%/progress.h \
	%D%/work.c %D%/work.h
letterrack_sync_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
letterrack_sync_LDADD = $(domain_libs)
