/* letterrackctl queue: mail of the service that nobody has taken yet. */
#include <stdio.h>

#include "ctl/people.h"
#include "domain/audit-sql.h"
#include "domain/outgoing-sql.h"

#define LIST_MOST 1000

struct queue_args {
	struct operation op;
	bool every;
	int64_t id;
	struct outgoing_seen *seen; /* NULL: not in that state */
};

enum { ALL = 256, APPLICATION };

static const struct argp_option options[] = {
	{ "all", ALL, NULL, 0, "list what was taken or resolved, too", 0 },
	{ "application", APPLICATION, "ID", 0, "default: the oldest", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct queue_args *in = state->input;

	switch (key) {
	case ALL: in->every = true; return 0;
	case APPLICATION: in->op.application = ctl_id(state, arg); return 0;
	case ARGP_KEY_ARG:
		if (in->op.n == 1)
			in->id = ctl_id(state, arg);
		return ctl_word(state, &in->op, arg);
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { options, parse, "list\nretry ID\nresolve ID",
	"What is unknown left, and no answer came: the recipient may have it. "
	"It is sent once more by retry only; resolve lets it rest.",
	NULL, NULL, NULL };

static void
show(const struct outgoing_seen *s)
{
	char when[40];

	instant_print(s->created_at, TIME_Z, when);
	printf("%lld\t%s\t%s\t%s\t%s\ttries %d\t%s\n", (long long)s->id, when,
	    s->state, s->kind, s->recipient, s->attempt_count,
	    s->last_error_code != NULL ? s->last_error_code : "-");
}

static int
list(struct ctl *ctl, void *arg)
{
	struct queue_args *in = arg;
	struct outgoing_seen_list l;
	enum rc rc = outgoing_all(in->op.db, in->op.application, in->every,
	    LIST_MOST, in->op.arena, &l);

	for (size_t i = 0; rc == RC_OK && i < l.n; i++)
		show(&l.v[i]);
	return ctl_ended(ctl, rc);
}

/* In the transaction of what it tells. */
static enum rc
note(struct db *db, const struct queue_args *in, const char *action)
{
	char subject[32];
	const struct audit_add_args row = { .application = in->op.application,
		.client = "letterrackctl",
		.action = action,
		.subject = subject };

	snprintf(subject, sizeof subject, "outgoing_%lld", (long long)in->id);
	return in->seen != NULL ? audit_add(db, &row, NULL) : RC_OK;
}

static enum rc
retry_body(struct db *db, void *arg)
{
	struct queue_args *in = arg;

	TRY(outgoing_retry(
	    db, in->op.application, in->id, in->op.arena, &in->seen));
	return note(db, in, "outgoing.retry");
}

static enum rc
resolve_body(struct db *db, void *arg)
{
	struct queue_args *in = arg;

	TRY(outgoing_resolve(
	    db, in->op.application, in->id, in->op.arena, &in->seen));
	return note(db, in, "outgoing.resolve");
}

static int
change(struct ctl *ctl, struct queue_args *in,
    enum rc (*body)(struct db *, void *))
{
	enum rc rc = in->id != 0 ? db_tx(in->op.db, body, in)
				 : fail(RC_INVALID, "say which, by its number");

	if (rc == RC_OK && in->seen == NULL)
		rc = fail(RC_CONFLICT,
		    "there is no such mail that failed or is unknown");
	if (rc == RC_OK)
		show(in->seen);
	return ctl_ended(ctl, rc);
}

static int
retry(struct ctl *ctl, void *arg)
{
	return change(ctl, arg, retry_body);
}

static int
resolve(struct ctl *ctl, void *arg)
{
	return change(ctl, arg, resolve_body);
}

int
ctl_queue(struct ctl *ctl)
{
	static const struct subverb verbs[] = { { "list", list },
		{ "retry", retry }, { "resolve", resolve }, { NULL, NULL } };
	struct queue_args in = { .every = false };

	return ctl_operate(ctl, &argp, verbs, &in.op);
}
