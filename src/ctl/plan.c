/* letterrackctl plan: what accounts may do, and how much of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/people.h"
#include "domain/plan-sql.h"
#include "domain/subscription-sql.h"

#define FEATURES_MOST 64

struct plan_args {
	struct operation op;
	int64_t account;
	const char *title, *features;
	const char *price; /* PERIOD=ID */
	bool makes_default;
	struct plan most; /* of the limits that are given */
	unsigned given;   /* a bit each */
};

enum {
	ACCOUNT = 256,
	APPLICATION,
	TITLE,
	FEATURES,
	PRICE,
	DEFAULT,
	LIMITS /* the first of them */
};

/* The limits, each an option of its name. */
#define PLAN_LIMITS(X)                                                         \
	X(credentials, "credentials", "mail accounts, IMAP and SMTP")          \
	X(members, "members", "members, with open invitations")                \
	X(watched, "watched", "mail accounts that are polled by themselves")   \
	X(sends_per_day, "sends", "messages a day (UTC)")                      \
	X(storage_bytes, "storage", "bytes of messages that are kept here")
#define LIMIT_OFFSET(member, name, what) offsetof(struct plan, member),
static const size_t limit_offsets[] = { PLAN_LIMITS(LIMIT_OFFSET) };
#define LIMIT_COUNT                   (sizeof limit_offsets / sizeof *limit_offsets)
#define LIMIT_KEY(member, name, what) LIMIT_##member,
enum { PLAN_LIMITS(LIMIT_KEY) };

#define LIMIT_OPTION(member, name, what)                                       \
	{ name, LIMITS + LIMIT_##member, "N|none", 0, what, 0 },
static const struct argp_option options[] = {
	{ "account", ACCOUNT, "ID", 0, "the account, for give and take", 0 },
	{ "application", APPLICATION, "ID", 0, "default: the oldest", 0 },
	{ "title", TITLE, "TEXT", 0, "what people read", 0 },
	{ "features", FEATURES, "LIST", 0, "words divided by commas", 0 },
	{ "price", PRICE, "PERIOD=ID", 0,
	    "sold at this price of Stripe: month=price_1", 0 },
	{ "default", DEFAULT, NULL, 0, "what accounts without another have",
	    0 },
	PLAN_LIMITS(LIMIT_OPTION){ NULL, 0, NULL, 0, NULL, 0 },
};

static int64_t *
limit_of(struct plan *p, size_t i)
{
	return (int64_t *)(void *)((char *)p + limit_offsets[i]);
}

static void
limit_read(
    struct argp_state *state, struct plan_args *in, size_t i, const char *text)
{
	char *end;
	long long n = PLAN_NO_LIMIT;

	if (strcmp(text, "none") != 0) {
		errno = 0;
		n = strtoll(text, &end, 10);
		if (errno != 0 || end == text || *end != '\0' || n < 0)
			argp_error(state, "not a number: %s", text);
	}
	*limit_of(&in->most, i) = n;
	in->given |= 1U << i;
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct plan_args *in = state->input;

	switch (key) {
	case ACCOUNT: in->account = ctl_id(state, arg); return 0;
	case APPLICATION: in->op.application = ctl_id(state, arg); return 0;
	case TITLE: in->title = arg; return 0;
	case FEATURES: in->features = arg; return 0;
	case PRICE: in->price = arg; return 0;
	case DEFAULT: in->makes_default = true; return 0;
	case ARGP_KEY_ARG: return ctl_word(state, &in->op, arg);
	default:
		if (key < LIMITS || key >= LIMITS + (int)LIMIT_COUNT)
			return ARGP_ERR_UNKNOWN;
		limit_read(state, in, (size_t)(key - LIMITS), arg);
		return 0;
	}
}

static const struct argp argp = { options, parse,
	"list\nshow NAME\nset NAME\ngive NAME\ntake\naccounts\nsubscriptions",
	"An account that has more than its plan allows keeps it, "
	"and gets no more.",
	NULL, NULL, NULL };

/* ---- show ---- */

static void
limits_print(struct plan *p)
{
	static const char *const names[] = {
#define LIMIT_NAME(member, name, what) name,
		PLAN_LIMITS(LIMIT_NAME)
	};

	for (size_t i = 0; i < LIMIT_COUNT; i++)
		if (*limit_of(p, i) == PLAN_NO_LIMIT)
			printf("\t%s=none", names[i]);
		else
			printf(
			    "\t%s=%lld", names[i], (long long)*limit_of(p, i));
}

static void
plan_print(struct plan *p)
{
	printf("%s\t%s", p->name, p->title);
	limits_print(p);
	printf("%s\n", p->is_default ? "\tdefault" : "");
}

static int
list(struct ctl *ctl, void *arg)
{
	struct plan_args *in = arg;
	struct plan_list l;
	enum rc rc = plan_list(in->op.db, in->op.arena, &l);

	for (size_t i = 0; rc == RC_OK && i < l.n; i++)
		plan_print(&l.v[i]);
	return ctl_ended(ctl, rc);
}

static enum rc
name_needed(const struct plan_args *in)
{
	return in->op.n > 1 ? RC_OK : fail(RC_INVALID, "say which plan");
}

static enum rc
show_one(struct plan_args *in)
{
	struct plan *p;

	TRY(name_needed(in));
	TRY(plan_find(in->op.db, in->op.words[1], in->op.arena, &p));
	if (p == NULL)
		return fail(RC_NOT_FOUND, "there is no such plan");
	plan_print(p);
	for (size_t i = 0; i < p->features.n; i++)
		printf("\t%.*s\n", STR_FMT(p->features.v[i]));
	return RC_OK;
}

static int
show(struct ctl *ctl, void *arg)
{
	return ctl_ended(ctl, show_one(arg));
}

static int
accounts(struct ctl *ctl, void *arg)
{
	struct plan_args *in = arg;
	struct plan_account_list l;
	enum rc rc =
	    plan_accounts(in->op.db, in->op.application, in->op.arena, &l);

	for (size_t i = 0; rc == RC_OK && i < l.n; i++)
		printf("acc_%lld\t%s\t%s\t%s\n", (long long)l.v[i].account_id,
		    l.v[i].name, l.v[i].plan,
		    l.v[i].is_given             ? "given"
			: l.v[i].status != NULL ? l.v[i].status
						: "default");
	return ctl_ended(ctl, rc);
}

static void
subscription_print(const struct subscription *s)
{
	char until[40] = "-";

	if (instant_is(s->current_period_end))
		instant_print(s->current_period_end, TIME_Z, until);
	printf("acc_%lld\tsub_%lld\t%s\t%s\t%s\t%s\t%s%s\n",
	    (long long)s->account_id, (long long)s->id, s->stripe_id, s->status,
	    s->plan != NULL ? s->plan : "-",
	    s->period != NULL ? s->period : "-", until,
	    s->cancel_at_period_end ? "\tends then" : "");
}

static int
subscriptions(struct ctl *ctl, void *arg)
{
	struct plan_args *in = arg;
	struct subscription_list l;
	enum rc rc =
	    subscription_all(in->op.db, in->op.application, in->op.arena, &l);

	for (size_t i = 0; rc == RC_OK && i < l.n; i++)
		subscription_print(&l.v[i]);
	return ctl_ended(ctl, rc);
}

/* ---- change ---- */

static struct texts
words_split(struct arena *a, const char *list)
{
	struct str *v = ARENA_ARRAY(a, struct str, FEATURES_MOST);
	size_t n = 0;

	while (*list != '\0' && n < FEATURES_MOST) {
		size_t length = strcspn(list, ",");

		if (length > 0)
			v[n++] = (struct str){ list, length };
		list += length + (list[length] == ',');
	}
	return (struct texts){ v, n };
}

static const int64_t *
limit_or_null(struct plan *p, size_t i)
{
	int64_t *n = limit_of(p, i);

	return *n == PLAN_NO_LIMIT ? NULL : n;
}

/* "month=price_1" */
static enum rc
price_put(struct db *db, const struct plan_args *in)
{
	const char *is = strchr(in->price, '=');

	if (is == NULL)
		return fail(RC_INVALID, "a price is PERIOD=ID: month=price_1");
	return plan_price_put(db, is + 1, in->op.words[1],
	    arena_dup(in->op.arena, in->price, (size_t)(is - in->price)));
}

static enum rc
set_limits(struct db *db, struct plan_args *in, struct plan *p)
{
	for (size_t i = 0; i < LIMIT_COUNT; i++)
		if ((in->given & 1U << i) != 0)
			*limit_of(p, i) = *limit_of(&in->most, i);
	return plan_put(db,
	    &(struct plan_put_args){ .name = p->name,
		.title = in->title != NULL ? in->title : p->title,
		.features = in->features != NULL
		    ? words_split(in->op.arena, in->features)
		    : p->features,
		.credentials = limit_or_null(p, LIMIT_credentials),
		.members = limit_or_null(p, LIMIT_members),
		.watched = limit_or_null(p, LIMIT_watched),
		.sends = limit_or_null(p, LIMIT_sends_per_day),
		.storage = limit_or_null(p, LIMIT_storage_bytes) });
}

/* What is not given stays; of a new plan, it is none. */
static enum rc
set_body(struct db *db, void *arg)
{
	struct plan_args *in = arg;
	struct plan fresh = { .name = in->op.words[1],
		.title = in->op.words[1] };
	struct plan *p;

	for (size_t i = 0; i < LIMIT_COUNT; i++)
		*limit_of(&fresh, i) = PLAN_NO_LIMIT;
	TRY(plan_find(db, in->op.words[1], in->op.arena, &p));
	TRY(set_limits(db, in, p != NULL ? p : &fresh));
	if (in->makes_default) {
		TRY(plan_default_clear(db, NULL));
		TRY(plan_default_set(db, in->op.words[1]));
	}
	if (in->price != NULL)
		TRY(price_put(db, in));
	return ctl_note(db, &in->op, 0, "plan.set", in->op.words[1]);
}

static int
set(struct ctl *ctl, void *arg)
{
	struct plan_args *in = arg;
	enum rc rc = name_needed(in);

	if (rc == RC_OK)
		rc = db_tx(in->op.db, set_body, in);
	return ctl_ended(ctl, rc);
}

static enum rc
account_needed(const struct plan_args *in)
{
	return in->account != 0 ? RC_OK
				: fail(RC_INVALID, "say whose: --account");
}

static enum rc
give_body(struct db *db, void *arg)
{
	struct plan_args *in = arg;
	struct plan *p;

	TRY(plan_find(db, in->op.words[1], in->op.arena, &p));
	if (p == NULL)
		return fail(RC_NOT_FOUND, "there is no such plan");
	TRY(plan_give(db, in->account, p->name));
	return ctl_note(db, &in->op, in->account, "plan.give", p->name);
}

static int
give(struct ctl *ctl, void *arg)
{
	struct plan_args *in = arg;
	enum rc rc = name_needed(in);

	if (rc == RC_OK)
		rc = account_needed(in);
	if (rc == RC_OK)
		rc = db_tx(in->op.db, give_body, in);
	return ctl_ended(ctl, rc);
}

static enum rc
take_body(struct db *db, void *arg)
{
	struct plan_args *in = arg;

	TRY(plan_take(db, in->account));
	return ctl_note(db, &in->op, in->account, "plan.take", NULL);
}

static int
take(struct ctl *ctl, void *arg)
{
	struct plan_args *in = arg;
	enum rc rc = account_needed(in);

	if (rc == RC_OK)
		rc = db_tx(in->op.db, take_body, in);
	return ctl_ended(ctl, rc);
}

int
ctl_plan(struct ctl *ctl)
{
	static const struct subverb verbs[] = { { "list", list },
		{ "show", show }, { "set", set }, { "give", give },
		{ "take", take }, { "accounts", accounts },
		{ "subscriptions", subscriptions }, { NULL, NULL } };
	struct plan_args in = { .account = 0 };

	return ctl_operate(ctl, &argp, verbs, &in.op);
}
