/* letterrackctl threads: threads made again of all mail. */
#include <stdio.h>
#include <string.h>

#include "ctl/people.h"
#include "domain/rebuild-sql.h"
#include "domain/rebuild.h"

#define REBUILD_MEMORY ((size_t)4 << 30) /* of one account's mail */
#define MOVES_SHOWN    100

struct threads_args {
	struct operation op;
	int64_t account;
	bool dry;
	int32_t days;
};

#define DAYS 30

enum { ACCOUNT = 256, APPLICATION, WITHIN };

static const struct argp_option options[] = {
	{ "account", ACCOUNT, "ID", 0, "of this account alone", 0 },
	{ "application", APPLICATION, "ID", 0, "default: the oldest", 0 },
	{ "days", WITHIN, "N", 0, "how far apart, at most (30)", 0 },
	{ "dry-run", 'n', NULL, 0, "say what would change", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct threads_args *in = state->input;

	switch (key) {
	case 'n': in->dry = true; return 0;
	case WITHIN: in->days = (int32_t)ctl_id(state, arg); return 0;
	case ACCOUNT: in->account = ctl_id(state, arg); return 0;
	case APPLICATION: in->op.application = ctl_id(state, arg); return 0;
	case ARGP_KEY_ARG: return ctl_word(state, &in->op, arg);
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { options, parse,
	"rebuild\nsubjects off|replies|all",
	"rebuild solves anew which mail belongs together, of all mail at once. "
	"Threads that were split or merged by hand stay as they are, and so "
	"does what was written in a thread. subjects says whether an account's "
	"mail that names no other joins the latest of the same subject and "
	"correspondent: never, where its subject begins as an answer's, or "
	"always.",
	NULL, NULL, NULL };

static void
show(const struct rebuild_account *a, const struct rebuild *r)
{
	printf("acc_%lld\t%zu emails\t%zu threads\t%zu emails move\t"
	       "%zu threads join others\t%zu threads are made\t%lld wait\n",
	    (long long)a->id, r->mails, r->threads, r->moves, r->joined,
	    r->made, (long long)a->waiting);
	for (size_t i = 0; i < r->moves && i < MOVES_SHOWN; i++)
		if (r->move[i].into != 0)
			printf("eml_%lld\t%lld\t-> %lld\n",
			    (long long)r->move[i].email,
			    (long long)r->move[i].from,
			    (long long)r->move[i].into);
		else
			printf("eml_%lld\t%lld\t-> a new one\n",
			    (long long)r->move[i].email,
			    (long long)r->move[i].from);
}

static enum rc
one(struct threads_args *in, const struct rebuild_account *account)
{
	struct arena *a = arena_new(REBUILD_MEMORY);
	struct rebuild r;
	enum rc rc = rebuild(in->op.db, account, in->dry, a, &r);

	if (rc == RC_OK)
		show(account, &r);
	if (rc == RC_OK && !in->dry)
		rc = ctl_note(
		    in->op.db, &in->op, account->id, "threads.rebuild", NULL);
	arena_free(&a);
	return rc;
}

static int
again(struct ctl *ctl, void *arg)
{
	struct threads_args *in = arg;
	struct rebuild_account_list l;
	enum rc rc = rebuild_accounts(
	    in->op.db, in->op.application, in->account, in->op.arena, &l);

	if (rc == RC_OK && l.n == 0)
		rc = fail(RC_NOT_FOUND, "there is no such account");
	for (size_t i = 0; rc == RC_OK && i < l.n; i++)
		rc = one(in, &l.v[i]);
	return ctl_ended(ctl, rc);
}

static enum rc
policy_set(struct db *db, void *arg)
{
	struct threads_args *in = arg;
	const char *name = in->op.words[1];

	TRY(rebuild_policy_set(
	    db, in->op.application, in->account, name, in->days));
	return ctl_note(db, &in->op, in->account, "threads.subjects", name);
}

static int
subjects(struct ctl *ctl, void *arg)
{
	struct threads_args *in = arg;
	const char *name = in->op.n < 2 ? "" : in->op.words[1];
	enum rc rc = RC_OK;

	if (strcmp(name, "off") != 0 && strcmp(name, "replies") != 0 &&
	    strcmp(name, "all") != 0)
		rc = fail(RC_INVALID, "say off, replies or all");
	else if (in->account == 0)
		rc = fail(RC_INVALID, "say which --account");
	else if (in->days < 1 || in->days > 365)
		rc = fail(RC_INVALID, "--days: from 1 to 365");
	return ctl_ended(
	    ctl, rc == RC_OK ? db_tx(in->op.db, policy_set, in) : rc);
}

int
ctl_threads(struct ctl *ctl)
{
	static const struct subverb verbs[] = { { "rebuild", again },
		{ "subjects", subjects }, { NULL, NULL } };
	struct threads_args in = { .days = DAYS };

	return ctl_operate(ctl, &argp, verbs, &in.op);
}
