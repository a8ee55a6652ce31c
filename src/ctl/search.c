/* letterrackctl search: the words of mail, and the language they are in. */
#include <stdio.h>

#include "ctl/people.h"
#include "domain/setup-sql.h"

struct search_args {
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
	struct search_args *in = state->input;

	switch (key) {
	case ACCOUNT: in->account = ctl_id(state, arg); return 0;
	case APPLICATION: in->op.application = ctl_id(state, arg); return 0;
	case ARGP_KEY_ARG: return ctl_word(state, &in->op, arg);
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { options, parse, "status\nlanguage NAME",
	"Words are stemmed in one language an account: english, german, ...; "
	"simple stems none. Another one has all texts read again, "
	"by the syncs that come next.",
	NULL, NULL, NULL };

static int
status(struct ctl *ctl, void *arg)
{
	struct search_args *in = arg;
	struct setup_search_list l;
	enum rc rc = search_status(
	    in->op.db, in->op.application, in->account, in->op.arena, &l);

	for (size_t i = 0; rc == RC_OK && i < l.n; i++)
		printf("acc_%lld\t%s\t%lld emails\t%lld indexed\t%lld wait\n",
		    (long long)l.v[i].id, l.v[i].language,
		    (long long)l.v[i].emails, (long long)l.v[i].indexed,
		    (long long)l.v[i].waiting);
	return ctl_ended(ctl, rc);
}

static enum rc
language_set(struct db *db, void *arg)
{
	struct search_args *in = arg;
	const char *name = in->op.words[1];
	int64_t known;

	TRY(search_language_known(db, name, &known));
	if (known == 0)
		return fail(
		    RC_INVALID, "PostgreSQL knows no language %s", name);
	if (in->account != 0)
		TRY(search_language_set(
		    db, in->op.application, in->account, name));
	else
		TRY(search_language_preset(db, in->op.application, name));
	TRY(search_read_again(db, in->op.application, in->account, NULL));
	TRY(search_put_again(db, in->op.application, in->account, NULL));
	return ctl_note(db, &in->op, in->account, "search.language", name);
}

static int
language(struct ctl *ctl, void *arg)
{
	struct search_args *in = arg;

	return ctl_ended(ctl,
	    in->op.n < 2 ? fail(RC_INVALID, "say which, such as german")
			 : db_tx(in->op.db, language_set, in));
}

int
ctl_search(struct ctl *ctl)
{
	static const struct subverb verbs[] = { { "status", status },
		{ "language", language }, { NULL, NULL } };
	struct search_args in = { .account = 0 };

	return ctl_operate(ctl, &argp, verbs, &in.op);
}
