/* letterrackctl verify: are the numbers that lists show those of the rows? */
#include <stdio.h>

#include "ctl/people.h"
#include "domain/verify-sql.h"
#include "domain/verify.h"

#define FAULTS_MOST 1000

struct verify_args {
	struct operation op;
	int64_t account;
};

enum { ACCOUNT = 256, APPLICATION };

static const struct argp_option options[] = {
	{ "account", ACCOUNT, "ID", 0, "of this account alone", 0 },
	{ "application", APPLICATION, "ID", 0, "default: the oldest", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct verify_args *in = state->input;

	switch (key) {
	case ACCOUNT: in->account = ctl_id(state, arg); return 0;
	case APPLICATION: in->op.application = ctl_id(state, arg); return 0;
	case ARGP_KEY_NO_ARGS: in->op.words[0] = "threads"; return 0;
	case ARGP_KEY_ARG: return ctl_word(state, &in->op, arg);
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { options, parse, "threads",
	"Counts again what threads and totals say of their mail and labels, "
	"and "
	"prints what differs: account, what, which number, kept, counted. "
	"Changes nothing.",
	NULL, NULL, NULL };

static const char *
or_none(const char *s)
{
	return s != NULL ? s : "-";
}

static int
threads(struct ctl *ctl, void *arg)
{
	struct verify_args *in = arg;
	struct verify_fault_list l;
	enum rc rc = verify_faults(in->op.db, in->op.application, in->account,
	    FAULTS_MOST, in->op.arena, &l);

	for (size_t i = 0; rc == RC_OK && i < l.n; i++)
		printf("acc_%lld\t%s\t%s\t%s\t%s\n",
		    (long long)l.v[i].account_id, l.v[i].what, l.v[i].name,
		    or_none(l.v[i].kept), or_none(l.v[i].counted));
	if (rc == RC_OK && l.n > 0)
		rc = fail(RC_INVALID, "%zu%s numbers differ from a recount",
		    l.n, l.n == FAULTS_MOST ? " or more" : "");
	return ctl_ended(ctl, rc);
}

int
ctl_verify(struct ctl *ctl)
{
	static const struct subverb verbs[] = { { "threads", threads },
		{ NULL, NULL } };
	struct verify_args in = { .account = 0 };

	return ctl_operate(ctl, &argp, verbs, &in.op);
}
