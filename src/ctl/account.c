/* letterrackctl account: the tenants of an application. */
#include <argp.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/people.h"
#include "domain/setup-sql.h"

#define MEMORY ((size_t)4 << 20)

struct account_args {
	const char *words[2];
	unsigned n;
	int64_t application, parent;
	struct db *db;
	struct arena *arena;
};

enum { PARENT = 256, APPLICATION };

static const struct argp_option options[] = {
	{ "parent", PARENT, "ID", 0, "make it a child of this account", 0 },
	{ "application", APPLICATION, "ID", 0, "default: the oldest", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct account_args *in = state->input;
	uint64_t n = 0;

	if (key == ARGP_KEY_ARG) {
		if (in->n == 2)
			argp_usage(state);
		in->words[in->n++] = arg;
		return 0;
	}
	if (key != PARENT && key != APPLICATION)
		return ARGP_ERR_UNKNOWN;
	if (!str_uint(str_of(arg), INT64_MAX, &n) || n == 0)
		argp_error(state, "%s is no id", arg);
	*(key == PARENT ? &in->parent : &in->application) = (int64_t)n;
	return 0;
}

static const struct argp argp = { options, parse, "add NAME\nlist",
	"Accounts are the tenants: each sees only its own rows.", NULL, NULL,
	NULL };

static int
ended(struct ctl *ctl, enum rc rc)
{
	if (rc != RC_OK)
		ctl_complain(ctl, "%s",
		    fail_detail()[0] != '\0' ? fail_detail()
					     : result_row(rc)->text);
	return ctl_status(rc);
}

static int
add(struct ctl *ctl, void *arg)
{
	struct account_args *in = arg;
	int64_t id;
	enum rc rc;

	if (in->n < 2)
		return ended(ctl, fail(RC_INVALID, "say its name"));
	rc =
	    account_add(in->db, in->application, in->parent, in->words[1], &id);
	if (rc == RC_OK)
		printf("acc_%lld\n", (long long)id);
	return ended(ctl, rc);
}

static int
list(struct ctl *ctl, void *arg)
{
	struct account_args *in = arg;
	struct setup_account_list l;
	enum rc rc = account_all(in->db, in->application, in->arena, &l);

	for (size_t i = 0; rc == RC_OK && i < l.n; i++)
		printf("acc_%lld\t%s\t%s\t%lld members\n", (long long)l.v[i].id,
		    l.v[i].name, l.v[i].status, (long long)l.v[i].members);
	return ended(ctl, rc);
}

int
ctl_account(struct ctl *ctl)
{
	static const struct subverb verbs[] = { { "add", add },
		{ "list", list }, { NULL, NULL } };
	struct account_args in = { .n = 0 };
	enum rc rc;
	int status;

	argp_parse(&argp, ctl->argc, ctl->argv, 0, NULL, &in);
	in.db = ctl_owner_db(ctl);
	if (in.db == NULL)
		return EX_TEMPFAIL;
	in.arena = arena_new(MEMORY);
	rc = ctl_application(in.db, in.application, in.arena, &in.application);
	status = rc == RC_OK ? ctl_subverb(ctl, verbs, in.words[0], &in)
			     : ended(ctl, rc);
	arena_free(&in.arena);
	db_free(&in.db);
	return status;
}
