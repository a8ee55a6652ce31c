/* Personal mail accounts and their servers: a test, and the copying of chosen
 * mail into a shared inbox. */
#include "cgi-bin/providers.h"

#include <string.h>
#include <unistd.h>

#include "domain/personal-sql.h"
#include "domain/provider-credential-sql.h"
#include "domain/task.h"
#include "mail/mutf7.h"
#include "mail/probe.h"
#include "web/audit.h"
#include "web/body.h"
#include "web/doer.h"
#include "web/idempotency.h"
#include "web/reply.h"
#include "web/share.h"
#include "web/sync-target.h"
#include "web/worker.h"

#define WAIT_MS 20000
#define LOOK_MS 250
#define MANY    100

static enum rc
own(struct request *rq, struct personal_account **row)
{
	return personal_account_get(rq->db, rq->actor.account, rq->actor.user,
	    arg_id(rq, 0), rq->arena, row);
}

/* ---- test ---- */

const struct field personal_test_answer[] = { A_BOOL("success", 0),
	A_TEXT("message", 0), F_END };

static const char *
outcome(struct request *rq, const struct probe_report *r)
{
	if (r->rc == RC_OK)
		return "Connection successful";
	return arena_fmt(rq->arena, "Connection failed: %s",
	    r->rc == RC_AUTH_FAILED ? "Invalid credentials"
				    : result_row(r->rc)->text);
}

enum rc
personal_test(struct request *rq)
{
	struct personal_account *row;
	struct probe_report report;
	struct jw *w;

	TRY(own(rq, &row));
	TRY(credential_try(rq, &report));
	w = reply_open(rq, 0);
	JW_BOOL(w, "success", report.rc == RC_OK);
	JW_TEXT(w, "message", outcome(rq, &report));
	return reply_close(rq);
}

/* ---- transfer ---- */

static const struct field email_id = { .kind = FIELD_ID, .id = ID_EMAIL };

const struct field personal_transfer_body[] = {
	F_LIST(struct personal_transfer, email_ids, 1, MANY, &email_id,
	    REQUIRED, .about = "Mail that a sync of the account has found."),
	F_ID(struct personal_transfer, target_credential_id, ID_CREDENTIAL,
	    REQUIRED, .about = "A shared IMAP account."),
	F_TEXT(struct personal_transfer, target_folder, 1, 255, OPTIONAL,
	    .about = "INBOX, where it is not given."),
	F_END,
};

static const struct field transfer_email[] = { A_ID("email_id", ID_EMAIL, 0),
	A_TEXT("state", 0), A_TEXT("error_code", NULLABLE), F_END };
static const struct field transfer_data[] = { A_ID("task_id", ID_TASK, 0),
	A_ID("job_id", ID_JOB, 0), A_INT("done", 0), A_INT("waiting", 0),
	A_INT("failed", 0), A_ARRAY("emails", transfer_email, 0), F_END };
const struct field personal_transfer_answer[] = {
	A_OBJECT("data", transfer_data, 0), F_END
};

struct transfer_wish {
	struct request *rq;
	const struct personal_transfer *in;
	struct personal_account *from;
	const char *folder; /* as the server spells it */
	struct ids emails;
};

/* Only where the account works, together. */
static enum rc
target_check(struct transfer_wish *x)
{
	struct request *rq = x->rq;
	const char *name = x->in->target_folder;
	struct provider_credential *target;
	enum rc rc;

	rc = provider_credential_get(rq->db, rq->actor.account, rq->actor.user,
	    x->in->target_credential_id, rq->arena, &target);
	if (rc == RC_NOT_FOUND || (rc == RC_OK && target->user_id != 0))
		return fault_add(rq, "target_credential_id", "unknown",
		    "There is no such shared mail account.");
	TRY(rc);
	TRY(sync_target_check(rq, "target_credential_id", target));
	if (name == NULL)
		name = "INBOX";
	TRY(transfer_folder(rq->db, rq->actor.account, target->id, name,
	    rq->arena, &x->folder));
	if (x->folder == NULL && strcasecmp(name, "INBOX") == 0)
		x->folder = "INBOX";
	if (x->folder == NULL)
		return fault_add(rq, "target_folder", "unknown",
		    "The account has no such folder.");
	return RC_OK;
}

/* Each once, so that they can be counted. */
static struct ids
each_once(struct arena *a, const struct ids *given)
{
	int64_t *v = ARENA_ARRAY(a, int64_t, given->n);
	size_t n = 0;

	for (size_t i = 0; i < given->n; i++) {
		size_t k = 0;

		while (k < n && v[k] != given->v[i])
			k++;
		if (k == n)
			v[n++] = given->v[i];
	}
	return (struct ids){ v, n };
}

static enum rc
transfer_make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	struct transfer_wish *x = ctx;
	struct request *rq = x->rq;
	const struct task_new task = {
		.application_id = rq->actor.application,
		.action = "imap_transfer",
		.credential_id = x->in->target_credential_id,
		.priority = 5,
		.run_at = INSTANT_NONE,
	};
	struct task_started *started;
	int64_t n;

	TRY(task_start(db, rq->actor.account, &task, rq->arena, &started));
	TRY(transfer_add(db,
	    &(struct transfer_add_args){ .account = rq->actor.account,
		.application = rq->actor.application,
		.credential = x->from->id,
		.target = x->in->target_credential_id,
		.folder = x->folder,
		.task = started->task_id,
		.emails = x->emails },
	    &n));
	if (n != (int64_t)x->emails.n)
		return fault_add(rq, "email_ids", "unknown",
		    "Not all of them are mail of this account.");
	made[0] = started->task_id;
	made[1] = started->job_id;
	return audit(rq, "mail.transfer",
	    audit_id(rq, ID_CREDENTIAL, x->from->id),
	    arena_fmt(rq->arena, "%zu emails", x->emails.n));
}

static enum rc
seen_read(struct transfer_wish *x, struct transfer_seen_list *l)
{
	return transfer_seen_list(x->rq->db, x->rq->actor.account, x->from->id,
	    x->in->target_credential_id, x->folder, x->emails, x->rq->arena, l);
}

static int64_t
count(const struct transfer_seen_list *l, const char *state)
{
	int64_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += strcmp(l->v[i].state, state) == 0;
	return n;
}

static bool
is_over(const struct transfer_seen_list *l)
{
	return count(l, "done") + count(l, "failed") == (int64_t)l->n;
}

static enum rc
wait_done(struct transfer_wish *x, int end, struct transfer_seen_list *l)
{
	int64_t until = clock_steady_ms() + WAIT_MS;
	bool worked = end < 0;

	for (;;) {
		TRY(seen_read(x, l));
		if (is_over(l) || clock_steady_ms() >= until)
			return RC_OK;
		/* Once it is closed the pipe no longer makes anybody wait. */
		worker_wait(worked ? -1 : end, LOOK_MS);
		worked = worked || worker_ended(end);
	}
}

static enum rc
work(struct transfer_wish *x, int64_t job, struct transfer_seen_list *l)
{
	struct request *rq = x->rq;
	int end = -1;
	enum rc rc;

	TRY(seen_read(x, l));
	if (is_over(l))
		return RC_OK;
	/* Where none can be started another worker has it. */
	if (worker_start(rq->conf, rq->actor.account, job, &end) != RC_OK)
		log_warn(&rq->log, "no worker of its own: %s", fail_detail());
	rc = wait_done(x, end, l);
	if (end >= 0)
		close(end);
	return rc;
}

static enum rc
transfer_reply(struct request *rq, const int64_t made[ONCE_MADE],
    const struct transfer_seen_list *l)
{
	const struct row_style style = reply_style(rq);
	int64_t done = count(l, "done"), failed = count(l, "failed");
	struct jw *w = reply_open(rq, 0);

	jw_key(w, "data");
	jw_object(w);
	JW_INT(w, "task_id", made[0]);
	JW_INT(w, "job_id", made[1]);
	JW_INT(w, "done", done);
	JW_INT(w, "waiting", (int64_t)l->n - done - failed);
	JW_INT(w, "failed", failed);
	jw_key(w, "emails");
	rows_write(w, transfer_seen_cols, l->v, l->n, sizeof l->v[0], &style);
	jw_object_end(w);
	return reply_close(rq);
}

enum rc
personal_transfer(struct request *rq)
{
	struct transfer_wish x = { .rq = rq, .in = rq->body };
	struct transfer_seen_list seen;
	int64_t made[ONCE_MADE];

	if (rq->actor.role < ROLE_MEMBER)
		return fail(RC_FORBIDDEN, "Members alone put mail there.");
	TRY(own(rq, &x.from));
	TRY(share_take(rq));
	TRY(target_check(&x));
	x.emails = each_once(rq->arena, &x.in->email_ids);
	TRY(once(rq, transfer_make, &x, made));
	TRY(work(&x, made[1], &seen));
	return transfer_reply(rq, made, &seen);
}
