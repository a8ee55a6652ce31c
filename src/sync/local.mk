# sync: letterrack-sync.
#
#	bin_PROGRAMS += letterrack-sync
#	letterrack_sync_SOURCES = %D%/main.c
#	letterrack_sync_LDADD = $(domain_libs)
