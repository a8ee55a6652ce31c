/* Emails: one row a message, whatever folders it lies in. */
#ifndef DOMAIN_EMAIL_H
#define DOMAIN_EMAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/result.h"
#include "db/row.h"

/* As the list shows it: what the server told of the message, no body. */
struct email {
	int64_t id;
	int64_t account_id;
	int64_t credential_id;
	int64_t mailbox;    /* the folder's id; 0: in none (made by hand) */
	const char *folder; /* its name, UTF-8 */
	int64_t uid;        /* in that folder; 0: in none */
	const char *message_id;
	const char *in_reply_to;
	const char *references;
	int64_t thread_id;
	const char *direction;
	const char *subject;
	struct str from_json; /* [{"name", "address"}] */
	struct str to_json;
	struct str cc_json;
	struct str bcc_json;
	struct str reply_to_json;
	instant sent_at;
	instant received_at;
	int64_t size_bytes;
	bool is_read;
	bool is_flagged;
	bool is_answered;
	bool is_draft;
	struct texts flags; /* IMAP flags and keywords */
	bool has_attachments;
	const char *snippet;
	const char *interception_status;
	const char *status;
	instant created_at;
	instant updated_at;
	int64_t account_total; /* email_list: how many there are; 0: not told */
	int64_t place;         /* among what was found, from 1; 0: not told */
	const char *extract;   /* search.h; NULL: none */
};
extern const struct col email_cols[];
extern const struct col email_found_cols[]; /* with the extract */

/* One that is read alone: with what became of mail that was sent. */
struct email_whole {
	struct email email;
	struct str recipients; /* [{"address", "kind", "state", …}] */
	struct str report;     /* of what it tells, where it is a report */
};
extern const struct col email_whole_cols[];

/* How many there are to list. */
struct email_total {
	int64_t n;
	bool is_kept; /* the number kept, so it does not stop at 10,001 */
};
extern const struct col email_total_cols[];

/* What a first page's keyset stands behind: nothing is later. */
#define EMAIL_NEWEST ((instant){ 253402300799000000 }) /* 9999-12-31 */

#endif
