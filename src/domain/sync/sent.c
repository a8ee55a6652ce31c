/* The copy of a sent message in the Sent folder: a step of its own, whose
 * failure sends nothing again.
 *
 * Before a copy is written the folder is looked into: a run that was killed
 * behind the APPEND has left one, and some servers file by themselves. A
 * message whose answer was lost is only looked for: if it lies there it was
 * sent, and if it does not, that says nothing. An email is placed by the bytes
 * or by the UID that the server tells (APPENDUID), never by a Message-ID. */
#include "domain/sync/run.h"

#include <string.h>

#include "core/effect.h"
#include "domain/body-cache.h"
#include "domain/placement-sql.h"
#include "domain/submission-sql.h"
#include "domain/submission.h"

#define ALIKE_MOST 20 /* copies of one Message-ID that are looked at */
#define LOOKS      3  /* for a message whose answer was lost */

struct filing {
	struct sync *s;
	const struct submission_filing *m;
	const struct sync_folder *folder;
	bool lies_there;
	uint32_t uid; /* of the same bytes; 0: not known */
};

/* ---- the folder ---- */

static const struct sync_folder *
folder_of(const struct sync_folders *list)
{
	const struct sync_folder *named = NULL;

	for (size_t i = 0; i < list->n; i++) {
		const struct sync_folder *f = &list->v[i];

		if (!f->is_selectable)
			continue;
		if (f->special_use != NULL &&
		    strcmp(f->special_use, "sent") == 0)
			return f;
		if (str_ieq(f->name, STR("Sent")))
			named = f;
	}
	return named;
}

static enum rc
folder_open(struct filing *f)
{
	struct sync *s = f->s;
	struct sync_folders list;
	struct imap_mailbox mailbox;
	bool condstore, qresync;

	TRY(sync_connect(s));
	TRY(sync_list(s, &list, false, &condstore));
	f->folder = folder_of(&list);
	if (f->folder == NULL)
		return fail(RC_NO_FOLDER, "the server shows no Sent folder");
	return imap_select(s->imap, f->folder->wire_name, false, NULL, NULL,
	    &mailbox, &qresync);
}

/* ---- what lies there ---- */

static enum rc
compare(struct filing *f, const struct imap_set *found)
{
	const struct sync_bytes what = { f->m->size_bytes, f->m->sha256 };
	struct imap_set all = *found, few;

	imap_set_init(&few, f->s->folder);
	imap_set_take_newest(&all, ALIKE_MOST, &few);
	return sync_find_same(f->s, &few, &what, &f->uid);
}

/* A server that files by itself may have changed the bytes, so any of this
 * Message-ID is the copy there; elsewhere only the same bytes are. */
static enum rc
look(struct filing *f)
{
	bool files = imap_caps(f->s->imap) & IMAP_CAP(GM_EXT_1);
	bool lost = submission_is(f->m->state, SUBMISSION_UNKNOWN);
	struct imap_found found;

	TRY(imap_search(f->s->imap, f->s->folder, "HEADER Message-ID ",
	    str_of(f->m->message_id), &found));
	if (found.all.n == 0)
		return RC_OK;
	TRY(compare(f, &found.all));
	f->lies_there = f->uid != 0 || files || lost;
	return RC_OK;
}

/* ---- writing it ---- */

static enum rc
append(struct filing *f)
{
	struct imap_moved moved;
	struct str message;

	TRY(submission_bytes(f->s->host->conf, f->s->account, f->m->message,
	    f->m->raw_sha256, f->s->folder, &message));
	TRY(imap_append(f->s->imap, f->folder->wire_name, "(\\Seen)",
	    INSTANT_NONE, message, f->s->folder, &moved));
	f->lies_there = true;
	if (moved.has &&
	    moved.uidvalidity == imap_mailbox(f->s->imap)->uidvalidity)
		(void)imap_set_nth(&moved.to, 0, &f->uid);
	return RC_OK;
}

static enum rc
not_there(struct filing *f)
{
	f->s->run->last = f->s->lease->attempt_count >= LOOKS;
	return fail(f->s->run->last ? RC_NO_MESSAGE : RC_RETRY,
	    "the message is not in the Sent folder; whether it was taken is "
	    "not known, and it is not sent again by itself");
}

static enum rc
act(void *arg)
{
	struct filing *f = arg;

	TRY(folder_open(f));
	TRY(look(f));
	if (f->lies_there)
		return RC_OK;
	if (submission_is(f->m->state, SUBMISSION_UNKNOWN))
		return not_there(f);
	if (imap_caps(f->s->imap) & IMAP_CAP(GM_EXT_1))
		return fail(RC_RETRY, "the server has not filed its copy yet");
	return append(f);
}

/* ---- the tables ---- */

static enum rc
place(struct filing *f, struct db *db)
{
	struct sync *s = f->s;
	const struct ids ids = { &f->m->email_id, 1 };

	TRY(email_hold(db, s->account, ids, NULL));
	TRY(submission_place(db,
	    &(struct submission_place_args){ .account = s->account,
		.application = s->lease->application_id,
		.credential = s->access->id,
		.mailbox = f->folder->known->id,
		.uidvalidity = imap_mailbox(s->imap)->uidvalidity,
		.uid = f->uid,
		.email = f->m->email_id },
	    NULL));
	return sync_emails_settle(s, ids);
}

/* What was not known is known now. */
static enum rc
tell(struct filing *f, struct db *db)
{
	if (!submission_is(f->m->state, SUBMISSION_UNKNOWN))
		return RC_OK;
	return submission_tell(db, true,
	    &(struct submission_told){
		.application = f->s->lease->application_id,
		.account = f->s->account,
		.credential = f->s->access->id,
		.email = f->m->email_id,
		.message_id = f->m->message_id,
		.from = f->m->sender,
		.status = submission_word(SUBMISSION_FILED) });
}

static enum rc
write_down(struct db *db, void *arg)
{
	struct filing *f = arg;

	if (f->uid != 0)
		TRY(place(f, db));
	TRY(submission_filed(db, f->s->account, f->m->id));
	return tell(f, db);
}

static enum rc
cache(const struct filing *f)
{
	const struct conf *conf = f->s->run->host->conf;
	unsigned char hash[SHA256_SIZE];
	struct body_cache *cache;
	struct body_file *file;
	struct str bytes = f->m->message;

	if (bytes.p == NULL || (int64_t)bytes.n > conf->body_cache_message)
		return RC_OK;
	TRY(body_cache_open(conf, 1, &cache));
	TRY(body_file_new(cache, f->s->arena, &file));
	TRY(body_file_write(file, bytes.p, bytes.n));
	return body_file_end(file, true, hash, &bytes);
}

/* Its row forgets the message: what is read of it then need not be asked for.
 */
static enum rc
confirm(void *arg)
{
	struct filing *f = arg;

	if (cache(f) != RC_OK)
		log_warn(&f->s->log, "not cached: %s", fail_detail());
	return db_tx(f->s->db, write_down, f);
}

/* The wish was committed by who sent the message. */
static const struct effect file = EFFECT("submission-file", NULL, act, confirm);

enum rc
sync_sent(struct sync *s)
{
	struct submission_filing *m;
	struct filing f = { .s = s };

	TRY(submission_filing_get(
	    s->db, s->account, s->lease->task_id, s->arena, &m));
	if (m == NULL)
		return fail(RC_PAYLOAD, "the task has no message");
	if (instant_is(m->filed_at))
		return RC_OK;
	f.m = m;
	return effect_run(&file, &f);
}
