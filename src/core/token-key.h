/* The keys that sign access tokens: files `token-<kid>.pem` (PKCS #8, 0600) of
 * key_dir. All of them check and are published; one signs: the one that the
 * file `token-current` names, else the newest.
 *
 * Rotation with overlap: generate (published, not yet signing) - wait until
 * key sets cached elsewhere are renewed - activate - wait for the life of a
 * token - retire the old one. */
#ifndef CORE_TOKEN_KEY_H
#define CORE_TOKEN_KEY_H

#include <time.h>

#include "core/jwk.h"

struct token_keys {
	struct jwk_set set;
	size_t active;        /* index in the set */
	struct timespec seen; /* the directory's mtime when it was read */
};

/* RC_INVALID with the reason: no key, one that others may read, one whose
 * name is not its kid, `token-current` naming none. */
enum rc token_keys_load(const char *dir, struct token_keys *) MUST_CHECK;
void token_keys_clear(struct token_keys *);

/* Has a key come, gone or been activated since the load? One stat(2). */
bool token_keys_changed(const struct token_keys *, const char *dir);

const struct jwk *token_keys_active(const struct token_keys *);

/* Makes a key's file. A first key is active at once. */
enum rc token_key_generate(
    const char *dir, enum jwk_alg, char kid[JWK_KID_MAX + 1]) MUST_CHECK;
/* RC_NOT_FOUND where no key has this kid. */
enum rc token_key_activate(const char *dir, struct str kid) MUST_CHECK;
/* Removes the file: tokens of that key are refused from then on.
 * RC_CONFLICT for the active one. */
enum rc token_key_retire(const char *dir, struct str kid) MUST_CHECK;

/* The next step of a rotation, if the one before is `wait` seconds old: a key
 * that waits is activated, else one that signs no more is retired, else a new
 * one is generated. `kid`: the key it is about. `now` in seconds since 1970. */
enum token_step {
	TOKEN_WAITING, /* nothing was done */
	TOKEN_GENERATED,
	TOKEN_ACTIVATED,
	TOKEN_RETIRED
};
enum rc token_key_rotate(const char *dir, int64_t now, int64_t wait,
    enum token_step *, char kid[JWK_KID_MAX + 1]) MUST_CHECK;

#endif
