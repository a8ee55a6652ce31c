#include "domain/session.h"

#include "core/log.h"
#include "domain/session-sql.h"

const struct col session_cols[] = { COL_ID(struct session, session_id, ID_NONE),
	COL_ID(struct session, application_id, ID_APPLICATION),
	COL_ID(struct session, user_id, ID_USER),
	COL_ID(struct session, account_id, ID_ACCOUNT),
	COL(struct session, role), COL(struct session, is_admin),
	COL(struct session, version), COL_END };

const struct col login_cols[] = { COL(struct login, user_id, .hidden = true),
	COL(struct login, application_id, .hidden = true),
	COL(struct login, password_hash, .hidden = true),
	COL(struct login, is_active, .hidden = true),
	COL(struct login, locked_seconds, .hidden = true), COL_END };

const struct col password_owner_cols[] = {
	COL(struct password_owner, user_id, .hidden = true),
	COL(struct password_owner, email, .hidden = true),
	COL(struct password_owner, username, .hidden = true),
	COL(struct password_owner, password_hash, .hidden = true),
	COL(struct password_owner, locked_seconds, .hidden = true),
	COL_END,
};

bool
session_hash(struct str cookie, unsigned char hash[SHA256_SIZE])
{
	if (cookie.p == NULL || cookie.n != SESSION_COOKIE_LENGTH)
		return false;
	sha256(cookie.p, cookie.n, hash);
	return true;
}

/* One password check for everybody, whatever is wrong with them. */
static enum rc
prove(struct db *db, struct password_gate *gate, const struct sign_in *in,
    const struct login *user)
{
	bool may = user != NULL && user->is_active && user->locked_seconds == 0;
	bool right = password_check(
	    gate, &in->password, may ? user->password_hash : NULL, in->cost);

	if (right && may)
		return RC_OK;
	db_pipe_begin(db);
	TRY(login_failed(db, user != NULL ? user->user_id : 0, in->name, NULL));
	TRY(in->note(db, in, user, SIGN_IN_REFUSED));
	TRY(db_pipe_end(db));
	return fail(RC_BAD_LOGIN, "User name or password is wrong.");
}

/* The old hash was made in a weaker way. Losing a race or the write itself
 * only means that the next login does it. */
static void
renew_hash(struct db *db, struct password_gate *gate, const struct sign_in *in,
    const struct login *user)
{
	char hash[PASSWORD_HASH_MAX];

	if (!password_stale(user->password_hash, in->cost))
		return;
	if (password_hash(gate, &in->password, in->cost, hash) != RC_OK ||
	    password_rehash(
		db, user->user_id, user->password_hash, hash, NULL) != RC_OK)
		log_warn(NULL, "password not rehashed user=%lld",
		    (long long)user->user_id);
	explicit_bzero(hash, sizeof hash);
}

/* A new cookie for each session: what the browser had before is never kept. */
enum rc
session_begin(struct db *db, int64_t user, const struct sign_in *in,
    struct arena *arena, struct secret *cookie, bool *half)
{
	unsigned char hash[SHA256_SIZE];
	struct str key = { (char *)hash, sizeof hash };
	int64_t session;

	*cookie = secret_token(arena);
	sha256(cookie->p, cookie->n, hash);
	TRY(session_open(db, user, key, (int32_t)in->idle, (int32_t)in->life,
	    in->address, &session));
	*half = session == 0;
	return RC_OK;
}

enum rc
session_follow(struct db *db, const struct secret *cookie, struct arena *arena,
    struct session **out)
{
	unsigned char *hash = arena_alloc(arena, SHA256_SIZE);

	sha256(cookie->p, cookie->n, hash);
	*out = NULL;
	guard_session(
	    db, (struct str){ (char *)hash, SHA256_SIZE }, 0, arena, out);
	/* An empty pipeline runs the guard alone. */
	db_pipe_begin(db);
	return db_pipe_end(db);
}

struct opening {
	const struct sign_in *in;
	const struct login *user;
	struct arena *arena;
	struct secret *cookie;
	bool half;
};

static enum rc
open_body(struct db *db, void *ctx)
{
	struct opening *o = ctx;

	TRY(session_begin(
	    db, o->user->user_id, o->in, o->arena, o->cookie, &o->half));
	return o->in->note(
	    db, o->in, o->user, o->half ? SIGN_IN_HALF : SIGN_IN_DONE);
}

enum rc
session_sign_in(struct db *db, struct password_gate *gate,
    const struct sign_in *in, struct arena *arena, struct secret *cookie,
    struct session **out)
{
	struct opening o = { .in = in, .arena = arena, .cookie = cookie };
	struct login *user;

	db_guard_none(db);
	TRY(login_find(db, in->client, in->name, arena, &user));
	TRY(prove(db, gate, in, user));
	renew_hash(db, gate, in, user);
	o.user = user;
	TRY(db_tx(db, open_body, &o));
	return o.half ? RC_SECOND_FACTOR
		      : session_follow(db, cookie, arena, out);
}
