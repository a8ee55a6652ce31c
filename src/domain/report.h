/* Reports about mail that was sent (mail/dsn.h): which of ours they are about,
 * and what that changes.
 *
 * Anybody can write one. It counts for a message of the account it came to,
 * known by the Message-ID that we gave it, and for recipients of that message;
 * all else changes nothing. A person's own mail account hears of its own mail
 * alone. What is reported to have failed stays so, whatever is said later. */
#ifndef DOMAIN_REPORT_H
#define DOMAIN_REPORT_H

#include "db/db.h"
#include "domain/mailbox.h"
#include "mail/dsn.h"

/* One that waits to be read. */
struct report_due {
	int64_t email_id;
	int64_t mailbox_id; /* 0: it lies nowhere */
	struct str wire_name;
	int64_t uidvalidity; /* 0: not where it was */
	int64_t uid;
};
extern const struct col report_due_cols[];

/* What it is about. */
struct reported {
	int64_t id;
	int64_t email_id;
	int64_t credential_id;
	const char *message_id;
	const char *sender;
	const char *state;
};
extern const struct col reported_cols[];

struct report {
	int64_t application, account;
	int64_t credential; /* of the mailbox it came to */
	int64_t email;
	const struct dsn *said;
};

/* Applies it, and notes that it was read, in one transaction. RC_RETRY: what it
 * is about is being sent, and not known to be sent yet. */
enum rc
report_apply(struct db *, const struct report *, struct arena *) MUST_CHECK;

#endif
