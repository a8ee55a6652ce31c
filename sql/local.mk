# sql: migrations and statements, and what the build makes of them. A new
# migration is a line here. A new noun is a line here and, in
# src/domain/local.mk, its two generated files.

migrations_sql = \
	%D%/migrations/0001-foundation.sql \
	%D%/migrations/0002-mail-columns.sql \
	%D%/migrations/0010-mailbox-missing.sql \
	%D%/migrations/0011-mailbox-suspect.sql \
	%D%/migrations/0012-mailbox-skips.sql \
	%D%/migrations/0013-mailbox-refused.sql \
	%D%/migrations/0014-job-give-back.sql \
	%D%/migrations/0015-poll-enqueue.sql \
	%D%/migrations/0016-mailbox-long-names.sql \
	%D%/migrations/0020-moves.sql \
	%D%/migrations/0021-credential-row.sql \
	%D%/migrations/0030-walls.sql \
	%D%/migrations/0031-personal.sql \
	%D%/migrations/0032-door.sql \
	%D%/migrations/0033-housekeeping.sql \
	%D%/migrations/0034-email-hash.sql \
	%D%/migrations/0035-counters.sql \
	%D%/migrations/0036-email-rows.sql \
	%D%/migrations/0037-expunge.sql \
	%D%/migrations/0038-copies.sql \
	%D%/migrations/0039-workers.sql \
	%D%/migrations/0040-text-due.sql \
	%D%/migrations/0041-moves-alike.sql \
	%D%/migrations/0042-texts-missed.sql \
	%D%/migrations/0043-structure-short.sql \
	%D%/migrations/0044-audit.sql \
	%D%/migrations/0050-accounts.sql \
	%D%/migrations/0055-refresh.sql \
	%D%/migrations/0056-oauth.sql \
	%D%/migrations/0060-one-time.sql \
	%D%/migrations/0065-outgoing.sql \
	%D%/migrations/0066-factors.sql \
	%D%/migrations/0067-factor-fresh.sql \
	%D%/migrations/0070-audit-seal.sql \
	%D%/migrations/0071-external-identity.sql \
	%D%/migrations/0072-external-bearer.sql \
	%D%/migrations/0073-grants-kept.sql \
	%D%/migrations/0074-invite-once.sql \
	%D%/migrations/0075-job-turns.sql \
	%D%/migrations/0076-poll-now.sql \
	%D%/migrations/0079-client-walls.sql \
	%D%/migrations/0080-event.sql \
	%D%/migrations/0082-submission.sql \
	%D%/migrations/0086-webhook.sql \
	%D%/migrations/0087-event-raised.sql \
	%D%/migrations/0088-event-keep.sql \
	%D%/migrations/0090-sign-in-alike.sql \
	%D%/migrations/0091-half-sign-ins-go.sql \
	%D%/migrations/0092-origins.sql \
	%D%/migrations/0093-event-deliver.sql \
	%D%/migrations/0095-work-pause.sql \
	%D%/migrations/0096-work-metrics.sql \
	%D%/migrations/0105-report.sql \
	%D%/migrations/0106-credential-token.sql \
	%D%/migrations/0115-threads.sql \
	%D%/migrations/0116-threading.sql \
	%D%/migrations/0117-deliver-held.sql \
	%D%/migrations/0118-sign-in-one.sql \
	%D%/migrations/0130-search.sql \
	%D%/migrations/0131-personal-accounts.sql \
	%D%/migrations/0132-saved-replies.sql \
	%D%/migrations/0133-search-threads.sql \
	%D%/migrations/0134-search-passage.sql \
	%D%/migrations/0140-rule.sql \
	%D%/migrations/0141-hold.sql \
	%D%/migrations/0142-people-line.sql \
	%D%/migrations/0145-steps-by-key.sql \
	%D%/migrations/0150-links-alike.sql \
	%D%/migrations/0155-worker-sessions.sql \
	%D%/migrations/0156-submission-metrics.sql \
	%D%/migrations/0160-presence.sql \
	%D%/migrations/0161-subject-policy.sql \
	%D%/migrations/0165-review.sql \
	%D%/migrations/0170-watcher.sql \
	%D%/migrations/0175-given.sql \
	%D%/migrations/0176-recipients.sql \
	%D%/migrations/0180-plans.sql \
	%D%/migrations/0181-subscriptions.sql \
	%D%/migrations/0182-billing.sql \
	%D%/migrations/0183-hold-figures.sql \
	%D%/migrations/0190-billing-clear.sql \
	%D%/migrations/0200-labels-seen.sql \
	%D%/migrations/0201-threads-emptied.sql \
	%D%/migrations/0210-watch-claim.sql \
	%D%/migrations/0220-raw-unused.sql
queries_sql = \
	%D%/queries/account.sql \
	%D%/queries/actor.sql \
	%D%/queries/audit.sql \
	%D%/queries/billing.sql \
	%D%/queries/client.sql \
	%D%/queries/content.sql \
	%D%/queries/credential.sql \
	%D%/queries/delivery.sql \
	%D%/queries/email.sql \
	%D%/queries/event.sql \
	%D%/queries/expunge.sql \
	%D%/queries/factor.sql \
	%D%/queries/flag.sql \
	%D%/queries/forward.sql \
	%D%/queries/given.sql \
	%D%/queries/health.sql \
	%D%/queries/hold.sql \
	%D%/queries/housekeeping.sql \
	%D%/queries/idempotency.sql \
	%D%/queries/interception.sql \
	%D%/queries/job.sql \
	%D%/queries/label.sql \
	%D%/queries/log.sql \
	%D%/queries/mailbox.sql \
	%D%/queries/membership.sql \
	%D%/queries/move.sql \
	%D%/queries/oauth.sql \
	%D%/queries/one-time.sql \
	%D%/queries/outgoing.sql \
	%D%/queries/personal.sql \
	%D%/queries/placement.sql \
	%D%/queries/plan.sql \
	%D%/queries/presence.sql \
	%D%/queries/provider-credential.sql \
	%D%/queries/rebuild.sql \
	%D%/queries/refresh.sql \
	%D%/queries/report.sql \
	%D%/queries/rule.sql \
	%D%/queries/saved-reply.sql \
	%D%/queries/search.sql \
	%D%/queries/session.sql \
	%D%/queries/setup.sql \
	%D%/queries/signature.sql \
	%D%/queries/skipped.sql \
	%D%/queries/smtp-server.sql \
	%D%/queries/snippet.sql \
	%D%/queries/submission.sql \
	%D%/queries/subscription.sql \
	%D%/queries/task.sql \
	%D%/queries/thread.sql \
	%D%/queries/threading.sql \
	%D%/queries/user.sql \
	%D%/queries/verify.sql \
	%D%/queries/watcher.sql \
	%D%/queries/webhook.sql \
	%D%/queries/work.sql

EXTRA_DIST += %D%/typed.awk %D%/embed.awk $(migrations_sql) $(queries_sql)

SQL_AWK = LC_ALL=C $(AWK)

# A file that its list does not name would be missed only when a program runs.
SQL_LISTED = listed() { d=$$1; shift; for f in $(srcdir)/$$d/*.sql; do \
	case " $$* " in *" $$d/$${f\#\#*/} "*) ;; \
	*) echo "$$d/$${f\#\#*/}: not in %D%/local.mk" >&2; exit 1;; esac; done; }

src/db/migrations.c: $(migrations_sql) %D%/embed.awk %D%/local.mk
	@$(SQL_LISTED); listed %D%/migrations $(migrations_sql)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SQL_AWK) -f $(srcdir)/%D%/embed.awk \
	    $(migrations_sql:%=$(srcdir)/%) >$@.tmp && mv $@.tmp $@

src/domain/%-sql.h: %D%/queries/%.sql %D%/typed.awk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SQL_AWK) -v out=h -v noun=$* \
	    -f $(srcdir)/%D%/typed.awk $< >$@.tmp && mv $@.tmp $@

src/domain/%-sql.c: %D%/queries/%.sql %D%/typed.awk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SQL_AWK) -v out=c -v noun=$* \
	    -f $(srcdir)/%D%/typed.awk $< >$@.tmp && mv $@.tmp $@

src/domain/statements.c: $(queries_sql) %D%/typed.awk %D%/local.mk
	@$(SQL_LISTED); listed %D%/queries $(queries_sql)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SQL_AWK) -v out=table \
	    -f $(srcdir)/%D%/typed.awk /dev/null \
	    $(queries_sql:%=$(srcdir)/%) >$@.tmp && mv $@.tmp $@

CLEANFILES += src/db/migrations.c
