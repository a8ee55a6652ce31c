/* Threads: mails of one account that answer each other, with what a team notes
 * beside them. Mail of personal accounts is in none.
 *
 * A row stays for ever: a thread that was merged leads to the other, one that
 * was deleted remembers its mail. Whoever changes threads holds the account's
 * (thread_hold) before anything else; the numbers in a thread's row follow its
 * emails by a trigger, in the same transaction. */
#ifndef DOMAIN_THREAD_H
#define DOMAIN_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"
#include "domain/label.h"

#define THREAD_SUBJECT_MOST 998
#define THREAD_BULK_MOST    1000

struct thread {
	int64_t id;
	int64_t account_id;
	const char *subject;
	const char *status; /* open, closed, archived */
	int64_t assigned_to;
	struct ids labels;
	int64_t email_count, unread_count;
	bool has_attachments;
	const char *sender_email, *sender_name; /* who began it from outside */
	instant last_message_at;
	instant sort_at;
	instant snoozed_until;
	int64_t version;
	int64_t merged_into; /* 0: it is no redirect */
	instant created_at, updated_at;
	/* Beside each row of a list: how many threads it walks along, and the
	 * number of changes of the account's labels. 0: not asked. */
	int64_t account_total, labels_at;
};
/* Labels are written by thread_write, which knows their names. */
extern const struct col thread_cols[];

struct thread_id {
	int64_t id;
};
extern const struct col thread_id_cols[];

/* A mail as it is shown in a thread. */
struct thread_email {
	int64_t id, thread_id;
	const char *thread_rule; /* how it came in */
	const char *message_id, *subject;
	const char *from_email, *from_name;
	struct str to_addresses, cc_addresses, bcc_addresses;
	const char *body_html, *body_text;
	bool is_read, is_outgoing, has_attachments;
	const char *status;
	instant sent_at, received_at, created_at;
	struct str sha256; /* of the message, once it was read */
	int64_t size_bytes;
};
extern const struct col thread_email_cols[];

/* A mail that is to be moved. */
struct thread_mail {
	int64_t id, thread_id;
	struct str thread_rule, message_id, subject;
};
extern const struct col thread_mail_cols[];

/* What an answer to a thread answers. */
struct thread_last {
	int64_t id;
	const char *subject;
	int64_t smtp_credential_id; /* of its mail account; 0: none */
	struct texts addresses;     /* who is answered */
};
extern const struct col thread_last_cols[];

/* A split or a merge by hand; can_be undone: nothing has come between. */
struct thread_step {
	int64_t id;
	const char *kind; /* split, merge */
	int64_t thread_id, other_id;
	struct ids emails;
	bool can_be;
};
extern const struct col thread_step_cols[];

struct note {
	int64_t id, thread_id;
	const char *content;
	int64_t user_id;
	int64_t position;
	instant created_at, updated_at;
};
extern const struct col note_cols[];

/* Somebody who may enter the account. */
struct person {
	int64_t id;
	const char *email, *name;
};
extern const struct col person_cols[];

extern const char *const thread_statuses[];

/* What somebody looked after who may not enter the account any more is nobody's
 * from then on, within the transaction at hand. `by` is who sent them away. */
enum rc thread_leave(struct db *, int64_t account, int64_t application,
    int64_t user, int64_t by, struct arena *) MUST_CHECK;

#endif
