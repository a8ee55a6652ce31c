/* What belongs to no noun: the description, health, and whatever path nobody
 * else knows. */
#include <stdio.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/secret.h"
#include "db/db.h"
#include "domain/health-sql.h"
#include "domain/hold-sql.h"
#include "families.h"
#include "system.h"
#include "web/manual.h"
#include "web/openapi.h"
#include "web/reply.h"

#define HEALTH_KEEP_MS 5000
#define OPENAPI_MOST   ((size_t)16 << 20)

/* ---- GET /api ---- */

static void
path_put(struct buf *b, const char *path)
{
	for (bool open = false;; path++) {
		if (open && (*path == '/' || *path == '\0')) {
			buf_putc(b, '}');
			open = false;
		}
		if (*path == '\0')
			return;
		open |= *path == ':';
		buf_putc(b, *path == ':' ? '{' : *path);
	}
}

static void
routes_write(struct jw *w, const struct family *f)
{
	struct buf b;

	buf_init(&b, 4096);
	jw_key(w, f->name);
	jw_array(w);
	for (size_t i = 0; i < f->count; i++) {
		const struct route *r = &f->routes[i];

		buf_reset(&b);
		buf_fmt(&b, "%s ", method_name(r->method));
		path_put(&b, r->path);
		if (r->door == DOOR_ANY)
			jw_str(w, (struct str){ b.p, b.n });
	}
	jw_array_end(w);
	buf_clear(&b);
}

static enum rc
index_(struct request *rq)
{
	struct jw *w = reply_open(rq, 200);

	JW_TEXT(w, "name", "Letterrack API");
	JW_TEXT(w, "version", PACKAGE_VERSION);
	jw_key(w, "endpoints");
	jw_object(w);
	for (const struct family *const *f = families; *f != NULL; f++)
		routes_write(w, *f);
	jw_object_end(w);
	return reply_close(rq);
}

/* ---- the description ---- */

/* Printed once a process: 16 MiB would be a thousand routes of us. */
static enum rc
description(struct request *rq, enum openapi_part part)
{
	static struct buf text[2];
	static const char *etag[2];
	static char tags[2][48];

	if (etag[part] == NULL) {
		buf_init(&text[part], OPENAPI_MOST);
		openapi_write(&text[part], families, part, rq->conf->base_url);
		snprintf(tags[part], sizeof tags[part], "%s",
		    reply_etag_of(
			rq->arena, (struct str){ text[part].p, text[part].n }));
		etag[part] = tags[part];
	}
	rq->reply.etag = etag[part];
	rq->reply.cache = "no-cache";
	return reply_text(rq, 200, "application/json",
	    (struct str){ text[part].p, text[part].n });
}

static enum rc
openapi(struct request *rq)
{
	return description(rq, OPENAPI_API);
}

static enum rc
openapi_auth(struct request *rq)
{
	return description(rq, OPENAPI_AUTH);
}

static enum rc
docs(struct request *rq)
{
	struct page_doc doc;

	page_open(&doc, rq, "The API");
	manual_write(&doc, families);
	rq->reply.cache = "no-cache";
	return page_reply(&doc, 200);
}

/* ---- health ---- */

struct health {
	bool database, encryption;
	struct hold_figures holds; /* of a database that is there */
	instant asked;
	int64_t until_ms; /* steady */
};

/* Answers are kept for 5 s, so that a monitor cannot become a load. */
static const struct health *
health(struct request *rq)
{
	static struct health kept;
	struct hold_figures *holds;
	instant now;

	if (kept.until_ms > clock_steady_ms())
		return &kept;
	kept.asked = clock_now();
	kept.database = health_now(rq->db, &now) == RC_OK &&
	    hold_figures(rq->db, rq->arena, &holds) == RC_OK;
	if (kept.database)
		kept.holds = *holds;
	kept.encryption = access(rq->conf->key_dir, R_OK | X_OK) == 0;
	/* A fault is looked at again at once: 503 ends when it ends. */
	kept.until_ms = kept.database ? clock_steady_ms() + HEALTH_KEEP_MS : 0;
	return &kept;
}

bool
system_sees_all(const struct request *rq)
{
	struct str peers = str_of(rq->conf->status_allow);
	const char *auth = request_var(rq, "HTTP_AUTHORIZATION");
	const char *token = rq->conf->metrics_token;
	struct secret right = { (unsigned char *)(uintptr_t)token,
		strlen(token) };

	while (peers.n > 0) {
		size_t n = 0;

		while (n < peers.n && peers.p[n] != ' ')
			n++;
		if (n > 0 &&
		    str_eq((struct str){ peers.p, n }, str_of(rq->peer)))
			return true;
		peers.p += n < peers.n ? n + 1 : n;
		peers.n -= n < peers.n ? n + 1 : n;
	}
	return right.n > 0 && auth != NULL &&
	    strncasecmp(auth, "Bearer ", 7) == 0 &&
	    secret_eq(&right, auth + 7, strlen(auth + 7));
}

static void
unready(struct request *rq)
{
	reply_header(rq, "Retry-After", "2");
}

static void
module(struct jw *w, const char *name, bool ok)
{
	jw_key(w, name);
	jw_object(w);
	JW_TEXT(w, "status", ok ? "ok" : "error");
	jw_object_end(w);
}

static const struct field module_answer[] = {
	A_TEXT("status", 0),
	F_END,
};
static const struct field modules_answer[] = {
	A_OBJECT("logger", module_answer, 0),
	A_OBJECT("config", module_answer, 0),
	A_OBJECT("encryption", module_answer, 0),
	A_OBJECT("database", module_answer, 0),
	F_END,
};
static const struct field extension_answer = A_TEXT("", 0);
static const struct field host_answer[] = {
	A_TEXT("php_version", NULLABLE, .about = "null: there is no PHP here"),
	A_TEXT("version", 0),
	A_LIST("extensions", &extension_answer, 0),
	F_END,
};
static const struct field system_health_answer[] = {
	A_TEXT("status", 0, .about = "healthy or unhealthy"),
	A_TIME("timestamp", 0),
	A_OBJECT("modules", modules_answer, 0),
	A_OBJECT("system", host_answer, 0),
	F_END,
};

static void
host_write(struct jw *w)
{
	static const char *const parts[] = { "imap", "openssl", "libpq",
		"libcurl", "json-c", "gmime" };

	jw_key(w, "system");
	jw_object(w);
	jw_key(w, "php_version");
	jw_null(w);
	JW_TEXT(w, "version", PACKAGE_VERSION);
	jw_key(w, "extensions");
	jw_array(w);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		jw_text(w, parts[i]);
	jw_array_end(w);
	jw_object_end(w);
}

static enum rc
system_health(struct request *rq)
{
	const struct health *h = health(rq);
	bool well = h->database && h->encryption;
	struct jw *w = reply_open(rq, well ? 200 : 503);

	rq->reply.fresh = true;
	if (!well)
		unready(rq);
	JW_TEXT(w, "status", well ? "healthy" : "unhealthy");
	jw_key(w, "timestamp");
	jw_time(w, h->asked, TIME_OFFSET);
	jw_key(w, "modules");
	jw_object(w);
	module(w, "logger", true);
	module(w, "config", true);
	module(w, "encryption", h->encryption);
	module(w, "database", h->database);
	jw_object_end(w);
	host_write(w);
	return reply_close(rq);
}

static const struct field worker_answer[] = {
	A_TEXT("worker", 0),
	A_NUMBER("last_heartbeat_sec", 0),
	A_TEXT("status", 0),
	F_END,
};
static const struct field healthz_answer[] = {
	A_BOOL("ok", 0),
	A_INT("held_count", NULLABLE, .about = "null: not for this caller"),
	A_INT("released_24h", NULLABLE),
	A_INT("median_latency_ms", NULLABLE),
	A_ARRAY("workers", worker_answer, 0),
	A_TIME("timestamp", 0),
	F_END,
};

/* Others see the same shape, without numbers and workers. */
static enum rc
healthz(struct request *rq)
{
	const struct health *h = health(rq);
	bool full = h->database && system_sees_all(rq);
	struct jw *w = reply_open(rq, h->database ? 200 : 503);

	rq->reply.fresh = true;
	if (!h->database)
		unready(rq);
	JW_BOOL(w, "ok", h->database);
	jw_key(w, "held_count");
	full ? jw_int(w, h->holds.held) : jw_null(w);
	jw_key(w, "released_24h");
	full ? jw_int(w, h->holds.released) : jw_null(w);
	jw_key(w, "median_latency_ms");
	full && h->holds.latency_ms >= 0 ? jw_int(w, h->holds.latency_ms)
					 : jw_null(w);
	jw_key(w, "workers");
	jw_raw(w, full ? system_watchers(rq) : STR("[]"));
	jw_key(w, "timestamp");
	jw_time(w, h->asked, TIME_Z);
	return reply_close(rq);
}

static const struct field readyz_answer[] = {
	A_BOOL("ok", 0),
	A_TEXT("database", 0),
	A_TIME("timestamp", 0),
	F_END,
};

/* May requests be sent here? Never from the kept answer. */
static enum rc
readyz(struct request *rq)
{
	bool ready = db_open(rq->db) == RC_OK;
	struct jw *w = reply_open(rq, ready ? 200 : 503);

	rq->reply.fresh = true;
	if (!ready)
		unready(rq);
	JW_BOOL(w, "ok", ready);
	JW_TEXT(w, "database", ready ? "ok" : "away");
	jw_key(w, "timestamp");
	jw_time(w, clock_now(), TIME_Z);
	return reply_close(rq);
}

static const struct field paths_item = A_TEXT("", 0);
static const struct field endpoints_answer[] = {
	A_LIST("*", &paths_item, 0),
	F_END,
};
static const struct field index_answer[] = {
	A_TEXT("name", 0),
	A_TEXT("version", 0),
	A_OBJECT("endpoints", endpoints_answer, 0,
	    .about = "\"METHOD path\" by family"),
	F_END,
};

static const struct route routes[] = {
	{ GET, "/api", index_, NEED_PUBLIC, ENV_SUCCESS, .flags = BARE,
	    .answer = index_answer, .summary = "What is here" },
	{ GET, "/api/system/health", system_health, NEED_PUBLIC, ENV_SUCCESS,
	    .flags = BARE | NO_LIMIT | SICK_TOO, .answer = system_health_answer,
	    .summary = "How the service is" },
	{ GET, "/healthz", healthz, NEED_PUBLIC, ENV_OK,
	    .flags = BARE | NO_LIMIT | SICK_TOO, .answer = healthz_answer,
	    .summary = "How the service is, for monitors" },
	{ GET, "/api/smtp-health", system_smtp_health, NEED_PUBLIC, ENV_OK,
	    .flags = BARE | NO_LIMIT, .answer = system_smtp_health_answer,
	    .summary = "Whether an SMTP proxy listens" },
	{ GET, "/readyz", readyz, NEED_PUBLIC, ENV_OK,
	    .flags = BARE | NO_LIMIT | SICK_TOO, .answer = readyz_answer,
	    .summary = "May requests be sent here" },
	{ GET, "/api/metrics", system_metrics, NEED_OWN, ENV_OK,
	    .flags = BARE | NO_LIMIT, .type = "text/plain",
	    .summary = "What waits, for Prometheus" },
	{ GET, "/openapi.json", openapi, NEED_PUBLIC, ENV_RAW,
	    .flags = NO_LIMIT, .summary = "This description" },
	{ GET, "/auth/openapi.json", openapi_auth, NEED_PUBLIC, ENV_RAW,
	    .flags = NO_LIMIT,
	    .summary = "The description of the auth routes" },
	{ GET, "/docs", docs, NEED_PUBLIC, ENV_PAGE, .type = "text/html",
	    .summary = "This description, to be read" },
};

FAMILY(system, QUIET);
