/* Threads by subject, where the account's policy says so: a mail that names no
 * other goes to the latest mail before it that has the same subject, prefixes
 * off, and a correspondent in common, within some days. With `replies` its
 * subject has to begin as an answer's ("Re:"); forwards never do.
 *
 * What has a subject and whom it is with make a key beside those of
 * Message-IDs, below 0; it leads to the thread of the latest such mail. */
#ifndef DOMAIN_THREADING_SUBJECT_H
#define DOMAIN_THREADING_SUBJECT_H

#include "db/db.h"
#include "mail/threading.h"

#define ALIKE_PEOPLE 8 /* correspondents of a mail that are looked at */

struct threading_policy {
	const char *subjects; /* off, replies, all */
	int32_t days;
};
extern const struct col threading_policy_cols[];
bool threading_by_subject(const struct threading_policy *); /* not off */

/* With whom a mail is: addresses that are not the account's own. */
struct threading_people {
	int64_t id;
	struct texts people;
};
extern const struct col threading_people_cols[];

/* Where a subject leads. */
struct threading_alike {
	int64_t key, thread_id;
	instant last_message_at;
};
extern const struct col threading_alike_cols[];

/* A mail, as it is asked about. */
struct alike {
	struct threading_mail *mail; /* gets what it names */
	struct str subject;
	instant at;
	struct texts people;
	bool stays; /* it follows nobody, but others may follow it */
	/* results */
	bool by_subject;
	int64_t key[ALIKE_PEOPLE];
	size_t keys;
};

/* Makes the keys of mails, and gives all of them. */
struct ints alike_keys(struct arena *, struct alike *, size_t n);

/* Mails in order of time; those that find another name it from now on. */
void alike_link(struct arena *, const struct threading_policy *, struct alike *,
    size_t n, const struct threading_alike *known, size_t knowns);

/* Where keys lead once the mails are in `thread`: each key once. */
size_t alike_lead(struct arena *, const struct alike *, size_t n,
    const int64_t *thread, int64_t **key, int64_t **lead);

#endif
