/* letterrackctl token: an access token without a sign-in, for a script or a
 * question of an operator. */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/token-key.h"
#include "core/token.h"
#include "ctl/people.h"
#include "domain/setup-sql.h"

#define LIFE_MOST 3600

struct token_args {
	struct operation op;
	int64_t account, life;
	const char *audience;
};

enum { ACCOUNT = 256, LIFE, AUDIENCE, APPLICATION };

static const struct argp_option options[] = {
	{ "account", ACCOUNT, "ID", 0, "of a user; default: the active one",
	    0 },
	{ "life", LIFE, "SECONDS", 0,
	    "at most 3600; default: access_token_life", 0 },
	{ "audience", AUDIENCE, "URL", 0, "default: the first of `audiences`",
	    0 },
	{ "application", APPLICATION, "ID", 0, "default: the oldest", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static int64_t
life_of(struct argp_state *state, const char *text)
{
	int64_t life = ctl_id(state, text);

	if (life > LIFE_MOST)
		argp_error(state, "at most %d seconds", LIFE_MOST);
	return life;
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct token_args *in = state->input;

	switch (key) {
	case ACCOUNT: in->account = ctl_id(state, arg); return 0;
	case LIFE: in->life = life_of(state, arg); return 0;
	case AUDIENCE: in->audience = arg; return 0;
	case APPLICATION: in->op.application = ctl_id(state, arg); return 0;
	case ARGP_KEY_ARG: return ctl_word(state, &in->op, arg);
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { options, parse, "mint EMAIL|CID",
	"Prints an access token for a user, or for a client that works for an "
	"account. It can do what its bearer may do then, no more, and goes "
	"into the audit log.",
	NULL, NULL, NULL };

struct minting {
	const struct token_args *in;
	struct claims claims;
	struct setup_user *user; /* NULL: a client */
	unsigned char hash[SHA256_SIZE];
};

static enum rc
for_client(struct minting *m, const char *id)
{
	const struct operation *op = &m->in->op;
	struct setup_client *c;

	TRY(setup_client_named(op->db, op->application, id, op->arena, &c));
	if (c == NULL)
		return fail(RC_NOT_FOUND, "there is no such client");
	if (c->account_id == 0 || !c->has_secret || !c->is_active)
		return fail(RC_CONFLICT,
		    "the client works for no account, has no secret, or is "
		    "disabled");
	m->claims.account = c->account_id;
	snprintf(m->claims.client, sizeof m->claims.client, "%s", c->id);
	snprintf(m->claims.role, sizeof m->claims.role, "%s", c->role);
	return RC_OK;
}

static enum rc
for_user(struct minting *m, const char *name)
{
	const struct operation *op = &m->in->op;
	struct setup_right *right;

	TRY(user_named(op->db, op->application, name, op->arena, &m->user));
	if (m->user == NULL)
		return fail(RC_NOT_FOUND, "there is no such user");
	TRY(setup_right(
	    op->db, m->user->id, m->in->account, op->arena, &right));
	if (right == NULL)
		return fail(RC_FORBIDDEN,
		    "the user is disabled, or no member of the account");
	m->claims.user = m->user->id;
	m->claims.account = right->account_id;
	m->claims.member_version = right->version;
	snprintf(m->claims.role, sizeof m->claims.role, "%s", right->role);
	return RC_OK;
}

/* A user's token dies with a session, so it gets one of its own. */
static enum rc
mint_body(struct db *db, void *ctx)
{
	struct minting *m = ctx;
	char subject[ID_PRINT_SIZE];

	if (m->user == NULL)
		return ctl_note(db, &m->in->op, m->claims.account, "token.mint",
		    m->claims.client);
	TRY(setup_session_add(db, m->claims.application, m->user->id,
	    (struct str){ (char *)m->hash, sizeof m->hash },
	    (int32_t)m->in->life, &m->claims.session));
	id_print(ID_USER, m->user->id, subject);
	return ctl_note(
	    db, &m->in->op, m->claims.account, "token.mint", subject);
}

/* The first of a blank-separated list. */
static const char *
first_audience(const struct ctl *ctl, struct arena *arena)
{
	struct str list = str_trim(str_of(ctl->conf->audiences));

	if (list.n == 0)
		return ctl->conf->base_url;
	return arena_dup(arena, list.p, strcspn(list.p, " \t"));
}

static enum rc
print(const struct ctl *ctl, const struct minting *m)
{
	struct arena *arena = m->in->op.arena;
	struct token_keys keys;

	TRY(token_keys_load(ctl->conf->key_dir, &keys));
	printf("%s\n",
	    token_mint(arena, token_keys_active(&keys), ctl->conf->base_url,
		m->in->audience != NULL ? m->in->audience
					: first_audience(ctl, arena),
		&m->claims));
	token_keys_clear(&keys);
	return RC_OK;
}

static enum rc
mint_one(const struct ctl *ctl, struct token_args *in)
{
	int64_t now = clock_now().us / 1000000;
	struct minting m = { .in = in };
	const char *who = in->op.words[1];

	if (in->op.n < 2)
		return fail(RC_INVALID, "say whose: an address, or a client");
	if (in->life == 0)
		in->life = ctl->conf->access_token_life;
	m.claims.application = in->op.application;
	m.claims.issued = now;
	m.claims.expires = now + in->life;
	TRY(strncmp(who, "cid_", 4) == 0 ? for_client(&m, who)
					 : for_user(&m, who));
	/* Of no cookie: nobody is let in by it. */
	random_bytes(m.hash, sizeof m.hash);
	TRY(db_tx(in->op.db, mint_body, &m));
	return print(ctl, &m);
}

static int
mint(struct ctl *ctl, void *arg)
{
	return ctl_ended(ctl, mint_one(ctl, arg));
}

int
ctl_token(struct ctl *ctl)
{
	static const struct subverb verbs[] = { { "mint", mint },
		{ NULL, NULL } };
	struct token_args in = { .account = 0 };

	return ctl_operate(ctl, &argp, verbs, &in.op);
}
