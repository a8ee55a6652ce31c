# One family of endpoints = one responder = the file of its name, which has the
# table; what would make it long lies beside it (auth-password.c). A family is
# a line in families.h, its source in libfamilies_a_SOURCES, and two lines
# below. The library is where the responder `system` and letterrackctl read
# the route tables.

noinst_LIBRARIES += libfamilies.a
libfamilies_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
libfamilies_a_SOURCES = \
	%D%/accounts.c %D%/accounts.h \
	%D%/accounts-change.c \
	%D%/accounts-clients.c \
	%D%/accounts-members.c \
	%D%/accounts-review.c \
	%D%/auth.c %D%/auth.h \
	%D%/auth-account.c \
	%D%/auth-csrf.c \
	%D%/auth-factors.c \
	%D%/auth-factors-page.c \
	%D%/auth-invite.c \
	%D%/auth-link.c \
	%D%/auth-mailed.c \
	%D%/auth-next.c \
	%D%/auth-page.c \
	%D%/auth-password.c \
	%D%/auth-profile.c \
	%D%/auth-refresh.c \
	%D%/auth-sign-in.c \
	%D%/auth-sign-in-page.c \
	%D%/auth-sign-out.c \
	%D%/auth-step.c \
	%D%/auth-token.c \
	%D%/content.c \
	%D%/credentials.c %D%/credentials.h \
	%D%/credentials-personal.c \
	%D%/emails.c %D%/emails.h \
	%D%/emails-search.c \
	%D%/events.c \
	%D%/interception.c %D%/interception.h \
	%D%/interception-diff.c \
	%D%/interception-discard.c \
	%D%/interception-held.c \
	%D%/interception-inbox.c \
	%D%/interception-rules.c \
	%D%/interception-watchers.c \
	%D%/interception-settings.c \
	%D%/jobs.c \
	%D%/labels.c %D%/labels.h \
	%D%/labels-replies.c \
	%D%/logs.c \
	%D%/oauth.c %D%/oauth.h \
	%D%/oauth-access.c \
	%D%/oauth-authorize.c \
	%D%/oauth-client.c \
	%D%/oauth-device.c \
	%D%/oauth-exchange.c \
	%D%/oauth-inspect.c \
	%D%/oauth-token.c \
	%D%/providers-held.c \
	%D%/providers-personal.c \
	%D%/providers-poll.c \
	%D%/providers.c %D%/providers.h \
	%D%/providers-webhooks.c \
	%D%/providers-forward.c \
	%D%/providers-send.c \
	%D%/review.c %D%/review.h \
	%D%/system.c %D%/system.h \
	%D%/system-metrics.c \
	%D%/system-watchers.c \
	%D%/subscriptions.c \
	%D%/subscriptions.c %D%/subscriptions.h \
	%D%/subscriptions-billing.c \
	%D%/subscriptions-events.c \
	%D%/system-smtp.c \
	%D%/tasks.c \
	%D%/threads.c %D%/threads.h \
	%D%/threads-bodies.c \
	%D%/threads-bulk.c \
	%D%/threads-change.c \
	%D%/threads-labels.c \
	%D%/users.c %D%/users.h \
	%D%/users-signatures.c \
	%D%/threads-move.c \
	%D%/threads-notes.c \
	%D%/threads-presence.c \
	%D%/users.c \
	%D%/webhooks.c \
	%D%/families.c %D%/families.h

families_libs = libfamilies.a $(web_libs)

# A program is src/web/main.c with a family's name, and links what that needs.
LDADD = $(families_libs)
responder_PROGRAMS += \
	cgi-bin/accounts \
	cgi-bin/auth \
	cgi-bin/content \
	cgi-bin/credentials \
	cgi-bin/emails \
	cgi-bin/events \
	cgi-bin/interception \
	cgi-bin/jobs \
	cgi-bin/labels \
	cgi-bin/logs \
	cgi-bin/oauth \
	cgi-bin/providers \
	cgi-bin/subscriptions \
	cgi-bin/system \
	cgi-bin/tasks \
	cgi-bin/threads \
	cgi-bin/users \
	cgi-bin/webhooks
nodist_cgi_bin_accounts_SOURCES = cgi-bin/accounts-main.c
nodist_cgi_bin_auth_SOURCES = cgi-bin/auth-main.c
nodist_cgi_bin_content_SOURCES = cgi-bin/content-main.c
nodist_cgi_bin_credentials_SOURCES = cgi-bin/credentials-main.c
nodist_cgi_bin_emails_SOURCES = cgi-bin/emails-main.c
nodist_cgi_bin_events_SOURCES = cgi-bin/events-main.c
nodist_cgi_bin_interception_SOURCES = cgi-bin/interception-main.c
nodist_cgi_bin_jobs_SOURCES = cgi-bin/jobs-main.c
nodist_cgi_bin_labels_SOURCES = cgi-bin/labels-main.c
nodist_cgi_bin_logs_SOURCES = cgi-bin/logs-main.c
nodist_cgi_bin_oauth_SOURCES = cgi-bin/oauth-main.c
nodist_cgi_bin_providers_SOURCES = cgi-bin/providers-main.c
nodist_cgi_bin_subscriptions_SOURCES = cgi-bin/subscriptions-main.c
nodist_cgi_bin_system_SOURCES = cgi-bin/system-main.c
nodist_cgi_bin_tasks_SOURCES = cgi-bin/tasks-main.c
nodist_cgi_bin_threads_SOURCES = cgi-bin/threads-main.c
nodist_cgi_bin_users_SOURCES = cgi-bin/users-main.c
nodist_cgi_bin_webhooks_SOURCES = cgi-bin/webhooks-main.c
CLEANFILES += $(responder_PROGRAMS:=-main.c)
EXTRA_DIST += src/web/main.c

cgi-bin/%-main.c: src/web/main.c
	$(AM_V_GEN)$(MKDIR_P) $(@D) && { echo '#define RESPONDER $*'; \
	    echo '#include "web/main.c"'; } >$@
