# One family of endpoints = one responder = the file of its name.
#
#	responder_PROGRAMS += cgi-bin/emails
#	cgi_bin_emails_SOURCES = %D%/emails.c
#	cgi_bin_emails_LDADD = $(web_libs)
