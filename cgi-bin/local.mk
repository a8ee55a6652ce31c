# One family of endpoints = one responder = the file of its name. A family is
# a line in families.h, its source in libfamilies_a_SOURCES, and three lines
# below. The library is what the responder `system` and letterrackctl read the
# route tables from.

noinst_LIBRARIES += libfamilies.a
libfamilies_a_CPPFLAGS = $(AM_CPPFLAGS)
libfamilies_a_SOURCES = \
	%D%/emails.c \
	%D%/families.c %D%/families.h \
	%D%/system.c

families_libs = libfamilies.a $(web_libs)

responder_PROGRAMS += cgi-bin/emails
cgi_bin_emails_SOURCES = src/web/main.c
cgi_bin_emails_CPPFLAGS = $(AM_CPPFLAGS) -DRESPONDER=emails
cgi_bin_emails_LDADD = $(families_libs)

responder_PROGRAMS += cgi-bin/system
cgi_bin_system_SOURCES = src/web/main.c
cgi_bin_system_CPPFLAGS = $(AM_CPPFLAGS) -DRESPONDER=system
cgi_bin_system_LDADD = $(families_libs)
