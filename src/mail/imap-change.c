/* What changes messages: STORE, COPY, MOVE, EXPUNGE, APPEND; and IDLE. */
#include "mail/imap-session.h"

#include "mail/date.h"

#define IDLE_MOST_MS   (28 * 60 * 1000) /* RFC 2177 3: at least every 29 min */
#define IDLE_ANSWER_MS 60000

/* " set", in as many commands as keep each line short. */
struct pieces {
	const struct imap_set *set;
	size_t at;
};

static bool
pieces_next(struct pieces *p, struct imap_command *cmd)
{
	if (p->at >= p->set->n)
		return false;
	imap_command_puts(cmd, " ");
	p->at +=
	    imap_set_print_some(p->set, p->at, IMAP_LINE_SHORT, &cmd->text);
	return true;
}

static void
modified_note(const struct imap_call *c, struct imap_set *modified)
{
	if (c->code.id != IMAP_CODE_MODIFIED || modified == NULL)
		return;
	for (size_t i = 0; i < c->code.to.n; i++)
		imap_set_add(modified, c->code.to.range[i].first,
		    c->code.to.range[i].last);
}

static void
store_data(void *arg, const struct imap_response *r)
{
	struct imap *im = arg;

	if (r->word == IMAP_FETCH && im->changes.message != NULL)
		im->changes.message(im->changes.arg, &r->message);
}

enum rc
imap_store(struct imap *im, const struct imap_set *set, const char *how,
    const char *flags, uint64_t unchanged_since, struct imap_set *modified)
{
	struct pieces p = { set, 0 };

	while (p.at < set->n) {
		struct imap_call c = IMAP_CALL(IMAP_DO_STORE, store_data, im);
		struct imap_command cmd;
		enum rc rc;

		c.arena = modified != NULL ? modified->arena : NULL;
		TRY(imap_begin(im, &cmd));
		pieces_next(&p, &cmd);
		if (unchanged_since != 0 &&
		    (imap_caps(im) & IMAP_CAP(CONDSTORE)))
			imap_command_fmt(&cmd, " (UNCHANGEDSINCE %llu)",
			    (unsigned long long)unchanged_since);
		imap_command_fmt(&cmd, " %s %s", how, flags);
		rc = imap_run(im, &c, &cmd);
		modified_note(&c, modified); /* comes with OK or with NO */
		if (rc != RC_OK && c.code.id != IMAP_CODE_MODIFIED)
			return rc;
	}
	return RC_OK;
}

static void
moved_read(const struct imap_call *c, struct imap_moved *out)
{
	*out = (struct imap_moved){ .has = false };
	if ((c->code.id != IMAP_CODE_COPYUID &&
		c->code.id != IMAP_CODE_APPENDUID) ||
	    c->code.fault)
		return;
	out->has = true;
	out->uidvalidity = (uint32_t)c->code.number;
	out->from = c->code.from;
	out->to = c->code.to;
}

/* One command: COPYUID of several would have to be joined, and whoever moves
 * more than fits into a line can as well call twice. */
static enum rc
copy_or_move(struct imap *im, enum imap_verb verb, const struct imap_set *set,
    struct str to, struct arena *a, struct imap_moved *out)
{
	struct imap_call c = IMAP_CALL(verb, NULL, NULL);
	struct pieces p = { set, 0 };
	struct imap_command cmd;

	c.arena = a;
	TRY(imap_begin(im, &cmd));
	if (!pieces_next(&p, &cmd) || p.at < set->n) {
		imap_command_clear(&cmd);
		return fail(RC_INVALID, "too many ranges of UIDs, or none");
	}
	imap_command_puts(&cmd, " ");
	imap_command_astring(&cmd, to);
	TRY(imap_run(im, &c, &cmd));
	moved_read(&c, out);
	return RC_OK;
}

enum rc
imap_copy(struct imap *im, const struct imap_set *set, struct str to,
    struct arena *a, struct imap_moved *out)
{
	return copy_or_move(im, IMAP_DO_COPY, set, to, a, out);
}

static enum rc
needs(struct imap *im, uint64_t cap, const char *what)
{
	TRY(imap_ready(im));
	return imap_caps(im) & cap
	    ? RC_OK
	    : fail(RC_CONFLICT, "the server has no %s", what);
}

enum rc
imap_move(struct imap *im, const struct imap_set *set, struct str to,
    struct arena *a, struct imap_moved *out)
{
	TRY(needs(im, IMAP_CAP(MOVE), "MOVE"));
	return copy_or_move(im, IMAP_DO_MOVE, set, to, a, out);
}

enum rc
imap_expunge(struct imap *im, const struct imap_set *set)
{
	struct pieces p = { set, 0 };

	TRY(needs(im, IMAP_CAP(UIDPLUS), "UIDPLUS"));
	while (p.at < set->n) {
		struct imap_call c = IMAP_CALL(IMAP_DO_EXPUNGE, NULL, NULL);
		struct imap_command cmd;

		TRY(imap_begin(im, &cmd));
		pieces_next(&p, &cmd);
		TRY(imap_run(im, &c, &cmd));
	}
	return RC_OK;
}

enum rc
imap_append(struct imap *im, struct str folder, const char *flags, instant when,
    struct str message, struct arena *a, struct imap_moved *out)
{
	struct imap_call c = IMAP_CALL(IMAP_DO_APPEND, NULL, NULL);
	struct imap_command cmd;
	char date[DATE_TEXT];

	c.arena = a;
	TRY(imap_begin(im, &cmd));
	imap_command_puts(&cmd, " ");
	imap_command_astring(&cmd, folder);
	if (flags != NULL)
		imap_command_fmt(&cmd, " %s", flags);
	if (instant_is(when)) {
		date_internal_print(when, date);
		imap_command_fmt(&cmd, " \"%s\"", date);
	}
	imap_command_puts(&cmd, " ");
	imap_command_literal(&cmd, message);
	TRY(imap_run(im, &c, &cmd));
	moved_read(&c, out);
	return RC_OK;
}

/* Turns until the engine idles, then until something happens. */
static enum rc
idle_until(struct imap *im, const struct imap_call *c, int64_t until)
{
	bool over = false;

	while (!c->done && !over) {
		int64_t now = clock_steady_ms();
		enum rc rc;

		over = im->happened || now >= until;
		if (over)
			break;
		/* Running out of time is no fault here. */
		rc = imap_turn_quiet(im, until);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

enum rc
imap_idle(struct imap *im, int64_t ms, bool *happened)
{
	struct imap_call c = IMAP_CALL(IMAP_DO_IDLE, NULL, NULL);
	struct imap_command cmd;
	int64_t until =
	    clock_steady_ms() + (ms < IDLE_MOST_MS ? ms : IDLE_MOST_MS);
	int64_t answer = clock_steady_ms() + IDLE_ANSWER_MS;

	TRY(needs(im, IMAP_CAP(IDLE), "IDLE"));
	im->happened = false;
	TRY(imap_begin(im, &cmd));
	TRY(imap_send(im, &c, &cmd));
	while (!c.done && !imap_engine_idling(im->engine))
		TRY(imap_turn(im, answer));
	TRY(idle_until(im, &c, until));
	imap_engine_idle_done(im->engine);
	*happened = im->happened;
	return imap_wait(im, &c);
}
