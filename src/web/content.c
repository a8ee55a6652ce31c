/* Parts and raw messages: what a stranger wrote, sent so that no browser runs
 * it. */
#include <stdio.h>

#include "mail/charset.h"
#include "web/reply.h"

/* Shown by a browser without running anything. No SVG, HTML, XML, PDF. */
static const char *const safe_types[] = {
	"text/plain",
	"image/png",
	"image/jpeg",
	"image/gif",
	"image/webp",
	"image/bmp",
	"audio/mpeg",
	"audio/ogg",
	"audio/wav",
	"video/mp4",
	"video/webm",
};

bool
content_is_safe(struct str type)
{
	for (size_t i = 0; i < sizeof safe_types / sizeof safe_types[0]; i++)
		if (str_ieq(type, str_of(safe_types[i])))
			return true;
	return false;
}

/* Sent with their own name, though not shown: programs want to know. */
static bool
is_harmless(struct str type)
{
	return content_is_safe(type) || str_ieq(type, STR("message/rfc822")) ||
	    str_ieq(type, STR("application/pdf")) ||
	    str_ieq(type, STR("application/zip")) ||
	    str_ieq(type, STR("text/csv")) ||
	    str_ieq(type, STR("text/calendar"));
}

/* ---- the name ---- */

static bool
attr_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$&+-.^_`|~", c) != NULL);
}

/* Length of what must not stand in a file name at `p`: a control, a path's
 * separator, a character that turns the direction of the text around so that
 * "exe" reads as another ending; 0: none. */
static size_t
unfit(const char *p, size_t n)
{
	static const struct {
		unsigned char lead[2], least, most;
	} turns[] = { { { 0xe2, 0x80 }, 0x8e, 0x8f },
		{ { 0xe2, 0x80 }, 0xaa, 0xae },
		{ { 0xe2, 0x81 }, 0xa6, 0xa9 } };
	const unsigned char *u = (const unsigned char *)p;

	if (u[0] < 0x20 || u[0] == 0x7f || u[0] == '/' || u[0] == '\\')
		return 1;
	if (n >= 2 && u[0] == 0xc2 && u[1] < 0xa0)
		return 2;
	if (n >= 2 && u[0] == 0xd8 && u[1] == 0x9c)
		return 2;
	for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++)
		if (n >= 3 && memcmp(u, turns[i].lead, 2) == 0 &&
		    u[2] >= turns[i].least && u[2] <= turns[i].most)
			return 3;
	return 0;
}

static struct str
name_fit(struct arena *a, struct str name)
{
	char *out = arena_alloc(a, name.n + 1);
	size_t n = 0;

	for (size_t i = 0, skip; i < name.n; i += skip) {
		skip = unfit(name.p + i, name.n - i);
		out[n++] = skip > 0 ? '_' : name.p[i];
		skip += skip == 0;
	}
	return (struct str){ out, n };
}

/* RFC 6266: an ASCII name for old clients, the real one in RFC 8187 form. */
static void
disposition(struct request *rq, const struct content *c, bool shown)
{
	struct str name = str_of(c->filename);
	struct buf b;

	buf_init(&b, 8192);
	buf_puts(&b, shown ? "inline" : "attachment");
	if (name.n > 0) {
		name.n = utf8_cut(name.p, name.n, 200);
		name = name_fit(rq->arena, name);
		buf_puts(&b, "; filename=\"");
		for (size_t i = 0; i < name.n; i++)
			buf_putc(&b,
			    attr_char((unsigned char)name.p[i]) ||
				    name.p[i] == ' '
				? name.p[i]
				: '_');
		buf_puts(&b, "\"; filename*=UTF-8''");
		for (size_t i = 0; i < name.n; i++) {
			unsigned char byte = (unsigned char)name.p[i];

			if (attr_char(byte))
				buf_putc(&b, (char)byte);
			else
				buf_fmt(&b, "%%%02X", byte);
		}
	}
	reply_header(rq, "Content-Disposition", buf_text(&b));
	buf_clear(&b);
}

/* ---- ranges (RFC 9110 14) ---- */

struct range {
	size_t from, n;
};

enum range_is { RANGE_NONE, RANGE_OK, RANGE_OUTSIDE };

/* "5-9", "5-" or "-5". */
static enum range_is
range_numbers(struct str spec, size_t size, struct range *r)
{
	const char *dash = spec.n == 0 ? NULL : memchr(spec.p, '-', spec.n);
	struct str a = spec, b;
	uint64_t first, last;

	if (dash == NULL)
		return RANGE_NONE;
	a.n = (size_t)(dash - spec.p);
	b = (struct str){ dash + 1, spec.n - a.n - 1 };
	if (a.n == 0) {
		if (!str_uint(b, INT64_MAX, &last))
			return RANGE_NONE;
		if (last == 0 || size == 0)
			return RANGE_OUTSIDE;
		r->n = last > size ? size : (size_t)last;
		r->from = size - r->n;
		return RANGE_OK;
	}
	if (!str_uint(a, INT64_MAX, &first))
		return RANGE_NONE;
	last = INT64_MAX;
	if (b.n > 0 && (!str_uint(b, INT64_MAX, &last) || last < first))
		return RANGE_NONE;
	if (first >= size)
		return RANGE_OUTSIDE;
	r->from = (size_t)first;
	r->n = (last >= size ? size : (size_t)last + 1) - r->from;
	return RANGE_OK;
}

/* One range; several, another unit or nonsense: the whole is sent, as the RFC
 * allows. */
static enum range_is
range_wanted(struct request *rq, const char *etag, size_t size, struct range *r)
{
	struct str spec = str_of(request_var(rq, "HTTP_RANGE"));
	const char *if_range = request_var(rq, "HTTP_IF_RANGE");

	if (spec.p == NULL || !str_starts(spec, STR("bytes=")))
		return RANGE_NONE;
	if (if_range != NULL && strcmp(if_range, etag) != 0)
		return RANGE_NONE;
	spec.p += 6;
	spec.n -= 6;
	if (memchr(spec.p, ',', spec.n) != NULL)
		return RANGE_NONE;
	return range_numbers(str_trim(spec), size, r);
}

static void
content_range(struct request *rq, const struct range *r, size_t size)
{
	char text[96];

	snprintf(text, sizeof text, "bytes %zu-%zu/%zu", r->from,
	    r->from + r->n - 1, size);
	reply_header(rq, "Content-Range", text);
}

/* ---- the bytes ---- */

static bool
is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!attr_char((unsigned char)s.p[i]))
			return false;
	return s.n > 0 && s.n <= 64;
}

static const char *
type_sent(struct request *rq, struct str type, struct str charset)
{
	if (!is_harmless(type))
		return "application/octet-stream";
	if (str_starts(type, STR("text/")) && is_token(charset) &&
	    charset_known(charset))
		return arena_fmt(rq->arena, "%.*s; charset=%.*s", STR_FMT(type),
		    STR_FMT(charset));
	return arena_dup(rq->arena, type.p, type.n);
}

#define COPIED_MOST ((size_t)64 * 1024)

static enum rc
stream_bytes(void *ctx, struct stream *s)
{
	const struct str *bytes = ctx;

	return stream_write(s, bytes->p, bytes->n);
}

/* What is large is not copied on its way. */
static enum rc
bytes_send(struct request *rq, int status, const char *type, struct str bytes)
{
	struct str *kept;

	if (bytes.n <= COPIED_MOST)
		return reply_text(rq, status, type, bytes);
	kept = ARENA_NEW(rq->arena, struct str);
	*kept = bytes;
	return reply_stream(
	    rq, status, type, (int64_t)bytes.n, stream_bytes, kept);
}

enum rc
reply_content(struct request *rq, const struct content *c)
{
	struct str type = str_trim(str_of(c->type));
	bool shown = c->shown && content_is_safe(type);
	const char *etag = c->etag;
	struct range r = { 0, c->bytes.n };
	enum range_is is;

	if (etag == NULL)
		etag = reply_etag_of(rq->arena, c->bytes);
	is = range_wanted(rq, etag, c->bytes.n, &r);
	if (is == RANGE_OUTSIDE)
		return fail(RC_RANGE, "the content has %zu bytes", c->bytes.n);
	disposition(rq, c, shown);
	reply_header(rq, "Accept-Ranges", "bytes");
	reply_header(
	    rq, "Content-Security-Policy", "sandbox; default-src 'none'");
	if (is == RANGE_OK)
		content_range(rq, &r, c->bytes.n);
	TRY(bytes_send(rq, is == RANGE_OK ? 206 : 200,
	    type_sent(rq, type, str_of(c->charset)),
	    (struct str){ c->bytes.p + r.from, r.n }));
	rq->reply.etag = etag;
	rq->reply.cache = "private, no-cache";
	return RC_OK;
}
