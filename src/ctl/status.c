/* letterrackctl status: how it goes, for a person or, with --json, a program.
 */
#include <stdio.h>
#include <sysexits.h>

#include "core/json.h"
#include "ctl/people.h"
#include "db/migrate.h"
#include "domain/alive.h"
#include "domain/smtp-server-sql.h"
#include "domain/watcher-sql.h"
#include "domain/work-sql.h"

#define SYNCS_MOST 20
#define JSON_MOST  ((size_t)1 << 20)

struct status {
	struct operation op;
	bool json;
	int64_t schema;
	int alive;
	instant paused_at;
	struct work_depth_list depth;
	struct work_worker_list workers;
	struct work_sync_list syncs;
	struct watcher_host_list watchers;
	struct smtp_server_seen_list proxies;
	int64_t mail, deliveries, invalid;
};

static const struct argp_option options[] = { { "json", 'j', NULL, 0,
						  "for programs", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 } };

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct status *s = state->input;

	(void)arg;
	if (key != 'j')
		return ARGP_ERR_UNKNOWN;
	s->json = true;
	return 0;
}

static const struct argp argp = { options, parse, "",
	"What waits and who works, from the database; and which workers of "
	"this machine live.",
	NULL, NULL, NULL };

static enum rc
gather(struct status *s, const struct conf *conf)
{
	struct arena *a = s->op.arena;
	struct db *db = s->op.db;

	s->alive = alive_count(conf);
	TRY(work_schema(db, &s->schema));
	TRY(work_paused_at(db, &s->paused_at));
	TRY(work_depth(db, a, &s->depth));
	TRY(work_workers(db, a, &s->workers));
	TRY(work_syncs(db, SYNCS_MOST, a, &s->syncs));
	TRY(watcher_hosts(db, a, &s->watchers));
	TRY(smtp_servers(db, a, &s->proxies));
	TRY(work_mail_waiting(db, &s->mail));
	TRY(work_deliveries_waiting(db, &s->deliveries));
	return work_invalid(db, &s->invalid);
}

static bool
is_paused(const struct status *s)
{
	return s->paused_at.us != INT64_MAX;
}

static int64_t
oldest(const struct status *s)
{
	int64_t most = 0;

	for (size_t i = 0; i < s->depth.n; i++)
		if (s->depth.v[i].due_s > most)
			most = s->depth.v[i].due_s;
	return most;
}

/* ---- for a person ---- */

static void
print_watchers(const struct status *s)
{
	for (size_t i = 0; i < s->watchers.n; i++) {
		const struct watcher_host *h = &s->watchers.v[i];

		printf("watcher %-11lld %s, seen %lld s ago\n",
		    (long long)h->watched, h->name, (long long)h->beat_s);
	}
}

static void
print_proxies(const struct status *s)
{
	for (size_t i = 0; i < s->proxies.n; i++) {
		const struct smtp_server_seen *p = &s->proxies.v[i];

		printf("smtpd %-13s %s %s:%d, %lld sessions, %lld taken, "
		       "%lld held, %lld refused\n",
		    smtp_server_listens(p) ? "listens" : "away", p->host,
		    p->address, p->port, (long long)p->sessions,
		    (long long)p->taken, (long long)p->held,
		    (long long)p->refused);
	}
}

static void
print_syncs(const struct status *s)
{
	char when[40];

	for (size_t i = 0; i < s->syncs.n; i++) {
		const struct work_sync *y = &s->syncs.v[i];

		if (y->last_checked.us == INSTANT_NONE.us)
			snprintf(when, sizeof when, "never");
		else
			instant_print(y->last_checked, TIME_Z, when);
		printf("sync %-14s pc_%lld acc_%lld %s\n", when,
		    (long long)y->credential_id, (long long)y->account_id,
		    y->status);
	}
}

static void
print(const struct status *s)
{
	printf("schema              %lld\n", (long long)s->schema);
	if (s->alive >= 0)
		printf("workers here        %d\n", s->alive);
	printf("workers at work     %zu\n", s->workers.n);
	printf("queue               %s\n", is_paused(s) ? "paused" : "open");
	printf("oldest job due      %lld s\n", (long long)oldest(s));
	printf("mail of the service %lld\n", (long long)s->mail);
	printf("webhook deliveries  %lld\n", (long long)s->deliveries);
	printf("credentials invalid %lld\n", (long long)s->invalid);
	for (size_t i = 0; i < s->depth.n; i++)
		printf("jobs %-14s %lld %s\n", s->depth.v[i].state,
		    (long long)s->depth.v[i].n, s->depth.v[i].action);
	print_watchers(s);
	print_proxies(s);
	print_syncs(s);
}

/* ---- for a program ---- */

static void
write_rows(struct jw *w, const char *name, const struct col *cols,
    const void *rows, size_t n, size_t size)
{
	const struct row_style style = { .prefixed = true, .time = TIME_Z };

	jw_key(w, name);
	rows_write(w, cols, rows, n, size, &style);
}

static void
print_json(const struct status *s)
{
	struct buf out;
	struct jw w = jw_on(&out);

	buf_init(&out, JSON_MOST);
	jw_object(&w);
	JW_INT(&w, "schema", s->schema);
	jw_key(&w, "workers_here");
	if (s->alive >= 0)
		jw_int(&w, s->alive);
	else
		jw_null(&w);
	JW_BOOL(&w, "paused", is_paused(s));
	JW_INT(&w, "oldest_due_seconds", oldest(s));
	JW_INT(&w, "service_mail", s->mail);
	JW_INT(&w, "webhook_deliveries", s->deliveries);
	JW_INT(&w, "credentials_invalid", s->invalid);
	write_rows(&w, "jobs", work_depth_cols, s->depth.v, s->depth.n,
	    sizeof s->depth.v[0]);
	write_rows(&w, "workers", work_worker_cols, s->workers.v, s->workers.n,
	    sizeof s->workers.v[0]);
	write_rows(&w, "watchers", watcher_host_cols, s->watchers.v,
	    s->watchers.n, sizeof s->watchers.v[0]);
	write_rows(&w, "smtp_proxies", smtp_server_seen_cols, s->proxies.v,
	    s->proxies.n, sizeof s->proxies.v[0]);
	write_rows(&w, "syncs", work_sync_cols, s->syncs.v, s->syncs.n,
	    sizeof s->syncs.v[0]);
	jw_object_end(&w);
	printf("%.*s\n", (int)out.n, out.p);
	buf_clear(&out);
}

int
ctl_status_of(struct ctl *ctl)
{
	struct status s = { .json = false };
	enum rc rc;

	argp_parse(&argp, ctl->argc, ctl->argv, 0, NULL, &s);
	s.op.db = ctl_owner_db(ctl);
	if (s.op.db == NULL)
		return EX_TEMPFAIL;
	s.op.arena = arena_new(JSON_MOST);
	rc = gather(&s, ctl->conf);
	if (rc == RC_OK)
		(s.json ? print_json : print)(&s);
	arena_free(&s.op.arena);
	db_free(&s.op.db);
	return ctl_ended(ctl, rc);
}
