#include "review.h"

#include "domain/interception-sql.h"

void
review_echo(struct request *rq, int64_t email)
{
	error_int(rq, "email_id", email);
}

static const struct {
	enum hold_state state;
	const char *word, *status, *text;
} refusals[] = {
	{ HOLD_RELEASED, "ALREADY_RELEASED", "RELEASED",
	    "Email already released" },
	{ HOLD_RELEASING, "ALREADY_RELEASED", "RELEASING",
	    "Email is being released" },
	{ HOLD_FILED, "ALREADY_RELEASED", "RELEASING",
	    "Email is being released" },
	{ HOLD_DISCARDED, "ALREADY_DISCARDED", "DISCARDED",
	    "Email already discarded" },
	{ HOLD_HELD, "ALREADY_HELD", "HELD", "Email is held already" },
	{ HOLD_MOVING, "BEING_HELD", "HELD",
	    "Email is on its way into the quarantine" },
};

enum rc
review_refuse(struct request *rq, const char *state)
{
	for (size_t i = 0;
	     state != NULL && i < sizeof refusals / sizeof *refusals; i++) {
		if (!hold_is(state, refusals[i].state))
			continue;
		rq->word = refusals[i].word;
		error_text(rq, "current_status", refusals[i].status);
		return fail(RC_CONFLICT, "%s", refusals[i].text);
	}
	rq->word = "NOT_HELD";
	error_text(rq, "current_status", "DELIVERED");
	return fail(RC_CONFLICT, "Email is not held");
}

enum rc
review_lock(
    struct request *rq, struct db *db, int64_t email, struct held_state **out)
{
	struct held_email *e;

	TRY(held_email(db, rq->actor.account, email, rq->arena, &e));
	if (e == NULL)
		return fail(RC_NOT_FOUND, "Email not found");
	return held_lock(db, rq->actor.account, email, rq->arena, out);
}

const int64_t *
review_by(const struct request *rq)
{
	return rq->actor.user != 0 ? &rq->actor.user : NULL;
}

enum rc
review_reply(struct request *rq, const char *message, const char *status)
{
	struct jw *w = reply_open(rq, 0);

	JW_TEXT(w, "message", message);
	JW_INT(w, "email_id", arg_id(rq, 0));
	if (status != NULL)
		JW_TEXT(w, "status", status);
	return reply_close(rq);
}

/* ---- many at once ---- */

const struct field review_email_field = { .kind = FIELD_ID, .id = ID_EMAIL };
const struct field review_failed_fields[] = { A_ID("email_id", ID_EMAIL, 0),
	A_TEXT("code", 0), A_TEXT("error", 0), F_END };

static bool
is_refusal(enum rc rc)
{
	return rc == RC_CONFLICT || rc == RC_NOT_FOUND || rc == RC_FORBIDDEN;
}

/* The word of the result, where the refusal brought none of its own. */
static const char *
word_of(const struct request *rq, enum rc rc)
{
	if (rq->word != NULL)
		return rq->word;
	return rc == RC_NOT_FOUND ? "EMAIL_NOT_FOUND"
				  : result_word(rc, rq->env);
}

/* What a refusal leaves with the request is of that email alone. */
static void
fate_take(struct request *rq, enum rc rc, struct review_fate *f)
{
	*f = (struct review_fate){ .rc = rc };
	if (rc != RC_OK) {
		f->word = word_of(rq, rc);
		f->why = arena_str(rq->arena, fail_detail());
	}
	rq->word = NULL;
	rq->extras_n = 0;
	fail_clear();
}

enum rc
review_each(struct request *rq, struct ids ids,
    enum rc (*decide)(struct db *, void *), void *with,
    struct review_fate **out)
{
	struct review_fate *fate =
	    ARENA_ARRAY(rq->arena, struct review_fate, ids.n);

	for (size_t i = 0; i < ids.n; i++) {
		struct review r = { rq, ids.v[i], with };
		enum rc rc = db_tx(rq->db, decide, &r);

		if (rc != RC_OK && !is_refusal(rc))
			return rc;
		fate_take(rq, rc, &fate[i]);
	}
	*out = fate;
	return RC_OK;
}

void
review_write_done(struct jw *w, const char *key, struct ids ids,
    const struct review_fate *fate)
{
	jw_key(w, key);
	jw_array(w);
	for (size_t i = 0; i < ids.n; i++)
		if (fate[i].rc == RC_OK)
			jw_int(w, ids.v[i]);
	jw_array_end(w);
}

void
review_write_failed(
    struct jw *w, struct ids ids, const struct review_fate *fate)
{
	jw_key(w, "failed");
	jw_array(w);
	for (size_t i = 0; i < ids.n; i++) {
		if (fate[i].rc == RC_OK)
			continue;
		jw_object(w);
		JW_INT(w, "email_id", ids.v[i]);
		JW_TEXT(w, "code", fate[i].word);
		JW_TEXT(w, "error", fate[i].why);
		jw_object_end(w);
	}
	jw_array_end(w);
}
