/* Replies: the four envelopes, lists, files, errors.
 *
 * A handler ends with one of these, or returns a result that is not RC_OK:
 * the dispatcher then calls reply_error. The whole answer is kept until it is
 * complete, so it has a Content-Length, a strong ETag, and may still turn into
 * an error. */
#ifndef WEB_REPLY_H
#define WEB_REPLY_H

#include "core/result.h"
#include "web/cursor.h"
#include "web/request.h"

#define REPLY_MOST (32 << 20)

/* One row: {"data": {…}}, {"success": true, "<route.key>": {…}},
 * {"ok": true, "<key>": {…}}, or bare; without a key its columns stand beside
 * "success". Status 0: the route's. */
enum rc reply_row(struct request *, int status, const struct col *,
    const void *row) MUST_CHECK;

/* What was done, in words: {"success": true, "message": "…"}; what was made is
 * named by its id before them. */
enum rc reply_said(struct request *, const char *message) MUST_CHECK;
enum rc reply_made(struct request *, const char *key, int64_t id,
    const char *message) MUST_CHECK;

/* How a list ends. */
struct list_end {
	int64_t total; /* -1: not counted (null) */
	bool capped;   /* total is "at least": "total_capped": true */
	int64_t limit, offset;
	bool more;          /* there is a next page, which begins behind */
	struct cursor next; /* … this key */
};
/* Rows stand one after another, `size` bytes each. */
enum rc reply_rows(struct request *, const struct col *, const void *rows,
    size_t count, size_t size, const struct list_end *) MUST_CHECK;

/* The same by hand: what is written between stands in the array. */
struct jw *reply_list_open(struct request *, int status);
enum rc reply_list_close(struct request *, const struct list_end *) MUST_CHECK;
/* How rows are written into it: ids, times, what a viewer gets. */
struct row_style reply_style(const struct request *);

/* By hand: what stands between them lies inside the envelope's object:
 *	w = reply_open(rq, 200);
 *	JW_TEXT(w, "status", "ok");
 *	return reply_close(rq); */
struct jw *reply_open(struct request *, int status);
enum rc reply_close(struct request *) MUST_CHECK;
/* The same without an envelope: the caller writes the whole value. */
struct jw *reply_bare(struct request *, int status);
enum rc reply_bare_close(struct request *) MUST_CHECK;

enum rc reply_empty(struct request *, int status) MUST_CHECK; /* 204 */
enum rc
reply_redirect(struct request *, int status, const char *where) MUST_CHECK;
enum rc reply_text(
    struct request *, int status, const char *type, struct str) MUST_CHECK;
/* HTML, with the page's CSP; `policy` NULL: the strict one. */
enum rc reply_page(struct request *, int status, struct str html,
    const char *policy) MUST_CHECK;

/* Content of a mail: its own type where harmless, else octet-stream; nosniff;
 * attachment unless `shown` and the type is on the safe list; Range and
 * If-Range (RFC 9110 14). RC_RANGE. The bytes live as long as the request. */
struct content {
	const char *type;     /* as the mail says; NULL: unknown */
	const char *charset;  /* of a text; NULL: unknown */
	const char *filename; /* NULL: none */
	const char *etag;     /* with quotes; NULL: from the bytes */
	bool shown;           /* ?inline=1 */
	struct str bytes;
};
enum rc reply_content(struct request *, const struct content *) MUST_CHECK;
/* Is it a type that a browser shows without running anything? */
bool content_is_safe(struct str type);

/* `length` -1: unknown. The function runs when the head has been sent. */
enum rc reply_stream(struct request *, int status, const char *type,
    int64_t length, stream_fn *, void *ctx) MUST_CHECK;

/* A further header line; values with control characters end the process
 * (a broken promise of ours). */
void reply_header(struct request *, const char *name, const char *value);
/* Set-Cookie; `life` seconds, 0: of the browser session, -1: delete. */
void reply_cookie(struct request *, const char *name, const char *value,
    int64_t life, const char *more);
/* The same with another path and what follows it: "/; HttpOnly; SameSite=Lax".
 */
void reply_cookie_at(struct request *, const char *where, const char *name,
    const char *value, int64_t life, const char *more);

/* Members beside the usual in an error answer: email_id, current_status. */
void error_int(struct request *, const char *name, int64_t);
void error_text(struct request *, const char *name, const char *);

/* Throws away what was written and answers `rc` in the envelope of the
 * request, with fail_detail() (4xx only), faults and extras. */
void reply_error(struct request *, enum rc);

/* Does If-Match or If-None-Match name `etag`? Weak comparison for If-None-Match
 * (RFC 9110 13.1.2); If-Match takes the tag as sent, or in the weak form that
 * gzip makes of it. Absent header: `absent`. */
bool etag_matches(const char *header, const char *etag, bool absent);
/* RC_PRECONDITION unless If-Match is absent or names `etag`. */
enum rc reply_precondition(struct request *, const char *etag) MUST_CHECK;

/* A strong tag: a hash of the bytes. */
const char *reply_etag_of(struct arena *, struct str bytes);

/* Puts the finishing touches: ETag and 304, limits of the buffer. */
void reply_finish(struct request *);

#endif
