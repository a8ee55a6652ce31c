/* Held mail is edited, and what came is held against what would go. */
#include "interception.h"

#include <string.h>

#include "domain/interception-sql.h"
#include "mail/edit.h"
#include "review.h"
#include "web/audit.h"

#define LINES_MOST 600 /* that are compared */

/* ---- original against edited ---- */

static const struct field pair_fields[] = { A_TEXT("original", NULLABLE),
	A_TEXT("edited", NULLABLE), F_END };
static const struct field line_fields[] = { A_TEXT("op", 0), A_TEXT("text", 0),
	F_END };
const struct field held_diff_answer[] = { A_ID("email_id", ID_EMAIL, 0),
	A_TEXT("content_hash", NULLABLE), A_BOOL("changed", 0),
	A_OBJECT("subject", pair_fields, 0),
	A_OBJECT("body_text", pair_fields, 0),
	A_OBJECT("body_html", pair_fields, 0), A_ARRAY("lines", line_fields, 0),
	F_END };

static struct str
text_or_none(const char *s)
{
	return s != NULL ? str_of(s) : (struct str){ NULL, 0 };
}

/* The message as it would be released now. */
static enum rc
edited_form(
    struct request *rq, const struct held_full *row, struct held_opened *o)
{
	const struct mail_edit edit = { .subject =
					    text_or_none(row->edited_subject),
		.text = text_or_none(row->edited_text),
		.html = text_or_none(row->edited_html),
		.fallback = "x@x" };
	struct mail_edited edited;

	if (o->raw.p == NULL || o->mime.n == 0)
		return RC_OK;
	TRY(mail_edit(rq->arena, o->raw, &edit, &edited));
	if (!edited.changed)
		return RC_OK;
	o->raw = edited.bytes;
	return held_parse(rq, o);
}

struct lines {
	struct str v[LINES_MOST];
	size_t n;
};

static void
lines_read(struct str text, struct lines *l)
{
	while (text.n > 0 && l->n < LINES_MOST) {
		const char *nl = memchr(text.p, '\n', text.n);
		size_t n = nl != NULL ? (size_t)(nl - text.p) : text.n;

		l->v[l->n++] = (struct str){ text.p, n };
		n += nl != NULL;
		text.p += n;
		text.n -= n;
	}
}

static void
line_write(struct jw *w, const char *op, struct str text)
{
	jw_object(w);
	JW_TEXT(w, "op", op);
	jw_key(w, "text");
	jw_str(w, text);
	jw_object_end(w);
}

/* The longest common run of lines, by the table of its lengths. */
static void
lines_compare(struct request *rq, struct jw *w, const struct lines *a,
    const struct lines *b)
{
	size_t wide = b->n + 1, i, k;
	int16_t *run = ARENA_ARRAY(rq->arena, int16_t, (a->n + 1) * wide);

	for (i = a->n; i-- > 0;)
		for (k = b->n; k-- > 0;) {
			int16_t down = run[(i + 1) * wide + k];
			int16_t right = run[i * wide + k + 1];

			run[i * wide + k] = str_eq(a->v[i], b->v[k])
			    ? (int16_t)(run[(i + 1) * wide + k + 1] + 1)
			    : down > right ? down
					   : right;
		}
	for (i = k = 0; i < a->n || k < b->n;) {
		if (i < a->n && k < b->n && str_eq(a->v[i], b->v[k])) {
			line_write(w, " ", a->v[i++]);
			k++;
		} else if (k == b->n ||
		    (i < a->n &&
			run[(i + 1) * wide + k] >= run[i * wide + k + 1])) {
			line_write(w, "-", a->v[i++]);
		} else {
			line_write(w, "+", b->v[k++]);
		}
	}
}

static void
write_pair(struct jw *w, const char *name, struct str a, struct str b)
{
	jw_key(w, name);
	jw_object(w);
	jw_key(w, "original");
	jw_str(w, a);
	jw_key(w, "edited");
	jw_str(w, b);
	jw_object_end(w);
}

static struct str
subject_of(struct request *rq, const struct held_opened *o)
{
	return o->mime.n > 0 ? header_text(rq->arena, o->mime.part[0].header,
				   "Subject", HELD_HEADER_BYTES)
			     : (struct str){ NULL, 0 };
}

enum rc
held_diff(struct request *rq)
{
	struct lines *a = ARENA_NEW(rq->arena, struct lines);
	struct lines *b = ARENA_NEW(rq->arena, struct lines);
	struct held_opened was, is;
	struct held_full *row;
	struct jw *w;

	TRY(held_open(rq, &row, &was));
	is = was;
	TRY(edited_form(rq, row, &is));
	lines_read(held_text(rq, &was), a);
	lines_read(held_text(rq, &is), b);
	w = reply_open(rq, 0);
	JW_INT(w, "email_id", row->id);
	JW_TEXT(w, "content_hash", row->content_hash);
	JW_BOOL(w, "changed", is.raw.p != was.raw.p);
	write_pair(w, "subject", subject_of(rq, &was), subject_of(rq, &is));
	write_pair(w, "body_text", held_text(rq, &was), held_text(rq, &is));
	write_pair(w, "body_html", was.body.html, is.body.html);
	jw_key(w, "lines");
	jw_array(w);
	lines_compare(rq, w, a, b);
	jw_array_end(w);
	return reply_close(rq);
}

/* ---- editing ---- */

const struct field held_edit_body[] = { F_TEXT(struct held_edit, subject, 0,
					    998, NULLABLE | BLANK_OK),
	F_TEXT(struct held_edit, body_text, 0, REVIEW_TEXT,
	    NULLABLE | BLANK_OK | LINES_OK),
	F_TEXT(struct held_edit, body_html, 0, REVIEW_TEXT,
	    NULLABLE | BLANK_OK | LINES_OK),
	F_END };
const struct field held_edit_answer[] = { A_TEXT("message", 0),
	A_ID("email_id", ID_EMAIL, 0), F_END };

static enum rc
edit_tx(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	const struct held_edit *in = rq->body;
	int64_t id = arg_id(rq, 0);
	struct held_state *state;

	TRY(review_lock(rq, db, id, &state));
	if (state == NULL || !hold_is(state->state, HOLD_HELD))
		return review_refuse(rq, state != NULL ? state->state : NULL);
	TRY(held_edit(db,
	    &(struct held_edit_args){ .account = rq->actor.account,
		.email = id,
		.has_subject = GIVEN(rq, struct held_edit, subject),
		.subject = in->subject,
		.has_body = GIVEN(rq, struct held_edit, body_text) ||
		    GIVEN(rq, struct held_edit, body_html),
		.text = in->body_text,
		.html = in->body_html,
		.by = review_by(rq) }));
	return audit(rq, "hold.edit", audit_id(rq, ID_EMAIL, id), NULL);
}

enum rc
held_change(struct request *rq)
{
	review_echo(rq, arg_id(rq, 0));
	if (rq->given == 0)
		return fault_add(rq, "subject", "required",
		    "One of subject, body_text and body_html.");
	TRY(db_tx(rq->db, edit_tx, rq));
	return review_reply(rq, "Email updated successfully", NULL);
}
