/* What asks mail servers: tests of credentials while the caller waits, and
 * what is queued for the sync. */
#include "cgi-bin/providers.h"

#include "domain/provider-credential-sql.h"
#include "domain/credential-sql.h"
#include "domain/delivery.h"
#include "domain/reach.h"
#include "domain/task.h"
#include "domain/vault.h"
#include "mail/probe.h"
#include "web/body.h"
#include "web/doer.h"
#include "web/idempotency.h"
#include "web/mail-secret.h"
#include "web/reply.h"
#include "web/route.h"
#include "web/share.h"

#include "providers.h"
#include "web/sync-target.h"

/* The row, and what it takes to reach its server. */
struct target {
	struct provider_credential *row;
	struct credential_access *access;
	const struct envelope_keks *keks;
};

static enum rc
target_read(struct request *rq, struct target *t)
{
	int64_t account = rq->actor.account, id = arg_id(rq, 0);

	db_pipe_begin(rq->db);
	TRY(provider_credential_get(
	    rq->db, account, rq->actor.user, id, rq->arena, &t->row));
	TRY(credential_access_get(rq->db, account, id, rq->arena, &t->access));
	TRY(db_pipe_end(rq->db));
	return vault_keks(rq->conf, &t->keks);
}

static enum rc
probe(struct request *rq, const struct target *t,
    const struct credential_secret *secret, struct probe_report *report)
{
	const struct provider_credential *row = t->row;
	const struct probe p = {
		.smtp = strcmp(row->provider_kind, "smtp") == 0,
		.host = row->host,
		.port = row->port,
		.security_mode = row->security_mode,
		.oauth2 = strcmp(row->auth_kind, "oauth2") == 0,
		.username = secret->username,
		.secret = secret->secret,
		.allow_plaintext = rq->conf->allow_plaintext,
	};
	const struct egress *egress;

	TRY(reach_egress(rq->conf, &egress));
	TRY(share_take(rq));
	probe_run(egress, &p, report);
	return RC_OK;
}

/* ---- test ---- */

static const char *
step_outcome(const struct probe_report *r, enum probe_step s)
{
	if (s < r->step || (s == r->step && r->rc == RC_OK))
		return "ok";
	return s == r->step ? "failed" : "skipped";
}

static void
steps_write(struct jw *w, const struct probe_report *r)
{
	jw_array(w);
	for (enum probe_step s = 0; s < PROBE_STEPS; s++) {
		if (s == PROBE_TLS && !r->tls)
			continue;
		jw_object(w);
		JW_TEXT(w, "name", probe_step_name(s));
		JW_TEXT(w, "status", step_outcome(r, s));
		jw_object_end(w);
	}
	jw_array_end(w);
}

static enum rc
report_reply(
    struct request *rq, const struct target *t, const struct probe_report *r)
{
	const char *status = provider_status(r->rc);
	struct jw *w = reply_open(rq, 0);

	JW_TEXT(w, "status", status != NULL ? status : t->row->status);
	jw_key(w, "checks");
	steps_write(w, r);
	if (r->rc != RC_OK) {
		JW_TEXT(w, "error_code", result_code(r->rc));
		JW_TEXT(w, "error_detail",
		    r->detail[0] != '\0' ? r->detail : result_row(r->rc)->text);
	}
	JW_INT(w, "duration_ms", r->ms);
	return reply_close(rq);
}

static enum rc
try(struct request *rq, struct target *t, struct probe_report *report)
{
	const struct doer who = doer_of(rq);
	struct credential_secret secret;

	TRY(target_read(rq, t));
	TRY(reach_secret(
	    rq->db, rq->conf, who.account, &t->access, rq->arena, &secret));
	TRY(probe(rq, t, &secret, report));
	return provider_credential_note_test(rq->db, &who, t->row->id,
	    t->access->secret_version, report->rc, report->detail);
}

enum rc
credential_try(struct request *rq, struct probe_report *report)
{
	struct target t;

	return try(rq, &t, report);
}

static enum rc
test(struct request *rq)
{
	struct probe_report report;
	struct target t;

	TRY(try(rq, &t, &report));
	return report_reply(rq, &t, &report);
}

static const struct field check_answer[] = { A_TEXT("name", 0),
	A_TEXT("status", 0), F_END };
static const struct field test_answer[] = { A_TEXT("status", 0),
	A_ARRAY("checks", check_answer, 0), A_TEXT("error_code", MAY_LACK),
	A_TEXT("error_detail", MAY_LACK), A_INT("duration_ms", 0), F_END };

/* ---- rotate ---- */

struct rotation {
	struct mail_secret *secret;
};
static const struct field rotation_body[] = {
	F_OBJECT(struct rotation, secret, mail_secret, REQUIRED | WRITE_ONLY),
	F_END
};

/* A secret that the server refuses is the caller's fault; a server that does
 * not answer is not, and the old secret stays in both cases. */
static enum rc
rotation_refused(struct request *rq, const struct doer *who, int64_t id,
    const struct probe_report *r)
{
	const struct log_note note = { "provider_credential", "rotate", r->rc,
		"The new secret was refused", "credential_id", ID_CREDENTIAL,
		id };

	db_pipe_begin(rq->db);
	TRY(provider_credential_audit(rq->db, who, "rotate", id, r->rc));
	TRY(log_write(rq->db, who, &note));
	TRY(db_pipe_end(rq->db));
	if (provider_status(r->rc) != NULL)
		return fault_add(rq, "secret", result_code(r->rc),
		    "The mail server does not accept it; the old one stays.");
	return fail(r->rc, "%s", r->detail);
}

static enum rc
rotate(struct request *rq)
{
	const struct rotation *in = rq->body;
	struct provider_credential *row;
	struct credential_secret secret;
	struct probe_report report;
	struct provider_write w;
	struct target t;

	TRY(target_read(rq, &t));
	TRY(mail_secret_read(rq, in->secret, t.row->auth_kind, &secret));
	w = (struct provider_write){ .who = doer_of(rq),
		.keks = t.keks,
		.secret = &secret,
		.allow_plaintext = rq->conf->allow_plaintext };
	TRY(probe(rq, &t, &secret, &report));
	if (report.rc != RC_OK)
		return rotation_refused(rq, &w.who, t.row->id, &report);
	/* The probe took a while; vault_keks may have read the keys anew. */
	TRY(vault_keks(rq->conf, &w.keks));
	TRY(provider_credential_rotate(
	    rq->db, &w, t.row->id, t.access->secret_version, rq->arena, &row));
	return reply_row(rq, 0, provider_credential_cols, row);
}

/* ---- sync ---- */

struct sync_wanted {
	int64_t credential_id;
};
static const struct field sync_wanted_body[] = {
	F_ID(struct sync_wanted, credential_id, ID_CREDENTIAL, REQUIRED), F_END
};

struct sync_messages {
	int64_t credential_id;
	const char *folder;
};
static const struct field sync_messages_body[] = {
	F_ID(struct sync_messages, credential_id, ID_CREDENTIAL, REQUIRED),
	F_TEXT(struct sync_messages, folder, 1, 255, NULLABLE,
	    .about = "Its name, as the list of folders has it, INBOX in any "
		     "case; absent: all folders. The job fails with "
		     "not_found_folder where the "
		     "server has none of this name."),
	F_END
};

struct sync_order {
	struct request *rq;
	struct doer who;
	struct task_new task;
	const char *message; /* of the log row */
};

static enum rc
sync_make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	const struct sync_order *o = ctx;
	const struct log_note note = { "job", o->task.action, RC_OK, o->message,
		"credential_id", ID_CREDENTIAL, o->task.credential_id };
	struct provider_credential *c;
	struct task_started *started;

	TRY(provider_credential_get(db, o->who.account, o->who.user,
	    o->task.credential_id, o->rq->arena, &c));
	TRY(sync_target_check(o->rq, "credential_id", c));
	TRY(task_start_or_join(
	    db, o->who.account, &o->task, o->rq->arena, &started));
	made[0] = started->task_id;
	made[1] = started->job_id;
	return log_write(db, &o->who, &note);
}

static enum rc
sync_queue(struct request *rq, struct sync_order *o)
{
	struct task_started started;
	int64_t made[ONCE_MADE];
	char job[ID_PRINT_SIZE];

	o->rq = rq;
	o->who = doer_of(rq);
	o->task.application_id = o->who.application;
	o->task.run_at = INSTANT_NONE;
	o->task.priority = 5;
	TRY(once(rq, sync_make, o, made));
	started = (struct task_started){ made[0], made[1] };
	id_print(ID_JOB, started.job_id, job);
	reply_header(rq, "Location", arena_fmt(rq->arena, "/api/jobs/%s", job));
	return reply_row(rq, 0, task_started_cols, &started);
}

static enum rc
sync_mailboxes(struct request *rq)
{
	const struct sync_wanted *in = rq->body;
	struct sync_order o = { .task = { .action = "imap_sync_mailboxes",
				    .credential_id = in->credential_id,
				    .once = true },
		.message = "Folders are to be synced" };

	return sync_queue(rq, &o);
}

static struct str
folder_json(struct request *rq, const char *folder)
{
	struct buf out;
	struct jw w = jw_on(&out);
	struct str json;

	buf_init(&out, 4096);
	jw_object(&w);
	JW_TEXT(&w, "folder", folder);
	jw_object_end(&w);
	json = (struct str){ arena_dup(rq->arena, out.p, out.n), out.n };
	buf_clear(&out);
	return json;
}

/* All folders: whoever waits already does the same. */
static enum rc
sync_messages(struct request *rq)
{
	const struct sync_messages *in = rq->body;
	struct sync_order o = { .task = { .action = "imap_sync_messages",
				    .credential_id = in->credential_id,
				    .once = in->folder == NULL },
		.message = "Messages are to be synced" };

	if (in->folder != NULL)
		o.task.payload = folder_json(rq, in->folder);
	return sync_queue(rq, &o);
}

#define ONE      "/api/provider-credentials/:provider_credential_id"
#define PERSONAL "/api/user/imap-accounts/:imap_account_id"
#define IMAP     "/api/accounts/:account_id/imap"
#define NO_EMAIL .missing = "EMAIL_NOT_FOUND"
#define FOREIGN  RC_TIMEOUT, RC_CONNECTION, RC_CONFIG_TLS, RC_CONFIG_HOST

static const struct route routes[] = {
	{ POST, ONE "/test", test, NEED_WRITE, .answer = test_answer,
	    .fails = { RC_AUTH_FAILED },
	    .summary = "Try a provider credential now",
	    .about = "Connects, secures and signs in, within 10 seconds." },
	{ POST, ONE "/rotate", rotate, NEED_WRITE, BODY(rotation),
	    .row = provider_credential_cols, .fails = { RC_CONFLICT, FOREIGN },
	    .summary = "Replace the secret by one that works",
	    .about = "The new secret is tried first; where the server does "
		     "not take it, the old one stays." },
	{ POST, IMAP "/sync-mailboxes", sync_mailboxes, NEED_WRITE,
	    BODY(sync_wanted), .row = task_started_cols, .status = 202,
	    .flags = IDEMPOTENT, .fails = { RC_CONFLICT },
	    .summary = "Sync the list of folders",
	    .about = "Queues a job; one that waits already is joined." },
	{ POST, IMAP "/sync-messages", sync_messages, NEED_WRITE,
	    BODY(sync_messages), .row = task_started_cols, .status = 202,
	    .flags = IDEMPOTENT, .fails = { RC_CONFLICT },
	    .summary = "Sync messages",
	    .about = "Queues a job; without a folder, one that waits already "
		     "is joined." },
	{ POST, "/api/imap/accounts/:provider_credential_id/sync", sync_now,
	    NEED_WRITE, ENV_SUCCESS, .id = ID_CREDENTIAL,
	    .missing = "ACCOUNT_NOT_FOUND", .also = 202,
	    .answer = sync_now_answer,
	    .fails = { RC_CONFLICT, RC_AUTH_FAILED, RC_AUTH_EXPIRED, RC_DENIED,
		FOREIGN },
	    .summary = "Sync a mail account now",
	    .about =
		"Of those that are shared. Beyond 50 seconds the answer is "
		"202, with status queued and the job that goes on." },
	{ POST, PERSONAL "/test-connection", personal_test, NEED_USER,
	    ENV_SUCCESS, .flags = BARE, .missing = "ACCOUNT_NOT_FOUND",
	    .answer = personal_test_answer, .fails = { RC_AUTH_FAILED },
	    .summary = "Try one's own mail account now" },
	{ POST, PERSONAL "/transfer", personal_transfer, NEED_USER, ENV_SUCCESS,
	    .flags = IDEMPOTENT, .missing = "ACCOUNT_NOT_FOUND",
	    BODY(personal_transfer), .answer = personal_transfer_answer,
	    .fails = { RC_CONFLICT },
	    .summary = "Copy mail of one's own into a shared inbox",
	    .about = "Each once into a folder, however often it is asked for. "
		     "Answers when it is done, or after 20 s; a job goes on." },
	{ POST, "/api/interception/release/:email_id", held_let_go, NEED_WRITE,
	    ENV_OK, .flags = IDEMPOTENT | LARGE_BODY, NO_EMAIL,
	    BODY(held_release), .answer = held_release_answer, .also = 202,
	    .fails = { RC_CONFLICT, RC_AUTH_FAILED, RC_DENIED, RC_NO_FOLDER,
		FOREIGN },
	    .summary = "Release held mail",
	    .about = "With what was saved of edits, and what is given here, "
		     "which goes first. Beyond 20 seconds the answer is 202, "
		     "and it goes on." },
	{ POST, "/api/interception/bulk/release", bulk_let_go, NEED_WRITE,
	    ENV_OK, BODY(bulk_release), .answer = bulk_release_answer,
	    .summary = "Release many",
	    .about = "Each as it is, with what was saved of edits. What takes "
		     "longer than 20 seconds is queued, and goes on." },
	{ POST, "/api/email/:email_id/intercept", held_by_person, NEED_WRITE,
	    ENV_OK, .flags = IDEMPOTENT, NO_EMAIL,
	    .answer = held_intercept_answer, .also = 202,
	    .fails = { RC_CONFLICT, RC_AUTH_FAILED, RC_DENIED, RC_NO_MESSAGE,
		FOREIGN },
	    .summary = "Hold mail that has come already",
	    .about = "It is moved into the quarantine, wherever it lies." },
	{ POST, "/webhooks/poll-emails", poll_emails, NEED_OWN, ENV_SUCCESS,
	    BODY(poll_ask), PARAMS(poll_ask), .flags = FORM_OK | NO_CSRF,
	    .answer = poll_answer, .fails = { RC_BAD_TOKEN, RC_NOT_CONFIGURED },
	    .summary = "Poll all mail accounts now",
	    .about = "For a cron service elsewhere. The token of "
		     "webcron_secret_token comes in X-Webhook-Token, as Bearer "
		     "in Authorization, in the body or as ?token=." },
	{ POST, "/api/webhooks/:webhook_id/test", webhook_test, NEED_WRITE,
	    ENV_SUCCESS, .row = delivery_seen_cols, .key = "delivery",
	    .missing = "WEBHOOK_NOT_FOUND",
	    .summary = "Tell a webhook a test event now",
	    .about = "The answer says what the receiver said, within ten "
		     "seconds. It is not tried again." },
	{ POST, "/api/webhooks/deliveries/:delivery_id/retry", delivery_retry,
	    NEED_WRITE, ENV_SUCCESS, .row = delivery_seen_cols,
	    .key = "delivery", .missing = "DELIVERY_NOT_FOUND",
	    .fails = { RC_CONFLICT }, .summary = "Tell a webhook again now",
	    .about = "The same bytes under the same webhook-id. Where that "
		     "fails, it is tried for another 72 hours." },
	{ POST, "/api/accounts/:account_id/smtp/messages", letter_post,
	    NEED_WRITE, BODY(letter_post), .row = task_started_cols,
	    .status = 202, .flags = IDEMPOTENT | LARGE_BODY | PLANNED,
	    .fails = { RC_CONFLICT }, .summary = "Send a message",
	    .about = "Queues it, with its email record, which shows in "
		     "`status` what became of it: queued, sending, accepted, "
		     "filed, failed, unknown. What left without an answer of "
		     "the server is unknown, and not sent again by itself." },
	{ POST, "/api/emails/send", letter_send, NEED_WRITE, ENV_SUCCESS,
	    BODY(letter_send), .answer = letter_send_answer, .status = 201,
	    .flags = IDEMPOTENT | LARGE_BODY | PLANNED,
	    .fails = { RC_CONFLICT, RC_NOT_FOUND, RC_AUTH_FAILED, RC_DENIED,
		FOREIGN },
	    .summary = "Send a message from the default sender",
	    .about = "Answers behind the first try, with each recipient's "
		     "fate; `status` is \"queued\" where the server has not "
		     "taken it within 20 seconds, or wants it later." },
	{ POST, "/api/threads/:thread_id/reply", letter_reply, NEED_WRITE,
	    ENV_SUCCESS, .missing = "THREAD_NOT_FOUND",
	    .body = { letter_reply_body, sizeof(struct letter_send) },
	    .answer = letter_send_answer,
	    .flags = IDEMPOTENT | LARGE_BODY | PLANNED,
	    .fails = { RC_CONFLICT, RC_AUTH_FAILED, RC_DENIED, FOREIGN },
	    .summary = "Answer the last mail of a thread that came",
	    .about = "From the mail account it came to, else from the default "
		     "sender." },
	{ POST, "/api/threads/:thread_id/forward", letter_forward, NEED_WRITE,
	    ENV_SUCCESS, .missing = "THREAD_NOT_FOUND",
	    .body = { letter_forward_body, sizeof(struct letter_send) },
	    .answer = letter_send_answer, .flags = IDEMPOTENT | LARGE_BODY,
	    .fails = { RC_CONFLICT, RC_AUTH_FAILED, RC_DENIED, RC_PART_SYNC,
		FOREIGN },
	    .summary = "Forward the mail of a thread, with what is attached",
	    .about = "The latest fifty mails, read from their server where "
		     "that has to be. What is sent begins a thread of its "
		     "own. Nothing is sent where a mail cannot be read." },
};

FAMILY(providers, WAITING);
