/* Copies mail of a personal account into a folder of a shared one, whose
 * session this run has: each once.
 *
 * Before a message is appended it is written down what the folder is like
 * (UIDVALIDITY and UIDNEXT) and what is going to lie there (size and hash). A
 * run that finds such a row looks behind that place for these bytes before it
 * appends. */
#include "domain/sync/run.h"

#include <string.h>

#include "core/effect.h"
#include "core/secret.h"
#include "domain/content.h"
#include "domain/personal-sql.h"
#include "domain/task.h"

struct transferring {
	struct sync *s;
	struct body_cache *cache;
	const struct mail_transfer *t;
	struct str message;
	unsigned char sha256[SHA256_SIZE];
	struct str open; /* folder that is; p == NULL: none */
	int64_t done;
};

/* ---- the message, from the server that has it ---- */

static enum rc
message_read(struct transferring *x)
{
	struct sync *s = x->s;
	struct content_reader *r = ARENA_NEW(s->folder, struct content_reader);

	*r = (struct content_reader){ .db = s->db,
		.conf = s->host->conf,
		.arena = s->folder,
		.cache = x->cache,
		.who = { .application = s->lease->application_id,
		    .account = s->account,
		    .user = -1 } };
	TRY(content_open(r, x->t->email_id));
	TRY(content_raw(r, &x->message));
	sha256(x->message.p, x->message.n, x->sha256);
	return RC_OK;
}

/* ---- the folder ---- */

static enum rc
folder_open(struct transferring *x)
{
	struct imap_mailbox mailbox;
	bool qresync;

	/* Opened each time: what its UIDNEXT is now has to be known. */
	return imap_select(x->s->imap,
	    (struct str){ x->t->folder.p, x->t->folder.n }, false, NULL, NULL,
	    &mailbox, &qresync);
}

/* Does it lie there, behind the place that was written down? In a folder that
 * was made anew, anywhere. */
static enum rc
look(struct transferring *x, bool *there)
{
	const struct imap_mailbox *m = imap_mailbox(x->s->imap);
	const struct sync_bytes what = { x->t->size_bytes, x->t->sha256 };
	uint32_t from = 1, uid;
	struct imap_set among;

	if ((int64_t)m->uidvalidity == x->t->uidvalidity)
		from = (uint32_t)x->t->uid_next;
	imap_set_init(&among, x->s->folder);
	if (m->uidnext == 0 || from < m->uidnext)
		imap_set_add(&among, from,
		    m->uidnext != 0 ? m->uidnext - 1 : UINT32_MAX);
	TRY(sync_find_same(x->s, &among, &what, &uid));
	*there = uid != 0;
	return RC_OK;
}

/* ---- the effect ---- */

static enum rc
intend(void *arg)
{
	struct transferring *x = arg;
	const struct imap_mailbox *m = imap_mailbox(x->s->imap);

	return transfer_intend(x->s->db, x->s->account, x->t->id,
	    (int64_t)m->uidvalidity, m->uidnext != 0 ? (int64_t)m->uidnext : 1,
	    (struct str){ (const char *)x->sha256, SHA256_SIZE },
	    (int64_t)x->message.n);
}

static enum rc
act(void *arg)
{
	struct transferring *x = arg;
	struct imap_moved moved;

	return imap_append(x->s->imap, x->t->folder, NULL, x->t->received_at,
	    x->message, x->s->folder, &moved);
}

static enum rc
confirm(void *arg)
{
	struct transferring *x = arg;

	x->done++;
	return transfer_done(x->s->db, x->s->account, x->t->id);
}

static const struct effect copy = EFFECT("transfer", intend, act, confirm);

/* One that was begun: it lies there, or certainly does not. */
static enum rc
go_on(struct transferring *x, bool *there)
{
	*there = false;
	if (strcmp(x->t->state, "appending") != 0)
		return RC_OK;
	TRY(look(x, there));
	return *there ? confirm(x)
		      : transfer_not_done(x->s->db, x->s->account, x->t->id);
}

static enum rc
one(struct transferring *x)
{
	bool there;

	TRY(folder_open(x));
	TRY(go_on(x, &there));
	if (there)
		return RC_OK;
	TRY(message_read(x));
	return effect_run(&copy, x);
}

/* ---- all of a task ---- */

/* Another try would end alike: the message or the folder is at fault. */
static bool
is_final(enum rc rc)
{
	return rc == RC_NO_MESSAGE || rc == RC_NOT_FOUND ||
	    rc == RC_PART_SYNC || rc == RC_TOO_LARGE || rc == RC_PAYLOAD ||
	    rc == RC_NO_FOLDER;
}

static enum rc
transfer_one(struct transferring *x)
{
	struct sync *s = x->s;
	enum rc rc = one(x);

	if (rc == RC_OK || !is_final(rc))
		return rc;
	log_info(&s->log, "not copied email=%lld: %s",
	    (long long)x->t->email_id, fail_detail());
	return transfer_failed(s->db, s->account, x->t->id, result_code(rc));
}

/* So that what lies there is seen. */
static enum rc
sync_wish(struct sync *s)
{
	const struct task_new task = {
		.application_id = s->lease->application_id,
		.action = "imap_sync_messages",
		.credential_id = s->access->id,
		.once = true,
		.run_at = INSTANT_NONE,
	};
	struct task_started *started;

	if (strcmp(s->access->sync_mode, "off") == 0)
		return RC_OK;
	return task_start(s->db, s->account, &task, s->arena, &started);
}

enum rc
sync_transfers(struct sync *s)
{
	struct transferring x = { .s = s };
	struct mail_transfer_list due;

	TRY(transfer_due(s->db, s->account, s->lease->task_id, s->arena, &due));
	if (due.n == 0)
		return RC_OK;
	TRY(sync_connect(s));
	TRY(body_cache_open(s->host->conf, 1, &x.cache));
	for (size_t i = 0; i < due.n; i++) {
		x.t = &due.v[i];
		arena_reset(s->folder);
		TRY(transfer_one(&x));
		TRY(sync_beat(s));
		if (sync_stopped(s))
			return sync_stop(s);
	}
	return x.done > 0 ? sync_wish(s) : RC_OK;
}
