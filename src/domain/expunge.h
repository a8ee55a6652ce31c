/* Mail that is deleted on its server: gone here at once, and there by a job. A
 * sync in between does not bring it back. */
#ifndef DOMAIN_EXPUNGE_H
#define DOMAIN_EXPUNGE_H

#include <stdint.h>

#include "db/db.h"

struct expunge_due {
	int64_t email_id;
	int64_t mailbox_id; /* 0: it is not known where */
	struct str name;
	struct str wire_name;
	int64_t uidvalidity;
	int64_t uid;
	int64_t size_bytes;
	instant received_at;
	bool is_dated;   /* received_at is what the server says there, too */
	bool is_skipped; /* neither is known */
	struct str bin;  /* wire form; p == NULL: none, or this is it */
};
extern const struct col expunge_due_cols[];

/* Removes an email's record, and queues the job that deletes it in all folders
 * it lies in, within the transaction at hand (call it in db_tx). RC_NOT_FOUND:
 * there is no such email. */
enum rc email_expunge(
    struct db *, int64_t account, int64_t email, struct arena *) MUST_CHECK;

#endif
