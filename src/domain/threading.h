/* The threading engine: puts mail into threads.
 *
 * Mail is stored first and threaded behind that, in steps of their own: so a
 * first sync writes its rows without asking where each belongs, and a step,
 * which has to hold the account's threads, waits for no mail server. What has
 * no rule yet (email.thread_rule) is due, which is all the cursor there is: a
 * step that is cut off has done nothing, and the next finds the same.
 *
 * Which mails belong together mail/threading.h says; here stands what becomes
 * of it in the database, in a fixed number of statements a step. */
#ifndef DOMAIN_THREADING_H
#define DOMAIN_THREADING_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"
#include "domain/threading-subject.h"

#define THREADING_STEP 500 /* mails of a step */

struct threading_due {
	int64_t id;
	struct str message_id, in_reply_to, references, subject;
	instant received_at;
	bool is_out, is_news, is_inbound;
};
extern const struct col threading_due_cols[];

struct threading_key {
	int64_t key;
	int64_t thread_id;
	bool is_apart;
};
extern const struct col threading_key_cols[];

/* One step, a transaction of its own: how many mails it looked at. Fewer than
 * THREADING_STEP: nothing is due any more. */
enum rc threading_step(struct db *, int64_t account, int64_t application,
    struct arena *, size_t *done) MUST_CHECK;

/* The same within the transaction at hand. */
enum rc threading_step_here(struct db *, int64_t account, int64_t application,
    struct arena *, size_t *done) MUST_CHECK;

/* A server answered this to a mail of ours: where it says that it calls it by
 * an id of its own, who answers that id comes after it. A transaction of its
 * own. */
enum rc threading_queued(struct db *, int64_t account, int64_t application,
    int64_t email, struct str answer, struct arena *) MUST_CHECK;

/* A mail that was written in a thread, or began one, is in it by `rule`, within
 * the transaction at hand; who answers it comes after it. */
enum rc threading_write(struct db *, int64_t account, int64_t application,
    int64_t email, int64_t thread, struct str rule, struct arena *) MUST_CHECK;

#endif
