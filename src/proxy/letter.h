/* The message at hand: its envelope, its bytes as they come, and its taking.
 *
 * The header is gathered, read and written anew (given.h); what follows is kept
 * in memory up to a size and in a file of the raw store beyond it, so that a
 * large message costs no memory. */
#ifndef PROXY_LETTER_H
#define PROXY_LETTER_H

#include "domain/given.h"
#include "mail/smtp-text.h"
#include "proxy/caller.h"
#include "proxy/pool.h"

struct raw_store;
struct raw_file;
struct talk;

struct letter {
	struct work work; /* first; its taking */
	struct talk *talk;
	struct arena *arena; /* owned: all that is in here */
	const struct conf *conf;
	const struct caller *who;
	const char *peer;
	/* the envelope */
	const char *sender;
	bool utf8; /* SMTPUTF8 was said */
	struct str *to;
	size_t to_n;
	/* the text */
	struct smtp_text text;
	uint64_t size;     /* as it came, dots undone */
	struct buf header; /* until it is whole */
	size_t looked;     /* for its end, so far */
	bool body;         /* it has come */
	struct given_head head;
	struct buf bytes; /* what goes on, as long as it is small */
	struct raw_store *raws;
	struct raw_file *file; /* NULL: it is small */
	instant told;
	/* what came of it; the first fault counts */
	enum rc rc;
	const char *why;
	struct given_taken taken;
};

struct letter *letter_new(struct talk *, const struct conf *,
    const struct caller *, const char *peer);
void letter_free(struct letter **);

/* One more who gets it; twice is once. */
void letter_to(struct letter *, struct str address);

/* The next bytes behind DATA, from `in`: how many were read. `scratch` has room
 * for them and SMTP_TEXT_MORE. */
size_t letter_take(struct letter *, struct str in, char *scratch);

/* A hand's part, of all that it is given: with RC_OK they are durable. */
void letter_run(struct work *, struct hand *);

#endif
