/* Held mail: listed, and looked at. */
#include "interception.h"

#include "domain/interception-sql.h"
#include "domain/raw-store.h"
#include "domain/rule.h"
#include "mail/html.h"
#include "mail/rfc2047.h"
#include "review.h"
#include "web/audit.h"
#include "web/cursor.h"

#define HELD_LIMIT   200
#define HEADERS_MOST 300

/* ---- the list ---- */

const struct field held_page_params[] = { F_ID(struct held_page, account_id,
					      ID_CREDENTIAL, OPTIONAL,
					      .about = "Of this mail account."),
	F_PAGE(struct held_page, HELD_LIMIT), F_END };

static const struct field stats_fields[] = { A_INT("total_held", 0),
	A_INT("last_24h", 0), A_INT("avg_latency_ms", 0), F_END };
static const struct field word_field = { .kind = FIELD_TEXT };
static const struct field held_fields[] = { A_ID("id", ID_EMAIL, 0),
	A_ID("account_id", ID_CREDENTIAL, 0), A_TEXT("subject", NULLABLE),
	A_TEXT("sender", NULLABLE), A_TEXT("recipients", NULLABLE),
	A_TEXT("status", 0), A_INT("risk_score", 0),
	A_LIST("keywords_matched", &word_field, NULLABLE),
	A_LIST("tags", &word_field, 0), A_TEXT("reason", 0),
	A_TEXT("created_at", 0), A_INT("latency_ms", 0),
	A_TEXT("preview", NULLABLE), F_END };
const struct field held_answer[] = { A_OBJECT("stats", stats_fields, 0),
	A_ARRAY("emails", held_fields, 0), A_INT("limit", 0),
	A_INT("offset", 0), A_TEXT("next_cursor", NULLABLE), F_END };

static const char *
next_cursor(struct request *rq, struct held_list *rows, int64_t limit)
{
	const struct held *last;

	if (rows->n <= (size_t)limit)
		return NULL;
	rows->n = (size_t)limit;
	last = &rows->v[limit - 1];
	return cursor_write(rq,
	    &(struct cursor){
		.is = true, .id = last->id, .at = last->held_at.us });
}

enum rc
held_all(struct request *rq)
{
	const struct held_page *in = rq->params;
	const struct row_style style = reply_style(rq);
	int64_t account = rq->actor.account;
	struct held_stats *stats;
	struct held_list rows;
	const char *cursor;
	struct listing ask;
	struct jw *w;

	TRY(listing_ask(rq, &in->page, &ask));
	db_pipe_begin(rq->db);
	TRY(held_stats(rq->db, account, in->account_id, rq->arena, &stats));
	TRY(held_list(rq->db, account, in->account_id,
	    ask.after != 0 ? (instant){ ask.at } : RULE_NEWEST,
	    listing_before(&ask), ask.skip, ask.most, rq->arena, &rows));
	TRY(db_pipe_end(rq->db));
	cursor = next_cursor(rq, &rows, in->page.limit);
	w = reply_open(rq, 0);
	jw_key(w, "stats");
	row_write(w, held_stats_cols, stats, &style);
	jw_key(w, "emails");
	rows_write(w, held_cols, rows.v, rows.n, sizeof rows.v[0], &style);
	JW_INT(w, "limit", in->page.limit);
	JW_INT(w, "offset", in->page.offset);
	JW_TEXT(w, "next_cursor", cursor);
	return reply_close(rq);
}

/* ---- one ---- */

static const struct field file_fields[] = { A_TEXT("filename", NULLABLE),
	A_INT("size", 0), A_TEXT("content_type", 0), F_END };
const struct field held_one_answer[] = { A_ID("id", ID_EMAIL, 0),
	A_ID("account_id", ID_CREDENTIAL, 0), A_TEXT("subject", NULLABLE),
	A_TEXT("sender", NULLABLE), A_TEXT("recipients", NULLABLE),
	A_TEXT("status", 0), A_TEXT("reason", 0), A_INT("risk_score", 0),
	A_LIST("keywords_matched", &word_field, 0),
	A_LIST("tags", &word_field, 0), A_INT("original_uid", NULLABLE),
	A_TIME("created_at", 0), A_TIME("held_at", NULLABLE),
	A_INT("latency_ms", 0), A_TEXT("edited_subject", NULLABLE),
	A_ID("edited_by", ID_USER, NULLABLE), A_TIME("edited_at", NULLABLE),
	A_TEXT("edited_message_id", NULLABLE), A_TEXT("released_to", NULLABLE),
	A_TEXT("error_code", NULLABLE), A_TEXT("error_detail", NULLABLE),
	A_TEXT("content_hash", NULLABLE), A_TEXT("body_text", NULLABLE),
	A_TEXT("body_html", NULLABLE), A_TEXT("edited_body_text", NULLABLE),
	A_TEXT("edited_body_html", NULLABLE),
	A_ARRAY("attachments", file_fields, 0), A_JSON("headers", 0),
	A_TEXT("original_internaldate", 0), A_TEXT("raw_path", 0), F_END };

enum rc
held_parse(struct request *rq, struct held_opened *o)
{
	if (o->raw.n > MIME_MESSAGE_MOST)
		o->raw.n = MIME_MESSAGE_MOST;
	TRY(mime_parse(rq->arena, o->raw, MIME_PARTS_SHOWN, &o->mime));
	if (o->mime.n > 0)
		mime_body(rq->arena, &o->mime, HELD_TEXT_MOST, &o->body);
	return RC_OK;
}

/* Another host may have it: then there is nothing to be shown but the row. */
static enum rc
raw_open(struct request *rq, struct str hash, struct held_opened *o)
{
	struct raw_store *raws;

	*o = (struct held_opened){ .raw = { NULL, 0 } };
	if (raw_store_open(rq->conf, rq->actor.account, rq->arena, &raws) !=
	    RC_OK) {
		log_warn(&rq->log, "no raw store: %s", fail_detail());
		return RC_OK;
	}
	o->raw = raw_store_find(raws, hash, rq->arena);
	return o->raw.p != NULL ? held_parse(rq, o) : RC_OK;
}

enum rc
held_open(struct request *rq, struct held_full **row, struct held_opened *o)
{
	review_echo(rq, arg_id(rq, 0));
	TRY(held_get(rq->db, rq->actor.account, arg_id(rq, 0), rq->arena, row));
	return raw_open(rq, (*row)->sha256, o);
}

struct str
held_text(struct request *rq, const struct held_opened *o)
{
	const struct mime_body *b = &o->body;

	return b->text.p != NULL || b->html.p == NULL
	    ? b->text
	    : html_text(rq->arena, b->html, HELD_TEXT_MOST);
}

static void
write_files(struct jw *w, const struct mime *m)
{
	jw_key(w, "attachments");
	jw_array(w);
	for (size_t i = 0; i < m->n; i++) {
		const struct mime_part *p = &m->part[i];

		if (!mime_is_attachment(m, i))
			continue;
		jw_object(w);
		jw_key(w, "filename");
		jw_str(w, p->filename);
		JW_INT(w, "size", (int64_t)mime_size(p));
		jw_key(w, "content_type");
		jw_str(w, p->type);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static bool
was_before(struct str header, struct str name)
{
	struct str other, value;
	size_t at = 0;

	while (header_next(header, &at, &other, &value) && other.p != name.p)
		if (str_ieq(other, name))
			return true;
	return false;
}

/* All fields of that name, a line each. */
static struct str
values_of(struct request *rq, struct str header, struct str called)
{
	struct str name, value, all = { NULL, 0 };
	size_t at = 0;

	while (header_next(header, &at, &name, &value)) {
		if (!str_ieq(name, called))
			continue;
		value = str_trim(
		    rfc2047_decode(rq->arena, value, HELD_HEADER_BYTES));
		all = all.p == NULL ? value
				    : str_of(arena_fmt(rq->arena, "%.*s\n%.*s",
					  STR_FMT(all), STR_FMT(value)));
	}
	return all;
}

static void
write_headers(struct request *rq, struct jw *w, const struct mime *m)
{
	struct str name, value, header = m->n > 0 ? m->part[0].header : STR("");
	size_t at = 0;

	jw_key(w, "headers");
	jw_object(w);
	for (int n = 0;
	     n < HEADERS_MOST && header_next(header, &at, &name, &value);) {
		if (was_before(header, name))
			continue;
		name = utf8_repair(rq->arena, name);
		jw_key(w, arena_dup(rq->arena, name.p, name.n));
		jw_str(w, values_of(rq, header, name));
		n++;
	}
	jw_object_end(w);
}

/* As the document prints it: without a zone, which is UTC. */
static const char *
internaldate(struct request *rq, instant t)
{
	char text[40];

	instant_print(t, TIME_SPACED, text);
	text[10] = 'T';
	return arena_str(rq->arena, text);
}

enum rc
held_one(struct request *rq)
{
	const struct row_style style = reply_style(rq);
	struct held_full *row;
	struct held_opened o;
	struct jw *w;

	TRY(held_open(rq, &row, &o));
	w = reply_open(rq, 0);
	row_members(w, held_full_cols, row, &style);
	jw_key(w, "body_text");
	jw_str(w, held_text(rq, &o));
	jw_key(w, "body_html");
	jw_str(w, o.body.html);
	JW_TEXT(w, "edited_body_text", row->edited_text);
	JW_TEXT(w, "edited_body_html", row->edited_html);
	write_files(w, &o.mime);
	write_headers(rq, w, &o.mime);
	JW_TEXT(w, "original_internaldate", internaldate(rq, row->received_at));
	JW_TEXT(w, "raw_path",
	    arena_fmt(rq->arena, "/api/accounts/acc_%lld/emails/eml_%lld/raw",
		(long long)rq->actor.account, (long long)row->id));
	TRY(audit(rq, "hold.read", audit_id(rq, ID_EMAIL, row->id), NULL));
	return reply_close(rq);
}
