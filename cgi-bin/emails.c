/* Emails: metadata of the account's mail and its folders, read and changed.
 * Bodies and bytes are content.c's, since those may wait for a mail server. */
#include "emails.h"
#include "cgi-bin/threads.h"

#include "domain/email-sql.h"
#include "domain/expunge.h"
#include "domain/flag.h"
#include "domain/mailbox-sql.h"
#include "domain/search.h"
#include "domain/thread-sql.h"
#include "domain/threading.h"
#include "web/body.h"
#include "web/fill.h"
#include "web/idempotency.h"
#include "web/like.h"
#include "web/listing.h"
#include "web/purge.h"
#include "web/reply.h"
#include "web/request.h"

/* What chooses emails of the list. */
struct email_filter {
	struct page page;
	const char *q;
	int64_t credential_id;
	int64_t mailbox;
	bool is_read;
	bool is_flagged;
	bool has_attachments;
	instant from;
	instant to;
	int direction;
	const char *correspondent;
	int64_t label;
	const char *assigned_to;
};

static const struct field email_filter_params[] = {
	F_PAGE(struct email_filter, 50),
	F_TEXT(struct email_filter, q, 0, 200, BLANK_OK,
	    .about = "Words of subject or people."),
	F_ID(struct email_filter, credential_id, ID_CREDENTIAL, OPTIONAL),
	F_ID(struct email_filter, mailbox, ID_MAILBOX, OPTIONAL,
	    .about = "A folder: all mail that lies in it, also where the "
		     "email shows another that it lies in, too."),
	F_BOOL(struct email_filter, is_read, OPTIONAL),
	F_BOOL(struct email_filter, is_flagged, OPTIONAL),
	F_BOOL(struct email_filter, has_attachments, OPTIONAL),
	F_TIME(struct email_filter, from, OPTIONAL,
	    .about = "Received at or after."),
	F_TIME(struct email_filter, to, OPTIONAL, .about = "Received before."),
	F_ENUM(struct email_filter, direction, email_directions, OPTIONAL),
	F_TEXT(struct email_filter, correspondent, 1, 320, OPTIONAL,
	    .about = "Of whom, or to whom: an address or a name, or a part "
		     "of one."),
	F_ID(struct email_filter, label, ID_NUMBER, OPTIONAL,
	    .about = "Of threads that have it."),
	F_TEXT(struct email_filter, assigned_to, 1, 24, OPTIONAL,
	    .about = "Of threads that are somebody's: a user's id, or none."),
	F_END,
};

/* A page being made. */
struct email_page {
	const struct page *page;
	struct listing ask;
	instant before; /* of the row that the page stands behind */
	struct email_list rows;
	int64_t total;
	bool exact; /* the total is no count that stopped */
};

static enum rc
page_ask(struct request *rq, const struct page *page, struct email_page *p)
{
	p->page = page;
	TRY(listing_ask(rq, page, &p->ask));
	p->before = p->ask.after != 0 ? (instant){ p->ask.at } : EMAIL_NEWEST;
	return RC_OK;
}

static enum rc
list_plain(struct request *rq, struct email_page *p)
{
	int64_t account = rq->actor.account;
	struct email_total *total = NULL;

	TRY(email_list(rq->db, account, p->before, p->ask.after, p->ask.most,
	    p->ask.skip, rq->arena, &p->rows));
	if (p->rows.n > 0 && p->rows.v[0].account_total > 0) {
		p->total = p->rows.v[0].account_total;
		p->exact = true;
		return RC_OK;
	}
	TRY(email_total(rq->db, account, rq->arena, &total));
	p->total = total->n;
	p->exact = total->is_kept;
	return RC_OK;
}

/* A filter as statements take it: what was not given is NULL or zero. */
struct chosen {
	int64_t mailbox;
	int64_t credential;
	const bool *is_read, *is_flagged, *attachments;
	instant since, until;
	const char *direction;
	const char *q;
	const char *correspondent;
	int64_t label, assigned_to;
	bool nobodys;
};

/* clang-format off */
#define CHOSEN(rq, c)                                                          \
	.account = (rq)->actor.account, .credential = (c)->credential,         \
	.is_read = (c)->is_read, .is_flagged = (c)->is_flagged,                \
	.attachments = (c)->attachments, .since = (c)->since,                  \
	.until = (c)->until, .direction = (c)->direction, .q = (c)->q,         \
	.correspondent = (c)->correspondent, .label = (c)->label,              \
	.assigned_to = (c)->assigned_to, .nobodys = (c)->nobodys
#define PAGED(p)                                                               \
	.before = (p)->before, .before_id = (p)->ask.after,                    \
	.limit = (p)->ask.most, .offset = (p)->ask.skip
/* clang-format on */

static enum rc
find_anywhere(struct request *rq, const struct chosen *c, struct email_page *p)
{
	const struct email_find_args rows = { CHOSEN(rq, c), PAGED(p) };
	const struct email_find_total_args total = { CHOSEN(rq, c) };

	db_pipe_begin(rq->db);
	TRY(email_find(rq->db, &rows, rq->arena, &p->rows));
	TRY(email_find_total(rq->db, &total, &p->total));
	return db_pipe_end(rq->db);
}

static enum rc
find_in_folder(struct request *rq, const struct chosen *c, struct email_page *p)
{
	const struct email_find_in_args rows = { CHOSEN(rq, c), PAGED(p),
		.mailbox = c->mailbox };
	const struct email_find_in_total_args total = { CHOSEN(rq, c),
		.mailbox = c->mailbox };

	db_pipe_begin(rq->db);
	TRY(email_find_in(rq->db, &rows, rq->arena, &p->rows));
	TRY(email_find_in_total(rq->db, &total, &p->total));
	return db_pipe_end(rq->db);
}

static enum rc
list_filtered(
    struct request *rq, const struct email_filter *f, struct email_page *p)
{
#define IF_GIVEN(m) (PARAM_GIVEN(rq, struct email_filter, m) ? &f->m : NULL)
	struct chosen c = {
		.mailbox = f->mailbox,
		.credential = f->credential_id,
		.is_read = IF_GIVEN(is_read),
		.is_flagged = IF_GIVEN(is_flagged),
		.attachments = IF_GIVEN(has_attachments),
		.since = f->from,
		.until = f->to,
		.direction =
		    f->direction >= 0 ? email_directions[f->direction] : NULL,
		.q = like_pattern(rq->arena, f->q),
		.correspondent = like_pattern(rq->arena, f->correspondent),
		.label = f->label,
	};
#undef IF_GIVEN

	TRY(assignee_given(rq, f->assigned_to, &c.assigned_to, &c.nobodys));
	return (c.mailbox != 0 ? find_in_folder : find_anywhere)(rq, &c, p);
}

static enum rc
reply_emails(struct request *rq, struct email_page *p)
{
	struct email_list *rows = &p->rows;
	struct list_end end = listing_end(
	    p->page, &rows->n, p->total, LISTING_LAST(*rows, p->page));

	if (end.more)
		end.next.at = rows->v[rows->n - 1].received_at.us;
	if (p->exact) {
		end.total = p->total;
		end.capped = false;
	}
	return reply_rows(
	    rq, email_cols, rows->v, rows->n, sizeof(struct email), &end);
}

/* Was anything given but where the page begins? */
static bool
has_filter(const struct field *rows, uint64_t given)
{
	for (size_t i = 0; rows[i].kind != FIELD_END; i++) {
		if ((rows[i].flags & PAGING) == 0 && (given >> i & 1) != 0)
			return true;
	}
	return false;
}

static enum rc
list(struct request *rq)
{
	const struct email_filter *f = rq->params;
	struct email_page p = { 0 };

	TRY(page_ask(rq, &f->page, &p));
	if (has_filter(rq->route->params.rows, rq->params_given))
		TRY(list_filtered(rq, f, &p));
	else
		TRY(list_plain(rq, &p));
	return reply_emails(rq, &p);
}

static enum rc
get(struct request *rq)
{
	struct email_whole *e;

	TRY(email_whole_get(
	    rq->db, rq->actor.account, arg_id(rq, 0), rq->arena, &e));
	return reply_row(rq, 200, email_whole_cols, e);
}

struct email_delete {
	bool expunge;
};

static const struct field email_delete_params[] = {
	F_BOOL(struct email_delete, expunge, OPTIONAL,
	    .about = "Also on the mail server, in all folders it lies in."),
	F_END,
};

static enum rc
expunge(struct db *db, void *ctx)
{
	struct request *rq = ctx;

	return email_expunge(db, rq->actor.account, arg_id(rq, 0), rq->arena);
}

static enum rc
drop(struct request *rq)
{
	const struct email_delete *d = rq->params;

	if (d->expunge)
		TRY(db_tx(rq->db, expunge, rq));
	else
		TRY(email_remove(rq->db, rq->actor.account, arg_id(rq, 0)));
	return reply_empty(rq, 204);
}

/* ---- changing ---- */

struct email_patch {
	bool is_read, is_flagged, flagged, is_answered;
};
static const struct field email_patch_body[] = {
	F_BOOL(struct email_patch, is_read, OPTIONAL),
	F_BOOL(struct email_patch, is_flagged, OPTIONAL),
	F_BOOL(struct email_patch, flagged, OPTIONAL,
	    .about = "The same as is_flagged."),
	F_BOOL(struct email_patch, is_answered, OPTIONAL),
	F_END,
};

static enum rc
flags_of(struct request *rq, struct email_flags *f)
{
	const struct email_patch *b = rq->body;
	bool is_flagged = GIVEN(rq, struct email_patch, is_flagged);
	bool flagged = GIVEN(rq, struct email_patch, flagged);

	*f = (struct email_flags){ .is_flagged = NULL };
	if (is_flagged && flagged && b->is_flagged != b->flagged)
		return fault_add(rq, "flagged", "contradictory",
		    "It says another thing than is_flagged.");
	if (GIVEN(rq, struct email_patch, is_read))
		f->is_read = &b->is_read;
	if (GIVEN(rq, struct email_patch, is_answered))
		f->is_answered = &b->is_answered;
	if (is_flagged || flagged)
		f->is_flagged = is_flagged ? &b->is_flagged : &b->flagged;
	return RC_OK;
}

/* If-Match names the tag that reading it would give now. */
static enum rc
check_unchanged(struct request *rq, const struct email_whole *e)
{
	const struct buf *body = &rq->reply.body;

	TRY(reply_row(rq, 200, email_whole_cols, e));
	return reply_precondition(
	    rq, reply_etag_of(rq->arena, (struct str){ body->p, body->n }));
}

struct change {
	struct request *rq;
	struct email_flags flags;
};

static enum rc
change(struct db *db, void *ctx)
{
	struct change *c = ctx;
	struct request *rq = c->rq;
	struct email_whole *e;

	TRY(email_lock(db, rq->actor.account, arg_id(rq, 0)));
	if (request_var(rq, "HTTP_IF_MATCH") != NULL) {
		TRY(email_whole_get(
		    db, rq->actor.account, arg_id(rq, 0), rq->arena, &e));
		TRY(check_unchanged(rq, e));
	}
	return email_flags_set(
	    db, rq->actor.account, arg_id(rq, 0), &c->flags, rq->arena);
}

static enum rc
patch(struct request *rq)
{
	struct change c = { .rq = rq };

	TRY(flags_of(rq, &c.flags));
	TRY(db_tx(rq->db, change, &c));
	return get(rq);
}

/* A record made by hand: mail that no server holds. */

struct address_new {
	const char *name;
	const char *address;
};
static const struct field address_new_body[] = {
	F_TEXT(struct address_new, name, 0, 200, NULLABLE | BLANK_OK),
	F_EMAIL(struct address_new, address, REQUIRED),
	F_END,
};

#define PEOPLE_MOST 1000

struct email_new {
	int direction;
	struct items from_json;
	struct items to_json;
	struct items cc_json;
	struct items bcc_json;
	struct items reply_to_json;
	const char *subject;
	const char *message_id;
	const char *in_reply_to;
	const char *references;
	instant sent_at;
	instant received_at;
	int64_t size_bytes;
	const char *snippet;
};

/* clang-format off */
#define F_PEOPLE(m, least, need)                                               \
	F_ARRAY(struct email_new, m, least, PEOPLE_MOST, address_new, need)
static const struct field email_new_body[] = {
	F_ENUM(struct email_new, direction, email_directions, OPTIONAL,
	    PRESET(EMAILS_INBOUND)),
	F_PEOPLE(from_json, 1, REQUIRED),
	F_PEOPLE(to_json, 0, OPTIONAL),
	F_PEOPLE(cc_json, 0, OPTIONAL),
	F_PEOPLE(bcc_json, 0, OPTIONAL),
	F_PEOPLE(reply_to_json, 0, OPTIONAL),
	F_TEXT(struct email_new, subject, 0, 998, NULLABLE | BLANK_OK),
	F_TEXT(struct email_new, message_id, 3, 998, NULLABLE),
	F_TEXT(struct email_new, in_reply_to, 3, 998, NULLABLE),
	F_TEXT(struct email_new, references, 3, 65536, NULLABLE),
	F_TIME(struct email_new, sent_at, NULLABLE),
	F_TIME(struct email_new, received_at, NULLABLE,
	    .about = "Now, where it is not given."),
	F_INT(struct email_new, size_bytes, 0, INT64_C(1) << 40, OPTIONAL),
	F_TEXT(struct email_new, snippet, 0, 500, NULLABLE | BLANK_OK),
	F_END,
};
/* clang-format on */

/* [{"name", "address"}], as the sync writes it; absent stays absent. */
static struct str
people_json(struct request *rq, const struct items *people)
{
	struct buf out;
	struct jw w = jw_on(&out);
	struct str json;

	if (people->p == NULL)
		return (struct str){ 0 };
	buf_init(&out, BODY_MOST);
	jw_array(&w);
	for (size_t i = 0; i < people->n; i++) {
		const struct address_new *a =
		    &ITEM(struct address_new, people, i);

		jw_object(&w);
		JW_TEXT(&w, "name", a->name);
		JW_TEXT(&w, "address", a->address);
		jw_object_end(&w);
	}
	jw_array_end(&w);
	json = (struct str){ arena_dup(rq->arena, out.p, out.n), out.n };
	buf_clear(&out);
	return json;
}

struct creation {
	struct request *rq;
	const struct email_create_args *in;
};

static enum rc
make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	struct creation *c = ctx;
	struct request *rq = c->rq;
	size_t threaded;

	/* before the totals that others change behind it */
	TRY(thread_hold(db, rq->actor.account, NULL));
	TRY(email_create(db, c->in, &made[0]));
	return threading_step_here(
	    db, rq->actor.account, rq->actor.application, rq->arena, &threaded);
}

static enum rc
create(struct request *rq)
{
	const struct email_new *b = rq->body;
	struct email_create_args in = {
		.account = rq->actor.account,
		.message_id = b->message_id,
		.in_reply_to = b->in_reply_to,
		.references = b->references,
		.direction = email_directions[b->direction],
		.subject = b->subject,
		.from_json = people_json(rq, &b->from_json),
		.to_json = people_json(rq, &b->to_json),
		.cc_json = people_json(rq, &b->cc_json),
		.bcc_json = people_json(rq, &b->bcc_json),
		.reply_to_json = people_json(rq, &b->reply_to_json),
		.sent_at = b->sent_at,
		.received_at = b->received_at,
		.size_bytes = b->size_bytes,
		.snippet = b->snippet,
	};
	struct creation c = { rq, &in };
	struct email *e;
	int64_t made[ONCE_MADE];

	TRY(once(rq, make, &c, made));
	TRY(email_get(rq->db, rq->actor.account, made[0], rq->arena, &e));
	return reply_row(rq, 201, email_cols, e);
}

/* Removing many. */

struct email_purge {
	const char *query;
	struct purge purge;
	instant older_than;
};
static const struct field email_purge_body[] = {
	F_TEXT(struct email_purge, query, 0, 200, BLANK_OK,
	    .about = "Words of subject or people; empty: all."),
	F_PURGE(struct email_purge),
	F_TIME(struct email_purge, older_than, NULLABLE),
	F_END,
};

static enum rc
search_delete(struct request *rq)
{
	const struct email_purge *b = rq->body;
	const char *q = like_pattern(rq->arena, b->query);
	int64_t n;

	TRY((
	    b->purge.dry_run ? email_search_delete_count : email_search_delete)(
	    rq->db, rq->actor.account, q, b->older_than, b->purge.limit, &n));
	return purge_reply(rq, &b->purge, n);
}

/* ---- folders ---- */

struct mailbox_filter {
	int64_t credential_id;
	struct page page;
};
static const struct field mailbox_filter_params[] = {
	F_ID(struct mailbox_filter, credential_id, ID_CREDENTIAL, OPTIONAL),
	F_PAGE(struct mailbox_filter, 50),
	F_END,
};

static enum rc
mailboxes(struct request *rq)
{
	const struct mailbox_filter *in = rq->params;
	int64_t account = rq->actor.account, user = rq->actor.user, total;
	struct mailbox_list list;
	struct listing ask;
	struct list_end end;

	TRY(listing_ask(rq, &in->page, &ask));
	db_pipe_begin(rq->db);
	TRY(mailbox_list(rq->db, account, user, in->credential_id, ask.after,
	    ask.skip, ask.most, rq->arena, &list));
	TRY(mailbox_count(rq->db, account, user, in->credential_id, &total));
	TRY(db_pipe_end(rq->db));
	end = listing_end(
	    &in->page, &list.n, total, LISTING_LAST(list, &in->page));
	return reply_rows(
	    rq, mailbox_cols, list.v, list.n, sizeof list.v[0], &end);
}

/* clang-format off */
#define ABOUT_SEARCH                                                           \
	"Viewers look in subject, people and names of files only. `total` is " \
	"exact on the last page; before it, it says how many there are at "    \
	"least."
/* clang-format on */
#define ACCOUNT_EMAILS "/api/accounts/:account_id/emails"

static const struct route routes[] = {
	{ PATCH, "/api/emails/:email_id/thread", email_thread_patch, NEED_WRITE,
	    ENV_SUCCESS, .missing = "EMAIL_NOT_FOUND", BODY(email_thread),
	    .key = "email", .row = thread_email_cols,
	    .fails = { RC_CONFLICT, RC_PRECONDITION },
	    .summary = "Put an email into another thread" },
	{ GET, ACCOUNT_EMAILS, list, NEED_READ, PARAMS(email_filter),
	    .row = email_cols, .many = true,
	    .summary = "List emails, newest first" },
	{ POST, ACCOUNT_EMAILS, create, NEED_WRITE, BODY(email_new),
	    .row = email_cols, .status = 201, .flags = IDEMPOTENT,
	    .summary = "Create an email record by hand" },
	{ POST, ACCOUNT_EMAILS "/search", email_search, NEED_READ,
	    BODY(email_search), .row = email_found_cols, .many = true,
	    .summary = "Search emails by their words and state",
	    .about = ABOUT_SEARCH },
	{ GET, "/api/search", mail_search, NEED_READ, ENV_SUCCESS,
	    PARAMS(mail_search), .row = search_hit_cols, .many = true,
	    .key = "results", .summary = "Search emails by their words",
	    .about = ABOUT_SEARCH },
	{ POST, ACCOUNT_EMAILS "/search-delete", search_delete, NEED_WRITE,
	    BODY(email_purge), .answer = purge_answer,
	    .summary = "Remove the local records of many emails" },
	{ GET, "/api/emails/:email_id", get, NEED_READ, .row = email_whole_cols,
	    .summary = "Read an email's metadata" },
	{ PATCH, "/api/emails/:email_id", patch, NEED_WRITE, BODY(email_patch),
	    .row = email_whole_cols, .fails = { RC_PRECONDITION },
	    .summary = "Set an email's flags",
	    .about = "They are set here at once and told to the mail server "
		     "by a job; If-Match is honoured." },
	{ DELETE, "/api/emails/:email_id", drop, NEED_WRITE,
	    PARAMS(email_delete), .status = 204,
	    .summary = "Remove an email's local record",
	    .about = "With expunge=true a job deletes it on the mail server, "
		     "too. What the server refuses, and what it only marks as "
		     "deleted since it has no UIDPLUS, fails that job, which "
		     "says why and may be tried again." },
	{ GET, "/api/accounts/:account_id/mailboxes", mailboxes, NEED_READ,
	    PARAMS(mailbox_filter), .row = mailbox_cols, .many = true,
	    .summary = "List folders, each with its sync ledger",
	    .about = "On the server = stored + skipped + missing." },
};
FAMILY(emails, BUSY);
