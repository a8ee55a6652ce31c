/* letterrackctl init: from an empty schema to somebody who can sign in. */
#include <argp.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/people.h"
#include "domain/setup-sql.h"

#define MEMORY ((size_t)1 << 20)

struct init_args {
	const char *application, *account, *owner, *name;
	bool from_stdin;
};

enum { APPLICATION = 256, ACCOUNT, OWNER, NAME, STDIN };

static const struct argp_option options[] = {
	{ "application", APPLICATION, "NAME", 0, "default: Letterrack", 0 },
	{ "account", ACCOUNT, "NAME", 0, "the first account", 0 },
	{ "owner", OWNER, "EMAIL", 0, "its owner, who is administrator", 0 },
	{ "name", NAME, "TEXT", 0, "how the owner is called", 0 },
	{ "password-stdin", STDIN, NULL, 0,
	    "read the owner's password from standard input", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct init_args *in = state->input;

	switch (key) {
	case APPLICATION: in->application = arg; return 0;
	case ACCOUNT: in->account = arg; return 0;
	case OWNER: in->owner = arg; return 0;
	case NAME: in->name = arg; return 0;
	case STDIN: in->from_stdin = true; return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { options, parse, NULL,
	"Makes the keys, the first application, its first account and that "
	"account's owner. Asks for what is not given; there are no default "
	"passwords. Run letterrackctl migrate before it.",
	NULL, NULL, NULL };

struct initing {
	const struct init_args *in;
	const char *hash;
};

static enum rc
init_body(struct db *db, void *ctx)
{
	const struct initing *i = ctx;
	int64_t application, account, user, member;

	TRY(application_add(db,
	    i->in->application != NULL ? i->in->application : "Letterrack",
	    &application));
	TRY(account_add(db, application, 0, i->in->account, &account));
	TRY(user_add(db, application, i->in->owner, NULL,
	    i->in->name != NULL ? i->in->name : "", "admin", i->hash, &user));
	return member_add(db, application, account, user, "owner", &member);
}

static enum rc
answers(struct init_args *in, struct arena *arena)
{
	if (in->account == NULL)
		TRY(ctl_ask("Name of the first account", arena, &in->account));
	if (in->owner == NULL)
		TRY(ctl_ask("Mail address of its owner", arena, &in->owner));
	if (strchr(in->owner, '@') == NULL)
		return fail(RC_INVALID, "%s is no mail address", in->owner);
	return RC_OK;
}

static enum rc
init(struct ctl *ctl, struct db *db, struct init_args *in, struct arena *arena)
{
	char hash[PASSWORD_HASH_MAX];
	struct initing i = { in, hash };
	struct setup_application *there;
	struct secret password;

	TRY(application_find(db, 0, arena, &there));
	if (there != NULL)
		return fail(RC_CONFLICT, "there is an application already: %s",
		    there->name);
	TRY(answers(in, arena));
	TRY(ctl_password(in->from_stdin, arena, &password));
	TRY(ctl_hash(ctl, &password, in->name, in->owner, hash));
	TRY(ctl_keys_make(ctl));
	return db_tx(db, init_body, &i);
}

int
ctl_init(struct ctl *ctl)
{
	struct init_args in = { NULL, NULL, NULL, NULL, false };
	struct arena *arena;
	struct db *db;
	enum rc rc;

	argp_parse(&argp, ctl->argc, ctl->argv, 0, NULL, &in);
	db = ctl_owner_db(ctl);
	if (db == NULL)
		return EX_TEMPFAIL;
	arena = arena_new(MEMORY);
	rc = init(ctl, db, &in, arena);
	if (rc != RC_OK)
		ctl_complain(ctl, "%s", fail_detail());
	arena_free(&arena);
	db_free(&db);
	return ctl_status(rc);
}
