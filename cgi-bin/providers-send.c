/* Mail that an account sends: the first document's queued message, and the
 * second's that is answered when the server has been asked. */
#include "cgi-bin/providers.h"
#include "cgi-bin/threads.h"

#include <string.h>
#include <unistd.h>

#include "domain/email-sql.h"
#include "domain/event.h"
#include "domain/job.h"
#include "domain/provider-credential-sql.h"
#include "domain/signature-sql.h"
#include "domain/submission-sql.h"
#include "domain/submission.h"
#include "domain/task.h"
#include "domain/threading.h"
#include "mail/threading.h"
#include "web/body.h"
#include "web/doer.h"
#include "web/idempotency.h"
#include "web/reply.h"
#include "web/share.h"
#include "web/worker.h"

#define WAIT_MS    20000
#define LOOK_MS    100 /* between two looks at what became of it */
#define SUBJECT    998
#define TEXT_CHARS ((int64_t)8 << 20)
#define AHEAD_US   (INT64_C(366) * 24 * 3600 * 1000000)
#define FILES      COMPOSE_FILES_MOST
#define PEOPLE     SUBMISSION_RECIPIENTS_MOST
#define REFERENCES 65536

/* ---- what comes ---- */

struct person_post {
	const char *name, *address;
};
static const struct field person_post_body[] = {
	F_TEXT(struct person_post, name, 0, 200, NULLABLE | BLANK_OK),
	F_EMAIL(struct person_post, address, REQUIRED), F_END
};

enum { ATTACHED, INLINE };
static const char *const dispositions[] = { "attachment", "inline", NULL };

struct file_post {
	const char *filename, *content_type, *content_b64, *content_id;
	int disposition;
};
static const struct field file_post_body[] = { F_TEXT(struct file_post,
						   filename, 1, 255, NULLABLE),
	F_TEXT(struct file_post, content_type, 3, 255, NULLABLE),
	F_TEXT(struct file_post, content_b64, 0, BODY_MOST_LARGE,
	    REQUIRED | BLANK_OK, .about = "Its bytes in base64."),
	F_ENUM(struct file_post, disposition, dispositions, OPTIONAL,
	    PRESET(ATTACHED)),
	F_TEXT(struct file_post, content_id, 1, 255, NULLABLE,
	    .about = "What the HTML names an inline part by."),
	F_END };

static const char *const outbound[] = { "outbound", NULL };

/* clang-format off */
#define F_LETTER(T, text_, html_)                                              \
	F_TEXT(T, subject, 0, SUBJECT, NULLABLE | BLANK_OK),                   \
	F_TEXT(T, text_, 0, TEXT_CHARS, NULLABLE | BLANK_OK | LINES_OK),       \
	F_TEXT(T, html_, 0, TEXT_CHARS, NULLABLE | BLANK_OK | LINES_OK),       \
	F_ARRAY(T, attachments, 0, FILES, file_post, OPTIONAL)
#define F_PEOPLE(m, most)                                                      \
	F_ARRAY(struct letter_post, m, 0, most, person_post, OPTIONAL)
const struct field letter_post_body[] = {
	F_ID(struct letter_post, credential_id, ID_CREDENTIAL, REQUIRED,
	    .about = "The SMTP credential that sends it."),
	F_ENUM(struct letter_post, direction, outbound, OPTIONAL, PRESET(0)),
	F_PEOPLE(from_json, 1),
	F_PEOPLE(to_json, PEOPLE),
	F_PEOPLE(cc_json, PEOPLE),
	F_PEOPLE(bcc_json, PEOPLE),
	F_PEOPLE(reply_to_json, PEOPLE),
	F_LETTER(struct letter_post, text_body, html_body),
	F_ID(struct letter_post, in_reply_to_email_id, ID_EMAIL, NULLABLE),
	F_TIME(struct letter_post, send_at, NULLABLE,
	    .about = "Not before; within a year."),
	F_END
};
/* clang-format on */

static const struct field address_item = {
	.kind = FIELD_EMAIL, .least = 3, .most = 320
};
const struct field letter_forward_body[] = { F_LIST(struct letter_send, to, 1,
						 PEOPLE, &address_item,
						 REQUIRED | ONE_OR_MANY),
	F_LIST(struct letter_send, cc, 0, PEOPLE, &address_item,
	    OPTIONAL | ONE_OR_MANY),
	F_LIST(struct letter_send, bcc, 0, PEOPLE, &address_item,
	    OPTIONAL | ONE_OR_MANY),
	F_LETTER(struct letter_send, body_text, body_html),
	F_ID(struct letter_send, signature_id, ID_NUMBER, NULLABLE,
	    .about = "One's own, which is set below what is said."),
	F_END };

const struct field letter_send_body[] = { F_LIST(struct letter_send, to, 0,
					      PEOPLE, &address_item,
					      OPTIONAL | ONE_OR_MANY),
	F_LIST(struct letter_send, cc, 0, PEOPLE, &address_item,
	    OPTIONAL | ONE_OR_MANY),
	F_LIST(struct letter_send, bcc, 0, PEOPLE, &address_item,
	    OPTIONAL | ONE_OR_MANY),
	F_LETTER(struct letter_send, body_text, body_html),
	F_ID(struct letter_send, thread_id, ID_NUMBER, NULLABLE),
	F_ID(struct letter_send, signature_id, ID_NUMBER, NULLABLE,
	    .about = "One's own, which is set below text and HTML."),
	F_END };

/* ---- faults, under the names of the document at hand ---- */

struct name {
	const char *ours, *theirs;
};
static const struct name post_names[] = { { "from", "from_json[0]" },
	{ "to", "to_json" }, { "cc", "cc_json" }, { "bcc", "bcc_json" },
	{ "reply_to", "reply_to_json" }, { "text", "text_body" },
	{ "html", "html_body" }, { NULL, NULL } };
static const struct name send_names[] = { { "text", "body_text" },
	{ "html", "body_html" }, { NULL, NULL } };

/* "to[1].address: is …" is a fault of to_json[1].address. */
static enum rc
fault_of(struct request *rq, const struct name *names)
{
	struct arena *a = rq->arena;
	const char *detail = arena_str(a, fail_detail());
	size_t n = strcspn(detail, "[.:"), field = strcspn(detail, ":");
	const char *word = arena_dup(a, detail, n);

	for (; names->ours != NULL; names++)
		if (strcmp(names->ours, word) == 0)
			word = names->theirs;
	return fault_add(rq,
	    arena_fmt(a, "%s%.*s", word, (int)(field - n), detail + n),
	    "invalid",
	    detail[field] != '\0' ? detail + field + 2 : "It cannot be sent.");
}

/* ---- from the body to a letter ---- */

static struct compose_people
people_of(struct request *rq, const struct items *in)
{
	struct compose_person *v =
	    ARENA_ARRAY(rq->arena, struct compose_person, in->n + 1);

	for (size_t i = 0; i < in->n; i++) {
		const struct person_post *p = &ITEM(struct person_post, in, i);

		if (p->name != NULL && *p->name != '\0')
			v[i].name = str_of(p->name);
		v[i].address = str_of(p->address);
	}
	return (struct compose_people){ v, in->n };
}

static struct compose_people
addresses_of(struct request *rq, const struct texts *in)
{
	struct compose_person *v =
	    ARENA_ARRAY(rq->arena, struct compose_person, in->n + 1);

	for (size_t i = 0; i < in->n; i++)
		v[i].address = in->v[i];
	return (struct compose_people){ v, in->n };
}

static struct str
text_or_none(const char *s)
{
	return s != NULL ? str_of(s) : (struct str){ NULL, 0 };
}

static enum rc
files_of(struct request *rq, const struct items *in, struct compose *out)
{
	struct compose_file *v =
	    ARENA_ARRAY(rq->arena, struct compose_file, in->n + 1);

	for (size_t i = 0; i < in->n; i++) {
		const struct file_post *f = &ITEM(struct file_post, in, i);

		v[i] = (struct compose_file){ .filename =
						  text_or_none(f->filename),
			.content_type = text_or_none(f->content_type),
			.is_inline = f->disposition == INLINE,
			.content_id = text_or_none(f->content_id) };
		if (!base64_decode(
			rq->arena, str_of(f->content_b64), &v[i].bytes))
			return fault_add(rq,
			    arena_fmt(
				rq->arena, "attachments[%zu].content_b64", i),
			    "invalid", "It is not base64.");
	}
	out->file = v;
	out->files = in->n;
	return RC_OK;
}

/* RFC 5322 3.6.4: what the answered message refers to, and itself behind. */
static enum rc
answer_of(struct request *rq, int64_t id, struct compose *out)
{
	struct email *e;
	const char *before;

	if (id == 0)
		return RC_OK;
	if (email_get(rq->db, rq->actor.account, id, rq->arena, &e) != RC_OK)
		return fault_add(rq, "in_reply_to_email_id", "not_found",
		    "There is no such email.");
	if (e->message_id == NULL)
		return RC_OK;
	before = e->references != NULL ? e->references
	    : e->in_reply_to != NULL && strchr(e->in_reply_to, ' ') == NULL
	    ? e->in_reply_to
	    : "";
	out->in_reply_to = str_of(e->message_id);
	out->references = str_of(arena_fmt(rq->arena, "%s%s%s", before,
	    *before != '\0' ? " " : "", e->message_id));
	return RC_OK;
}

/* ---- who sends ---- */

static enum rc
sender_check(struct request *rq, const struct provider_credential *c)
{
	if (strcmp(c->provider_kind, "smtp") != 0)
		return fault_add(rq, "credential_id", "not_smtp",
		    "Only an SMTP credential sends.");
	if (!c->is_active)
		return fail(RC_CONFLICT, "The credential is switched off.");
	if (c->email_address == NULL)
		return fail(RC_CONFLICT,
		    "The credential has no email_address to send from.");
	return RC_OK;
}

/* The one named, or a fault as of one that does not exist. */
static enum rc
sender_named(struct request *rq, int64_t id, struct provider_credential **out)
{
	enum rc rc = provider_credential_get(
	    rq->db, rq->actor.account, rq->actor.user, id, rq->arena, out);

	if (rc == RC_NOT_FOUND)
		return fault_add(rq, "credential_id", "not_found",
		    "There is no such credential.");
	TRY(rc);
	return sender_check(rq, *out);
}

static enum rc
sender_default(struct request *rq, struct provider_credential **out)
{
	int64_t account = rq->actor.account, user = rq->actor.user, id;

	TRY(submission_default(rq->db, account, user, &id));
	if (id == 0) {
		rq->word = "NO_SENDER";
		return fail(RC_CONFLICT,
		    "No SMTP credential is marked as the default sender.");
	}
	TRY(provider_credential_get(rq->db, account, user, id, rq->arena, out));
	return sender_check(rq, *out);
}

enum rc
letter_sender(struct request *rq, const struct thread_last *last,
    struct provider_credential **out)
{
	if (last == NULL || last->smtp_credential_id == 0)
		return sender_default(rq, out);
	TRY(provider_credential_get(rq->db, rq->actor.account, rq->actor.user,
	    last->smtp_credential_id, rq->arena, out));
	return sender_check(rq, *out);
}

static enum rc
from_of(struct request *rq, const struct items *from,
    const struct provider_credential *c, struct compose *out)
{
	const struct person_post *p;

	out->from.address = str_of(c->email_address);
	if (from->n == 0)
		return RC_OK;
	p = &ITEM(struct person_post, from, 0);
	if (!str_ieq(str_of(p->address), out->from.address))
		return fault_add(rq, "from_json[0].address", "not_allowed",
		    "The credential sends from another address.");
	if (p->name != NULL && *p->name != '\0')
		out->from.name = str_of(p->name);
	return RC_OK;
}

/* ---- queueing ---- */

struct order {
	struct request *rq;
	struct doer who;
	const struct submission_new *in;
	const struct submission_draft *draft;
	int64_t thread; /* it is written in; 0: none */
	bool begins;    /* where that is none: one of its own */
};

/* What an Idempotency-Key remembers: email and task; the job is the task's. */
enum { MADE_EMAIL, MADE_TASK };

static enum rc
into_thread(struct db *db, const struct order *o, int64_t email, int64_t thread)
{
	return threading_write(db, o->who.account, o->who.application, email,
	    thread, o->thread != 0 ? STR("sent") : STR("started"),
	    o->rq->arena);
}

/* The thread is there, and stays until the message is in it. */
static enum rc
thread_is_open(struct db *db, const struct order *o)
{
	struct request *rq = o->rq;
	struct thread *t;
	enum rc rc;

	if (o->thread == 0 && !o->begins)
		return RC_OK;
	TRY(thread_hold(db, o->who.account, NULL));
	if (o->thread == 0)
		return RC_OK;
	rc = thread_lock(db, o->who.account, o->thread, rq->arena, &t);
	if (rc == RC_NOT_FOUND)
		rq->word = "THREAD_NOT_FOUND";
	TRY(rc);
	return thread_merged_check(rq, t);
}

static enum rc
begin_thread(struct db *db, const struct order *o, int64_t email)
{
	struct str subject = o->in->letter.subject;
	int64_t account = o->who.account, made;

	TRY(thread_insert(db, account, o->who.application,
	    arena_dup(o->rq->arena, subject.n > 0 ? subject.p : "", subject.n),
	    thread_statuses[0], 0, (struct ids){ 0 }, &made));
	TRY(into_thread(db, o, email, made));
	return thread_tell(db, account, event_word(EVENT_THREAD_CREATED),
	    (struct ids){ &made, 1 }, o->rq->actor.user, NULL);
}

static enum rc
order_make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	const struct order *o = ctx;
	struct submission_made m;

	TRY(thread_is_open(db, o));
	TRY(submission_add(db, &o->who, o->draft, o->rq->arena, &m));
	if (o->thread != 0)
		TRY(into_thread(db, o, m.email_id, o->thread));
	else if (o->begins)
		TRY(begin_thread(db, o, m.email_id));
	made[MADE_EMAIL] = m.email_id;
	made[MADE_TASK] = m.task_id;
	return RC_OK;
}

static enum rc
order(const struct submission_new *in, struct order *o,
    const struct name *names, int64_t made[ONCE_MADE])
{
	struct request *rq = o->rq;
	struct submission_draft *draft;
	enum rc rc = submission_draft(in, rq->arena, &draft);

	o->who = doer_of(rq);
	o->in = in;

	if (rc == RC_INVALID)
		return fault_of(rq, names);
	TRY(rc);
	o->draft = draft;
	return once(rq, order_make, o, made);
}

static enum rc
time_check(struct request *rq, instant at)
{
	if (!instant_is(at) || at.us - clock_now().us < AHEAD_US)
		return RC_OK;
	return fault_add(rq, "send_at", "too_late", "Within a year from now.");
}

static enum rc
post_fill(struct request *rq, struct submission_new *new)
{
	const struct letter_post *in = rq->body;
	struct compose *l = &new->letter;

	TRY(time_check(rq, in->send_at));
	TRY(from_of(rq, &in->from_json, new->from, l));
	TRY(answer_of(rq, in->in_reply_to_email_id, l));
	TRY(files_of(rq, &in->attachments, l));
	l->to = people_of(rq, &in->to_json);
	l->cc = people_of(rq, &in->cc_json);
	l->reply_to = people_of(rq, &in->reply_to_json);
	l->subject = text_or_none(in->subject);
	l->text = text_or_none(in->text_body);
	l->html = text_or_none(in->html_body);
	new->bcc = people_of(rq, &in->bcc_json);
	new->send_at = in->send_at;
	return RC_OK;
}

enum rc
letter_post(struct request *rq)
{
	const struct letter_post *in = rq->body;
	struct submission_new new = { .priority = 5 };
	struct order o = { .rq = rq };
	struct provider_credential *from;
	struct task_started started;
	struct submission_seen *seen;
	int64_t made[ONCE_MADE] = { 0 };
	char job[ID_PRINT_SIZE];

	TRY(sender_named(rq, in->credential_id, &from));
	new.from = from;
	TRY(post_fill(rq, &new));
	TRY(order(&new, &o, post_names, made));
	TRY(submission_seen_of(
	    rq->db, rq->actor.account, made[MADE_EMAIL], rq->arena, &seen));
	started = (struct task_started){ seen->task_id, seen->job_id };
	id_print(ID_JOB, started.job_id, job);
	reply_header(rq, "Location", arena_fmt(rq->arena, "/api/jobs/%s", job));
	return reply_row(rq, 0, task_started_cols, &started);
}

/* ---- waiting for the first try ---- */

static bool
is_tried(const struct submission_seen *s)
{
	if (submission_is(s->state, SUBMISSION_SENDING))
		return false;
	if (!submission_is(s->state, SUBMISSION_QUEUED))
		return true;
	return s->attempt_count > 0 &&
	    strcmp(s->job_state, job_state_word(JOB_RUNNING)) != 0;
}

static enum rc
wait_tried(
    struct request *rq, int64_t email, int end, struct submission_seen **out)
{
	int64_t until = clock_steady_ms() + WAIT_MS;
	bool worked = end < 0;

	for (;;) {
		TRY(submission_seen_of(
		    rq->db, rq->actor.account, email, rq->arena, out));
		if (is_tried(*out) || clock_steady_ms() >= until)
			return RC_OK;
		/* Once it is closed the pipe no longer makes anybody wait. */
		worker_wait(worked ? -1 : end, LOOK_MS);
		worked = worked || worker_ended(end);
	}
}

static enum rc
try_now(struct request *rq, int64_t email, struct submission_seen **out)
{
	int64_t account = rq->actor.account;
	int end = -1;
	enum rc rc;

	TRY(share_take(rq));
	TRY(submission_seen_of(rq->db, account, email, rq->arena, out));
	if (is_tried(*out))
		return RC_OK;
	/* Where none can be started another worker has it. */
	if (worker_start(rq->conf, account, (*out)->job_id, &end) != RC_OK)
		log_warn(&rq->log, "no worker of its own: %s", fail_detail());
	rc = wait_tried(rq, email, end, out);
	if (end >= 0)
		close(end);
	return rc;
}

/* ---- the second document's answer ---- */

static const struct field recipient_answer[] = { A_TEXT("address", 0),
	A_TEXT("kind", 0), A_TEXT("state", 0), A_INT("code", NULLABLE),
	A_TEXT("detail", NULLABLE), A_TEXT("report", NULLABLE),
	A_TIME("reported_at", NULLABLE), F_END };
static const struct field address_answer = { .kind = FIELD_TEXT };
static const struct field email_answer[] = { A_ID("id", ID_EMAIL, 0),
	A_TEXT("message_id", 0), A_TEXT("subject", NULLABLE),
	A_LIST("to_addresses", &address_answer, 0),
	A_LIST("cc_addresses", &address_answer, 0),
	A_LIST("bcc_addresses", &address_answer, 0), A_TIME("sent_at", 0),
	A_ID("thread_id", ID_NUMBER, NULLABLE), A_TEXT("status", 0),
	A_ID("task_id", ID_TASK, 0), A_ARRAY("recipients", recipient_answer, 0),
	F_END };
const struct field letter_send_answer[] = { A_OBJECT("email", email_answer, 0),
	F_END };

static void
write_kind(struct jw *w, const struct submission_recipient_list *all,
    const char *name, const char *kind)
{
	jw_key(w, name);
	jw_array(w);
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->v[i].kind, kind) == 0)
			jw_text(w, all->v[i].address);
	jw_array_end(w);
}

static enum rc
sent_reply(struct request *rq, const struct submission_seen *s)
{
	const struct row_style style = reply_style(rq);
	struct submission_recipient_list all;
	struct jw *w;

	TRY(submission_recipients(
	    rq->db, rq->actor.account, s->id, rq->arena, &all));
	w = reply_open(rq, 0);
	jw_key(w, "email");
	jw_object(w);
	JW_INT(w, "id", s->email_id);
	JW_TEXT(w, "message_id", s->message_id);
	JW_TEXT(w, "subject", s->subject);
	write_kind(w, &all, "to_addresses", "to");
	write_kind(w, &all, "cc_addresses", "cc");
	write_kind(w, &all, "bcc_addresses", "bcc");
	jw_key(w, "sent_at");
	jw_time(w, s->sent_at, style.time);
	jw_key(w, "thread_id");
	if (s->thread_id != 0)
		jw_int(w, s->thread_id);
	else
		jw_null(w);
	JW_TEXT(w, "status", s->state);
	JW_INT(w, "task_id", s->task_id);
	jw_key(w, "recipients");
	rows_write(w, submission_recipient_cols, all.v, all.n, sizeof all.v[0],
	    &style);
	jw_object_end(w);
	return reply_close(rq);
}

/* Nobody gets it: the code that its job shows. */
static enum rc
failed_reply(struct request *rq, const struct submission_seen *s)
{
	enum rc rc = s->last_error_code != NULL
	    ? result_of_code(s->last_error_code)
	    : RC_RECIPIENT;

	error_int(rq, "email_id", s->email_id);
	error_int(rq, "task_id", s->task_id);
	return fail(
	    rc, "%s", s->last_error_detail != NULL ? s->last_error_detail : "");
}

enum rc
letter_sign(
    struct request *rq, int64_t id, const char **text, const char **html)
{
	struct signature *s;
	enum rc rc;

	if (id == 0)
		return RC_OK;
	rc = signature_get(
	    rq->db, rq->actor.account, rq->actor.user, id, rq->arena, &s);
	if (rc == RC_NOT_FOUND)
		return fault_add(rq, "signature_id", "not_found",
		    "You have no such signature.");
	TRY(rc);
	signature_put(rq->arena, s, text, html);
	return RC_OK;
}

enum rc
letter_fill(struct request *rq, struct submission_new *new)
{
	const struct letter_send *in = rq->body;
	const char *text = in->body_text, *html = in->body_html;
	struct compose *l = &new->letter;

	TRY(letter_sign(rq, in->signature_id, &text, &html));
	TRY(files_of(rq, &in->attachments, l));
	l->from.address = str_of(new->from->email_address);
	l->to = addresses_of(rq, &in->to);
	l->cc = addresses_of(rq, &in->cc);
	l->subject = text_or_none(in->subject);
	l->text = text_or_none(text);
	l->html = text_or_none(html);
	new->bcc = addresses_of(rq, &in->bcc);
	new->send_at = INSTANT_NONE;
	return RC_OK;
}

enum rc
letter_send_now(
    struct request *rq, const struct submission_new *new, int64_t thread)
{
	struct order o = { .rq = rq, .thread = thread, .begins = true };
	struct submission_seen *seen;
	int64_t made[ONCE_MADE] = { 0 };

	TRY(order(new, &o, send_names, made));
	TRY(try_now(rq, made[MADE_EMAIL], &seen));
	return submission_is(seen->state, SUBMISSION_FAILED)
	    ? failed_reply(rq, seen)
	    : sent_reply(rq, seen);
}

enum rc
letter_people_check(struct request *rq)
{
	const struct letter_send *in = rq->body;

	if (in->to.n + in->cc.n + in->bcc.n > 0)
		return RC_OK;
	return fault_add(rq, "to", "invalid", "nobody would get it");
}

/* What is wrong with the request is told before what the account lacks. */
enum rc
letter_send(struct request *rq)
{
	const struct letter_send *in = rq->body;
	struct submission_new new = { .priority = 9 };
	struct provider_credential *from;

	TRY(letter_people_check(rq));
	TRY(letter_sender(rq, NULL, &from));
	new.from = from;
	TRY(letter_fill(rq, &new));
	return letter_send_now(rq, &new, in->thread_id);
}

/* ---- an answer to a thread ---- */

const struct field letter_reply_body[] = { F_LIST(struct letter_send, cc, 0,
					       PEOPLE, &address_item,
					       OPTIONAL | ONE_OR_MANY),
	F_LIST(struct letter_send, bcc, 0, PEOPLE, &address_item,
	    OPTIONAL | ONE_OR_MANY),
	F_LETTER(struct letter_send, body_text, body_html),
	F_ID(struct letter_send, signature_id, ID_NUMBER, NULLABLE), F_END };

static const char *
reply_subject(struct request *rq, const char *subject)
{
	struct threading_subject s =
	    threading_subject(str_of(subject != NULL ? subject : ""));

	return s.is_reply
	    ? subject
	    : arena_fmt(rq->arena, "Re: %s", subject != NULL ? subject : "");
}

enum rc
letter_reply(struct request *rq)
{
	const struct letter_send *in = rq->body;
	struct submission_new new = { .priority = 9 };
	struct provider_credential *from;
	struct thread_last *last;
	struct thread *t;

	TRY(thread_peek(
	    rq->db, rq->actor.account, arg_id(rq, 0), rq->arena, &t));
	TRY(thread_merged_check(rq, t));
	if (in->body_text == NULL && in->body_html == NULL)
		return fault_add(
		    rq, "body_text", "required", "or body_html: what is said");
	TRY(thread_last(rq->db, rq->actor.account, t->id, rq->arena, &last));
	if (last == NULL || last->addresses.n == 0) {
		rq->word = "NOBODY_TO_ANSWER";
		return fail(RC_CONFLICT, "The thread has no mail to answer.");
	}
	TRY(letter_sender(rq, last, &from));
	new.from = from;
	TRY(letter_fill(rq, &new));
	TRY(answer_of(rq, last->id, &new.letter));
	new.letter.to = addresses_of(rq, &last->addresses);
	if (in->subject == NULL)
		new.letter.subject = str_of(reply_subject(rq, last->subject));
	return letter_send_now(rq, &new, t->id);
}
