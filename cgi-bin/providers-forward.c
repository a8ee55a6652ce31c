/* Mail of a thread, given on to somebody else: what is said, the mails below
 * it, and their files. */
#include "cgi-bin/providers.h"
#include "cgi-bin/threads.h"

#include <string.h>

#include "domain/content-sql.h"
#include "domain/content.h"
#include "domain/forward-sql.h"
#include "domain/forward.h"
#include "domain/submission.h"
#include "mail/threading.h"
#include "web/audit.h"
#include "web/body.h"
#include "web/doer.h"
#include "web/share.h"

/* A forward being made. */
struct forwarding {
	struct request *rq;
	struct body_cache *cache;
	struct forward_mail_list mails;
	struct forward *quoted;
	struct compose_file *file;
	size_t files;
	int64_t until;
};

/* ---- what there is of each mail ---- */

/* Pictures of the HTML go with it. */
static bool
is_of_html(const struct email_part *p)
{
	return p->content_id != NULL &&
	    strncmp(p->content_type, "image/", 6) == 0;
}

static bool
has_content_id(const struct forwarding *f, const char *id)
{
	for (size_t i = 0; i < f->files; i++)
		if (str_eq(f->file[i].content_id, str_of(id)))
			return true;
	return false;
}

static enum rc
file_add(struct forwarding *f, struct content_reader *r,
    const struct email_part *p, bool is_inline)
{
	struct compose_file *out = &f->file[f->files];

	if (is_inline && has_content_id(f, p->content_id))
		return RC_OK;
	if (f->files == COMPOSE_FILES_MOST)
		return fault_add(f->rq, "attachments", "too_many",
		    "The thread's mails have too many files.");
	*out = (struct compose_file){ .is_inline = is_inline,
		.content_type = str_of(p->content_type) };
	if (p->filename != NULL)
		out->filename = str_of(p->filename);
	if (is_inline)
		out->content_id = str_of(p->content_id);
	TRY(content_part(r, p, &out->bytes));
	f->files++;
	return RC_OK;
}

static bool
is_listed(const struct email_part_list *l, int64_t id)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].id == id)
			return true;
	return false;
}

static enum rc
files_read(struct forwarding *f, struct content_reader *r, bool html)
{
	struct email_part_list all, attached;

	TRY(content_attachments(r, &attached));
	for (size_t i = 0; i < attached.n; i++)
		TRY(file_add(f, r, &attached.v[i], false));
	if (!html)
		return RC_OK;
	TRY(content_parts(r, &all));
	for (size_t i = 0; i < all.n; i++)
		if (is_of_html(&all.v[i]) && !is_listed(&attached, all.v[i].id))
			TRY(file_add(f, r, &all.v[i], true));
	return RC_OK;
}

static enum rc
mail_read(struct forwarding *f, struct forward *out)
{
	struct request *rq = f->rq;
	struct content_reader r = { .db = rq->db,
		.conf = rq->conf,
		.arena = rq->arena,
		.cache = f->cache,
		.who = doer_of(rq) };
	struct mime_body body;

	TRY(content_open(&r, out->mail->id));
	r.until = f->until;
	TRY(content_body(&r, &body));
	out->text = body.text;
	out->html = body.html;
	TRY(files_read(f, &r, body.html.p != NULL));
	return audit(rq, "content.read", audit_id(rq, ID_EMAIL, out->mail->id),
	    "forward");
}

/* Of mail that no server has, what is known of it. */
static enum rc
mails_read(struct forwarding *f)
{
	for (size_t i = 0; i < f->mails.n; i++) {
		enum rc rc;

		f->quoted[i].mail = &f->mails.v[i];
		rc = mail_read(f, &f->quoted[i]);
		if (rc != RC_NO_MESSAGE)
			TRY(rc);
	}
	return RC_OK;
}

static enum rc
begin(struct forwarding *f, const struct thread *t)
{
	struct request *rq = f->rq;

	TRY(forward_mails(rq->db, rq->actor.account, t->id, FORWARD_MOST,
	    rq->arena, &f->mails));
	if (f->mails.n == 0) {
		rq->word = "NOTHING_TO_FORWARD";
		return fail(RC_CONFLICT, "The thread has no mail.");
	}
	f->quoted = ARENA_ARRAY(rq->arena, struct forward, f->mails.n);
	f->file =
	    ARENA_ARRAY(rq->arena, struct compose_file, COMPOSE_FILES_MOST + 1);
	f->until = clock_steady_ms() + CONTENT_MS;
	TRY(share_take(rq));
	return body_cache_open(rq->conf,
	    (int64_t)rq->family->pool * rq->conf->workers_scale, &f->cache);
}

/* ---- the letter ---- */

static const char *
forward_subject(struct request *rq, const char *subject)
{
	struct threading_subject s = threading_subject(str_of(subject));

	return s.is_forward ? subject
			    : arena_fmt(rq->arena, "Fwd: %s", subject);
}

/* Files of the request come first, then the mails'. */
static enum rc
files_put(struct forwarding *f, struct compose *l)
{
	size_t n = l->files + f->files;
	struct compose_file *all;

	if (n > COMPOSE_FILES_MOST)
		return fault_add(f->rq, "attachments", "too_many",
		    "With those of the thread's mails it is too many.");
	all = ARENA_ARRAY(f->rq->arena, struct compose_file, n + 1);
	for (size_t i = 0; i < n; i++)
		all[i] = i < l->files ? l->file[i] : f->file[i - l->files];
	l->file = all;
	l->files = n;
	return RC_OK;
}

static enum rc
letter_put(struct forwarding *f, const struct thread *t, struct compose *l)
{
	struct request *rq = f->rq;
	const struct letter_send *in = rq->body;
	const char *text = in->body_text, *html = in->body_html;
	int64_t left_out = t->email_count - (int64_t)f->mails.n;

	TRY(letter_sign(rq, in->signature_id, &text, &html));
	l->text =
	    forward_text(rq->arena, text, f->quoted, f->mails.n, left_out);
	l->html = forward_html(
	    rq->arena, text, html, f->quoted, f->mails.n, left_out);
	if (in->subject == NULL)
		l->subject = str_of(forward_subject(rq, t->subject));
	return files_put(f, l);
}

enum rc
letter_forward(struct request *rq)
{
	struct forwarding f = { .rq = rq };
	struct submission_new new = { .priority = 9 };
	struct provider_credential *from;
	struct thread_last *last;
	struct thread *t;

	TRY(thread_peek(
	    rq->db, rq->actor.account, arg_id(rq, 0), rq->arena, &t));
	TRY(thread_merged_check(rq, t));
	TRY(letter_people_check(rq));
	TRY(thread_last(rq->db, rq->actor.account, t->id, rq->arena, &last));
	TRY(letter_sender(rq, last, &from));
	TRY(begin(&f, t));
	TRY(mails_read(&f));
	new.from = from;
	TRY(letter_fill(rq, &new));
	TRY(letter_put(&f, t, &new.letter));
	return letter_send_now(rq, &new, 0);
}
