/* Threads of the shared inbox: listed and shown. What changes them has files of
 * its own beside this one. */
#include "cgi-bin/threads.h"

#include <string.h>

#include "domain/label-sql.h"
#include "web/body.h"
#include "web/like.h"
#include "web/listing.h"

/* ---- answers ---- */

static const struct field label_answer[] = { A_ID("id", ID_NUMBER, 0),
	A_TEXT("name", 0), A_TEXT("color", 0), F_END };

/* clang-format off */
#define THREAD_MEMBERS                                                         \
	A_ID("id", ID_NUMBER, 0), A_TEXT("subject", 0),                        \
	A_ENUM("status", thread_statuses, 0),                                  \
	A_ID("assigned_to", ID_NUMBER, NULLABLE), A_INT("email_count", 0),     \
	A_INT("unread_count", 0), A_BOOL("has_attachments", 0),                \
	A_TEXT("sender_email", NULLABLE), A_TEXT("sender_name", NULLABLE),     \
	A_TIME("last_message_at", NULLABLE), A_TIME("snoozed_until", NULLABLE), \
	A_TIME("created_at", 0), A_TIME("updated_at", 0),                      \
	A_ARRAY("labels", label_answer, 0)
/* clang-format on */

const struct field thread_answer[] = { THREAD_MEMBERS, F_END };

static const struct field address_answer = { .kind = FIELD_TEXT };

const struct field thread_email_answer[] = { A_ID("id", ID_NUMBER, 0),
	A_ID("thread_id", ID_NUMBER, NULLABLE), A_TEXT("thread_rule", NULLABLE),
	A_TEXT("message_id", NULLABLE), A_TEXT("subject", NULLABLE),
	A_TEXT("from_email", NULLABLE), A_TEXT("from_name", NULLABLE),
	A_LIST("to_addresses", &address_answer, 0),
	A_LIST("cc_addresses", &address_answer, 0),
	A_LIST("bcc_addresses", &address_answer, 0),
	A_TEXT("body_html", NULLABLE), A_TEXT("body_text", NULLABLE),
	A_BOOL("is_read", 0), A_BOOL("is_outgoing", 0),
	A_BOOL("has_attachments", 0), A_TEXT("status", 0),
	A_TIME("sent_at", NULLABLE), A_TIME("received_at", 0),
	A_TIME("created_at", 0), F_END };

const struct field note_answer[] = { A_ID("id", ID_NUMBER, 0),
	A_ID("thread_id", ID_NUMBER, 0), A_TEXT("content", 0),
	A_ID("user_id", ID_NUMBER, NULLABLE), A_INT("position", 0),
	A_TIME("created_at", 0), A_TIME("updated_at", 0), F_END };

static void
write_label(struct jw *w, const struct label *l)
{
	jw_object(w);
	JW_INT(w, "id", l->id);
	JW_TEXT(w, "name", l->name);
	JW_TEXT(w, "color", l->color);
	jw_object_end(w);
}

static const struct label *
label_of(const struct label_list *all, int64_t id)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].id == id)
			return &all->v[i];
	return NULL;
}

void
thread_open(struct request *rq, struct jw *w, const struct thread *t,
    const struct label_list *labels)
{
	const struct row_style style = reply_style(rq);

	jw_object(w);
	row_members(w, thread_cols, t, &style);
	jw_key(w, "labels");
	jw_array(w);
	for (size_t i = 0; i < t->labels.n; i++) {
		const struct label *l = label_of(labels, t->labels.v[i]);

		if (l != NULL)
			write_label(w, l);
	}
	jw_array_end(w);
}

void
thread_tag(struct request *rq, const struct thread *t)
{
	const struct buf *body = &rq->reply.body;
	const char *hash =
	    reply_etag_of(rq->arena, (struct str){ body->p, body->n });

	rq->reply.etag =
	    arena_fmt(rq->arena, "\"%lld.%s", (long long)t->version, hash + 1);
}

enum rc
thread_reply(struct request *rq, int status, const char *key, int64_t id)
{
	int64_t account = rq->actor.account;
	struct label_list labels;
	struct thread *t;
	struct jw *w;

	db_pipe_begin(rq->db);
	TRY(thread_get(rq->db, account, id, rq->arena, &t));
	TRY(label_list(rq->db, account, false, rq->arena, &labels));
	TRY(db_pipe_end(rq->db));
	w = reply_open(rq, status);
	jw_key(w, key);
	thread_open(rq, w, t, &labels);
	jw_object_end(w);
	TRY(reply_close(rq));
	thread_tag(rq, t);
	return RC_OK;
}

/* ---- list ---- */

struct thread_filter {
	struct page page;
	int status;
	const char *assigned_to;
	int64_t label;
	const char *q;
	bool unread, has_attachments, snoozed;
	const char *correspondent;
	instant from, to;
};
static const struct field thread_filter_params[] = {
	F_PAGE(struct thread_filter, 50),
	F_ENUM(struct thread_filter, status, thread_statuses, OPTIONAL),
	F_TEXT(struct thread_filter, assigned_to, 1, 24, OPTIONAL,
	    .about = "A user's id, or none."),
	F_ID(struct thread_filter, label, ID_NUMBER, OPTIONAL),
	F_TEXT(struct thread_filter, q, 0, 200, BLANK_OK,
	    .about = "Words of subject or people."),
	F_BOOL(struct thread_filter, unread, OPTIONAL),
	F_BOOL(struct thread_filter, has_attachments, OPTIONAL),
	F_TEXT(struct thread_filter, correspondent, 1, 200, OPTIONAL,
	    .about = "Part of the name or the address of somebody who wrote or "
		     "got mail of it."),
	F_TIME(struct thread_filter, from, OPTIONAL,
	    .about = "Last message at or after."),
	F_TIME(struct thread_filter, to, OPTIONAL,
	    .about = "Last message before."),
	F_BOOL(struct thread_filter, snoozed, OPTIONAL,
	    .about = "Only those that sleep; else only those that do not."),
	F_END,
};

/* A page being made. */
struct thread_page {
	struct listing ask;
	instant before;
	const char *status;
	struct thread_list rows;
	struct label_list labels;
	int64_t total;
	bool exact;
};

static bool
has_filter(const struct request *rq)
{
	const struct field *rows = rq->route->params.rows;

	for (size_t i = 0; rows[i].kind != FIELD_END; i++)
		if ((rows[i].flags & PAGING) == 0 &&
		    strcmp(rows[i].name, "status") != 0 &&
		    (rq->params_given >> i & 1) != 0)
			return true;
	return false;
}

static enum rc
list_rows(struct request *rq, struct thread_page *p)
{
	int64_t account = rq->actor.account;
	const struct listing *ask = &p->ask;

	if (p->status == NULL)
		return thread_list(rq->db, account, p->before, ask->after,
		    ask->most, ask->skip, rq->arena, &p->rows);
	return thread_list_status(rq->db, account, p->before, ask->after,
	    ask->most, ask->skip, p->status, rq->arena, &p->rows);
}

/* A page with nothing on it has no row to say how many there are. */
static enum rc
list_plain(struct request *rq, struct thread_page *p)
{
	TRY(list_rows(rq, p));
	p->exact = true;
	if (p->rows.n == 0)
		return thread_total(
		    rq->db, rq->actor.account, p->status, &p->total);
	p->total = p->rows.v[0].account_total;
	return labels_kept(rq, p->rows.v[0].labels_at, &p->labels);
}

enum rc
assignee_given(struct request *rq, const char *text, int64_t *id, bool *nobodys)
{
	*id = 0;
	*nobodys = text != NULL && strcmp(text, "none") == 0;
	if (text == NULL || *nobodys || id_parse(ID_USER, str_of(text), id))
		return RC_OK;
	return fault_add(
	    rq, "assigned_to", "invalid", "Either the id of a user, or none.");
}

/* clang-format off */
#define CHOSEN                                                                 \
	.account = rq->actor.account, .status = p->status,                     \
	.assigned_to = assignee, .nobodys = nobodys, .label = f->label,        \
	.q = like_pattern(rq->arena, f->q),                                    \
	.unread = IF_GIVEN(unread), .attachments = IF_GIVEN(has_attachments),  \
	.correspondent = like_pattern(rq->arena, f->correspondent),            \
	.since = f->from, .until = f->to, .snoozed = IF_GIVEN(snoozed)
#define IF_GIVEN(m)                                                            \
	(PARAM_GIVEN(rq, struct thread_filter, m) ? &f->m : NULL)
/* clang-format on */

static enum rc
list_filtered(struct request *rq, struct thread_page *p)
{
	const struct thread_filter *f = rq->params;
	int64_t assignee;
	bool nobodys;

	TRY(assignee_given(rq, f->assigned_to, &assignee, &nobodys));
	db_pipe_begin(rq->db);
	TRY(thread_find(rq->db,
	    &(struct thread_find_args){ CHOSEN, .before = p->before,
		.before_id = p->ask.after, .limit = p->ask.most,
		.offset = p->ask.skip },
	    rq->arena, &p->rows));
	TRY(thread_find_total(
	    rq->db, &(struct thread_find_total_args){ CHOSEN }, &p->total));
	TRY(label_list(
	    rq->db, rq->actor.account, false, rq->arena, &p->labels));
	return db_pipe_end(rq->db);
}

static enum rc
reply_threads(
    struct request *rq, const struct page *page, struct thread_page *p)
{
	struct list_end end = listing_end(
	    page, &p->rows.n, p->total, LISTING_LAST(p->rows, page));
	struct jw *w;

	if (end.more)
		end.next.at = p->rows.v[p->rows.n - 1].sort_at.us;
	if (p->exact) {
		end.total = p->total;
		end.capped = false;
	}
	w = reply_list_open(rq, 0);
	for (size_t i = 0; i < p->rows.n; i++) {
		thread_open(rq, w, &p->rows.v[i], &p->labels);
		jw_object_end(w);
	}
	return reply_list_close(rq, &end);
}

#define NEWEST ((instant){ 253402300799000000 }) /* 9999-12-31 */

static enum rc
list(struct request *rq)
{
	const struct thread_filter *f = rq->params;
	struct thread_page p = {
		.status = f->status >= 0 ? thread_statuses[f->status] : NULL
	};

	TRY(listing_ask(rq, &f->page, &p.ask));
	p.before = p.ask.after != 0 ? (instant){ p.ask.at } : NEWEST;
	TRY((has_filter(rq) ? list_filtered : list_plain)(rq, &p));
	return reply_threads(rq, &f->page, &p);
}

/* ---- show ---- */

struct thread_parts {
	bool with_emails, with_notes;
};
static const struct field thread_parts_params[] = {
	F_BOOL(struct thread_parts, with_emails, OPTIONAL, PRESET(true)),
	F_BOOL(struct thread_parts, with_notes, OPTIONAL, PRESET(true)),
	F_END,
};

/* A thread with all that hangs on it. */
struct whole {
	struct thread *thread;
	struct label_list labels;
	struct thread_email_list emails;
	struct note_list notes;
	struct person *assigned;
};

/* The id may lead elsewhere, so what hangs on the thread comes second. */
static enum rc
whole_read(struct request *rq, bool emails, bool notes, struct whole *x)
{
	int64_t account = rq->actor.account;
	struct thread *t;

	db_pipe_begin(rq->db);
	TRY(thread_get(rq->db, account, arg_id(rq, 0), rq->arena, &x->thread));
	TRY(label_list(rq->db, account, false, rq->arena, &x->labels));
	TRY(db_pipe_end(rq->db));
	t = x->thread;
	db_pipe_begin(rq->db);
	if (emails)
		TRY(thread_emails(
		    rq->db, account, t->id, rq->arena, &x->emails));
	if (notes)
		TRY(thread_notes(rq->db, account, t->id, rq->arena, &x->notes));
	TRY(thread_person(rq->db, t->assigned_to, rq->arena, &x->assigned));
	TRY(db_pipe_end(rq->db));
	return thread_bodies(rq, &x->emails);
}

static void
write_emails(struct request *rq, struct jw *w, const struct whole *x)
{
	const struct row_style style = reply_style(rq);

	jw_key(w, "emails");
	rows_write(w, thread_email_cols, x->emails.v, x->emails.n,
	    sizeof x->emails.v[0], &style);
}

static void
write_notes(struct request *rq, struct jw *w, const struct whole *x)
{
	const struct row_style style = reply_style(rq);

	jw_key(w, "notes");
	rows_write(
	    w, note_cols, x->notes.v, x->notes.n, sizeof x->notes.v[0], &style);
}

static enum rc
get(struct request *rq)
{
	const struct thread_parts *in = rq->params;
	struct whole x = { 0 };
	struct jw *w;

	TRY(whole_read(rq, in->with_emails, in->with_notes, &x));
	w = reply_open(rq, 0);
	jw_key(w, "thread");
	thread_open(rq, w, x.thread, &x.labels);
	if (in->with_emails)
		write_emails(rq, w, &x);
	if (in->with_notes)
		write_notes(rq, w, &x);
	jw_object_end(w);
	TRY(reply_close(rq));
	thread_tag(rq, x.thread);
	return RC_OK;
}

static enum rc
details(struct request *rq)
{
	const struct row_style style = reply_style(rq);
	struct whole x = { 0 };
	struct jw *w;

	TRY(whole_read(rq, true, true, &x));
	w = reply_open(rq, 0);
	jw_key(w, "thread");
	thread_open(rq, w, x.thread, &x.labels);
	write_emails(rq, w, &x);
	write_notes(rq, w, &x);
	jw_key(w, "assigned_user");
	row_write(w, person_cols, x.assigned, &style);
	jw_object_end(w);
	TRY(reply_close(rq));
	thread_tag(rq, x.thread);
	return RC_OK;
}

/* ---- routes ---- */

static const struct field shown_answer[] = { THREAD_MEMBERS,
	A_ARRAY("emails", thread_email_answer, MAY_LACK),
	A_ARRAY("notes", note_answer, MAY_LACK), F_END };
static const struct field get_answer[] = { A_OBJECT("thread", shown_answer, 0),
	F_END };
static const struct field person_answer[] = { A_ID("id", ID_NUMBER, 0),
	A_TEXT("email", NULLABLE), A_TEXT("name", 0), F_END };
static const struct field detailed_answer[] = { THREAD_MEMBERS,
	A_ARRAY("emails", thread_email_answer, 0),
	A_ARRAY("notes", note_answer, 0),
	A_OBJECT("assigned_user", person_answer, NULLABLE), F_END };
static const struct field details_answer[] = {
	A_OBJECT("thread", detailed_answer, 0), F_END
};
static const struct field one_answer[] = { A_OBJECT("thread", thread_answer, 0),
	F_END };
static const struct field nothing_answer[] = { F_END };
static const struct field split_answer[] = { A_OBJECT("original_thread",
						 thread_answer, 0),
	A_OBJECT("new_thread", thread_answer, 0), F_END };
static const struct field merge_answer[] = {
	A_OBJECT("merged_thread", thread_answer, 0), F_END
};
static const struct field undo_answer[] = { A_OBJECT(
						"thread", thread_answer, 0),
	A_OBJECT("other_thread", thread_answer, 0), F_END };
static const struct field bulk_error[] = { A_ID("thread_id", ID_NUMBER, 0),
	A_TEXT("error", 0), F_END };

/* clang-format off */
#define BULK_ANSWER(done, ...)                                                 \
	static const struct field done##_result[] = { A_INT(#done, 0),         \
		A_INT("failed", 0), __VA_ARGS__ F_END };                       \
	static const struct field done##_answer[] = {                          \
		A_OBJECT("result", done##_result, 0), F_END };
#define ERRORS(flags) A_ARRAY("errors", bulk_error, flags),
/* clang-format on */
BULK_ANSWER(updated, A_INT("total", MAY_LACK), ERRORS(MAY_LACK))
BULK_ANSWER(deleted, A_INT("total", 0), ERRORS(MAY_LACK))
BULK_ANSWER(added, ERRORS(MAY_LACK))
BULK_ANSWER(removed, ERRORS(MAY_LACK))

#define ALL     "/api/threads"
#define ONE     "/api/threads/:thread_id"
#define BULK    ALL "/bulk"
#define MISSING .missing = "THREAD_NOT_FOUND"
#define SHOWN   .answer = one_answer
#define WRITES  .fails = { RC_CONFLICT, RC_PRECONDITION }
#define NOTE    .row = note_cols, .key = "note"

static const struct route routes[] = {
	{ GET, ALL, list, NEED_READ, ENV_SUCCESS, .flags = BARE,
	    PARAMS(thread_filter), .answer = thread_answer, .many = true,
	    .key = "threads", .summary = "List threads, latest first" },
	{ POST, ALL, thread_create, NEED_WRITE, ENV_SUCCESS, .status = 201,
	    .flags = IDEMPOTENT, BODY(thread_new), .answer = one_answer,
	    .summary = "Make a thread" },
	{ GET, ONE, get, NEED_READ, ENV_SUCCESS, .flags = BARE, MISSING,
	    PARAMS(thread_parts), .answer = get_answer,
	    .summary = "Show a thread with mail and notes",
	    .about = "The id of a merged thread shows the other one." },
	{ GET, ONE "/details", details, NEED_READ, ENV_SUCCESS, .flags = BARE,
	    MISSING, .answer = details_answer,
	    .summary = "Show a thread with all that hangs on it" },
	{ PUT, ONE, thread_put, NEED_WRITE, ENV_SUCCESS, MISSING,
	    .body = { thread_put_body, sizeof(struct thread_new) },
	    .answer = one_answer, .fails = { RC_CONFLICT, RC_PRECONDITION },
	    .summary = "Change a thread",
	    .about = "With If-Match only what was read. A snoozed thread is "
		     "left out of lists until its time, or until mail "
		     "comes." },
	{ DELETE, ONE, thread_delete, NEED_WRITE, ENV_SUCCESS, MISSING,
	    .answer = nothing_answer, .fails = { RC_CONFLICT, RC_PRECONDITION },
	    .summary = "Delete a thread and its mail here",
	    .about = "On the mail server it stays, and no sync brings it "
		     "back." },
	{ POST, ONE "/notes", note_create, NEED_WRITE, ENV_SUCCESS, MISSING,
	    .status = 201, .flags = IDEMPOTENT | ASK_ADMIN, BODY(note_new),
	    NOTE, WRITES, .summary = "Note something beside a thread" },
	{ PUT, ONE "/notes/:note_id", note_put, NEED_WRITE, ENV_SUCCESS,
	    .missing = "NOTE_NOT_FOUND",
	    .body = { note_put_body, sizeof(struct note_new) }, NOTE, WRITES,
	    .summary = "Change a note" },
	{ DELETE, ONE "/notes/:note_id", note_delete, NEED_WRITE, ENV_SUCCESS,
	    .missing = "NOTE_NOT_FOUND", .answer = nothing_answer, WRITES,
	    .summary = "Remove a note" },
	{ GET, ONE "/presence", presence_show, NEED_READ, ENV_SUCCESS,
	    .flags = BARE, MISSING, .answer = presence_answer,
	    .summary = "Who looks at a thread, or answers it" },
	{ PUT, ONE "/presence", presence_say, NEED_WRITE, ENV_SUCCESS, MISSING,
	    .body = { presence_body, sizeof(struct presence_put) },
	    .answer = presence_answer, .fails = { RC_CONFLICT },
	    .summary = "Say that one looks at a thread, answers it, or is gone",
	    .about = "For a minute, unless `seconds` says otherwise; a "
		     "program says it again while it lasts." },
	{ POST, ONE "/mark-read", thread_mark_read, NEED_WRITE, ENV_SUCCESS,
	    MISSING, SHOWN, WRITES,
	    .summary = "Mark all mail of a thread as read",
	    .about = "Here at once, and on the mail server by a job." },
	{ POST, ONE "/mark-unread", thread_mark_unread, NEED_WRITE, ENV_SUCCESS,
	    MISSING, SHOWN, WRITES,
	    .summary = "Mark all mail of a thread as unread" },
	{ POST, ONE "/split", thread_split, NEED_WRITE, ENV_SUCCESS, MISSING,
	    .flags = IDEMPOTENT, BODY(thread_split), .answer = split_answer,
	    WRITES, .summary = "Put some mail of a thread into a new one" },
	{ POST, ONE "/merge", thread_merge, NEED_WRITE, ENV_SUCCESS, MISSING,
	    BODY(thread_merge), .answer = merge_answer, WRITES,
	    .summary = "Merge another thread into this one",
	    .about = "The other's id leads here from then on." },
	{ POST, ONE "/undo", thread_undo, NEED_WRITE, ENV_SUCCESS, MISSING,
	    .answer = undo_answer, WRITES,
	    .summary = "Undo the last split or merge of a thread" },
	{ POST, ONE "/emails/:email_id/assign", thread_assign_email, NEED_WRITE,
	    ENV_SUCCESS, MISSING, SHOWN, WRITES,
	    .summary = "Put an email into a thread" },
	{ POST, BULK "/update", thread_bulk_update, NEED_WRITE, ENV_SUCCESS,
	    .body = { thread_bulk_update_body, sizeof(struct thread_bulk) },
	    .answer = updated_answer, .summary = "Change many threads" },
	{ POST, BULK "/delete", thread_bulk_delete, NEED_WRITE, ENV_SUCCESS,
	    .body = { thread_bulk_delete_body, sizeof(struct thread_bulk) },
	    .answer = deleted_answer, .summary = "Delete many threads" },
	{ POST, BULK "/assign", thread_bulk_assign, NEED_WRITE, ENV_SUCCESS,
	    .body = { thread_bulk_assign_body, sizeof(struct thread_bulk) },
	    .answer = updated_answer,
	    .summary = "Assign many threads to somebody" },
	{ POST, BULK "/status", thread_bulk_status, NEED_WRITE, ENV_SUCCESS,
	    .body = { thread_bulk_status_body, sizeof(struct thread_bulk) },
	    .answer = updated_answer,
	    .summary = "Set the status of many threads" },
	{ POST, BULK "/labels/add", thread_bulk_label, NEED_WRITE, ENV_SUCCESS,
	    .body = { thread_bulk_label_body, sizeof(struct thread_bulk) },
	    .answer = added_answer, .summary = "Label many threads" },
	{ POST, BULK "/labels/remove", thread_bulk_unlabel, NEED_WRITE,
	    ENV_SUCCESS,
	    .body = { thread_bulk_label_body, sizeof(struct thread_bulk) },
	    .answer = removed_answer,
	    .summary = "Take a label off many threads" },
};

FAMILY(threads, BUSY);
