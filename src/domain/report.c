#include "domain/report.h"

#include <string.h>

#include "core/json.h"
#include "domain/event.h"
#include "domain/report-sql.h"
#include "domain/submission-sql.h"
#include "domain/submission.h"
#include "mail/address.h"

#define DATA_MOST ((size_t)512 << 10)

const struct col report_due_cols[] = {
	COL(struct report_due, email_id),
	COL(struct report_due, mailbox_id),
	COL_STR(struct report_due, wire_name),
	COL(struct report_due, uidvalidity),
	COL(struct report_due, uid),
	COL_END,
};

const struct col reported_cols[] = {
	COL(struct reported, id),
	COL(struct reported, email_id),
	COL(struct reported, credential_id),
	COL(struct reported, message_id),
	COL(struct reported, sender),
	COL(struct reported, state),
	COL_END,
};

/* What a word does. */
static const struct effects {
	const char *word; /* NULL: nothing */
	int weight;       /* it counts above what weighs less */
	bool arrived;     /* a server has taken the message */
} effects[] = {
	[DSN_FAILED] = { "failed", 4, true },
	[DSN_DELAYED] = { "delayed", 1, true },
	[DSN_DELIVERED] = { "delivered", 2, true },
	[DSN_RELAYED] = { "relayed", 2, true },
	[DSN_EXPANDED] = { "expanded", 2, true },
	[DSN_OTHER] = { NULL, 0, false },
};
static const struct effects complaint = { "complaint", 3, true };

struct applying {
	const struct report *r;
	struct db *db;
	struct arena *arena;
	struct reported *m;
	struct submission_recipient_list all;
	struct str *wire; /* how each of them went over the wire */
	/* Of `all`, those it says something new of, beside each other. */
	size_t n;
	int32_t *ns, *codes;
	struct str *states, *details, *reports, *statuses;
	size_t failed;      /* that had not before */
	const char *detail; /* of the first of them */
};

/* ---- whom it speaks of ---- */

static void
wire_all(struct applying *x)
{
	x->wire = ARENA_ARRAY(x->arena, struct str, x->all.n + 1);
	for (size_t i = 0; i < x->all.n; i++) {
		struct str ours = str_of(x->all.v[i].address);

		if (address_wire(x->arena, ours, &x->wire[i]) != RC_OK)
			x->wire[i] = ours;
	}
}

static bool
is_same(const struct applying *x, size_t i, struct str said)
{
	return str_ieq(said, str_of(x->all.v[i].address)) ||
	    str_ieq(said, x->wire[i]);
}

/* Whoever was forwarded may be told under another name (RFC 3464 2.3.2): where
 * there is but one on either side, it is the one. */
static const struct submission_recipient *
recipient_of(const struct applying *x, const struct dsn_rcpt *to)
{
	for (size_t i = 0; i < x->all.n; i++)
		if (is_same(x, i, to->address))
			return &x->all.v[i];
	return x->all.n == 1 && x->r->said->n == 1 ? &x->all.v[0] : NULL;
}

static int
weight_of(const char *word)
{
	if (word == NULL)
		return 0;
	if (strcmp(word, complaint.word) == 0)
		return complaint.weight;
	for (size_t i = 0; i < sizeof effects / sizeof effects[0]; i++)
		if (effects[i].word != NULL &&
		    strcmp(word, effects[i].word) == 0)
			return effects[i].weight;
	return 0;
}

/* ---- what it says of one ---- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "550 5.1.1 …": the other server's code. */
static int32_t
code_in(struct str words)
{
	if (words.n < 4 || (words.p[0] != '4' && words.p[0] != '5') ||
	    !is_digit(words.p[1]) || !is_digit(words.p[2]) ||
	    (words.p[3] != ' ' && words.p[3] != '-'))
		return INT32_MIN;
	return (words.p[0] - '0') * 100 + (words.p[1] - '0') * 10 +
	    (words.p[2] - '0');
}

static struct str
words_of(const struct applying *x, const struct dsn_rcpt *to, const char *word)
{
	if (to->diagnostic.n > 0)
		return to->diagnostic;
	if (to->status.n > 0)
		return str_of(arena_fmt(x->arena, "reported as %s: %.*s", word,
		    STR_FMT(to->status)));
	return str_of(arena_fmt(x->arena, "reported as %s", word));
}

/* Was it said before in this very report? */
static bool
is_told(const struct applying *x, int32_t n)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->ns[i] == n)
			return true;
	return false;
}

static const char *
state_after(
    const struct submission_recipient *s, const struct effects *e, bool *failed)
{
	bool open = strcmp(s->state, "accepted") == 0 ||
	    strcmp(s->state, "unknown") == 0;

	*failed = open && strcmp(e->word, "failed") == 0;
	if (*failed)
		return "failed";
	return open && e->arrived ? "accepted" : s->state;
}

static void
take(struct applying *x, const struct dsn_rcpt *to)
{
	const struct effects *e = x->r->said->kind == DSN_COMPLAINT
	    ? &complaint
	    : &effects[to->action];
	const struct submission_recipient *s = recipient_of(x, to);
	bool failed;

	if (s == NULL || e->word == NULL || e->weight <= weight_of(s->report) ||
	    is_told(x, s->n))
		return;
	x->ns[x->n] = s->n;
	x->states[x->n] = str_of(state_after(s, e, &failed));
	x->codes[x->n] = code_in(to->diagnostic);
	x->details[x->n] = words_of(x, to, e->word);
	x->reports[x->n] = str_of(e->word);
	x->statuses[x->n] = to->status;
	if (failed && x->failed++ == 0)
		x->detail = arena_fmt(x->arena, "%s: %.*s", s->address,
		    STR_FMT(x->details[x->n]));
	x->n++;
}

static void
take_all(struct applying *x)
{
	const struct dsn *said = x->r->said;
	struct arena *a = x->arena;
	size_t most = x->all.n + 1;

	wire_all(x);
	x->ns = ARENA_ARRAY(a, int32_t, most);
	x->codes = ARENA_ARRAY(a, int32_t, most);
	x->states = ARENA_ARRAY(a, struct str, most);
	x->details = ARENA_ARRAY(a, struct str, most);
	x->reports = ARENA_ARRAY(a, struct str, most);
	x->statuses = ARENA_ARRAY(a, struct str, most);
	for (size_t i = 0; i < said->n; i++)
		take(x, &said->to[i]);
	/* A complaint need not say whose it is. */
	if (said->kind == DSN_COMPLAINT && said->n == 0 && x->all.n == 1)
		take(x,
		    &(struct dsn_rcpt){ .action = DSN_OTHER,
			.address = str_of(x->all.v[0].address) });
}

/* ---- the tables ---- */

static void
write_failed(struct jw *w, const struct applying *x)
{
	jw_array(w);
	for (size_t i = 0; i < x->n; i++) {
		if (!str_eq(x->states[i], STR("failed")))
			continue;
		for (size_t k = 0; k < x->all.n; k++)
			if (x->all.v[k].n == x->ns[i])
				jw_text(w, x->all.v[k].address);
	}
	jw_array_end(w);
}

static enum rc
tell(struct applying *x)
{
	struct event_new e = { .application = x->r->application,
		.account = x->r->account,
		.name = EVENT_EMAIL_FAILED,
		.credential = x->m->credential_id };
	struct buf out;
	struct jw w = jw_on(&out);
	enum rc rc;

	buf_init(&out, DATA_MOST);
	jw_object(&w);
	JW_INT(&w, "email_id", x->m->email_id);
	JW_INT(&w, "report_email_id", x->r->email);
	JW_TEXT(&w, "message_id", x->m->message_id);
	JW_TEXT(&w, "from", x->m->sender);
	JW_TEXT(&w, "status", "failed");
	jw_key(&w, "recipients");
	write_failed(&w, x);
	jw_object_end(&w);
	e.data = (struct str){ out.p, out.n };
	rc = event_add(x->db, &e);
	buf_clear(&out);
	return rc;
}

static enum rc
note(struct applying *x)
{
	const char *data = arena_fmt(x->arena,
	    "{\"email_id\":\"eml_%lld\",\"report_email_id\":\"eml_%lld\"}",
	    (long long)x->m->email_id, (long long)x->r->email);
	bool complains = x->r->said->kind == DSN_COMPLAINT;

	return submission_log(x->db,
	    &(struct submission_log_args){ .account = x->r->account,
		.application = x->r->application,
		.status = x->reports[0].p,
		.level = x->failed > 0 ? "error"
		    : complains        ? "warning"
				       : "info",
		.message = x->detail != NULL ? x->detail
		    : complains ? "A recipient complains of this message."
				: "A report about this message has come.",
		.data = str_of(data),
		.credential = x->m->credential_id },
	    NULL);
}

static enum rc
write_down(struct applying *x)
{
	TRY(report_recipients(x->db,
	    &(struct report_recipients_args){ .account = x->r->account,
		.submission = x->m->id,
		.email = x->r->email,
		.ns = { x->ns, x->n },
		.states = { x->states, x->n },
		.codes = { x->codes, x->n },
		.details = { x->details, x->n },
		.reports = { x->reports, x->n },
		.statuses = { x->statuses, x->n } },
	    NULL));
	TRY(report_settle(x->db, x->r->account, x->m->id, x->detail));
	if (x->failed > 0)
		TRY(tell(x));
	return note(x);
}

/* ---- which message ---- */

static const char *
id_of(struct arena *a, struct str id)
{
	return id.n > 0 ? arena_fmt(a, "<%.*s>", STR_FMT(id)) : NULL;
}

static enum rc
find(struct applying *x)
{
	const char *id = id_of(x->arena, x->r->said->message_id);
	const char *envelope = id_of(x->arena, x->r->said->envelope_id);

	x->m = NULL;
	if (id == NULL && envelope == NULL)
		return RC_OK;
	return report_submission(x->db, x->r->account, x->r->credential,
	    id != NULL ? id : envelope, envelope, x->arena, &x->m);
}

static enum rc
apply(struct applying *x)
{
	TRY(find(x));
	if (x->m == NULL)
		return RC_OK;
	if (submission_is(x->m->state, SUBMISSION_SENDING))
		return fail(RC_RETRY, "the message is being sent still");
	TRY(submission_recipients(
	    x->db, x->r->account, x->m->id, x->arena, &x->all));
	take_all(x);
	return x->n > 0 ? write_down(x) : RC_OK;
}

static enum rc
apply_tx(struct db *db, void *arg)
{
	static const char *const kinds[] = { [DSN_NONE] = "none",
		[DSN_DELIVERY] = "delivery",
		[DSN_COMPLAINT] = "complaint" };
	const struct report *r = ((struct applying *)arg)->r;
	struct applying x = {
		.r = r, .db = db, .arena = ((struct applying *)arg)->arena
	};

	if (r->said->kind != DSN_NONE)
		TRY(apply(&x));
	return report_read(db, r->account, r->email, kinds[r->said->kind],
	    r->said->feedback.n > 0
		? arena_fmt(x.arena, "%.*s", STR_FMT(r->said->feedback))
		: NULL,
	    x.m != NULL ? x.m->id : 0, NULL);
}

enum rc
report_apply(struct db *db, const struct report *r, struct arena *a)
{
	struct applying x = { .r = r, .arena = a };

	return db_tx(db, apply_tx, &x);
}
