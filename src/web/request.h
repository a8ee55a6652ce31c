/* A request: who asks, for what, with what; and the answer that grows.
 *
 * The dispatcher fills it: a handler finds the path's ids read, the actor
 * allowed, the path's account checked, body and parameters in their structs.
 * All memory is the arena's and ends with the request. */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/buffer.h"
#include "core/conf.h"
#include "core/json.h"
#include "core/log.h"
#include "core/result.h"
#include "core/text.h"
#include "web/route.h"

struct db;
struct responder;
struct json_object;
struct verifier;

enum role { ROLE_NONE, ROLE_VIEWER, ROLE_MEMBER, ROLE_OWNER };
const char *role_name(enum role); /* "viewer" …; ROLE_NONE: "none" */
enum role role_parse(struct str); /* ROLE_NONE where it is none of them */

/* How the actor proved who it is. */
enum how { HOW_NOBODY, HOW_TOKEN, HOW_COOKIE };

struct actor {
	int64_t application;
	int64_t user;    /* 0: a machine client */
	int64_t account; /* 0: none chosen */
	int64_t session; /* 0: none (foreign issuer, machine client) */
	int64_t version; /* of the membership, as the token carries it */
	enum role role;  /* in `account`; an admin has ROLE_OWNER */
	bool admin;      /* of the application */
	bool machine;
	bool app_admin; /* a machine client marked so */
	enum how how;
	struct str client; /* OAuth client id; "" where none */
	struct str scope;
};

/* One fault of the input; see body.h. */
struct fault {
	const char *field; /* "to_json[2].address" */
	const char *code;  /* "required", "too_long", ... */
	const char *message;
	struct fault *next;
};

/* Members that an error answer carries besides the usual. */
struct extra {
	const char *name;
	bool is_text;
	struct str text; /* p NULL writes null */
	int64_t number;
};
#define EXTRAS_MOST 6

/* Writes a long answer piece by piece. A piece that cannot be delivered
 * (the client left) gives RC_CONNECTION: stop. */
struct stream;
typedef enum rc stream_fn(void *ctx, struct stream *);
enum rc stream_write(struct stream *, const void *, size_t) MUST_CHECK;

struct reply {
	char tag[40];     /* an ETag of the body */
	int status;       /* 0: nothing answered yet */
	const char *type; /* Content-Type; NULL: application/json */
	struct buf body;
	struct buf head; /* further lines "Name: value\r\n" */
	struct jw jw;    /* on body, between reply_open and reply_close */
	stream_fn *stream;
	void *stream_ctx;
	int64_t stream_length; /* -1: unknown */
	const char *etag;      /* "\"…\"" given by the handler, or NULL */
	const char *cache;     /* Cache-Control; NULL: no-store */
	const char *held;      /* the answer goes on; see held.h */
	bool held_more;
	bool opened;
	bool fresh; /* no ETag of the body (health, tokens) */
};

struct request {
	struct arena *arena;
	struct db *db;
	const struct conf *conf;
	struct verifier *verifier; /* of tokens; NULL: nobody knows any */
	struct log log;
	const char *id; /* X-Request-Id */

	const struct responder *responder; /* NULL in some tests */
	const struct family *family;
	const struct route *route; /* NULL until found */
	enum envelope env;
	enum method method;
	bool head; /* HEAD: as GET, without the body */
	enum door door;
	struct str uri;   /* as sent */
	struct str path;  /* raw, before '?' */
	struct str query; /* raw, behind '?' */
	struct route_arg args[ROUTE_ARGS];
	int64_t account;  /* `:account_id` in the path; 0: none */
	const char *peer; /* address of the client, nginx's real_ip done */
	bool secure;      /* HTTPS at the door */

	struct actor actor;
	struct rights *rights; /* asked of the database; see guard.h */
	bool remembered; /* the actor is of an earlier request; see guard.h */
	bool anew;       /* it was refused: ask the database who it is */

	void *body; /* struct of route->body; NULL where it has none */
	uint64_t given, nulls;
	void *params; /* struct of route->params */
	uint64_t params_given;
	struct str raw; /* the body's bytes */

	struct fault *faults; /* of the input; first in, first listed */
	struct extra extras[EXTRAS_MOST];
	size_t extras_n;
	int retry_after;         /* seconds; 0: the result's own */
	const char *word;        /* on the wire, in place of the result's own */
	const char *allow;       /* of a 405 */
	bool credential_refused; /* one came, and was not valid */
	const struct cors_known *cors; /* of the Origin; NULL: nobody's */
	bool cors_allowed;             /* its pages may read the answer */
	/* For X-RateLimit-*; limit 0: not counted. Seconds since 1970. */
	struct {
		int64_t limit, remaining, reset;
	} rate;

	struct reply reply;

	/* From the web server; tests bring their own. */
	char *const *env_vars; /* "NAME=value", NULL at the end */
	size_t (*read)(void *from, char *, size_t); /* 0: end */
	void *from;
	int64_t started_ms;  /* steady */
	jmp_buf *jump;       /* where a full arena goes */
	struct arena *large; /* owned; of routes with large bodies */
	bool admitted;       /* the actor may, by what is known here */
	bool filled;         /* the input has been read */
	bool has_share;      /* see share.h */
};

/* A CGI variable ("HTTP_IF_MATCH"); NULL where absent. */
const char *request_var(const struct request *, const char *name);
/* A cookie's value; p NULL where absent, or where it came twice. */
struct str request_cookie(const struct request *, const char *name);

static inline int64_t
arg_id(const struct request *rq, unsigned i)
{
	return rq->args[i].id;
}
static inline struct str
arg_text(const struct request *rq, unsigned i)
{
	return rq->args[i].text;
}

/* Viewers get null for content, and no answer by which it could be told. */
static inline bool
sees_content(const struct request *rq)
{
	return rq->actor.role != ROLE_VIEWER;
}

/* Was the member given, in the body or among the parameters? `null` counts as
 * given. For PATCH: absent and null stay apart.
 *	if (GIVEN(rq, struct task_patch, priority)) … */
bool request_given(
    const struct request *, const struct shape *, uint64_t bits, size_t offset);
#define GIVEN(rq, T, m)                                                        \
	request_given((rq), &(rq)->route->body, (rq)->given, offsetof(T, m))
#define IS_NULL(rq, T, m)                                                      \
	request_given((rq), &(rq)->route->body, (rq)->nulls, offsetof(T, m))
#define PARAM_GIVEN(rq, T, m)                                                  \
	request_given(                                                         \
	    (rq), &(rq)->route->params, (rq)->params_given, offsetof(T, m))

#endif
