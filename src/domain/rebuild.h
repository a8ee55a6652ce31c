/* Threads made again of all mail at once, as the engine (threading.h) makes
 * them mail by mail.
 *
 * What people decided stays: threads that were parted or merged by hand keep
 * the mail they have, and what was written in a thread stays with it. All else
 * is solved anew from what the mails name. A thread whose mail comes apart
 * keeps its oldest; one whose mail belongs to another leads there. */
#ifndef DOMAIN_REBUILD_H
#define DOMAIN_REBUILD_H

#include <stdbool.h>

#include "db/db.h"

struct rebuild_account {
	int64_t id, application_id;
	int64_t waiting; /* mail that the engine has not looked at yet */
};
extern const struct col rebuild_account_cols[];

struct rebuild_mail {
	int64_t id;
	struct str message_id, in_reply_to, references, subject;
	instant received_at;
	int64_t thread_id;
	bool is_sent, is_gone, is_ours;
};
extern const struct col rebuild_mail_cols[];

struct rebuild_move {
	int64_t email, from, into; /* into 0: a new thread */
};

/* What differs from what is there. */
struct rebuild {
	size_t mails, threads;     /* that were looked at */
	size_t made, joined;       /* threads */
	struct rebuild_move *move; /* mails */
	size_t moves;
};

/* In a transaction of its own. `dry`: nothing is changed. */
enum rc rebuild(struct db *, const struct rebuild_account *, bool dry,
    struct arena *, struct rebuild *) MUST_CHECK;

#endif
