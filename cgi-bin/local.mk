# One family of endpoints = one responder = the file of its name. A family is
# a line in families.h, its source in libfamilies_a_SOURCES, and four lines
# below. The library is where the responder `system` and letterrackctl read
# the route tables.

noinst_LIBRARIES += libfamilies.a
libfamilies_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
libfamilies_a_SOURCES = \
	%D%/accounts.c \
	%D%/auth.c \
	%D%/content.c \
	%D%/credentials.c \
	%D%/emails.c \
	%D%/jobs.c \
	%D%/logs.c \
	%D%/providers.c \
	%D%/system.c \
	%D%/tasks.c \
	%D%/families.c %D%/families.h

families_libs = libfamilies.a $(web_libs)

responder_PROGRAMS += cgi-bin/accounts
cgi_bin_accounts_SOURCES = src/web/main.c
cgi_bin_accounts_CPPFLAGS = $(AM_CPPFLAGS) -DRESPONDER=accounts
cgi_bin_accounts_LDADD = $(families_libs)

responder_PROGRAMS += cgi-bin/auth
cgi_bin_auth_SOURCES = src/web/main.c
cgi_bin_auth_CPPFLAGS = $(AM_CPPFLAGS) -DRESPONDER=auth
cgi_bin_auth_LDADD = $(families_libs)

responder_PROGRAMS += cgi-bin/content
cgi_bin_content_SOURCES = src/web/main.c
cgi_bin_content_CPPFLAGS = $(AM_CPPFLAGS) -DRESPONDER=content
cgi_bin_content_LDADD = $(families_libs)

responder_PROGRAMS += cgi-bin/credentials
cgi_bin_credentials_SOURCES = src/web/main.c
cgi_bin_credentials_CPPFLAGS = $(AM_CPPFLAGS) -DRESPONDER=credentials
cgi_bin_credentials_LDADD = $(families_libs)

responder_PROGRAMS += cgi-bin/emails
cgi_bin_emails_SOURCES = src/web/main.c
cgi_bin_emails_CPPFLAGS = $(AM_CPPFLAGS) -DRESPONDER=emails
cgi_bin_emails_LDADD = $(families_libs)

responder_PROGRAMS += cgi-bin/jobs
cgi_bin_jobs_SOURCES = src/web/main.c
cgi_bin_jobs_CPPFLAGS = $(AM_CPPFLAGS) -DRESPONDER=jobs
cgi_bin_jobs_LDADD = $(families_libs)

responder_PROGRAMS += cgi-bin/logs
cgi_bin_logs_SOURCES = src/web/main.c
cgi_bin_logs_CPPFLAGS = $(AM_CPPFLAGS) -DRESPONDER=logs
cgi_bin_logs_LDADD = $(families_libs)

responder_PROGRAMS += cgi-bin/providers
cgi_bin_providers_SOURCES = src/web/main.c
cgi_bin_providers_CPPFLAGS = $(AM_CPPFLAGS) -DRESPONDER=providers
cgi_bin_providers_LDADD = $(families_libs)

responder_PROGRAMS += cgi-bin/system
cgi_bin_system_SOURCES = src/web/main.c
cgi_bin_system_CPPFLAGS = $(AM_CPPFLAGS) -DRESPONDER=system
cgi_bin_system_LDADD = $(families_libs)

responder_PROGRAMS += cgi-bin/tasks
cgi_bin_tasks_SOURCES = src/web/main.c
cgi_bin_tasks_CPPFLAGS = $(AM_CPPFLAGS) -DRESPONDER=tasks
cgi_bin_tasks_LDADD = $(families_libs)
