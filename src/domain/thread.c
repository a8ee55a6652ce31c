#include "domain/thread.h"

#include "domain/event.h"
#include "domain/thread-sql.h"

const struct col thread_cols[] = {
	COL(struct thread, id),
	COL(struct thread, subject),
	COL(struct thread, status),
	COL_INT0(struct thread, assigned_to),
	COL(struct thread, email_count),
	COL(struct thread, unread_count),
	COL(struct thread, has_attachments),
	COL(struct thread, sender_email),
	COL(struct thread, sender_name),
	COL(struct thread, last_message_at),
	COL(struct thread, snoozed_until),
	COL(struct thread, created_at),
	COL(struct thread, updated_at),
	COL(struct thread, account_id, .hidden = true),
	COL(struct thread, labels, .hidden = true),
	COL(struct thread, sort_at, .hidden = true),
	COL(struct thread, version, .hidden = true),
	COL(struct thread, merged_into, .hidden = true),
	COL(struct thread, account_total, .hidden = true),
	COL(struct thread, labels_at, .hidden = true),
	COL_END,
};

const struct col thread_id_cols[] = {
	COL(struct thread_id, id),
	COL_END,
};

const struct col thread_email_cols[] = {
	COL(struct thread_email, id),
	COL_INT0(struct thread_email, thread_id),
	COL(struct thread_email, thread_rule,
	    .note = "How it came into the thread."),
	COL(struct thread_email, message_id),
	COL(struct thread_email, subject),
	COL(struct thread_email, from_email),
	COL(struct thread_email, from_name),
	COL_JSON(struct thread_email, to_addresses),
	COL_JSON(struct thread_email, cc_addresses),
	COL_JSON(struct thread_email, bcc_addresses),
	COL(struct thread_email, body_html, .content = true),
	COL(struct thread_email, body_text, .content = true),
	COL(struct thread_email, is_read),
	COL(struct thread_email, is_outgoing),
	COL(struct thread_email, has_attachments),
	COL(struct thread_email, status),
	COL(struct thread_email, sent_at),
	COL(struct thread_email, received_at),
	COL(struct thread_email, created_at),
	COL_BYTES(struct thread_email, sha256, .hidden = true),
	COL(struct thread_email, size_bytes, .hidden = true),
	COL_END,
};

const struct col thread_mail_cols[] = {
	COL(struct thread_mail, id),
	COL(struct thread_mail, thread_id),
	COL_STR(struct thread_mail, thread_rule),
	COL_STR(struct thread_mail, message_id),
	COL_STR(struct thread_mail, subject),
	COL_END,
};

const struct col thread_last_cols[] = {
	COL(struct thread_last, id),
	COL(struct thread_last, subject),
	COL(struct thread_last, smtp_credential_id),
	COL(struct thread_last, addresses),
	COL_END,
};

const struct col thread_step_cols[] = {
	COL(struct thread_step, id),
	COL(struct thread_step, kind),
	COL(struct thread_step, thread_id),
	COL(struct thread_step, other_id),
	COL(struct thread_step, emails),
	COL(struct thread_step, can_be),
	COL_END,
};

const struct col note_cols[] = {
	COL(struct note, id),
	COL(struct note, thread_id),
	COL(struct note, content),
	COL_INT0(struct note, user_id),
	COL(struct note, position),
	COL(struct note, created_at),
	COL(struct note, updated_at),
	COL_END,
};

const struct col person_cols[] = {
	COL(struct person, id),
	COL(struct person, email),
	COL(struct person, name),
	COL_END,
};

const char *const thread_statuses[] = { "open", "closed", "archived", NULL };

enum rc
thread_leave(struct db *db, int64_t account, int64_t application, int64_t user,
    int64_t by, struct arena *a)
{
	struct thread_id_list free;
	struct person *who;
	int64_t *id;

	TRY(thread_hold(db, account, NULL));
	TRY(thread_person(db, user, a, &who));
	if (who != NULL) /* an admin, who enters all accounts */
		return RC_OK;
	TRY(thread_unassign(db, account, application, user, a, &free));
	if (free.n == 0)
		return RC_OK;
	id = ARENA_ARRAY(a, int64_t, free.n);
	for (size_t i = 0; i < free.n; i++)
		id[i] = free.v[i].id;
	return thread_tell(db, account, event_word(EVENT_THREAD_ASSIGNED),
	    (struct ids){ id, free.n }, by, NULL);
}
