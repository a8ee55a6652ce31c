#include "domain/content.h"

#include <string.h>

#include "domain/content-fetch.h"
#include "domain/content-sql.h"
#include "domain/task.h"

const struct col content_source_cols[] = {
	COL(struct content_source, email_id),
	COL(struct content_source, application_id),
	COL(struct content_source, credential_id),
	COL(struct content_source, size_bytes),
	COL_BYTES(struct content_source, sha256),
	COL_STR(struct content_source, wire_name),
	COL(struct content_source, uidvalidity),
	COL(struct content_source, uid),
	COL_END,
};

const struct col content_kept_cols[] = {
	COL_BYTES(struct content_kept, message),
	COL_END,
};

const struct col email_part_cols[] = {
	COL_ID(struct email_part, id, ID_PART),
	COL_ID(struct email_part, email_id, ID_EMAIL),
	COL(struct email_part, part_number,
	    .note = "As in BODYSTRUCTURE; TEXT is a multipart that is all of "
		    "its message."),
	COL_ID(struct email_part, parent_id, ID_PART, .zero_null = true),
	COL(struct email_part, content_type),
	COL(struct email_part, charset),
	COL(struct email_part, filename),
	COL(struct email_part, disposition),
	COL(struct email_part, content_id),
	COL(struct email_part, encoding),
	COL(struct email_part, size_bytes,
	    .note = "Of the content; of its encoded form while a large "
		    "message's part has not been read."),
	COL(struct email_part, content_hash,
	    .note = "sha256:… of the content at its first read."),
	COL_END,
};

static enum rc
source_read(struct content_reader *r, int64_t email)
{
	return content_source_get(
	    r->db, r->who.account, r->who.user, email, r->arena, &r->source);
}

enum rc
content_open(struct content_reader *r, int64_t email)
{
	r->until = clock_steady_ms() + CONTENT_MS;
	return source_read(r, email);
}

/* ---- the whole message ---- */

static bool
is_small(const struct content_reader *r)
{
	return r->source->size_bytes <= r->conf->body_cache_message;
}

static struct str
cached(const struct content_reader *r)
{
	const struct str *hash = &r->source->sha256;

	if (hash->n != SHA256_SIZE)
		return (struct str){ NULL, 0 };
	return body_cache_find(
	    r->cache, (const unsigned char *)hash->p, r->arena);
}

enum rc
content_out_of_sync(struct content_reader *r, const char *why)
{
	const struct task_new task = {
		.application_id = r->source->application_id,
		.action = "imap_sync_messages",
		.credential_id = r->source->credential_id,
		.priority = 5,
		.once = true,
		.run_at = INSTANT_NONE,
	};
	struct task_started *started;

	TRY(task_start(r->db, r->who.account, &task, r->arena, &started));
	return fail(RC_PART_SYNC, "%s", why);
}

static enum rc
may_fetch(struct content_reader *r)
{
	if (r->source->credential_id == 0)
		return fail(RC_NO_MESSAGE, "No mail server has this email.");
	if (r->source->wire_name.p == NULL)
		return content_out_of_sync(
		    r, "The message is not where it was; a sync is queued.");
	if (r->admit != NULL && !r->admitted)
		TRY(r->admit(r->admit_arg));
	r->admitted = true;
	return RC_OK;
}

/* The first read decides what the message is. */
static enum rc
record(struct content_reader *r, const unsigned char hash[SHA256_SIZE])
{
	const struct log_note note = { "email", "imap_fetch_body", RC_OK,
		"Message fetched from the mail server", "email_id", ID_EMAIL,
		r->source->email_id };
	bool same = false;

	TRY(content_record(r->db, r->who.account, r->source->email_id,
	    (struct str){ (const char *)hash, SHA256_SIZE }, &same));
	r->changed = !same;
	return log_write(r->db, &r->who, &note);
}

static enum rc
fetch(struct content_reader *r)
{
	unsigned char hash[SHA256_SIZE];
	struct body_file *file;
	uint64_t n;

	TRY(body_file_new(r->cache, r->arena, &file));
	TRY(content_fetch(r, "", MIME_MESSAGE_MOST, body_file_write, file, &n));
	TRY(content_fetched_size(r, n));
	TRY(body_file_end(file, is_small(r), hash, &r->raw));
	return record(r, hash);
}

/* A message that we sent, until a sync finds its copy. */
static enum rc
kept(struct content_reader *r)
{
	struct content_kept *k;

	if (r->raw.p != NULL || r->source->wire_name.p != NULL)
		return RC_OK;
	TRY(content_kept(
	    r->db, r->who.account, r->source->email_id, r->arena, &k));
	if (k != NULL)
		r->raw = k->message;
	return RC_OK;
}

/* Sets r->raw; RC_OK also where the message is not the one it was. */
static enum rc
whole(struct content_reader *r)
{
	if (r->raw.p == NULL)
		r->raw = cached(r);
	TRY(kept(r));
	if (r->raw.p != NULL)
		return RC_OK;
	if (r->source->size_bytes > (int64_t)MIME_MESSAGE_MOST)
		return fail(RC_TOO_LARGE, "The message is larger than %zu MB.",
		    MIME_MESSAGE_MOST >> 20);
	TRY(may_fetch(r));
	TRY(body_cache_flight(
	    r->cache, r->source->email_id, r->until, r->arena));
	/* Whoever was before us may have brought it. */
	TRY(source_read(r, r->source->email_id));
	r->raw = cached(r);
	return r->raw.p != NULL ? RC_OK : fetch(r);
}

static enum rc
unchanged(struct content_reader *r)
{
	if (!r->changed)
		return RC_OK;
	return content_out_of_sync(
	    r, "The server has another message than before.");
}

enum rc
content_raw(struct content_reader *r, struct str *raw)
{
	TRY(whole(r));
	TRY(unchanged(r));
	*raw = r->raw;
	return RC_OK;
}

/* ---- parts ---- */

static enum rc
parsed(struct content_reader *r)
{
	TRY(whole(r));
	if (r->mime.part != NULL)
		return RC_OK;
	return mime_parse(r->arena, r->raw, MIME_PARTS_SHOWN, &r->mime);
}

static enum rc
parts_write(struct content_reader *r)
{
	const struct mime *m = &r->mime;
	struct str *number = ARENA_ARRAY(r->arena, struct str, 8 * m->n);
	struct str *parent = number + m->n, *type = parent + m->n,
		   *charset = type + m->n, *filename = charset + m->n,
		   *disposition = filename + m->n, *id = disposition + m->n,
		   *encoding = id + m->n;
	int64_t *size = ARENA_ARRAY(r->arena, int64_t, m->n);

	for (size_t i = 0; i < m->n; i++) {
		const struct mime_part *p = &m->part[i];

		number[i] = p->number;
		if (p->parent != MIME_NO_PARENT)
			parent[i] = m->part[p->parent].number;
		type[i] = p->type;
		charset[i] = p->charset;
		filename[i] = p->filename;
		disposition[i] = p->disposition;
		id[i] = p->content_id;
		encoding[i] = p->encoding;
		size[i] = (int64_t)mime_size(p);
	}
	return email_part_make(r->db,
	    &(struct email_part_make_args){ .account = r->who.account,
		.email = r->source->email_id,
		.numbers = { number, m->n },
		.parents = { parent, m->n },
		.types = { type, m->n },
		.charsets = { charset, m->n },
		.filenames = { filename, m->n },
		.dispositions = { disposition, m->n },
		.content_ids = { id, m->n },
		.encodings = { encoding, m->n },
		.sizes = { size, m->n } },
	    NULL);
}

static enum rc
parts_make(struct content_reader *r)
{
	if (!is_small(r))
		return email_part_make_told(
		    r->db, r->who.account, r->source->email_id, NULL);
	TRY(parsed(r));
	TRY(unchanged(r));
	return parts_write(r);
}

enum rc
content_parts(struct content_reader *r, struct email_part_list *out)
{
	int64_t account = r->who.account, email = r->source->email_id;

	TRY(email_part_list(r->db, account, email, r->arena, out));
	if (out->n > 0)
		return RC_OK;
	TRY(parts_make(r));
	return email_part_list(r->db, account, email, r->arena, out);
}

/* ---- what is attached ---- */

static size_t
row_of(const struct email_part_list *l, int64_t id)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].id == id)
			return i;
	return MIME_NO_PARENT;
}

/* The parts as mail/mime.h has them, as far as its rule asks. */
static struct mime
shape_of(struct arena *a, const struct email_part_list *l)
{
	struct mime m = { .part = ARENA_ARRAY(a, struct mime_part, l->n),
		.n = l->n };

	for (size_t i = 0; i < l->n; i++) {
		const struct email_part *p = &l->v[i];
		struct str type = str_of(p->content_type);

		m.part[i] = (struct mime_part){
			.parent = row_of(l, p->parent_id),
			.type = type,
			.filename = str_of(p->filename),
			.disposition = str_of(p->disposition),
			.content_id = str_of(p->content_id),
			.multipart = str_starts(type, STR("multipart/")),
			.message = str_eq(type, STR("message/rfc822")),
		};
	}
	return m;
}

enum rc
content_attachments(struct content_reader *r, struct email_part_list *out)
{
	struct mime shape;
	size_t n = 0;

	TRY(content_parts(r, out));
	shape = shape_of(r->arena, out);
	for (size_t i = 0; i < out->n; i++)
		if (mime_is_attachment(&shape, i))
			out->v[n++] = out->v[i];
	out->n = n;
	return RC_OK;
}

/* ---- one part ---- */

/* Decoded content goes through the same files as messages do. */
static enum rc
to_file(void *file, const char *p, size_t n)
{
	return body_file_write(file, p, n);
}

static bool
hash_of(const struct email_part *p, unsigned char out[SHA256_SIZE])
{
	struct str hash = str_of(p->content_hash);

	if (!str_starts(hash, STR("sha256:")))
		return false;
	return hex_decode(
	    (struct str){ hash.p + 7, hash.n - 7 }, out, SHA256_SIZE);
}

static enum rc
decode_whole(struct content_reader *r, const struct email_part *p,
    struct body_file *file)
{
	const struct mime_part *part;

	TRY(parsed(r));
	part = mime_find(&r->mime, str_of(p->part_number));
	if (part == NULL)
		return content_out_of_sync(
		    r, "The server's message has no such part.");
	return mime_content(part, to_file, file);
}

struct piece {
	struct transfer_decoder decoder;
};

static enum rc
decode_piece(void *ctx, const void *p, size_t n)
{
	struct piece *piece = ctx;

	return transfer_feed(&piece->decoder, p, n);
}

/* Multiparts and messages have no encoding of their own (RFC 2045 6.4). */
static enum transfer
transfer_of_part(const struct email_part *p)
{
	struct str type = str_of(p->content_type);

	if (str_starts(type, STR("multipart/")) ||
	    str_starts(type, STR("message/")))
		return TRANSFER_PLAIN;
	return transfer_of(str_of(p->encoding));
}

static enum rc
decode_alone(struct content_reader *r, const struct email_part *p,
    uint64_t most, transfer_sink *sink, void *ctx)
{
	struct piece *piece = ARENA_NEW(r->arena, struct piece);
	uint64_t n;

	TRY(may_fetch(r));
	TRY(body_cache_flight(
	    r->cache, r->source->email_id, r->until, r->arena));
	transfer_begin(&piece->decoder, transfer_of_part(p), sink, ctx);
	TRY(content_fetch(r, p->part_number, most, decode_piece, piece, &n));
	return transfer_end(&piece->decoder);
}

/* What was recorded wins over what the server has now. */
static enum rc
check_part(struct content_reader *r, const struct email_part *p,
    const unsigned char hash[SHA256_SIZE], size_t n)
{
	char text[7 + 2 * SHA256_SIZE + 1] = "sha256:";
	bool same = false;

	hex_encode(hash, SHA256_SIZE, text + 7);
	if (p->content_hash != NULL && strcmp(p->content_hash, text) != 0)
		return RC_PART_HASH;
	TRY(unchanged(r));
	if (p->content_hash != NULL)
		return RC_OK;
	TRY(email_part_record(
	    r->db, r->who.account, p->id, text, (int64_t)n, &same));
	return same ? RC_OK : RC_PART_HASH;
}

enum rc
content_part(
    struct content_reader *r, const struct email_part *p, struct str *out)
{
	unsigned char hash[SHA256_SIZE];
	struct body_file *file;
	bool small = is_small(r);

	if (!small && hash_of(p, hash)) {
		*out = body_cache_find(r->cache, hash, r->arena);
		if (out->p != NULL)
			return RC_OK;
	}
	TRY(body_file_new(r->cache, r->arena, &file));
	if (small)
		TRY(decode_whole(r, p, file));
	else
		TRY(decode_alone(r, p, MIME_MESSAGE_MOST, to_file, file));
	/* A part of a small message is decoded again from its message. */
	TRY(body_file_end(file, !small, hash, out));
	return check_part(r, p, hash, out->n);
}

/* ---- what there is to read ---- */

static bool
is_text(const struct email_part *p, const char *type)
{
	return strcmp(p->content_type, type) == 0 &&
	    (p->disposition == NULL ||
		strcmp(p->disposition, "attachment") != 0);
}

/* Twice as much as is shown: quoted-printable is longer than its text. */
static enum rc
text_alone(struct content_reader *r, const struct email_part *p,
    struct mime_body *body, struct str *out)
{
	struct buf content;
	enum rc rc;

	buf_init(&content, 2 * CONTENT_TEXT);
	rc = decode_alone(r, p, 2 * CONTENT_TEXT, transfer_to_buf, &content);
	if (rc == RC_OK) {
		*out = mime_text(r->arena, (struct str){ content.p, content.n },
		    str_of(p->charset), CONTENT_TEXT, &body->truncated,
		    &body->lossy);
		if (p->size_bytes > (int64_t)(2 * CONTENT_TEXT))
			body->truncated = true;
		if (body->charset.p == NULL)
			body->charset = str_of(p->charset);
	}
	buf_clear(&content);
	return rc;
}

static enum rc
body_alone(struct content_reader *r, struct mime_body *body)
{
	struct {
		const char *type;
		struct str *out;
	} wanted[] = { { "text/plain", &body->text },
		{ "text/html", &body->html } };
	struct email_part_list parts;

	*body = (struct mime_body){ .truncated = false };
	TRY(content_parts(r, &parts));
	for (size_t w = 0; w < 2; w++)
		for (size_t i = 0; i < parts.n && wanted[w].out->p == NULL; i++)
			if (is_text(&parts.v[i], wanted[w].type))
				TRY(text_alone(
				    r, &parts.v[i], body, wanted[w].out));
	return RC_OK;
}

enum rc
content_body(struct content_reader *r, struct mime_body *body)
{
	if (!is_small(r))
		return body_alone(r, body);
	TRY(parsed(r));
	TRY(unchanged(r));
	mime_body(r->arena, &r->mime, CONTENT_TEXT, body);
	return RC_OK;
}
