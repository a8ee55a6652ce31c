/* Flags of an email: what a user changes is done here at once and told to the
 * server by a job. In between, a sync that reads the old flags does not undo
 * it. */
#ifndef DOMAIN_FLAG_H
#define DOMAIN_FLAG_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"

struct flag_due {
	int64_t email_id;
	int64_t version;
	struct texts flags_add;
	struct texts flags_remove;
	int64_t mailbox_id;
	struct str wire_name;
	int64_t uidvalidity;
	int64_t uid;
};
extern const struct col flag_due_cols[];

/* What a PATCH may say; NULL: not said. */
struct email_flags {
	const bool *is_read;
	const bool *is_flagged;
	const bool *is_answered;
	const bool *is_draft;
};

/* Sets flags and queues the job that tells the server, within the transaction
 * at hand (call it in db_tx). RC_NOT_FOUND: there is no such email. */
enum rc email_flags_set(struct db *, int64_t account, int64_t email,
    const struct email_flags *, struct arena *) MUST_CHECK;

#endif
