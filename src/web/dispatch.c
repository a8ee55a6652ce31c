#include "web/dispatch.h"

#include <malloc.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/secret.h"
#include "db/db.h"
#include "web/body.h"
#include "web/cors.h"
#include "web/fill.h"
#include "web/guard.h"
#include "web/held.h"
#include "web/page.h"
#include "web/params.h"
#include "web/reply.h"

#define REQUEST_MEMORY ((size_t)16 << 20)
/* Where attachments travel: the bytes, the tree of json-c is not among them,
 * the decoded contents, the finished message. */
#define REQUEST_MEMORY_LARGE ((size_t)192 << 20)
#define ERROR_MEMORY         ((size_t)256 << 10)
#define HEAD_MOST            ((size_t)32 << 10)

/* ---- who, what, where ---- */

/* nginx's $request_id, or the client's own where it is harmless. */
static bool
id_ok(struct str s)
{
	if (s.n < 1 || s.n > 64)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '-' || c == '_' ||
			c == '.'))
			return false;
	}
	return true;
}

static const char *
id_of(struct request *rq)
{
	struct str s = str_of(request_var(rq, "LR_REQUEST_ID"));
	unsigned char random[16];
	char hex[33];

	if (id_ok(s))
		return s.p;
	random_bytes(random, sizeof random);
	hex_encode(random, sizeof random, hex);
	return arena_str(rq->arena, hex);
}

static enum door
door_of(const char *name)
{
	static const struct {
		const char *name;
		enum door door;
	} doors[] = { { "auth", DOOR_AUTH }, { "review", DOOR_REVIEW } };

	for (size_t i = 0; i < sizeof doors / sizeof doors[0]; i++)
		if (name != NULL && strcmp(name, doors[i].name) == 0)
			return doors[i].door;
	return DOOR_MAIN;
}

static void
describe(struct request *rq)
{
	struct str method = str_of(request_var(rq, "REQUEST_METHOD"));
	const char *https = request_var(rq, "HTTPS");

	rq->id = id_of(rq);
	rq->log.who = rq->family->name;
	rq->log.request = rq->id;
	rq->head = str_eq(method, STR("HEAD"));
	rq->method = rq->head ? GET : method_parse(method);
	rq->door = door_of(request_var(rq, "LR_DOOR"));
	rq->env = rq->door == DOOR_REVIEW ? ENV_OK : ENV_DATA;
	rq->peer = request_var(rq, "REMOTE_ADDR");
	if (rq->peer == NULL)
		rq->peer = "";
	rq->secure = https != NULL && strcmp(https, "on") == 0;
	rq->uri = str_of(request_var(rq, "REQUEST_URI"));
}

/* ---- the stations ---- */

static enum rc
find(struct request *rq, struct route_match *m)
{
	enum rc rc = route_split(rq->uri, &rq->path, &rq->query);

	if (rc != RC_OK) {
		rq->env = route_env(rq->family, rq->door, rq->path);
		return rc;
	}
	rc = route_find(
	    rq->family, rq->method, rq->door, rq->path, rq->arena, m);
	rq->env = m->env;
	rq->route = m->route;
	rq->account = m->account;
	memcpy(rq->args, m->args, sizeof rq->args);
	if (rc == RC_METHOD)
		rq->allow = route_allow(rq->arena, m->allowed);
	return rc;
}

/* A path whose id cannot be one is told so only to who may ask. */
static enum rc
admit(struct responder *r, struct request *rq, enum rc found)
{
	enum rc rc;

	do {
		TRY(guard_request(r->guard, rq));
		rc = guard_check(rq);
	} while (rc != RC_OK && guard_anew(rq));
	TRY(rc);
	rq->admitted = true;
	return found;
}

/* The database's guard refuses at the handler's first statement: nothing has
 * been done, and so nothing is done twice. */
static enum rc
handle(struct responder *r, struct request *rq)
{
	enum rc rc = rq->route->handler(rq);

	if (rc == RC_UNAUTHORIZED && guard_anew(rq)) {
		buf_reset(&rq->reply.head);
		TRY(admit(r, rq, RC_OK));
		rc = rq->route->handler(rq);
	}
	if (rc == RC_OK && r->guard != NULL)
		guard_confirm(r->guard, rq);
	return rc;
}

static enum rc
fill(struct request *rq)
{
	TRY(params_fill(rq));
	if ((rq->route->flags & RAW_BODY) != 0)
		return RC_OK;
	return body_fill(rq);
}

static enum rc
work(struct responder *r, struct request *rq)
{
	struct route_match m = { .route = NULL };
	enum rc found = find(rq, &m);

	cors_look(rq);
	if (rq->route == NULL) {
		TRY(guard_stray(r->guard, rq));
		return found == RC_METHOD && cors_is_preflight(rq)
		    ? cors_preflight(rq)
		    : found;
	}
	TRY(admit(r, rq, found));
	if ((rq->route->flags & LARGE_BODY) != 0) {
		rq->arena = rq->large = arena_new(REQUEST_MEMORY_LARGE);
		arena_guard(rq->arena, rq->jump);
	}
	TRY(body_read(rq));
	TRY(fill(rq));
	rq->filled = true;
	TRY(handle(r, rq));
	if (rq->reply.status == 0)
		return fail(RC_INTERNAL, "the handler gave no answer");
	return RC_OK;
}

/* ---- faults ---- */

/* What the input is told, whoever may not ask is not: but the database says so
 * at the first statement only, and a faulty request comes to none. */
static bool
is_of_input(const struct request *rq, enum rc rc)
{
	if (!rq->admitted)
		return false;
	if (!rq->filled)
		return rc != RC_RETRY && rc != RC_INTERNAL;
	return rc == RC_INVALID || rc == RC_MALFORMED;
}

static enum rc
prove(struct responder *r, struct request *rq)
{
	enum rc rc = guard_prove(rq);

	if (rc == RC_UNAUTHORIZED && guard_anew(rq))
		rc = admit(r, rq, RC_OK);
	return rc;
}

/* The fault, or what keeps the caller from being told it. */
static enum rc
fault_of(struct responder *r, struct request *rq, enum rc fault)
{
	char *detail = arena_str(rq->arena, fail_detail());
	enum rc rc;

	if (!is_of_input(rq, fault))
		return fault;
	rc = prove(r, rq);
	if (rc == RC_OK) {
		fail_clear();
		return *detail != '\0' ? fail(fault, "%s", detail) : fault;
	}
	rq->faults = NULL;
	return rc;
}

/* People are led to what they have to do first, and from there to what they
 * wanted; programs are told. */
static enum rc
led(struct request *rq, enum rc rc)
{
	if (rc == RC_FACTOR_MISSING && rq->method == GET && page_wanted(rq))
		return reply_redirect(rq, 302,
		    arena_fmt(rq->arena, "/auth/factors/page?next=%s",
			percent_encode(rq->arena, rq->uri)));
	return rc;
}

/* The arena is full: while the input was being read it is the caller's fault,
 * later ours. */
static enum rc
full(struct request *rq)
{
	if (!rq->filled)
		return fail(RC_TOO_LARGE, "the request needs too much memory");
	return fail(RC_INTERNAL, "the answer needs too much memory");
}

/* Apart from dispatch, so that nothing it changes lives in a register across
 * the jump. */
static enum rc
guarded(struct responder *r, struct request *rq)
{
	jmp_buf jump;
	enum rc rc;

	rq->jump = &jump;
	arena_guard(rq->arena, &jump);
	rc = setjmp(jump) == 0 ? work(r, rq) : full(rq);
	arena_guard(rq->arena, NULL);
	rq->jump = NULL;
	return rc;
}

static void
log_failure(const struct request *rq, enum rc rc)
{
	if (rc == RC_INTERNAL)
		log_error(&rq->log, "request failed: %s", fail_detail());
	else if (rc == RC_RETRY)
		log_warn(&rq->log, "request put off: %s", fail_detail());
	else if (fail_detail()[0] != '\0')
		log_debug(&rq->log, "request refused result=%s: %s",
		    result_row(rc)->name, fail_detail());
}

void
dispatch(struct responder *r, struct request *rq, char *const *env_vars,
    size_t (*read)(void *, char *, size_t), void *from)
{
	enum rc rc;

	memset(rq, 0, sizeof *rq);
	rq->arena = r->arena;
	rq->db = r->db;
	rq->verifier = guard_verifier(r->guard);
	rq->conf = r->conf;
	rq->responder = r;
	rq->family = r->family;
	rq->env_vars = env_vars;
	rq->read = read;
	rq->from = from;
	rq->started_ms = clock_steady_ms();
	rq->reply.body = r->body;
	rq->reply.head = r->head;
	fail_clear();
	if (rq->db != NULL)
		db_guard_none(rq->db);
	describe(rq);
	if (rq->db != NULL)
		db_log(rq->db, rq->log);
	rc = guarded(r, rq);
	if (rc != RC_OK) {
		rq->arena = r->spare;
		rc = led(rq, fault_of(r, rq, rc));
	}
	if (rc != RC_OK) {
		log_failure(rq, rc);
		reply_error(rq, rc);
	}
	cors_settle(rq);
	reply_finish(rq);
}

void
responder_init(struct responder *r, const struct family *family,
    const struct conf *conf, struct db *db, struct guard *guard)
{
	*r = (struct responder){
		.family = family,
		.conf = conf,
		.db = db,
		.guard = guard,
		.arena = arena_new(REQUEST_MEMORY),
		.spare = arena_new(ERROR_MEMORY),
	};
	buf_init(&r->body, REPLY_MOST);
	buf_init(&r->head, HEAD_MOST);
}

void
responder_clear(struct responder *r)
{
	buf_clear(&r->body);
	buf_clear(&r->head);
	arena_free(&r->arena);
	arena_free(&r->spare);
}

/* ---- the head of the answer ---- */

static void
rate_head(const struct request *rq, struct buf *out)
{
	if (rq->rate.limit == 0)
		return;
	buf_fmt(out,
	    "X-RateLimit-Limit: %lld\r\nX-RateLimit-Remaining: %lld\r\n"
	    "X-RateLimit-Reset: %lld\r\n",
	    (long long)rq->rate.limit, (long long)rq->rate.remaining,
	    (long long)rq->rate.reset);
}

static void
length_head(const struct request *rq, struct buf *out)
{
	const struct reply *r = &rq->reply;
	int64_t n = r->stream != NULL ? r->stream_length : (int64_t)r->body.n;

	if (n < 0 || r->held != NULL || r->status == 204 || r->status == 304)
		return;
	BUF_LIT(out, "Content-Length: ");
	buf_int(out, n);
	BUF_LIT(out, "\r\n");
}

/* RFC 9110 15; nginx leaves the phrase out where we do. */
static const char *
reason(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} rows[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 416, "Range Not Satisfiable" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].status == status)
			return rows[i].phrase;
	return "";
}

void
dispatch_head(struct request *rq, struct buf *out)
{
	const struct reply *r = &rq->reply;
	const char *type = r->type != NULL ? r->type : "application/json";

	buf_fmt(out, "Status: %d %s", r->status, reason(r->status));
	BUF_LIT(out, "\r\nX-Request-Id: ");
	buf_puts(out, rq->id);
	BUF_LIT(out, "\r\nX-Content-Type-Options: nosniff\r\nCache-Control: ");
	buf_puts(out, r->cache != NULL ? r->cache : "no-store");
	BUF_LIT(out, "\r\n");
	if (type[0] != '\0') {
		BUF_LIT(out, "Content-Type: ");
		buf_puts(out, type);
		BUF_LIT(out, "\r\n");
	}
	if (r->etag != NULL && r->status < 400) {
		BUF_LIT(out, "ETag: ");
		buf_puts(out, r->etag);
		BUF_LIT(out, "\r\n");
	}
	length_head(rq, out);
	rate_head(rq, out);
	cors_head(rq, out);
	buf_add(out, r->head.p, r->head.n);
	BUF_LIT(out, "\r\n");
}

/* ---- the end ---- */

#define KEEP ((size_t)128 * 1024)

/* Behind an answer that was larger than most: what it needed goes back, holes
 * in the heap included. */
static void
memory_settle(struct responder *r)
{
	buf_shrink(&r->body, KEEP);
	malloc_trim(0);
}

/* One that is held is told of once. */
static void
log_end(const struct request *rq)
{
	if (held_again(rq))
		return;
	log_info(&rq->log,
	    "request method=%s path=%.*s status=%d bytes=%zu "
	    "ms=%lld",
	    rq->head ? "HEAD" : method_name(rq->method), STR_FMT(rq->path),
	    rq->reply.status, rq->reply.body.n,
	    (long long)(clock_steady_ms() - rq->started_ms));
}

void
dispatch_done(struct responder *r, struct request *rq)
{
	if (rq->route != NULL && rq->raw.n > 0 &&
	    fill_has_secret(rq->route->body.rows))
		explicit_bzero((char *)(uintptr_t)rq->raw.p, rq->raw.n);
	log_end(rq);
	r->body = rq->reply.body;
	r->head = rq->reply.head;
	buf_reset(&r->body);
	buf_reset(&r->head);
	arena_free(&rq->large);
	arena_reset(r->arena);
	arena_reset(r->spare);
	if (r->body.cap > KEEP)
		memory_settle(r);
}
