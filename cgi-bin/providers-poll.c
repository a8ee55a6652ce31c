/* Syncs while the caller waits: of one mail account, and of all that are
 * polled. Their jobs are made and, as far as no worker has them, run right
 * here; what is not done in time goes on behind the answer. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "domain/job-sql.h"
#include "domain/provider-credential-sql.h"
#include "domain/sync/sync.h"
#include "domain/reach.h"
#include "domain/task-sql.h"
#include "domain/task.h"
#include "domain/vault.h"
#include "web/body.h"
#include "web/doer.h"
#include "web/reply.h"
#include "web/share.h"
#include "web/sync-target.h"

#include "providers.h"

#define WAIT_MS     50000
#define LOOK_NS     200000000
#define WORKER_NAME 64
#define OWN_US      (INT64_C(60) * 1000000)
#define BEARER      "Bearer "

/* ---- running jobs here ---- */

struct runner {
	struct request *rq;
	struct job_host host;
	char worker[WORKER_NAME];
	int64_t began_ms;
	int64_t mark; /* emails beyond it are new */
};

/* As long as this process: nobody else's, ever. */
static void
name_worker(struct runner *r)
{
	static char own[17];
	uint64_t dice;

	if (own[0] == '\0') {
		random_bytes(&dice, sizeof dice);
		hex_encode(&dice, sizeof dice, own);
	}
	snprintf(r->worker, sizeof r->worker, "web:%d:%s", (int)getpid(), own);
}

static enum rc
runner_begin(struct request *rq, struct runner *r)
{
	const struct envelope_keks *keks;
	const struct egress *egress;

	TRY(vault_keks(rq->conf, &keks));
	TRY(reach_egress(rq->conf, &egress));
	*r = (struct runner){ .rq = rq, .began_ms = clock_steady_ms() };
	r->host = (struct job_host){ .db = rq->db,
		.conf = rq->conf,
		.keks = keks,
		.egress = egress,
		.multi = egress_multi(egress),
		.log = { .who = "providers" },
		.deadline_ms = r->began_ms + WAIT_MS };
	name_worker(r);
	return RC_OK;
}

static bool
in_time(const struct runner *r)
{
	return clock_steady_ms() < r->host.deadline_ms;
}

/* Where no worker has it, and nothing else is done with its mail account. */
static enum rc
run_here(struct runner *r, int64_t account, int64_t job)
{
	const struct job_wanted wanted = { .worker = r->worker,
		.actions = job_runs,
		.account = account,
		.job = job };
	struct lease *lease;
	enum rc rc, result;

	TRY(job_claim_one(r->rq->db, &wanted, r->rq->arena, &lease));
	if (lease == NULL)
		return RC_OK;
	rc = job_run(&r->host, lease, &result);
	db_guard_none(r->rq->db);
	return rc == RC_STALE ? RC_OK : rc;
}

static enum rc
look(struct runner *r, const struct ids *jobs, struct poll_result_list *seen,
    bool *all_over)
{
	TRY(poll_seen(r->rq->db, *jobs, r->mark, r->rq->arena, seen));
	*all_over = true;
	for (size_t i = 0; i < seen->n; i++)
		*all_over &= seen->v[i].is_over;
	return RC_OK;
}

/* What another worker has at work, or keeps waiting. */
static enum rc
await(struct runner *r, const struct poll_job *jobs, const struct ids *ids,
    struct poll_result_list *seen)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	bool all_over;

	TRY(look(r, ids, seen, &all_over));
	while (!all_over && in_time(r)) {
		nanosleep(&pause, NULL);
		for (size_t i = 0; i < seen->n && in_time(r); i++)
			if (!seen->v[i].is_over &&
			    strcmp(seen->v[i].state, "queued") == 0)
				TRY(run_here(
				    r, jobs[i].account_id, seen->v[i].job_id));
		TRY(look(r, ids, seen, &all_over));
	}
	return RC_OK;
}

/* Runs what is free and waits for the rest, in time. */
static enum rc
run_all(struct runner *r, const struct poll_job *jobs, size_t n,
    struct poll_result_list *seen)
{
	int64_t *id = ARENA_ARRAY(r->rq->arena, int64_t, n);
	struct ids ids = { id, n };

	for (size_t i = 0; i < n; i++)
		id[i] = jobs[i].job_id;
	for (size_t i = 0; i < n && in_time(r); i++)
		TRY(run_here(r, jobs[i].account_id, jobs[i].job_id));
	return await(r, jobs, &ids, seen);
}

static void
write_duration(struct jw *w, const char *name, const struct runner *r)
{
	char text[32];
	int64_t ms = clock_steady_ms() - r->began_ms;
	int n = snprintf(text, sizeof text, "%lld.%02d", (long long)(ms / 1000),
	    (int)(ms % 1000 / 10));

	jw_key(w, name);
	jw_raw(w, (struct str){ text, (size_t)n });
}

/* ---- one mail account ---- */

static const struct field text_row = { .kind = FIELD_TEXT };
static const struct field sync_now_data[] = { A_INT("account_id", 0),
	A_TEXT("email", NULLABLE), A_INT("new_emails", 0),
	A_INT("processed", 0), A_INT("failed", 0),
	A_LIST("errors", &text_row, 0), A_NUMBER("duration", 0),
	A_TEXT("status", MAY_LACK), A_ID("job_id", ID_JOB, MAY_LACK), F_END };
const struct field sync_now_answer[] = { A_OBJECT("data", sync_now_data, 0),
	F_END };

struct now {
	struct request *rq;
	struct provider_credential *row;
	struct task_started *started;
};

/* It is this program's for a while: a worker takes it only where this one has
 * ended. */
static enum rc
now_make(struct db *db, void *ctx)
{
	struct now *n = ctx;
	struct request *rq = n->rq;
	const struct doer who = doer_of(rq);
	const struct task_new task = { .application_id = who.application,
		.action = "imap_sync_messages",
		.credential_id = arg_id(rq, 0),
		.priority = 9,
		.once = true,
		.run_at = { clock_now().us + OWN_US } };
	const struct log_note note = { "job", task.action, RC_OK,
		"Messages are to be synced", "credential_id", ID_CREDENTIAL,
		task.credential_id };

	TRY(provider_credential_get(
	    db, who.account, who.user, task.credential_id, rq->arena, &n->row));
	if (n->row->user_id != 0)
		return RC_NOT_FOUND;
	TRY(sync_target_check(rq, "id", n->row));
	TRY(task_start_or_join(db, who.account, &task, rq->arena, &n->started));
	return log_write(db, &who, &note);
}

static enum rc
now_reply(const struct now *n, const struct runner *r,
    const struct sync_report *report, const struct poll_result *seen)
{
	bool queued = seen == NULL || !seen->is_over;
	struct jw *w = reply_open(n->rq, queued ? 202 : 200);
	char job[ID_PRINT_SIZE];

	jw_key(w, "data");
	jw_object(w);
	JW_INT(w, "account_id", n->row->id);
	JW_TEXT(w, "email", n->row->email_address);
	JW_INT(w, "new_emails", seen != NULL ? seen->emails : 0);
	JW_INT(
	    w, "processed", seen != NULL ? seen->emails - report->skipped : 0);
	JW_INT(w, "failed", report->skipped);
	jw_key(w, "errors");
	jw_array(w);
	jw_array_end(w);
	write_duration(w, "duration", r);
	if (queued) {
		id_print(ID_JOB, n->started->job_id, job);
		JW_TEXT(w, "status", "queued");
		JW_TEXT(w, "job_id", job);
	}
	jw_object_end(w);
	return reply_close(n->rq);
}

/* What the server has done to us is the answer. */
static enum rc
now_failed(const struct poll_result *seen)
{
	enum rc rc = result_of_code(seen->code);

	return fail(rc, "%s", result_row(rc)->text);
}

enum rc
sync_now(struct request *rq)
{
	struct now n = { .rq = rq };
	struct poll_result_list seen;
	struct sync_report report = { 0 };
	struct poll_job job;
	struct runner r;

	TRY(share_take(rq));
	TRY(runner_begin(rq, &r));
	TRY(db_tx(rq->db, now_make, &n));
	db_guard_none(rq->db);
	TRY(poll_mark(rq->db, &r.mark));
	r.host.report = &report;
	job = (struct poll_job){ rq->actor.account, n.started->job_id };
	TRY(run_all(&r, &job, 1, &seen));
	if (seen.n == 1 && seen.v[0].is_over && seen.v[0].code != NULL)
		return now_failed(&seen.v[0]);
	return now_reply(&n, &r, &report, seen.n == 1 ? &seen.v[0] : NULL);
}

/* ---- all that are polled ---- */

const struct field poll_ask_body[] = {
	F_SECRET(struct poll_ask, token, 0, 256, OPTIONAL), F_END
};
const struct field poll_ask_params[] = {
	F_SECRET(struct poll_ask, token, 0, 256, OPTIONAL), F_END
};
static const struct field poll_data[] = { A_INT("accounts_polled", 0),
	A_INT("total_new_emails", 0), A_NUMBER("duration_seconds", 0),
	A_LIST("errors", &text_row, 0), A_INT("queued", MAY_LACK), F_END };
const struct field poll_answer[] = { A_OBJECT("data", poll_data, 0), F_END };

/* ---- who may: each place that has a token has to have the right one ---- */

struct tokens {
	struct secret right;
	int good, bad;
};

static void
token_try(struct tokens *t, const void *p, size_t n)
{
	if (n == 0)
		return;
	if (secret_eq(&t->right, p, n))
		t->good++;
	else
		t->bad++;
}

static void
token_text(struct tokens *t, const char *text)
{
	if (text != NULL)
		token_try(t, text, strlen(text));
}

static enum rc
token_check(struct request *rq)
{
	const char *token = rq->conf->webcron_secret_token;
	const char *header = request_var(rq, "HTTP_AUTHORIZATION");
	const struct poll_ask *body = rq->body, *query = rq->params;
	struct tokens t = { .right = { (unsigned char *)(uintptr_t)token,
				strlen(token) } };

	if (t.right.n == 0)
		return fail(RC_NOT_CONFIGURED,
		    "No webcron_secret_token is configured.");
	token_text(&t, request_var(rq, "HTTP_X_WEBHOOK_TOKEN"));
	if (header != NULL &&
	    strncasecmp(header, BEARER, sizeof BEARER - 1) == 0)
		token_text(&t, header + sizeof BEARER - 1);
	token_try(&t, body->token.p, body->token.n);
	if (rq->conf->webcron_query_token)
		token_try(&t, query->token.p, query->token.n);
	if (t.good > 0 && t.bad == 0)
		return RC_OK;
	return fail(RC_BAD_TOKEN, "no webcron token, or a wrong one");
}

/* ---- the poll ---- */

static void
write_errors(struct jw *w, const struct poll_result_list *seen,
    const char *busy, struct arena *a)
{
	jw_key(w, "errors");
	jw_array(w);
	if (busy != NULL)
		jw_text(w, busy);
	for (size_t i = 0; i < seen->n; i++)
		if (seen->v[i].is_over && seen->v[i].code != NULL)
			jw_text(w,
			    arena_fmt(a, "Account %lld: %s",
				(long long)seen->v[i].credential_id,
				seen->v[i].code));
	jw_array_end(w);
}

static enum rc
poll_reply(const struct runner *r, const struct poll_result_list *seen,
    const char *busy)
{
	int64_t polled = 0, emails = 0, queued = 0;
	struct jw *w = reply_open(r->rq, 200);

	for (size_t i = 0; i < seen->n; i++) {
		emails += seen->v[i].emails;
		if (!seen->v[i].is_over)
			queued++;
		else if (seen->v[i].code == NULL)
			polled++;
	}
	jw_key(w, "data");
	jw_object(w);
	JW_INT(w, "accounts_polled", polled);
	JW_INT(w, "total_new_emails", emails);
	write_duration(w, "duration_seconds", r);
	write_errors(w, seen, busy, r->rq->arena);
	if (queued > 0)
		JW_INT(w, "queued", queued);
	jw_object_end(w);
	return reply_close(r->rq);
}

static enum rc
poll_run(struct runner *r, struct poll_result_list *seen)
{
	struct poll_job_list jobs;

	TRY(poll_mark(r->rq->db, &r->mark));
	TRY(poll_begin(r->rq->db, (int32_t)r->rq->conf->poll_interval,
	    r->rq->arena, &jobs));
	return run_all(r, jobs.v, jobs.n, seen);
}

enum rc
poll_emails(struct request *rq)
{
	struct poll_result_list seen = { .n = 0 };
	bool mine, given_back;
	struct runner r;
	enum rc rc;

	TRY(token_check(rq));
	TRY(runner_begin(rq, &r));
	db_guard_none(rq->db);
	TRY(poll_lock(rq->db, &mine));
	if (!mine)
		return poll_reply(&r, &seen, "A poll is running already.");
	rc = poll_run(&r, &seen);
	db_guard_none(rq->db);
	/* Where the connection was lost, it went with that. */
	(void)!poll_unlock(rq->db, &given_back);
	TRY(rc);
	return poll_reply(&r, &seen, NULL);
}
