# domain: the rules that span statements, and the functions that the build
# makes of sql/queries/<noun>.sql: for each noun a line in each list.

noinst_LIBRARIES += libdomain.a
libdomain_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
libdomain_a_SOURCES = \
	%D%/account.c %D%/account.h \
	%D%/account-remove.c \
	%D%/actor.h \
	%D%/alive.c %D%/alive.h \
	%D%/client.c %D%/client.h \
	%D%/audit.c %D%/audit.h \
	%D%/billing.c %D%/billing.h \
	%D%/billing-run.c \
	%D%/body-cache.c %D%/body-cache.h \
	%D%/content.c %D%/content.h \
	%D%/content-fetch.c %D%/content-fetch.h \
	%D%/content-run.c \
	%D%/credential.c %D%/credential.h \
	%D%/credential-token.c %D%/credential-token.h \
	%D%/delivery.c %D%/delivery.h \
	%D%/email.c %D%/email.h \
	%D%/event.c %D%/event.h \
	%D%/event-data.c \
	%D%/expunge.c %D%/expunge.h \
	%D%/factor.c %D%/factor.h \
	%D%/flag.c %D%/flag.h \
	%D%/forward.c %D%/forward.h \
	%D%/given.c %D%/given.h \
	%D%/given-read.c \
	%D%/health.h \
	%D%/hold.c %D%/hold.h \
	%D%/housekeeping.h \
	%D%/idempotency.c %D%/idempotency.h \
	%D%/interception.c %D%/interception.h \
	%D%/job.c %D%/job.h \
	%D%/job-run.c %D%/job-run.h \
	%D%/label.c %D%/label.h \
	%D%/log.c %D%/log.h \
	%D%/mailbox.c %D%/mailbox.h \
	%D%/membership.c %D%/membership.h \
	%D%/move.c %D%/move.h \
	%D%/one-time.c %D%/one-time.h \
	%D%/outgoing.c %D%/outgoing.h \
	%D%/oauth.c %D%/oauth.h \
	%D%/personal.c %D%/personal.h \
	%D%/placement.c %D%/placement.h \
	%D%/plan.c %D%/plan.h \
	%D%/presence.c %D%/presence.h \
	%D%/rebuild.c %D%/rebuild.h \
	%D%/provider-credential.c %D%/provider-credential.h \
	%D%/raw-store.c %D%/raw-store.h \
	%D%/reach.c %D%/reach.h \
	%D%/refresh.c %D%/refresh.h \
	%D%/rule.c %D%/rule.h \
	%D%/rule-mail.c \
	%D%/rule-match.c %D%/rule-match.h \
	%D%/saved-reply.c %D%/saved-reply.h \
	%D%/sealed.c %D%/sealed.h \
	%D%/report.c %D%/report.h \
	%D%/search.c %D%/search.h \
	%D%/search-query.c %D%/search-query.h \
	%D%/search-words.c %D%/search-words.h \
	%D%/session.c %D%/session.h \
	%D%/setup.c %D%/setup.h \
	%D%/signature.c %D%/signature.h \
	%D%/skipped.c %D%/skipped.h \
	%D%/smtp-server.c %D%/smtp-server.h \
	%D%/snippet.c %D%/snippet.h \
	%D%/statements.h \
	%D%/stripe.c %D%/stripe.h \
	%D%/stripe-signature.c \
	%D%/submission.c %D%/submission.h \
	%D%/submission-event.c \
	%D%/submission-make.c \
	%D%/submission-send.c \
	%D%/submission-settle.c \
	%D%/sync/batch.c %D%/sync/batch.h \
	%D%/sync/connect.c \
	%D%/sync/expunge.c \
	%D%/sync/fetch.c \
	%D%/sync/folder.c \
	%D%/sync/folders.c %D%/sync/folders.h \
	%D%/sync/hold.c %D%/sync/hold.h \
	%D%/sync/hold-carry.c \
	%D%/sync/hold-edited.c \
	%D%/sync/hold-over.c \
	%D%/sync/hold-release.c \
	%D%/sync/hold-send.c \
	%D%/sync/list.c \
	%D%/sync/move.c \
	%D%/sync/news.c %D%/sync/news.h \
	%D%/sync/preview.c \
	%D%/sync/proof.c \
	%D%/sync/report.c \
	%D%/sync/row.c %D%/sync/row.h \
	%D%/sync/run.c %D%/sync/run.h %D%/sync/sync.h \
	%D%/sync/skipped.c \
	%D%/sync/same.c \
	%D%/sync/sent.c \
	%D%/sync/store.c \
	%D%/sync/tell.c \
	%D%/sync/text.c \
	%D%/sync/transfer.c \
	%D%/sync/wish.c \
	%D%/subscription.c %D%/subscription.h \
	%D%/task.c %D%/task.h \
	%D%/thread.c %D%/thread.h \
	%D%/threading.c %D%/threading.h \
	%D%/threading-subject.c %D%/threading-subject.h \
	%D%/user.c %D%/user.h \
	%D%/watcher.c %D%/watcher.h \
	%D%/verify.c %D%/verify.h \
	%D%/work.c %D%/work.h \
	%D%/vault.c %D%/vault.h \
	%D%/webhook.c %D%/webhook.h \
	%D%/wish.c %D%/wish.h
domain_made_c = \
	%D%/account-sql.c \
	%D%/actor-sql.c \
	%D%/audit-sql.c \
	%D%/billing-sql.c \
	%D%/client-sql.c \
	%D%/content-sql.c \
	%D%/credential-sql.c \
	%D%/delivery-sql.c \
	%D%/email-sql.c \
	%D%/event-sql.c \
	%D%/expunge-sql.c \
	%D%/factor-sql.c \
	%D%/flag-sql.c \
	%D%/forward-sql.c \
	%D%/health-sql.c \
	%D%/hold-sql.c \
	%D%/housekeeping-sql.c \
	%D%/idempotency-sql.c \
	%D%/interception-sql.c \
	%D%/job-sql.c \
	%D%/label-sql.c \
	%D%/log-sql.c \
	%D%/mailbox-sql.c \
	%D%/membership-sql.c \
	%D%/move-sql.c \
	%D%/one-time-sql.c \
	%D%/outgoing-sql.c \
	%D%/oauth-sql.c \
	%D%/personal-sql.c \
	%D%/placement-sql.c \
	%D%/plan-sql.c \
	%D%/presence-sql.c \
	%D%/rebuild-sql.c \
	%D%/provider-credential-sql.c \
	%D%/refresh-sql.c \
	%D%/rule-sql.c \
	%D%/given-sql.c \
	%D%/report-sql.c \
	%D%/smtp-server-sql.c \
	%D%/saved-reply-sql.c \
	%D%/search-sql.c \
	%D%/session-sql.c \
	%D%/setup-sql.c \
	%D%/signature-sql.c \
	%D%/skipped-sql.c \
	%D%/snippet-sql.c \
	%D%/statements.c \
	%D%/submission-sql.c \
	%D%/subscription-sql.c \
	%D%/task-sql.c \
	%D%/thread-sql.c \
	%D%/threading-sql.c \
	%D%/user-sql.c \
	%D%/watcher-sql.c \
	%D%/verify-sql.c \
	%D%/work-sql.c \
	%D%/webhook-sql.c
domain_made_h = \
	%D%/account-sql.h \
	%D%/actor-sql.h \
	%D%/audit-sql.h \
	%D%/billing-sql.h \
	%D%/client-sql.h \
	%D%/content-sql.h \
	%D%/credential-sql.h \
	%D%/delivery-sql.h \
	%D%/email-sql.h \
	%D%/event-sql.h \
	%D%/expunge-sql.h \
	%D%/factor-sql.h \
	%D%/flag-sql.h \
	%D%/forward-sql.h \
	%D%/health-sql.h \
	%D%/hold-sql.h \
	%D%/housekeeping-sql.h \
	%D%/idempotency-sql.h \
	%D%/interception-sql.h \
	%D%/job-sql.h \
	%D%/label-sql.h \
	%D%/log-sql.h \
	%D%/mailbox-sql.h \
	%D%/membership-sql.h \
	%D%/move-sql.h \
	%D%/one-time-sql.h \
	%D%/outgoing-sql.h \
	%D%/oauth-sql.h \
	%D%/personal-sql.h \
	%D%/placement-sql.h \
	%D%/plan-sql.h \
	%D%/presence-sql.h \
	%D%/rebuild-sql.h \
	%D%/provider-credential-sql.h \
	%D%/refresh-sql.h \
	%D%/rule-sql.h \
	%D%/given-sql.h \
	%D%/report-sql.h \
	%D%/smtp-server-sql.h \
	%D%/saved-reply-sql.h \
	%D%/search-sql.h \
	%D%/session-sql.h \
	%D%/setup-sql.h \
	%D%/signature-sql.h \
	%D%/skipped-sql.h \
	%D%/snippet-sql.h \
	%D%/submission-sql.h \
	%D%/subscription-sql.h \
	%D%/task-sql.h \
	%D%/thread-sql.h \
	%D%/threading-sql.h \
	%D%/user-sql.h \
	%D%/watcher-sql.h \
	%D%/verify-sql.h \
	%D%/work-sql.h \
	%D%/webhook-sql.h
nodist_libdomain_a_SOURCES = $(domain_made_c) $(domain_made_h)
BUILT_SOURCES += $(domain_made_h)
CLEANFILES += $(domain_made_c) $(domain_made_h)

domain_libs = libdomain.a $(mail_libs) $(db_libs)
