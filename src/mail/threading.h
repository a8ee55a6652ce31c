/* Threading: which mails belong together, by what they say of themselves.
 *
 * A mail belongs to every message that its References and In-Reply-To name, and
 * so to all that name one of them, whatever has come and in which order: an id
 * that nobody has seen joins those who name it as well as one that came.
 *
 * A forward begins anew: it names nothing. What answers it says so in its
 * subject ("Re: Fwd: …"), and is joined by its nearest id alone, in a space of
 * ids of its own: else the original's, which clients name too, would pull it
 * back.
 *
 * No I/O, no memory but the caller's, and no more work than the ids that are
 * looked at: of a mail that names thousands, the first and the last. */
#ifndef MAIL_THREADING_H
#define MAIL_THREADING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/text.h"

#define THREADING_FIRST 20 /* ids of a References that are looked at */
#define THREADING_LAST  80
#define THREADING_IDS   (THREADING_FIRST + THREADING_LAST + 1)
#define THREADING_JOINS 32 /* threads that one mail brings together */

/* How a mail's subject begins: "Re:", "AW:" …; "Fwd:", "WG:" …. */
struct threading_subject {
	struct str base;  /* without all of these */
	bool is_reply;    /* begins with one of the first */
	bool is_forward;  /* begins with one of the second */
	bool has_forward; /* somewhere among them stands one of the second */
};
struct threading_subject threading_subject(struct str);

/* A mail, as the solver takes it; ids are keys of 63 bits, never 0. Below 0 are
 * keys that no Message-ID has: whoever calls may bind mails by such. */
struct threading_mail {
	int64_t key;         /* its own; 0: it has none */
	const int64_t *refs; /* what it names: oldest first, nearest last */
	size_t n;
};

/* From the header's fields; any may be absent. The same id always gives the
 * same key, however its domain is written, and whatever region a provider that
 * writes ids anew (Amazon SES) has put into it. */
void threading_mail_read(struct arena *, struct str message_id,
    struct str in_reply_to, struct str references, struct str subject,
    struct threading_mail *);

/* The key of what a provider calls a mail that it writes a new Message-ID into,
 * as its answer to the message says: "Ok 0102…-000000" (Amazon SES), "2.0.0 OK
 * <…@….outlook.com> [Hostname=…]" (Exchange). 0: it says none. */
int64_t threading_queued_key(struct str answer, struct str subject);

/* Where a key leads already. */
struct threading_known {
	int64_t key;
	int64_t thread;
	bool apart; /* of a thread that is joined with no other */
};

struct threading_join {
	int64_t from, into;
};

/* What comes of it. Threads below 0 are new: -1, -2 …. */
struct threading {
	int64_t *thread; /* of each mail, as they were given */
	size_t made;     /* new ones */
	struct threading_join *join;
	size_t joins;
	/* Each key once, and where it leads from now on. */
	int64_t *key, *key_thread;
	size_t keys;
};

/* All keys that these mails have or name, each once, in order. */
size_t threading_keys(
    struct arena *, const struct threading_mail *, size_t n, int64_t **keys);

/* `known` may hold other keys, too. */
void threading_solve(struct arena *, const struct threading_mail *, size_t n,
    const struct threading_known *known, size_t knowns, struct threading *);

#endif
