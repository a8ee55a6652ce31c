/* Finishing a message, and the rows that will send it. */
#include <string.h>

#include "core/secret.h"
#include "domain/submission-sql.h"
#include "domain/submission.h"
#include "domain/task.h"

#define STEM_BYTES  16
#define PEOPLE_MOST ((size_t)2 << 20)

struct submission_draft {
	const struct submission_new *in;
	const char *message_id;
	instant date;
	struct str message;
	bool is_utf8;
	struct str hash;
	struct texts addresses, kinds; /* of the envelope, each once */
	struct str from, to, cc, bcc, reply_to;
};

/* ---- who gets it ---- */

struct envelope_list {
	struct str *address, *kind;
	size_t n;
};

static bool
is_in(const struct envelope_list *l, struct str address)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_ieq(l->address[i], address))
			return true;
	return false;
}

static void
envelope_add(struct envelope_list *l, const struct compose_people *people,
    struct str kind)
{
	for (size_t i = 0; i < people->n; i++) {
		if (is_in(l, people->v[i].address))
			continue;
		l->address[l->n] = people->v[i].address;
		l->kind[l->n++] = kind;
	}
}

static enum rc
envelope_make(struct submission_draft *d, struct arena *a)
{
	const struct submission_new *in = d->in;
	size_t most = in->letter.to.n + in->letter.cc.n + in->bcc.n;
	struct envelope_list l = { 0 };

	if (most == 0)
		return fail(RC_INVALID, "to: nobody would get it");
	if (most > SUBMISSION_RECIPIENTS_MOST)
		return fail(RC_INVALID, "to: at most %d may get one message",
		    SUBMISSION_RECIPIENTS_MOST);
	l.address = ARENA_ARRAY(a, struct str, most);
	l.kind = ARENA_ARRAY(a, struct str, most);
	envelope_add(&l, &in->letter.to, STR("to"));
	envelope_add(&l, &in->letter.cc, STR("cc"));
	envelope_add(&l, &in->bcc, STR("bcc"));
	d->addresses = (struct texts){ l.address, l.n };
	d->kinds = (struct texts){ l.kind, l.n };
	return RC_OK;
}

/* ---- as it is listed ---- */

struct str
submission_people(const struct compose_people *people, struct arena *a)
{
	struct buf out;
	struct jw w = jw_on(&out);
	struct str json;

	if (people->n == 0)
		return (struct str){ 0 };
	buf_init(&out, PEOPLE_MOST);
	jw_array(&w);
	for (size_t i = 0; i < people->n; i++) {
		jw_object(&w);
		jw_key(&w, "name");
		jw_str(&w, people->v[i].name);
		jw_key(&w, "address");
		jw_str(&w, people->v[i].address);
		jw_object_end(&w);
	}
	jw_array_end(&w);
	json = (struct str){ arena_dup(a, out.p, out.n), out.n };
	buf_clear(&out);
	return json;
}

static void
people_list(struct submission_draft *d, struct arena *a)
{
	const struct compose *l = &d->in->letter;
	const struct compose_people from = { &l->from, 1 };

	d->from = submission_people(&from, a);
	d->to = submission_people(&l->to, a);
	d->cc = submission_people(&l->cc, a);
	d->bcc = submission_people(&d->in->bcc, a);
	d->reply_to = submission_people(&l->reply_to, a);
}

/* ---- the message ---- */

static const char *
message_id_make(const char *address, struct arena *a)
{
	unsigned char dice[STEM_BYTES];
	char stem[2 * STEM_BYTES + 1];
	const char *domain = strrchr(address, '@');

	random_bytes(dice, sizeof dice);
	hex_encode(dice, sizeof dice, stem);
	return arena_fmt(
	    a, "<%s%s>", stem, domain != NULL ? domain : "@localhost");
}

/* The bytes stay in the buffer, which goes with the arena. */
static void
buffer_end(void *buf)
{
	buf_clear(buf);
}

static enum rc
message_make(struct submission_draft *d, struct arena *a)
{
	struct compose letter = d->in->letter;
	struct buf *out = ARENA_NEW(a, struct buf);
	char *hash = arena_alloc(a, SHA256_SIZE);

	letter.message_id = letter.seed = str_of(d->message_id);
	letter.date = d->date;
	buf_init(out, SUBMISSION_MESSAGE_MOST);
	arena_defer(a, buffer_end, out);
	TRY(compose(&letter, out, &d->is_utf8));
	d->message = (struct str){ out->p, out->n };
	sha256(out->p, out->n, (unsigned char *)hash);
	d->hash = (struct str){ hash, SHA256_SIZE };
	return RC_OK;
}

enum rc
submission_draft(const struct submission_new *in, struct arena *a,
    struct submission_draft **out)
{
	struct submission_draft *d = ARENA_NEW(a, struct submission_draft);

	*d = (struct submission_draft){ .in = in,
		.message_id = message_id_make(in->from->email_address, a),
		.date = instant_is(in->send_at) ? in->send_at : clock_now() };
	TRY(envelope_make(d, a));
	TRY(message_make(d, a));
	people_list(d, a);
	*out = d;
	return RC_OK;
}

/* ---- the rows ---- */

static bool
has_files(const struct compose *l)
{
	for (size_t i = 0; i < l->files; i++)
		if (!l->file[i].is_inline)
			return true;
	return false;
}

/* Text with its end; NULL where there is none. */
static const char *
text_of(struct str s, struct arena *a)
{
	return s.p != NULL ? arena_dup(a, s.p, s.n) : NULL;
}

static enum rc
task_make(struct db *db, const struct doer *who, int32_t priority,
    const struct submission_insert_args *row, struct arena *a,
    struct task_started **out)
{
	char id[ID_PRINT_SIZE];
	const char *payload;
	struct task_new task = { .application_id = who->application,
		.action = "smtp_send_message",
		.credential_id = row->credential,
		.priority = priority,
		.run_at = row->send_at };

	id_print(ID_EMAIL, row->email, id);
	payload = arena_fmt(a, "{\"email_id\":\"%s\"}", id);
	task.payload = str_of(payload);
	return task_start(db, who->account, &task, a, out);
}

static enum rc
note(struct db *db, const struct doer *who, int64_t email)
{
	const struct log_note n = { "email", "send", RC_OK,
		"Message is to be sent", "email_id", ID_EMAIL, email };

	return log_write(db, who, &n);
}

static bool
is_filled(const struct submission_writing *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (w[i].row->email == 0 || w[i].row->owner == 0)
			return false;
	return true;
}

/* What is asked for one is asked for all at once: as many round trips as for
 * one. */
static enum rc
ids_find(struct db *db, struct submission_writing *w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		w[i].row->account = w[i].who->account;
		w[i].row->application = w[i].who->application;
	}
	if (is_filled(w, n))
		return RC_OK;
	db_pipe_begin(db);
	for (size_t i = 0; i < n; i++) {
		struct submission_insert_args *row = w[i].row;

		if (row->email == 0)
			TRY(submission_email_id(db, &row->email));
		if (row->owner == 0)
			TRY(submission_filer(
			    db, row->account, row->credential, &w[i].filer));
	}
	TRY(db_pipe_end(db));
	for (size_t i = 0; i < n; i++)
		if (w[i].row->owner == 0)
			w[i].row->owner =
			    w[i].filer != 0 ? w[i].filer : w[i].row->credential;
	return RC_OK;
}

static enum rc
tasks_make(
    struct db *db, int32_t priority, struct submission_writing *w, size_t n)
{
	db_pipe_begin(db);
	for (size_t i = 0; i < n; i++)
		TRY(task_make(db, w[i].who, priority, w[i].row, w[i].arena,
		    &w[i].started));
	return db_pipe_end(db);
}

static enum rc
rows_insert(struct db *db, struct submission_writing *w, size_t n)
{
	db_pipe_begin(db);
	for (size_t i = 0; i < n; i++) {
		w[i].row->task = w[i].started->task_id;
		TRY(submission_insert(db, w[i].row, &w[i].id));
		TRY(note(db, w[i].who, w[i].row->email));
	}
	return db_pipe_end(db);
}

enum rc
submission_write(
    struct db *db, int32_t priority, struct submission_writing *w, size_t n)
{
	TRY(ids_find(db, w, n));
	TRY(tasks_make(db, priority, w, n));
	TRY(rows_insert(db, w, n));
	for (size_t i = 0; i < n; i++)
		w[i].made = (struct submission_made){ w[i].row->email,
			w[i].started->task_id, w[i].started->job_id };
	return RC_OK;
}

enum rc
submission_add(struct db *db, const struct doer *who,
    const struct submission_draft *d, struct arena *a,
    struct submission_made *out)
{
	const struct provider_credential *from = d->in->from;
	const struct compose *l = &d->in->letter;
	struct submission_insert_args row = { .credential = from->id,
		.message_id = d->message_id,
		.in_reply_to = text_of(l->in_reply_to, a),
		.references = text_of(l->references, a),
		.subject = text_of(l->subject, a),
		.from_json = d->from,
		.to_json = d->to,
		.cc_json = d->cc,
		.bcc_json = d->bcc,
		.reply_to_json = d->reply_to,
		.sent_at = d->date,
		.attachments = has_files(l),
		.message = d->message,
		.size = (int64_t)d->message.n,
		.sha256 = d->hash,
		.is_utf8 = d->is_utf8,
		.sender = from->email_address,
		.send_at = d->in->send_at,
		.addresses = d->addresses,
		.kinds = d->kinds };

	struct submission_writing w = { .who = who, .row = &row, .arena = a };

	TRY(submission_write(db, d->in->priority, &w, 1));
	*out = w.made;
	return RC_OK;
}
