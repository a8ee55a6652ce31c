# watch: letterrack-watch, which keeps a session open for each mail account that
# is watched.

bin_PROGRAMS += letterrack-watch
letterrack_watch_SOURCES = \
	%D%/follow.c %D%/follow.h \
	%D%/hands.c %D%/hands.h \
	%D%/main.c \
	%D%/news.c \
	%D%/watch.h \
	%D%/watched.c %D%/watched.h \
	%D%/workers.c %D%/workers.h
letterrack_watch_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
letterrack_watch_LDADD = $(domain_libs)
