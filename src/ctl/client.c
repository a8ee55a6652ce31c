/* letterrackctl client: programs that ask for tokens. */
#include <stdio.h>
#include <string.h>

#include "ctl/people.h"
#include "domain/client.h"
#include "domain/setup-sql.h"

#define REDIRECTS_MOST 16

struct client_args {
	struct operation op;
	const char *name, *role;
	int64_t account;
	struct str redirects[REDIRECTS_MOST];
	size_t redirects_n;
	bool is_public, app_admin;
};

enum { NAME = 256, ACCOUNT, ROLE, REDIRECT, PUBLIC, APP_ADMIN, APPLICATION };

static const struct argp_option options[] = {
	{ "name", NAME, "TEXT", 0, "how it is called", 0 },
	{ "account", ACCOUNT, "ID", 0,
	    "the account that it works for without a user", 0 },
	{ "role", ROLE, "ROLE", 0, "there: owner, member (default) or viewer",
	    0 },
	{ "redirect", REDIRECT, "URL", 0,
	    "where people come back to; may be repeated", 0 },
	{ "public", PUBLIC, NULL, 0,
	    "without a secret: an app on people's devices", 0 },
	{ "app-admin", APP_ADMIN, NULL, 0, "may manage the application's users",
	    0 },
	{ "application", APPLICATION, "ID", 0, "default: the oldest", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t
redirect_add(struct argp_state *state, struct client_args *in, const char *arg)
{
	if (in->redirects_n == REDIRECTS_MOST)
		argp_error(state, "more than %d redirects", REDIRECTS_MOST);
	in->redirects[in->redirects_n++] = str_of(arg);
	return 0;
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct client_args *in = state->input;

	switch (key) {
	case NAME: in->name = arg; return 0;
	case ACCOUNT: in->account = ctl_id(state, arg); return 0;
	case ROLE: in->role = arg; return 0;
	case REDIRECT: return redirect_add(state, in, arg);
	case PUBLIC: in->is_public = true; return 0;
	case APP_ADMIN: in->app_admin = true; return 0;
	case APPLICATION: in->op.application = ctl_id(state, arg); return 0;
	case ARGP_KEY_ARG: return ctl_word(state, &in->op, arg);
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { options, parse,
	"add [CID]\nlist\ndisable CID\nenable CID\nsecret CID",
	"A secret is shown once, when it is made; the database knows its hash.",
	NULL, NULL, NULL };

struct making {
	const struct client_args *in;
	const char *id;
	unsigned char hash[SHA256_SIZE];
};

static struct str
hash_of(const struct making *m)
{
	return (struct str){ (const char *)m->hash, sizeof m->hash };
}

static enum rc
add_body(struct db *db, void *ctx)
{
	const struct making *m = ctx;
	const struct client_args *in = m->in;
	const struct setup_client_add_args row = {
		.id = m->id,
		.application = in->op.application,
		.account_of = in->account,
		.name = in->name != NULL ? in->name : "",
		.secret_hash = in->is_public ? STR("") : hash_of(m),
		.redirect_uris = { in->redirects, in->redirects_n },
		.role = in->role != NULL ? in->role : "member",
		.is_app_admin = in->app_admin,
	};

	TRY(setup_client_add(db, &row, NULL));
	return ctl_note(db, &in->op, in->account, "client.create", m->id);
}

static enum rc
redirects_check(const struct client_args *in)
{
	for (size_t i = 0; i < in->redirects_n; i++)
		if (client_redirect_check(in->redirects[i]) != RC_OK)
			return fail(RC_INVALID, "--redirect %.*s: %s",
			    STR_FMT(in->redirects[i]),
			    arena_str(in->op.arena, fail_detail()));
	return RC_OK;
}

static enum rc
add_one(const struct client_args *in)
{
	struct making m = { .in = in };
	struct secret secret = client_secret_new(in->op.arena, m.hash);

	TRY(redirects_check(in));
	m.id = in->op.n > 1 ? in->op.words[1] : client_id_new(in->op.arena);
	if (in->is_public && in->account != 0)
		return fail(RC_INVALID,
		    "a public client has no secret, and works for nobody "
		    "without a user: leave --account out");
	TRY(db_tx(in->op.db, add_body, &m));
	printf("%s\n", m.id);
	if (!in->is_public)
		printf("%s\n", (const char *)secret.p);
	return RC_OK;
}

static int
add(struct ctl *ctl, void *arg)
{
	return ctl_ended(ctl, add_one(arg));
}

static void
line(const struct setup_client *c)
{
	char account[ID_PRINT_SIZE] = "-";

	if (c->account_id != 0)
		id_print(ID_ACCOUNT, c->account_id, account);
	printf("%s\t%s\t%s\t%s\t%s%s\t%s\n", c->id, c->name, account, c->role,
	    c->has_secret ? "secret" : "public",
	    c->is_app_admin ? " app-admin" : "",
	    c->is_active ? "active" : "disabled");
}

static int
list(struct ctl *ctl, void *arg)
{
	struct client_args *in = arg;
	struct setup_client_list l;
	enum rc rc =
	    setup_client_all(in->op.db, in->op.application, in->op.arena, &l);

	for (size_t i = 0; rc == RC_OK && i < l.n; i++)
		line(&l.v[i]);
	return ctl_ended(ctl, rc);
}

/* ---- what is done to one ---- */

struct change {
	const struct client_args *in;
	enum rc (*run)(struct db *, const struct making *);
	const char *action;
	struct making m;
};

static enum rc
switch_off(struct db *db, const struct making *m)
{
	return setup_client_active(db, m->id, false);
}

static enum rc
switch_on(struct db *db, const struct making *m)
{
	return setup_client_active(db, m->id, true);
}

static enum rc
secret_set(struct db *db, const struct making *m)
{
	return setup_client_secret(db, m->id, hash_of(m));
}

static enum rc
change_body(struct db *db, void *ctx)
{
	const struct change *c = ctx;

	TRY(c->run(db, &c->m));
	return ctl_note(db, &c->in->op, 0, c->action, c->m.id);
}

static enum rc
change(struct change *c)
{
	const struct operation *op = &c->in->op;
	struct setup_client *row;

	if (op->n < 2)
		return fail(RC_INVALID, "say which, by its id");
	TRY(setup_client_named(
	    op->db, op->application, op->words[1], op->arena, &row));
	if (row == NULL)
		return fail(RC_NOT_FOUND, "there is no such client");
	c->m.id = row->id;
	return db_tx(op->db, change_body, c);
}

static int
disable(struct ctl *ctl, void *arg)
{
	struct change c = { arg, switch_off, "client.disable", { .in = arg } };

	return ctl_ended(ctl, change(&c));
}

static int
enable(struct ctl *ctl, void *arg)
{
	struct change c = { arg, switch_on, "client.enable", { .in = arg } };

	return ctl_ended(ctl, change(&c));
}

static int
secret(struct ctl *ctl, void *arg)
{
	struct client_args *in = arg;
	struct change c = { in, secret_set, "client.secret", { .in = in } };
	struct secret made = client_secret_new(in->op.arena, c.m.hash);
	enum rc rc = change(&c);

	if (rc == RC_OK)
		printf("%s\n", (const char *)made.p);
	return ctl_ended(ctl, rc);
}

int
ctl_client(struct ctl *ctl)
{
	static const struct subverb verbs[] = { { "add", add },
		{ "list", list }, { "disable", disable }, { "enable", enable },
		{ "secret", secret }, { NULL, NULL } };
	struct client_args in = { .account = 0 };

	return ctl_operate(ctl, &argp, verbs, &in.op);
}
