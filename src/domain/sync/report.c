/* What has come of reports about mail that was sent is read here: whole
 * messages, but no more of each than reports are long. What lies elsewhere by
 * now waits for a sync to find it. */
#include "domain/sync/run.h"

#include "core/failpoint.h"
#include "domain/report-sql.h"
#include "domain/report.h"

#define CHUNK      50
#define BYTES_MOST ((size_t)1 << 20)

struct reports {
	struct sync *s;
	struct report_due_list due;
	int64_t open; /* which folder is; 0: none */
	bool left;    /* some could not be read now */
};

static enum rc
take(void *arg, const void *p, size_t n)
{
	buf_add(arg, p, n);
	return RC_OK;
}

static enum rc
folder_open(struct reports *r, const struct report_due *d)
{
	struct imap_mailbox mailbox;
	bool qresync;

	if (r->open == d->mailbox_id)
		return RC_OK;
	r->open = 0;
	TRY(imap_select(r->s->imap, mailbox_wire(r->s->step, d->wire_name),
	    true, NULL, NULL, &mailbox, &qresync));
	if (mailbox.uidvalidity != (uint32_t)d->uidvalidity)
		return fail(RC_NO_MESSAGE, "the folder was made anew");
	r->open = d->mailbox_id;
	return RC_OK;
}

/* Whatever it is: one that cannot be parsed says nothing. */
static void
understand(struct sync *s, struct str raw, struct dsn *said)
{
	struct mime m;

	*said = (struct dsn){ .kind = DSN_NONE };
	if (mime_parse(s->step, raw, MIME_PARTS_SHOWN, &m) == RC_OK)
		dsn_read(s->step, &m, said);
}

static enum rc
apply(struct reports *r, const struct report_due *d, struct str raw)
{
	struct sync *s = r->s;
	struct dsn said;
	const struct report report = {
		.application = s->lease->application_id,
		.account = s->account,
		.credential = s->access->id,
		.email = d->email_id,
		.said = &said,
	};
	enum rc rc;

	understand(s, raw, &said);
	FAILPOINT("report-before");
	rc = report_apply(s->db, &report, s->step);
	FAILPOINT("report-after");
	return rc;
}

static enum rc
read_one(struct reports *r, const struct report_due *d, struct buf *b)
{
	uint64_t size;
	enum rc rc;

	TRY(folder_open(r, d));
	rc = imap_body(
	    r->s->imap, (uint32_t)d->uid, "", 0, BYTES_MOST, take, b, &size);
	if (rc != RC_OK && rc != RC_TOO_LARGE)
		return rc;
	return apply(r, d, (struct str){ b->p, b->n });
}

/* What is wrong with one of them is no other's fault, as long as the server
 * talks and the database answers. */
static enum rc
one(struct reports *r, const struct report_due *d)
{
	struct sync *s = r->s;
	struct buf b;
	enum rc rc;

	if (d->uidvalidity == 0) {
		r->left = true;
		return RC_OK;
	}
	buf_init(&b, BYTES_MOST);
	rc = read_one(r, d, &b);
	buf_clear(&b);
	arena_reset(s->step);
	if (rc == RC_OK)
		return sync_beat(s);
	log_info(&s->log, "report not read email=%lld code=%s: %s",
	    (long long)d->email_id, result_code(rc), fail_detail());
	r->left = true;
	if (s->run->stopping || rc == RC_STALE || !sync_alive(s))
		return rc;
	return sync_beat(s);
}

enum rc
sync_reports(struct sync *s)
{
	struct reports r = { .s = s };

	TRY(sync_connect(s));
	TRY(sync_connected(s));
	do {
		arena_reset(s->folder);
		TRY(report_take(s->db, s->account, s->access->id, CHUNK,
		    s->folder, &r.due));
		for (size_t i = 0; i < r.due.n; i++)
			TRY(one(&r, &r.due.v[i]));
		if (sync_stopped(s))
			return sync_stop(s);
	} while (r.due.n == CHUNK && !r.left);
	return r.left ? fail(RC_RETRY, "reports are left") : RC_OK;
}
