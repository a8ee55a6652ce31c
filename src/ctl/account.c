/* letterrackctl account: the tenants of an application. */
#include <stdio.h>

#include "ctl/people.h"
#include "domain/setup-sql.h"

struct account_args {
	struct operation op;
	int64_t parent;
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

	switch (key) {
	case PARENT: in->parent = ctl_id(state, arg); return 0;
	case APPLICATION: in->op.application = ctl_id(state, arg); return 0;
	case ARGP_KEY_ARG: return ctl_word(state, &in->op, arg);
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { options, parse, "add NAME\nlist",
	"Accounts are the tenants: each sees only its own rows.", NULL, NULL,
	NULL };

static int
add(struct ctl *ctl, void *arg)
{
	struct account_args *in = arg;
	int64_t id;
	enum rc rc;

	if (in->op.n < 2)
		return ctl_ended(ctl, fail(RC_INVALID, "say its name"));
	rc = account_add(
	    in->op.db, in->op.application, in->parent, in->op.words[1], &id);
	if (rc == RC_OK)
		printf("acc_%lld\n", (long long)id);
	return ctl_ended(ctl, rc);
}

static int
list(struct ctl *ctl, void *arg)
{
	struct account_args *in = arg;
	struct setup_account_list l;
	enum rc rc =
	    account_all(in->op.db, in->op.application, in->op.arena, &l);

	for (size_t i = 0; rc == RC_OK && i < l.n; i++)
		printf("acc_%lld\t%s\t%s\t%lld members\n", (long long)l.v[i].id,
		    l.v[i].name, l.v[i].status, (long long)l.v[i].members);
	return ctl_ended(ctl, rc);
}

int
ctl_account(struct ctl *ctl)
{
	static const struct subverb verbs[] = { { "add", add },
		{ "list", list }, { NULL, NULL } };
	struct account_args in = { .parent = 0 };

	return ctl_operate(ctl, &argp, verbs, &in.op);
}
