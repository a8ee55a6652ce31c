/* The job smtp_send_message: hands a message over, once. */
#include <string.h>

#include "core/effect.h"
#include "core/failpoint.h"
#include "core/json.h"
#include "domain/credential-sql.h"
#include "domain/credential-token.h"
#include "domain/job-run.h"
#include "domain/job-sql.h"
#include "domain/submission-sql.h"
#include "domain/submission.h"
#include "domain/task.h"
#include "domain/threading.h"
#include "mail/smtp-kept.h"

#define GIVE_UP_US    (INT64_C(5) * 24 * 3600 * 1000000)
#define DATA_MOST     ((size_t)512 << 10)
#define LOOK_AFTER_US (INT64_C(60) * 1000000)

struct sending {
	struct job_run *r;
	struct submission *m;
	struct str message;
	struct submission_recipient_list all;
	/* Those it is about: who is still to get it, as the server is told. */
	struct submission_recipient **due;
	const char **to;
	size_t n;
	struct credential_access *access;
	int64_t filer; /* whose Sent folder gets the copy; 0: nobody's */
	struct credential_secret secret;
	struct smtp_report report;
	bool begun; /* the message may have left */
	bool asked; /* the server was, or could not be */
	bool ends;  /* nothing is to be written behind the confirmation */
	/* What came of it. */
	enum submission_state becomes;
	enum rc rc;
	const char *detail;
	bool newly; /* somebody has been given it now */
};

/* ---- who ---- */

static bool
has(const struct sending *x, const char *state)
{
	for (size_t i = 0; i < x->all.n; i++)
		if (strcmp(x->all.v[i].state, state) == 0)
			return true;
	return false;
}

static void
due_list(struct sending *x, const char *state)
{
	struct arena *a = x->r->arena;

	x->due = ARENA_ARRAY(a, struct submission_recipient *, x->all.n + 1);
	x->to = ARENA_ARRAY(a, const char *, x->all.n + 1);
	x->n = 0;
	for (size_t i = 0; i < x->all.n; i++) {
		if (strcmp(x->all.v[i].state, state) != 0)
			continue;
		x->due[x->n] = &x->all.v[i];
		x->to[x->n++] = x->all.v[i].address;
	}
}

static const char *
fate_word(enum smtp_end end)
{
	static const char *const words[] = {
		[SMTP_ACCEPTED] = "accepted",
		[SMTP_LATER] = "queued",
		[SMTP_REFUSED] = "failed",
		[SMTP_UNKNOWN] = "unknown",
	};

	return words[end];
}

/* Fates as the statements take them, side by side. */
struct fates {
	int32_t *n, *code;
	struct str *state, *detail;
	size_t rows;
};

static struct fates
fates_of(const struct sending *x)
{
	struct arena *a = x->r->arena;
	struct fates f = { .rows = x->n };

	f.n = ARENA_ARRAY(a, int32_t, x->n + 1);
	f.code = ARENA_ARRAY(a, int32_t, x->n + 1);
	f.state = ARENA_ARRAY(a, struct str, x->n + 1);
	f.detail = ARENA_ARRAY(a, struct str, x->n + 1);
	for (size_t i = 0; i < x->n; i++) {
		const struct submission_recipient *to = x->due[i];

		f.n[i] = to->n;
		f.code[i] = to->code > 0 ? to->code : INT32_MIN;
		f.state[i] = str_of(to->state);
		f.detail[i] = str_of(to->detail);
	}
	return f;
}

static void
fates_take(struct sending *x, const struct smtp_report *report)
{
	for (size_t i = 0; i < x->n && i < report->to_n; i++) {
		const struct smtp_fate *fate = &report->to[i];

		x->due[i]->state = fate_word(fate->end);
		x->due[i]->code = fate->code;
		x->due[i]->detail = arena_str(x->r->arena, fate->text);
	}
}

/* ---- intent ---- */

static enum rc
intend(void *arg)
{
	struct sending *x = arg;
	struct fates f = fates_of(x);

	return submission_intend(x->r->db,
	    &(struct submission_intend_args){ .account = x->r->account,
		.id = x->m->id,
		.job = x->r->lease->id,
		.ns = { f.n, f.rows },
		.states = { f.state, f.rows },
		.codes = { f.code, f.rows },
		.details = { f.detail, f.rows } });
}

/* ---- confirmation ---- */

static void
write_addresses(struct buf *b, const struct sending *x, const char *state)
{
	struct jw w = jw_on(b);

	jw_array(&w);
	for (size_t i = 0; i < x->n; i++)
		if (strcmp(x->due[i]->state, state) == 0)
			jw_text(&w, x->due[i]->address);
	jw_array_end(&w);
}

static enum rc
tell(const struct sending *x, const char *state)
{
	struct buf who;
	enum rc rc;

	buf_init(&who, DATA_MOST);
	write_addresses(&who, x, state);
	rc = submission_tell(x->r->db, strcmp(state, "accepted") == 0,
	    &(struct submission_told){
		.application = x->r->lease->application_id,
		.account = x->r->account,
		.credential = x->m->credential_id,
		.email = x->m->email_id,
		.task = x->r->lease->task_id,
		.message_id = x->m->message_id,
		.from = x->m->sender,
		.status = state,
		.recipients = { who.p, who.n } });
	buf_clear(&who);
	return rc;
}

static bool
due_has(const struct sending *x, const char *state)
{
	for (size_t i = 0; i < x->n; i++)
		if (strcmp(x->due[i]->state, state) == 0)
			return true;
	return false;
}

static enum rc
events(const struct sending *x)
{
	static const char *const told[] = { "accepted", "failed", "unknown" };

	for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
		if (due_has(x, told[i]))
			TRY(tell(x, told[i]));
	return RC_OK;
}

static enum rc
note(struct sending *x)
{
	struct job_run *r = x->r;
	const struct submission *m = x->m;
	const char *data = arena_fmt(
	    r->arena, "{\"email_id\":\"eml_%lld\"}", (long long)m->email_id);

	return submission_log(r->db,
	    &(struct submission_log_args){ .account = r->account,
		.application = r->lease->application_id,
		.status = submission_word(x->becomes),
		.level = x->rc == RC_OK ? "info" : "error",
		.message =
		    x->detail != NULL ? x->detail : "Message handed over",
		.data = str_of(data),
		.credential = m->credential_id },
	    NULL);
}

/* A copy for the Sent folder, once somebody has been given the message; and a
 * look there for one whose answer was lost. */
static bool
is_to_file(const struct sending *x)
{
	return x->filer != 0 && !instant_is(x->m->filed_at) &&
	    x->m->file_task_id == 0 &&
	    (due_has(x, "accepted") || due_has(x, "unknown"));
}

/* A server that files by itself is given the time to. */
static enum rc
file(struct sending *x, struct db *db, int64_t *id)
{
	struct task_new task = { .application_id = x->r->lease->application_id,
		.action = "imap_file_sent",
		.priority = 4,
		.credential_id = x->filer,
		.run_at = due_has(x, "unknown")
		    ? (instant){ clock_now().us + LOOK_AFTER_US }
		    : INSTANT_NONE };
	struct task_started *started;

	task.payload = str_of(arena_fmt(x->r->arena,
	    "{\"email_id\":\"eml_%lld\"}", (long long)x->m->email_id));
	TRY(task_start(db, x->r->account, &task, x->r->arena, &started));
	*id = started->task_id;
	return RC_OK;
}

/* How the server took the credential. */
static enum rc
access_note(struct sending *x, struct db *db)
{
	const struct credential_access *c = x->access;
	const char *status = credential_status_of(x->report.rc);

	if (status == NULL)
		return x->report.end == SMTP_ACCEPTED
		    ? credential_works(db, x->r->account, c->id,
			  c->secret_version, NULL, NULL)
		    : RC_OK;
	return credential_fails(db, x->r->account, c->id, c->secret_version,
	    status, result_code(x->report.rc), x->report.detail, NULL);
}

/* `filing`: the task that is to file a copy; 0: none is. */
static enum rc
write_rows(struct sending *x, struct db *db, int64_t filing)
{
	struct fates f = fates_of(x);

	TRY(submission_confirm(db,
	    &(struct submission_confirm_args){ .account = x->r->account,
		.id = x->m->id,
		.job = x->r->lease->id,
		.state = submission_word(x->becomes),
		.code = x->rc != RC_OK ? result_code(x->rc) : NULL,
		.detail = x->detail,
		.ns = { f.n, f.rows },
		.states = { f.state, f.rows },
		.codes = { f.code, f.rows },
		.details = { f.detail, f.rows } }));
	if (filing != 0)
		TRY(submission_file_with(
		    db, x->r->account, x->m->id, filing, x->filer));
	TRY(events(x));
	TRY(note(x));
	if (x->asked)
		TRY(access_note(x, db));
	return x->ends ? job_run_finish_queue(x->r, x->rc, x->detail) : RC_OK;
}

static enum rc
write_down(struct db *db, void *arg)
{
	struct sending *x = arg;
	int64_t filing = 0;
	enum rc rc, ended;

	if (is_to_file(x))
		TRY(file(x, db, &filing));
	db_pipe_begin(db);
	rc = write_rows(x, db, filing);
	ended = db_pipe_end(db);
	return rc != RC_OK ? rc : ended;
}

/* The mail account that was to have the copy may have gone meanwhile, and the
 * message with it, where it was that account's: then the job alone is left to
 * say what became of it. */
static enum rc
confirm(void *arg)
{
	struct sending *x = arg;
	enum rc rc = db_tx_late(x->r->db, write_down, x);

	if (rc != RC_OK && rc != RC_RETRY && rc != RC_STALE && is_to_file(x)) {
		x->filer = 0;
		rc = db_tx_late(x->r->db, write_down, x);
	}
	x->r->ended = rc == RC_OK && x->ends;
	if (rc != RC_NOT_FOUND)
		return rc;
	log_warn(&x->r->log, "removed while it was sent submission=%lld",
	    (long long)x->m->id);
	return RC_OK;
}

/* A server that calls it something else from now on says so. */
static bool
is_renamed(const struct sending *x)
{
	return threading_queued_key(str_of(x->report.queued), STR("")) != 0;
}

/* What the server may call it from now on. That it was sent stays true where
 * this cannot be written down. */
static void
renamed(struct sending *x)
{
	if (is_renamed(x) &&
	    threading_queued(x->r->db, x->r->account,
		x->r->lease->application_id, x->m->email_id,
		str_of(x->report.queued), x->r->arena) != RC_OK)
		log_warn(&x->r->log, "an id of the server is not kept: %s",
		    fail_detail());
}

/* ---- what it comes to ---- */

static bool
is_over(const struct sending *x)
{
	return clock_now().us - x->m->first_at.us > GIVE_UP_US;
}

/* The fates that decide, worst first. */
static const struct smtp_fate *
fate_with(const struct sending *x, enum smtp_end end)
{
	for (size_t i = 0; i < x->report.to_n; i++)
		if (x->report.to[i].end == end)
			return &x->report.to[i];
	return NULL;
}

/* Of those who wait, where waiting helps nobody. */
static void
give_up(struct sending *x)
{
	for (size_t i = 0; i < x->n; i++)
		if (strcmp(x->due[i]->state, "queued") == 0)
			x->due[i]->state = "failed";
}

static void
decide(struct sending *x)
{
	const struct smtp_fate *later = fate_with(x, SMTP_LATER);

	if (later != NULL && (!result_is_transient(later->rc) || is_over(x))) {
		give_up(x);
		x->r->last = true;
	}
	if (has(x, "unknown"))
		x->becomes = SUBMISSION_UNKNOWN;
	else if (has(x, "queued"))
		x->becomes = SUBMISSION_QUEUED;
	else if (has(x, "accepted"))
		x->becomes = SUBMISSION_ACCEPTED;
	else
		x->becomes = SUBMISSION_FAILED;
}

/* Why it is not done with, in words. */
static void
explain(struct sending *x)
{
	static const enum smtp_end order[] = { SMTP_UNKNOWN, SMTP_LATER,
		SMTP_REFUSED };
	const struct smtp_fate *fate = NULL;
	size_t at = 0;

	for (size_t i = 0; i < 3 && fate == NULL; i++)
		fate = fate_with(x, order[i]);
	x->rc = fate != NULL ? fate->rc : RC_OK;
	if (fate == NULL)
		return;
	at = (size_t)(fate - x->report.to);
	x->detail = fate->code != 0
	    ? arena_fmt(x->r->arena, "%s: %s", x->due[at]->address, fate->text)
	    : arena_str(x->r->arena, fate->text);
}

static enum rc
beat(void *arg)
{
	struct sending *x = arg;

	if (!x->begun && job_run_interrupted(x->r))
		return job_run_stop(x->r);
	enum rc rc = job_run_beat(x->r);
	/* Once it has left the server's answer is all that counts. */
	return x->begun ? RC_OK : rc;
}

static const struct effect hand_over;

static enum rc
leave(void *arg, const struct smtp_report *sure)
{
	struct sending *x = arg;

	fates_take(x, sure);
	TRY(effect_intend(&hand_over, x));
	x->begun = true;
	return RC_OK;
}

static struct smtp_server
server_of(const struct sending *x)
{
	const struct credential_access *c = x->access;
	const struct job_host *h = x->r->host;

	return (struct smtp_server){ .host = c->host,
		.port = (unsigned)c->port,
		.security = c->security_mode,
		.allow_plaintext = h->conf->allow_plaintext,
		.user = x->secret.username,
		.secret = x->secret.secret,
		.oauth2 = strcmp(c->auth_kind, "oauth2") == 0,
		.egress = h->egress,
		.multi = h->multi };
}

/* The Message-ID without its < >. */
static const char *
envelope_id(const struct sending *x)
{
	size_t n = strlen(x->m->message_id);

	return n > 2
	    ? arena_fmt(x->r->arena, "%.*s", (int)n - 2, x->m->message_id + 1)
	    : NULL;
}

static enum rc
send_out(void *arg)
{
	struct sending *x = arg;
	const struct smtp_server server = server_of(x);
	const struct smtp_letter letter = { .from = x->m->sender,
		.to = x->to,
		.to_n = x->n,
		.message = x->message,
		.utf8 = x->m->is_utf8,
		.envelope_id = envelope_id(x),
		.intent = leave,
		.beat = beat,
		.arg = x };

	smtp_send(smtp_kept_get(x->r->host->smtp, &server), &letter,
	    x->r->arena, &x->report);
	return RC_OK;
}

/* It may have left from the moment on that the server waits for its first
 * byte, not before. */
static const struct effect hand_over =
    EFFECT("submission", intend, send_out, confirm);

/* ---- the run ---- */

static enum rc
access_read(struct sending *x)
{
	struct job_run *r = x->r;

	if (x->access == NULL)
		return fail(RC_NOT_FOUND, "the credential is gone");
	if (!x->access->is_active)
		return fail(RC_DENIED, "the credential is switched off");
	return credential_secret_ready(
	    &(struct token_host){
		r->db, r->host->conf, r->host->keks, r->host->egress },
	    r->account, &x->access, r->arena, &x->secret);
}

/* What is wrong before any server was asked is an outcome, too. */
static enum rc
refuse(struct sending *x, enum rc rc)
{
	x->detail = arena_str(x->r->arena, fail_detail());
	x->rc = rc;
	if (result_is_transient(rc) && !is_over(x))
		return fail(rc, "%s", x->detail);
	for (size_t i = 0; i < x->n; i++)
		x->due[i]->state = "failed";
	x->becomes =
	    has(x, "accepted") ? SUBMISSION_ACCEPTED : SUBMISSION_FAILED;
	x->r->last = true;
	TRY(effect_confirm(&hand_over, x));
	return fail(rc, "%s", x->detail);
}

static enum rc
outcome(const struct sending *x)
{
	return x->rc == RC_OK ? RC_OK : fail(x->rc, "%s", x->detail);
}

static enum rc
hand(struct sending *x)
{
	enum rc rc = access_read(x);

	if (rc != RC_OK)
		return refuse(x, rc);
	TRY(hand_over.act(x));
	if (x->r->stopping || (!x->begun && x->report.rc == RC_STALE))
		return fail(x->report.rc, "%s", x->report.detail);
	fates_take(x, &x->report);
	explain(x);
	decide(x);
	x->asked = true;
	x->ends = !is_renamed(x);
	TRY(effect_confirm(&hand_over, x));
	renamed(x);
	return outcome(x);
}

static enum rc
send_due(struct sending *x)
{
	due_list(x, "queued");
	if (x->n == 0)
		return fail(RC_INTERNAL, "nobody is to get the message");
	TRY(submission_bytes(x->r->host->conf, x->r->account, x->m->message,
	    x->m->raw_sha256, x->r->arena, &x->message));
	return hand(x);
}

/* A run that was killed between the two ends has left it: nobody knows. */
static enum rc
not_known(struct sending *x)
{
	due_list(x, "unknown");
	x->r->last = true;
	x->becomes = SUBMISSION_UNKNOWN;
	x->rc = RC_CONNECTION;
	x->detail = "No answer came behind the message; whether it was taken "
		    "is not known, and it is not sent again by itself.";
	if (!submission_is(x->m->state, SUBMISSION_UNKNOWN))
		TRY(effect_confirm(&hand_over, x));
	return outcome(x);
}

/* Somebody says "try again" of what has failed: who was refused is due. */
static enum rc
again(struct sending *x)
{
	struct job_run *r = x->r;

	if (r->lease->attempt_count > 1) {
		r->last = true;
		return fail(x->m->last_error_code != NULL
			? result_of_code(x->m->last_error_code)
			: RC_RECIPIENT,
		    "%s",
		    x->m->last_error_detail != NULL ? x->m->last_error_detail
						    : "");
	}
	TRY(submission_again(r->db, r->account, x->m->id, r->lease->id));
	TRY(submission_recipients(
	    r->db, r->account, x->m->id, r->arena, &x->all));
	return send_due(x);
}

static enum rc
go_on(struct sending *x)
{
	const char *state = x->m->state;

	if (submission_is(state, SUBMISSION_QUEUED))
		return send_due(x);
	if (submission_is(state, SUBMISSION_SENDING) ||
	    submission_is(state, SUBMISSION_UNKNOWN))
		return not_known(x);
	return has(x, "failed") ? again(x) : RC_OK;
}

static enum rc
take_rows(struct sending *x)
{
	struct job_run *r = x->r;
	const struct lease *l = r->lease;

	TRY(job_unhurried(r->db, NULL));
	TRY(submission_take(
	    r->db, r->account, l->task_id, l->id, r->arena, &x->m));
	TRY(submission_recipients_of(
	    r->db, r->account, l->task_id, r->arena, &x->all));
	TRY(submission_filer(r->db, r->account, l->credential_id, &x->filer));
	return credential_access_get(
	    r->db, r->account, l->credential_id, r->arena, &x->access);
}

/* The message, who is to get it, and what it is sent with. That it was taken
 * is on disk with the intent, before which nothing leaves. */
static enum rc
take(struct sending *x)
{
	enum rc rc, ended;

	db_pipe_begin(x->r->db);
	rc = take_rows(x);
	ended = db_pipe_end(x->r->db);
	if (rc == RC_OK && ended == RC_NOT_FOUND) /* the credential: see hand */
		return RC_OK;
	return rc != RC_OK ? rc : ended;
}

enum rc
submission_send(struct job_run *r)
{
	struct sending x = { .r = r };
	bool known;

	TRY(take(&x));
	if (x.m == NULL) {
		TRY(submission_known(
		    r->db, r->account, r->lease->task_id, &known));
		return known
		    ? fail(RC_RETRY, "another job of this task is at it")
		    : fail(RC_PAYLOAD, "the task has no message");
	}
	FAILPOINT("submission-taken");
	return go_on(&x);
}
