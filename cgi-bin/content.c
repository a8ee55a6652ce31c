/* Content: bodies, parts, attachments and bytes of emails. The first read of
 * each asks its mail server while the caller waits. */
#include "domain/content-sql.h"
#include "domain/content.h"
#include "web/audit.h"
#include "web/doer.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/share.h"

/* Texts of a message in their own charset and in ours, and a thousand parts;
 * the message itself is a mapped file. */
#define CONTENT_MEMORY ((size_t)96 << 20)

static void
arena_end(void *ctx)
{
	struct arena *a = ctx;

	arena_free(&a);
}

static struct arena *
memory(struct request *rq)
{
	struct arena *a = arena_new(CONTENT_MEMORY);

	arena_guard(a, rq->jump);
	arena_defer(rq->arena, arena_end, a);
	return a;
}

static enum rc
admit(void *ctx)
{
	return share_take(ctx);
}

/* The email in the path, which begins with its account or with it. */
static int64_t
email_of(const struct request *rq)
{
	return arg_id(rq, rq->account != 0 ? 1 : 0);
}

/* Its reader. */
static enum rc
reader(struct request *rq, struct content_reader **out)
{
	struct arena *a = memory(rq);
	struct content_reader *r = ARENA_NEW(a, struct content_reader);

	*out = r;
	*r = (struct content_reader){
		.db = rq->db,
		.conf = rq->conf,
		.arena = a,
		.who = doer_of(rq),
		.admit = admit,
		.admit_arg = rq,
	};
	TRY(body_cache_open(rq->conf,
	    (int64_t)rq->family->pool * rq->conf->workers_scale, &r->cache));
	return content_open(r, email_of(rq));
}

/* Who has read what of an email; before it is given away. */
static enum rc
was_read(struct request *rq, const char *what)
{
	return audit(
	    rq, "content.read", audit_id(rq, ID_EMAIL, email_of(rq)), what);
}

/* ---- what there is to read ---- */

static void
parts_write(struct request *rq, struct jw *w, const struct email_part_list *l)
{
	const struct row_style style = reply_style(rq);

	rows_write(w, email_part_cols, l->v, l->n, sizeof l->v[0], &style);
}

static enum rc
body(struct request *rq)
{
	struct email_part_list parts;
	struct content_reader *r;
	struct mime_body b;
	struct jw *w;

	TRY(reader(rq, &r));
	TRY(content_body(r, &b));
	TRY(content_parts(r, &parts));
	TRY(was_read(rq, "body"));
	w = reply_open(rq, 0);
	jw_key(w, "text");
	jw_str(w, b.text);
	jw_key(w, "html");
	jw_str(w, b.html);
	jw_key(w, "charset");
	jw_str(w, b.charset);
	JW_BOOL(w, "truncated", b.truncated);
	jw_key(w, "parts");
	parts_write(rq, w, &parts);
	return reply_close(rq);
}

/* ---- parts ---- */

static enum rc
parts(struct request *rq)
{
	struct email_part_list list;
	struct content_reader *r;
	struct list_end end;

	TRY(reader(rq, &r));
	TRY(content_parts(r, &list));
	TRY(was_read(rq, "parts"));
	end = (struct list_end){ .total = (int64_t)list.n,
		.limit = MIME_PARTS_SHOWN };
	return reply_rows(
	    rq, email_part_cols, list.v, list.n, sizeof list.v[0], &end);
}

struct content_how {
	bool is_inline;
};
static const struct field content_how_params[] = {
	{ .kind = FIELD_BOOL,
	    .name = "inline",
	    .offset = offsetof(struct content_how, is_inline),
	    .about = "Shown rather than saved, where the type is harmless." },
	F_END
};

/* The part that the path ends with. */
static enum rc
part_content(struct request *rq)
{
	const struct content_how *how = rq->params;
	int64_t id = arg_id(rq, rq->account != 0 ? 2 : 1);
	struct content_reader *r;
	struct email_part *part;
	struct str bytes;

	TRY(reader(rq, &r));
	TRY(email_part_get(
	    rq->db, rq->actor.account, email_of(rq), id, rq->arena, &part));
	TRY(content_part(r, part, &bytes));
	TRY(was_read(rq, audit_id(rq, ID_PART, part->id)));
	return reply_content(rq,
	    &(struct content){ .type = part->content_type,
		.charset = part->charset,
		.filename = part->filename,
		.shown = how->is_inline,
		.bytes = bytes });
}

/* ---- attachments: parts, as the second document speaks of them ---- */

static enum rc
attachments(struct request *rq)
{
	struct email_part_list list;
	struct content_reader *r;
	struct list_end end;

	TRY(reader(rq, &r));
	TRY(content_attachments(r, &list));
	TRY(was_read(rq, "attachments"));
	end = (struct list_end){ .total = (int64_t)list.n,
		.limit = MIME_PARTS_SHOWN };
	return reply_rows(
	    rq, email_part_cols, list.v, list.n, sizeof list.v[0], &end);
}

/* ---- the message itself ---- */

static enum rc
raw(struct request *rq)
{
	struct content_reader *r;
	char id[ID_PRINT_SIZE];
	struct str bytes;

	TRY(reader(rq, &r));
	TRY(content_raw(r, &bytes));
	TRY(was_read(rq, "raw"));
	id_print(ID_EMAIL, email_of(rq), id);
	return reply_content(rq,
	    &(struct content){ .type = "message/rfc822",
		.filename = arena_fmt(rq->arena, "%s.eml", id),
		.bytes = bytes });
}

static const struct field part_answer[] = {
	A_ID("id", ID_PART, 0),
	A_ID("email_id", ID_EMAIL, 0),
	A_TEXT("part_number", 0),
	A_ID("parent_id", ID_PART, NULLABLE),
	A_TEXT("content_type", 0),
	A_TEXT("charset", NULLABLE),
	A_TEXT("filename", NULLABLE),
	A_TEXT("disposition", NULLABLE),
	A_TEXT("content_id", NULLABLE),
	A_TEXT("encoding", NULLABLE),
	A_INT("size_bytes", 0),
	A_TEXT("content_hash", NULLABLE),
	F_END,
};
static const struct field body_answer[] = {
	A_TEXT("text", NULLABLE),
	A_TEXT("html", NULLABLE),
	A_TEXT("charset", NULLABLE),
	A_BOOL("truncated", 0),
	A_ARRAY("parts", part_answer, 0),
	F_END,
};

#define EMAIL    "/api/accounts/:account_id/emails/:email_id"
#define ATTACHED "/api/emails/:email_id/attachments"
#define FOREIGN                                                                \
	{                                                                      \
		RC_PART_SYNC, RC_NO_MESSAGE, RC_TIMEOUT, RC_CONNECTION,        \
		    RC_TOO_LARGE, RC_CONFLICT                                  \
	}

static const struct route routes[] = {
	{ GET, EMAIL "/body", body, NEED_WRITE, .answer = body_answer,
	    .fails = FOREIGN, .summary = "Read an email's text and HTML",
	    .about = "In UTF-8, whatever the message is in; HTML is not "
		     "cleaned." },
	{ GET, EMAIL "/parts", parts, NEED_READ, .row = email_part_cols,
	    .many = true, .fails = FOREIGN,
	    .summary = "List an email's MIME parts, in pre-order" },
	{ GET, EMAIL "/parts/:part_id/content", part_content, NEED_WRITE,
	    PARAMS(content_how), .type = "*/*",
	    .fails = { RC_PART_SYNC, RC_PART_HASH, RC_NO_MESSAGE, RC_TIMEOUT,
		RC_CONNECTION, RC_RANGE, RC_TOO_LARGE, RC_CONFLICT },
	    .summary = "Download a part's content",
	    .about = "Decoded; with its own type only where that is harmless. "
		     "Range requests are honoured." },
	{ GET, EMAIL "/raw", raw, NEED_WRITE, .type = "message/rfc822",
	    .fails = { RC_PART_SYNC, RC_NO_MESSAGE, RC_TIMEOUT, RC_CONNECTION,
		RC_RANGE, RC_TOO_LARGE, RC_CONFLICT },
	    .summary = "Download a message as the server has it" },
	{ GET, ATTACHED, attachments, NEED_READ, ENV_SUCCESS,
	    .missing = "EMAIL_NOT_FOUND", .row = email_part_cols, .many = true,
	    .key = "attachments", .fails = FOREIGN,
	    .summary = "List an email's attachments",
	    .about = "The parts that a mail program would show as attached; "
		     "their ids are those of parts." },
	{ GET, ATTACHED "/:attachment_id", part_content, NEED_WRITE,
	    ENV_SUCCESS, .missing = "ATTACHMENT_NOT_FOUND", PARAMS(content_how),
	    .type = "*/*",
	    .fails = { RC_PART_SYNC, RC_PART_HASH, RC_NO_MESSAGE, RC_TIMEOUT,
		RC_CONNECTION, RC_RANGE, RC_TOO_LARGE, RC_CONFLICT },
	    .summary = "Download an attachment",
	    .about = "As a part's content." },
};

FAMILY(content, WAITING);
