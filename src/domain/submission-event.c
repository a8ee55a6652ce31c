#include "core/json.h"
#include "domain/event.h"
#include "domain/submission.h"

#define DATA_MOST ((size_t)1 << 20)

static void
write_all(struct jw *w, const struct submission_told *t)
{
	jw_object(w);
	JW_INT(w, "email_id", t->email);
	if (t->task != 0)
		JW_INT(w, "task_id", t->task);
	JW_TEXT(w, "message_id", t->message_id);
	JW_TEXT(w, "from", t->from);
	JW_TEXT(w, "status", t->status);
	if (t->recipients.n > 0) {
		jw_key(w, "recipients");
		jw_raw(w, t->recipients);
	}
	jw_object_end(w);
}

enum rc
submission_tell(struct db *db, bool sent, const struct submission_told *t)
{
	struct event_new e = { .application = t->application,
		.account = t->account,
		.name = sent ? EVENT_EMAIL_SENT : EVENT_EMAIL_FAILED,
		.credential = t->credential };
	struct buf out;
	struct jw w = jw_on(&out);
	enum rc rc;

	buf_init(&out, DATA_MOST);
	write_all(&w, t);
	e.data = (struct str){ out.p, out.n };
	rc = event_add(db, &e);
	buf_clear(&out);
	return rc;
}
