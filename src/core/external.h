/* External issuers: others whose tokens are taken, by keys that they publish.
 *
 * The responders reach no network. letterrack-sync fetches each key set into a
 * file of state_dir, which all processes of the host read: one fetch at a time,
 * at least a minute between two, whoever asks. A responder that meets a key it
 * does not know leaves word, and the next fetch comes as soon as that minute is
 * over. Keys of an issuer that does not answer are good for a day. */
#ifndef CORE_EXTERNAL_H
#define CORE_EXTERNAL_H

#include <stdbool.h>
#include <sys/stat.h>

#include "core/arena.h"
#include "core/jwk.h"

#define EXTERNAL_MOST      16
#define EXTERNAL_PAUSE_S   60          /* least time between two fetches */
#define EXTERNAL_REFRESH_S 300         /* nobody asks: a fetch all the same */
#define EXTERNAL_STALE_S   (24 * 3600) /* from then on keys are not used */
#define EXTERNAL_DIR_MOST  512

struct external_issuer {
	const char *name;     /* exactly as in `iss` */
	const char *audience; /* what `aud` must name */
	const char *keys_url; /* https, or http to this host itself */
};

struct external_issuers {
	struct external_issuer v[EXTERNAL_MOST];
	size_t n;
};

/* Lines of three words: issuer, audience, URL of the key set. RC_INVALID with
 * the reason. */
enum rc external_issuers_read(
    const char *lines, struct arena *, struct external_issuers *) MUST_CHECK;

/* ---- who checks tokens ---- */

struct external_keys {
	struct jwk_set set;
	struct timespec seen; /* of the file that was read */
	ino_t file;           /* 0: none */
};

/* Reads the keys again where the file has changed, and forgets them where it
 * is too old; true where they are others now. `now` in seconds since 1970. */
bool external_keys_look(struct external_keys *, const char *state_dir,
    const struct external_issuer *, int64_t now);
void external_keys_clear(struct external_keys *);

/* A token named a key that is not among them. */
void external_keys_want(const char *state_dir, const struct external_issuer *);

/* ---- who fetches them ---- */

/* Whether a fetch is due, and nobody else is at it. Until external_fetch_end,
 * which keeps `text` if it is not empty, it is the caller's alone. The fetch
 * counts as tried from now on. */
struct external_fetch {
	char dir[EXTERNAL_DIR_MOST];
	char name[33];
	int lock;
};
bool external_fetch_begin(struct external_fetch *, const char *state_dir,
    const struct external_issuer *, int64_t now);
/* RC_INVALID: it is no key set with a usable key; the old one stays. */
enum rc external_fetch_end(struct external_fetch *, struct str text) MUST_CHECK;

#endif
