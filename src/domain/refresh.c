#include "domain/refresh.h"

#include "domain/refresh-sql.h"

const struct col granted_cols[] = { COL(struct granted, outcome),
	COL_ID(struct granted, application_id, ID_APPLICATION),
	COL_ID(struct granted, account_id, ID_ACCOUNT),
	COL_ID(struct granted, user_id, ID_USER),
	COL(struct granted, session_id), COL(struct granted, client),
	COL(struct granted, scope), COL(struct granted, audience),
	COL(struct granted, nonce), COL(struct granted, auth_time),
	COL(struct granted, role), COL(struct granted, version), COL_END };

const struct col refresh_look_cols[] = { COL(struct refresh_look, family_id),
	COL_ID(struct refresh_look, application_id, ID_APPLICATION),
	COL_ID(struct refresh_look, account_id, ID_ACCOUNT),
	COL_ID(struct refresh_look, user_id, ID_USER),
	COL(struct refresh_look, session_id), COL(struct refresh_look, client),
	COL(struct refresh_look, scope), COL(struct refresh_look, role),
	COL(struct refresh_look, created_at),
	COL(struct refresh_look, expires_at), COL_END };

struct str
refresh_hash(struct arena *arena, struct str token)
{
	unsigned char *hash = arena_alloc(arena, SHA256_SIZE);

	sha256(token.p, token.n, hash);
	return (struct str){ (char *)hash, SHA256_SIZE };
}

struct str
refresh_hash_of(struct arena *arena, const struct secret *token)
{
	return refresh_hash(
	    arena, (struct str){ (const char *)token->p, token->n });
}

enum rc
refresh_begin(struct db *db, const struct refresh_new *want,
    struct arena *arena, struct secret *token)
{
	int64_t family;

	*token = secret_token(arena);
	return refresh_family_open(db, want->session, want->account,
	    want->client, want->scope, refresh_hash_of(arena, token),
	    (int32_t)want->life, &family);
}

enum rc
refresh_next(struct db *db, struct str token, const char *client,
    const char *scope, const struct refresh_terms *terms, struct arena *arena,
    struct secret *next, struct granted **out)
{
	*next = secret_token(arena);
	return refresh_rotate(db,
	    &(struct refresh_rotate_args){ .hash = refresh_hash(arena, token),
		.client = client,
		.scope = scope,
		.new_hash = refresh_hash_of(arena, next),
		.idle = (int32_t)terms->idle,
		.session_life = (int32_t)terms->session_life,
		.life = (int32_t)terms->life,
		.address = terms->address,
		.request = terms->request },
	    arena, out);
}
