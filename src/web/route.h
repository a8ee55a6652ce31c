/* Routes: each endpoint is a row.
 *
 *	static const struct route routes[] = {
 *		{ GET, "/api/accounts/:account_id/tasks", list, NEED_READ,
 *		    PARAMS(task_list), .row = task_cols, .many = true,
 *		    .summary = "List tasks" },
 *		{ POST, "/api/accounts/:account_id/tasks", create, NEED_WRITE,
 *		    BODY(task_new), .row = task_cols, .status = 201,
 *		    .summary = "Create a task" },
 *	};
 *	FAMILY(tasks, BUSY);
 *
 * The dispatcher enforces what a row says, GET /api and /openapi.json show
 * it, the tests check it: one source. */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/result.h"
#include "core/text.h"
#include "db/ids.h"
#include "web/field.h"

struct request;
struct col;
struct arena;

enum method { METHOD_NONE, GET, POST, PUT, PATCH, DELETE, METHOD_COUNT };
const char *method_name(enum method);
enum method method_parse(struct str); /* METHOD_NONE: another */

/* Which server block of nginx the request came through (LR_DOOR). */
enum door { DOOR_ANY, DOOR_MAIN, DOOR_AUTH, DOOR_REVIEW };

/* Who may; the role matrix of the contract. READ, WRITE and OWNER speak of
 * the role in the actor's account; an admin acts as owner in each. */
enum need {
	NEED_PUBLIC, /* anybody; a credential that is sent is not looked at */
	NEED_MAYBE,  /* anybody; actor filled where a valid credential came */
	NEED_ANY,    /* any actor, an account or not */
	NEED_READ,   /* viewer and up */
	NEED_WRITE,  /* member and up */
	NEED_OWNER,  /* owner */
	NEED_USER,   /* a person signed in; no machine client */
	NEED_SELF,   /* admin, or the user that `:id` names */
	NEED_ADMIN,  /* admin of the application */
	NEED_APP_ADMIN, /* admin, or a machine client marked so */
	NEED_OWN,       /* the handler itself knows (webcron token, Stripe) */
	NEED_COUNT
};
const char *need_name(enum need); /* "viewer", "member", ... as in the manual */

enum route_flag {
	/* `:account_id` may differ from the actor's: the handler checks the
	 * membership (token of another account, child accounts). */
	ANY_ACCOUNT = 1 << 0,
	FORM_OK = 1 << 1,    /* also application/x-www-form-urlencoded */
	LARGE_BODY = 1 << 2, /* 35 MiB: attachments travel */
	IDEMPOTENT = 1 << 3, /* honours Idempotency-Key */
	UNKNOWN_OK = 1 << 4, /* unknown body fields are ignored in `data` too */
	NO_LIMIT = 1 << 5,   /* no rate limit (health, keys) */
	RAW_BODY = 1 << 6,   /* the handler reads rq->raw itself (signatures) */
	NO_CSRF = 1 << 7, /* no cookie decides here (sign-in with password) */
	BARE = 1 << 8,    /* no "success": true, no "ok": true around it */
	TIMES_Z = 1 << 9, /* times as …Z, whatever the envelope */
	TIMES_SPACED = 1 << 10, /* "2025-10-18 14:23:45" */
	OAUTH = 1 << 11,        /* errors as {error, error_description} */
	ASK_ADMIN = 1 << 12,    /* the handler looks at actor.admin */
	SICK_TOO = 1 << 13,     /* 503 has the same shape as 200 (health) */
	FACTOR_TOO = 1 << 14,   /* also for who still has to have a factor */
	PAGE_TOO = 1 << 15,     /* a page's form is answered by a page */
	PLANNED = 1 << 16,      /* the account's plan may not allow more */
};

#define ROUTE_ARGS  4
#define ROUTE_FAILS 8

/* clang-format off */
#define BODY(n) .body = { n##_body, sizeof(struct n) }
#define PARAMS(n) .params = { n##_params, sizeof(struct n) }
/* clang-format on */

struct route {
	enum method method; /* GET answers HEAD too */
	/* Segments are literal or `:name`. A literal wins over a `:name`.
	 * The name tells the kind of id (:account_id, :task_id …; see
	 * route_arg_kind); plain `:id` has its kind in .id; a name that is
	 * none (:client_id) is text. */
	const char *path;
	enum rc (*handler)(struct request *);
	enum need need;
	enum envelope env; /* ENV_DATA where not said */
	enum id_kind id;
	unsigned flags;
	enum door door; /* DOOR_ANY; a row with the door's name wins */
	struct shape body, params;
	int status; /* of success; 0: 200 */
	int also; /* another success: a page in place of a redirect, or back */
	const struct col *row;      /* what it answers: these columns, or */
	const struct field *answer; /* these fields, or neither (any JSON) */
	bool many;                  /* a list of them, with meta */
	const char *key; /* its name in `success` and `ok`; NULL: its members
			  * stand beside "success" */
	const char *missing; /* RC_NOT_FOUND's word there: "THREAD_NOT_FOUND" */
	enum rc fails[ROUTE_FAILS]; /* that may happen beyond the usual */
	const char *type;           /* of an answer that is not JSON */
	const char *summary;        /* "List tasks" */
	const char *about;          /* more, for the manual */
};

/* How many processes serve a family (times workers_scale). */
enum pool { QUIET = 1, BUSY = 2, WAITING = 4 };

/* A family of endpoints: one responder program. */
struct family {
	const char *name;
	const struct route *routes;
	size_t count;
	enum pool pool;
	bool door;  /* signs people in: its database role is an own one */
	bool holds; /* has answers that go on; see held.h */
};

#define FAMILY(n, p, ...)                                                      \
	const struct family n##_family = { .name = #n,                         \
		.routes = routes,                                              \
		.count = sizeof routes / sizeof routes[0],                     \
		.pool = (p),                                                   \
		__VA_ARGS__ }

/* Every family, NULL at the end (cgi-bin/families.c). */
extern const struct family *const families[];

/* What a path's `:name` is; false: text. */
bool route_arg_kind(const struct route *, struct str name, enum id_kind *);

struct route_arg {
	struct str text; /* decoded */
	int64_t id;      /* 0 where it is text */
};

struct route_match {
	const struct route *route; /* NULL: none */
	/* Methods that the path knows, a bit each (1 << GET); 0: unknown. */
	unsigned allowed;
	enum envelope env; /* of the nearest row, also where none matched */
	int64_t account;   /* of `:account_id`; 0: the path has none */
	struct route_arg args[ROUTE_ARGS];
};

/* Splits "path?query" and refuses what no honest client sends: not
 * beginning with '/', over 8 KiB, control bytes or bytes beyond ASCII, `//`,
 * dot segments (also %2e), encoded slashes (%2f %5c), broken escapes.
 * RC_MALFORMED with fail_detail. */
enum rc
route_split(struct str uri, struct str *path, struct str *query) MUST_CHECK;

/* RC_OK, RC_NOT_FOUND (unknown path, or an id that cannot be one) or
 * RC_METHOD; `match` is filled in each case. */
enum rc route_find(const struct family *, enum method, enum door,
    struct str path, struct arena *, struct route_match *) MUST_CHECK;

/* The envelope of the row nearest to a path, which may be one that no row can
 * have. */
enum envelope route_env(const struct family *, enum door, struct str path);

/* "GET, HEAD, POST" for Allow. */
const char *route_allow(struct arena *, unsigned allowed);

#endif
