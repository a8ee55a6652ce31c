#include "web/reply.h"

#include <assert.h>
#include <stdio.h>

#include "core/secret.h"
#include "db/row.h"

/* ---- opening ---- */

struct row_style
reply_style(const struct request *rq)
{
	unsigned flags = rq->route != NULL ? rq->route->flags : 0;
	struct row_style s = {
		.prefixed = rq->env == ENV_DATA || rq->env == ENV_RAW,
		.time = rq->env == ENV_SUCCESS ? TIME_OFFSET : TIME_Z,
		.viewer = !sees_content(rq),
	};

	if ((flags & TIMES_Z) != 0)
		s.time = TIME_Z;
	if ((flags & TIMES_SPACED) != 0)
		s.time = TIME_SPACED;
	return s;
}

static int
status_or_own(const struct request *rq, int status)
{
	if (status != 0)
		return status;
	return rq->route->status != 0 ? rq->route->status : 200;
}

struct jw *
reply_bare(struct request *rq, int status)
{
	buf_reset(&rq->reply.body);
	rq->reply.status = status_or_own(rq, status);
	rq->reply.jw = jw_on(&rq->reply.body);
	rq->reply.opened = true;
	return &rq->reply.jw;
}

enum rc
reply_bare_close(struct request *rq)
{
	rq->reply.opened = false;
	if (rq->reply.body.full)
		return fail(
		    RC_INTERNAL, "the answer passes %d bytes", REPLY_MOST);
	return RC_OK;
}

/* "success": true or "ok": true, where the document prints it. */
static void
mark(const struct request *rq, struct jw *w)
{
	if ((rq->route->flags & BARE) != 0)
		return;
	if (rq->env == ENV_SUCCESS)
		JW_BOOL(w, "success", true);
	else if (rq->env == ENV_OK)
		JW_BOOL(w, "ok", true);
}

struct jw *
reply_open(struct request *rq, int status)
{
	struct jw *w = reply_bare(rq, status);

	jw_object(w);
	if (rq->env == ENV_DATA) {
		jw_key(w, "data");
		jw_object(w);
	}
	mark(rq, w);
	return w;
}

enum rc
reply_close(struct request *rq)
{
	struct jw *w = &rq->reply.jw;

	if (rq->env == ENV_DATA)
		jw_object_end(w);
	jw_object_end(w);
	return reply_bare_close(rq);
}

/* ---- rows ---- */

enum rc
reply_row(
    struct request *rq, int status, const struct col *cols, const void *row)
{
	struct row_style s = reply_style(rq);
	struct jw *w = reply_bare(rq, status);
	const char *key = rq->env == ENV_DATA ? "data" : rq->route->key;

	if (rq->env == ENV_RAW && key == NULL) {
		row_write(w, cols, row, &s);
		return reply_bare_close(rq);
	}
	jw_object(w);
	mark(rq, w);
	if (key != NULL) {
		jw_key(w, key);
		row_write(w, cols, row, &s);
	} else {
		row_members(w, cols, row, &s);
	}
	jw_object_end(w);
	return reply_bare_close(rq);
}

static void
end_members(struct jw *w, const struct list_end *end, const char *cursor)
{
	jw_key(w, "total");
	if (end->total < 0)
		jw_null(w);
	else
		jw_int(w, end->total);
	if (end->capped)
		JW_BOOL(w, "total_capped", true);
	JW_INT(w, "limit", end->limit);
	JW_INT(w, "offset", end->offset);
	JW_TEXT(w, "next_cursor", cursor);
}

/* `path?query` with the cursor in place of cursor and offset. */
static void
link_next(struct request *rq, const char *cursor)
{
	struct str rest = rq->query;
	char sep = '?';
	struct buf b;

	if (rq->method != GET)
		return;
	buf_init(&b, 16384);
	buf_putc(&b, '<');
	buf_add(&b, rq->path.p, rq->path.n);
	while (rest.n > 0) {
		const char *amp = memchr(rest.p, '&', rest.n);
		struct str pair = { rest.p,
			amp != NULL ? (size_t)(amp - rest.p) : rest.n };
		size_t past = pair.n + (amp != NULL);

		rest.p += past;
		rest.n -= past;
		if (pair.n == 0 || str_starts(pair, STR("cursor=")) ||
		    str_starts(pair, STR("offset=")) ||
		    memchr(pair.p, '>', pair.n) != NULL)
			continue;
		buf_putc(&b, sep);
		buf_add(&b, pair.p, pair.n);
		sep = '&';
	}
	buf_fmt(&b, "%ccursor=%s>; rel=\"next\"", sep, cursor);
	if (!b.full)
		reply_header(rq, "Link", buf_text(&b));
	buf_clear(&b);
}

struct jw *
reply_list_open(struct request *rq, int status)
{
	struct jw *w = reply_bare(rq, status);
	const char *key = rq->env == ENV_DATA ? "data" : rq->route->key;

	jw_object(w);
	mark(rq, w);
	jw_key(w, key != NULL ? key : "items");
	jw_array(w);
	return w;
}

enum rc
reply_list_close(struct request *rq, const struct list_end *end)
{
	struct jw *w = &rq->reply.jw;
	const char *cursor = NULL;

	jw_array_end(w);
	if (end->more) {
		cursor = cursor_write(rq, &end->next);
		link_next(rq, cursor);
	}
	if (rq->env != ENV_OK) {
		jw_key(w, "meta");
		jw_object(w);
	}
	end_members(w, end, cursor);
	if (rq->env != ENV_OK)
		jw_object_end(w);
	jw_object_end(w);
	return reply_bare_close(rq);
}

enum rc
reply_rows(struct request *rq, const struct col *cols, const void *rows,
    size_t count, size_t size, const struct list_end *end)
{
	struct row_style s = reply_style(rq);
	struct jw *w = reply_list_open(rq, 0);

	for (size_t i = 0; i < count; i++)
		row_write(w, cols, (const char *)rows + i * size, &s);
	return reply_list_close(rq, end);
}

/* ---- words ---- */

enum rc
reply_said(struct request *rq, const char *message)
{
	struct jw *w = reply_open(rq, 0);

	JW_TEXT(w, "message", message);
	return reply_close(rq);
}

enum rc
reply_made(struct request *rq, const char *key, int64_t id, const char *message)
{
	struct jw *w = reply_open(rq, 0);

	jw_key(w, key);
	jw_int(w, id);
	JW_TEXT(w, "message", message);
	return reply_close(rq);
}

/* ---- without JSON ---- */

enum rc
reply_empty(struct request *rq, int status)
{
	buf_reset(&rq->reply.body);
	rq->reply.status = status_or_own(rq, status);
	rq->reply.type = "";
	return RC_OK;
}

enum rc
reply_redirect(struct request *rq, int status, const char *where)
{
	reply_header(rq, "Location", where);
	return reply_empty(rq, status);
}

enum rc
reply_text(struct request *rq, int status, const char *type, struct str text)
{
	buf_reset(&rq->reply.body);
	buf_add(&rq->reply.body, text.p, text.n);
	rq->reply.status = status_or_own(rq, status);
	rq->reply.type = type;
	return reply_bare_close(rq);
}

enum rc
reply_page(struct request *rq, int status, struct str html, const char *policy)
{
	static const char strict[] =
	    "default-src 'none'; style-src 'self'; script-src 'self'; "
	    "img-src 'self' data:; connect-src 'self'; form-action 'self'; "
	    "frame-ancestors 'none'; base-uri 'none'";

	reply_header(
	    rq, "Content-Security-Policy", policy != NULL ? policy : strict);
	/* With no-referrer a browser would send `Origin: null` with our own
	 * forms (Fetch, "append a request Origin header"); and the address of a
	 * mailed link, token and all, is for nobody. */
	reply_header(rq, "Referrer-Policy", "strict-origin");
	return reply_text(rq, status, "text/html; charset=utf-8", html);
}

enum rc
reply_stream(struct request *rq, int status, const char *type, int64_t length,
    stream_fn *fn, void *ctx)
{
	rq->reply.status = status_or_own(rq, status);
	rq->reply.type = type;
	rq->reply.stream = fn;
	rq->reply.stream_ctx = ctx;
	rq->reply.stream_length = length;
	return RC_OK;
}

/* ---- headers ---- */

static void
header_check(const char *value)
{
	for (const char *p = value; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			die("control character in a header");
}

void
reply_header(struct request *rq, const char *name, const char *value)
{
	header_check(value);
	buf_fmt(&rq->reply.head, "%s: %s\r\n", name, value);
}

void
reply_cookie(struct request *rq, const char *name, const char *value,
    int64_t life, const char *more)
{
	reply_cookie_at(
	    rq, "/; HttpOnly; SameSite=Lax", name, value, life, more);
}

void
reply_cookie_at(struct request *rq, const char *where, const char *name,
    const char *value, int64_t life, const char *more)
{
	struct buf b;

	buf_init(&b, 4096);
	buf_fmt(&b, "%s=%s; Path=%s", name, value, where);
	if (life != 0)
		buf_fmt(&b, "; Max-Age=%lld", life < 0 ? 0LL : (long long)life);
	if (rq->secure)
		buf_puts(&b, "; Secure");
	if (more != NULL)
		buf_fmt(&b, "; %s", more);
	reply_header(rq, "Set-Cookie", buf_text(&b));
	buf_clear(&b);
}

/* ---- entity tags ---- */

static bool
tag_same(struct str a, struct str b)
{
	if (str_starts(a, STR("W/"))) {
		a.p += 2;
		a.n -= 2;
	}
	if (str_starts(b, STR("W/"))) {
		b.p += 2;
		b.n -= 2;
	}
	return str_eq(a, b);
}

bool
etag_matches(const char *header, const char *etag, bool absent)
{
	struct str rest = str_of(header);

	assert(etag != NULL);
	if (header == NULL)
		return absent;
	while (rest.n > 0) {
		const char *comma = memchr(rest.p, ',', rest.n);
		struct str tag = { rest.p,
			comma != NULL ? (size_t)(comma - rest.p) : rest.n };
		size_t past = tag.n + (comma != NULL);

		rest.p += past;
		rest.n -= past;
		tag = str_trim(tag);
		if (str_eq(tag, STR("*")) || tag_same(tag, str_of(etag)))
			return true;
	}
	return false;
}

enum rc
reply_precondition(struct request *rq, const char *etag)
{
	if (etag_matches(request_var(rq, "HTTP_IF_MATCH"), etag, true))
		return RC_OK;
	return RC_PRECONDITION;
}

const char *
reply_etag_of(struct arena *arena, struct str bytes)
{
	unsigned char hash[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];

	sha256(bytes.p, bytes.n, hash);
	hex_encode(hash, 16, hex);
	return arena_fmt(arena, "\"%s\"", hex);
}

/* ---- the end ---- */

/* Hashing costs 3 us a kilobyte: single reads are small, lists have none. */
#define TAGGED_MOST ((size_t)256 * 1024)

static bool
may_have_tag(const struct request *rq)
{
	const struct reply *r = &rq->reply;

	return rq->method == GET && r->status == 200 && !r->fresh &&
	    !rq->route->many &&
	    (r->etag != NULL ||
		(r->stream == NULL && r->body.n <= TAGGED_MOST));
}

static void
not_modified(struct request *rq)
{
	rq->reply.status = 304;
	rq->reply.type = "";
	rq->reply.stream = NULL;
	buf_reset(&rq->reply.body);
}

void
reply_finish(struct request *rq)
{
	struct reply *r = &rq->reply;

	if (!may_have_tag(rq))
		return;
	if (r->etag == NULL)
		r->etag = reply_etag_of(
		    rq->arena, (struct str){ r->body.p, r->body.n });
	if (etag_matches(request_var(rq, "HTTP_IF_NONE_MATCH"), r->etag, false))
		not_modified(rq);
}
