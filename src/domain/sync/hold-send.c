/* Mail that a program has handed over, and that a reviewer lets go, is sent: it
 * never lay in a folder, and has none to go to. Nothing is asked of a server
 * here; what leaves is the submission's matter, written with the decision's end
 * in one transaction. */
#include "domain/sync/hold.h"

#include "core/failpoint.h"
#include "domain/given-sql.h"
#include "domain/hold-sql.h"
#include "domain/task.h"

struct sending {
	struct holding *h;
	const struct given_envelope *e;
};

static enum rc
task_make(struct sending *x, struct db *db, struct task_started **out)
{
	struct holding *h = x->h;
	const struct task_new task = {
		.application_id = h->s->lease->application_id,
		.action = "smtp_send_message",
		.credential_id = x->e->credential_id,
		.payload = str_of(arena_fmt(h->arena,
		    "{\"email_id\":\"eml_%lld\"}", (long long)h->w->email_id)),
		.run_at = INSTANT_NONE,
	};

	return task_start(db, h->s->account, &task, h->arena, out);
}

static enum rc
send_tx(struct db *db, void *arg)
{
	struct sending *x = arg;
	struct holding *h = x->h;
	int64_t account = h->s->account, email = h->w->email_id;
	bool edited = h->edited.p != NULL;
	struct task_started *started;

	TRY(task_make(x, db, &started));
	TRY(given_send(db,
	    &(struct given_send_args){ .account = account,
		.email = email,
		.task = started->task_id,
		.message_id = edited ? h->message_id : x->e->message_id,
		.raw = h->hash,
		.size = h->size,
		.subject = edited ? h->w->edited_subject : NULL,
		.edited = edited ? h->hash : (struct str){ NULL, 0 },
		.edited_id = edited ? h->message_id : NULL,
		.removed = h->removed }));
	return hold_event(db, account, email, "message.released", NULL);
}

enum rc
hold_send(struct holding *h, bool *is)
{
	struct sending x = { .h = h };
	struct given_envelope *e;

	TRY(given_envelope(
	    h->s->db, h->s->account, h->w->email_id, h->arena, &e));
	*is = e != NULL;
	if (e == NULL)
		return RC_OK;
	x.e = e;
	h->hash = h->w->sha256;
	h->size = h->w->size_bytes;
	TRY(hold_edited_form(h));
	FAILPOINT("hold-send-before");
	TRY(db_tx(h->s->db, send_tx, &x));
	FAILPOINT("hold-send-after");
	h->s->report->released++;
	log_info(&h->s->log, "released to be sent email=%lld edited=%d",
	    (long long)h->w->email_id, h->edited.p != NULL);
	return RC_OK;
}
