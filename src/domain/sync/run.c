/* The jobs of the sync: what each does. */
#include "domain/sync/run.h"

#include <string.h>

#include "core/failpoint.h"
#include "core/json-tree.h"
#include "domain/hold-sql.h"
#include "domain/mailbox-sql.h"
#include "domain/task.h"
#include "domain/threading.h"
#include "domain/watcher-sql.h"

/* A dozen sets of two million UIDs that do not follow each other. */
#define ARENA_FOLDER ((size_t)512 * 1024 * 1024)
#define ARENA_STEP   ((size_t)64 * 1024 * 1024)

/* ---- the actions ---- */

static enum rc
run_mailboxes(struct sync *s)
{
	struct sync_folders list;
	bool condstore;

	TRY(sync_connect(s));
	return sync_list(s, &list, true, &condstore);
}

/* Folders with nothing new, noted in one statement. */
static enum rc
note_unchanged(struct sync *s, const struct sync_folders *list, const bool *due)
{
	int64_t *id = ARENA_ARRAY(s->arena, int64_t, list->n);
	int64_t *messages = ARENA_ARRAY(s->arena, int64_t, list->n);
	int64_t *unseen = ARENA_ARRAY(s->arena, int64_t, list->n);
	int64_t *uidnext = ARENA_ARRAY(s->arena, int64_t, list->n);
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct imap_status *st = &list->v[i].status;

		if (due[i])
			continue;
		id[n] = list->v[i].known->id;
		messages[n] = !list->v[i].is_selectable ? 0
		    : st->has & IMAP_SAID(MESSAGES)     ? (int64_t)st->messages
							: INT64_MIN;
		unseen[n] = st->has & IMAP_SAID(UNSEEN) ? (int64_t)st->unseen
							: INT64_MIN;
		uidnext[n++] = st->has & IMAP_SAID(UIDNEXT)
		    ? (int64_t)st->uidnext
		    : INT64_MIN;
	}
	if (n == 0)
		return RC_OK;
	return mailbox_unchanged(s->db, s->account, (struct ids){ id, n },
	    (struct ints){ messages, n }, (struct ints){ unseen, n },
	    (struct ints){ uidnext, n }, NULL);
}

/* One folder that fails does not keep the others from their mail. */
static bool
is_of_the_folder(struct sync *s, enum rc rc)
{
	return !sync_is_ours(s, rc) && sync_alive(s);
}

struct failure {
	enum rc rc; /* the first that is worth a new try */
	const char *detail;
	size_t folders; /* that failed */
};

static enum rc
look_into(struct sync *s, const struct sync_folder *f)
{
	enum rc rc;

	arena_reset(s->folder);
	s->report->changed++;
	rc = sync_folder(s, f);
	sync_batch_reset(s->batch);
	FAILPOINT("sync-folder-end");
	return rc == RC_OK ? sync_holds_of(s, f) : rc;
}

static enum rc
one_folder(struct sync *s, const struct sync_folder *f, struct failure *first)
{
	enum rc rc;

	if (sync_stopped(s))
		return sync_stop(s);
	rc = look_into(s, f);
	if (rc == RC_OK)
		return sync_beat(s);
	if (first->rc == RC_OK && rc != RC_NO_FOLDER && rc != RC_DENIED) {
		first->rc = rc;
		first->detail = arena_str(s->arena, fail_detail());
	}
	first->folders++;
	log_warn(&s->log, "folder failed mailbox=%lld code=%s: %s",
	    (long long)f->known->id, result_code(rc), fail_detail());
	return is_of_the_folder(s, rc) ? RC_OK : rc;
}

/* INBOX first: somebody waits for it. */
static enum rc
all_folders(struct sync *s, const struct sync_folders *list, const bool *due,
    struct failure *first)
{
	for (int inbox = 1; inbox >= 0; inbox--)
		for (size_t i = 0; i < list->n; i++)
			if (due[i] &&
			    imap_is_inbox(list->v[i].name) == (inbox == 1))
				TRY(one_folder(s, &list->v[i], first));
	return RC_OK;
}

/* Folders that only hold folders now: their mail is gone. */
static enum rc
empty_closed(struct sync *s, const struct sync_folders *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct mailbox_cursor *k = list->v[i].known;
		const struct sync_place place = { .mailbox = k->id,
			.uidvalidity = k->uidvalidity };

		if (list->v[i].is_selectable || k->uidvalidity == 0)
			continue;
		TRY(sync_store_all_gone(s, &place));
		TRY(mailbox_close(s->db, s->account, k->id));
	}
	return RC_OK;
}

/* Now it is known where their mail lies. */
static enum rc
tell_again(struct sync *s, bool all_seen)
{
	if (all_seen)
		TRY(sync_expunges_end(s));
	return sync_wishes_tell(s);
}

static enum rc
whole_account(struct sync *s)
{
	struct failure first = { .rc = RC_OK };
	struct sync_folders list;
	bool condstore, *due;
	enum rc rc;

	TRY(sync_list(s, &list, false, &condstore));
	due = ARENA_ARRAY(s->arena, bool, list.n);
	for (size_t i = 0; i < list.n; i++)
		due[i] = sync_folder_is_due(&list.v[i], condstore);
	TRY(note_unchanged(s, &list, due));
	rc = all_folders(s, &list, due, &first);
	if (rc == RC_OK)
		rc = empty_closed(s, &list);
	if (rc == RC_OK)
		rc = sync_store_removed_gone(s);
	if (rc == RC_OK && s->wishes_left)
		rc = tell_again(s, first.folders == 0 && list.whole);
	s->run->partly = rc == RC_OK && first.folders < list.n;
	if (rc == RC_OK && first.rc != RC_OK)
		rc = fail(first.rc, "%s", first.detail);
	return rc;
}

/* ---- one folder, by its name ---- */

/* The folder that the task asks for; p == NULL: all of them. */
static enum rc
folder_wanted(struct sync *s, struct str *name)
{
	struct json_object *payload;

	*name = (struct str){ NULL, 0 };
	TRY(json_tree(s->arena, s->lease->payload, 16, &payload));
	if (!json_given(payload, "folder") ||
	    json_text(payload, "folder", name))
		return RC_OK;
	return fail(RC_INVALID, "the task's folder is not a name");
}

static const struct sync_folder *
folder_named(const struct sync_folders *list, struct str name)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].is_selectable &&
		    imap_same_folder(list->v[i].name, name))
			return &list->v[i];
	return NULL;
}

/* What a server's rule has put into the quarantine is held, too. */
static enum rc
quarantine(struct sync *s, const struct sync_folders *list, bool condstore)
{
	struct hold_folder *q;

	if (strcmp(s->access->hold_policy, "off") == 0)
		return RC_OK;
	TRY(hold_quarantine(s->db, s->account, s->access->id, s->arena, &q));
	for (size_t i = 0; q != NULL && i < list->n; i++)
		if (list->v[i].known->id == q->id && list->v[i].is_selectable &&
		    sync_folder_is_due(&list->v[i], condstore))
			return look_into(s, &list->v[i]);
	return RC_OK;
}

/* The list is brought into step whole: how else would a renamed folder be
 * known again? */
static enum rc
one_of_account(struct sync *s, struct str name, bool and_quarantine)
{
	const struct sync_folder *f;
	struct sync_folders list;
	bool condstore;

	TRY(sync_list(s, &list, false, &condstore));
	TRY(sync_store_removed_gone(s));
	f = folder_named(&list, name);
	if (f == NULL)
		return fail(RC_NO_FOLDER, "the server has no folder %.*s",
		    STR_FMT(name));
	TRY(look_into(s, f));
	return and_quarantine ? quarantine(s, &list, condstore) : RC_OK;
}

/* What was left half done comes first: no folder is looked into while a message
 * is between two. What a server refuses keeps no mail from coming. */
static enum rc
holds_first(struct sync *s)
{
	enum rc rc = sync_holds(s);

	if (rc == RC_OK || !is_of_the_folder(s, rc))
		return rc;
	s->holds_rc = rc;
	s->holds_why = arena_str(s->arena, fail_detail());
	return RC_OK;
}

/* ---- threads ---- */

/* More is another job's: a first sync is not held up by it. */
#define THREAD_STEPS 4

static enum rc
threads_queue(struct sync *s)
{
	const struct task_new task = {
		.application_id = s->lease->application_id,
		.action = "thread_mail",
		.once = true,
		.run_at = INSTANT_NONE,
	};
	struct task_started *started;

	return task_start(s->db, s->account, &task, s->arena, &started);
}

/* A few new mails are in their threads when the sync that brought them ends. */
static enum rc
thread(struct sync *s)
{
	size_t done = 0;

	if (s->report->stored > THREAD_STEPS * THREADING_STEP)
		return threads_queue(s);
	for (int i = 0; i < THREAD_STEPS; i++) {
		arena_reset(s->step);
		TRY(threading_step(s->db, s->account, s->lease->application_id,
		    s->step, &done));
		if (done < THREADING_STEP)
			return RC_OK;
		TRY(sync_beat(s));
	}
	return threads_queue(s);
}

/* Also where a run ends early: what it brought stands. */
enum rc
sync_and_thread(struct sync *s, enum rc rc)
{
	const char *detail;

	if (rc == RC_OK)
		return thread(s);
	if (s->report->stored == 0)
		return rc;
	detail = arena_str(s->arena, fail_detail());
	if (threads_queue(s) != RC_OK)
		log_warn(&s->log, "no job for threads: %s", fail_detail());
	return fail(rc, "%s", detail);
}

static enum rc
messages(struct sync *s)
{
	struct str folder;

	TRY(folder_wanted(s, &folder));
	TRY(sync_connect(s));
	if (s->access->texts_due)
		TRY(sync_texts_queue(s));
	TRY(holds_first(s));
	TRY(sync_wishes_tell(s));
	TRY(folder.p != NULL ? one_of_account(s, folder, false)
			     : whole_account(s));
	return s->holds_rc == RC_OK ? RC_OK
				    : fail(s->holds_rc, "%s", s->holds_why);
}

/* The watcher has been told of something: INBOX alone is looked into, and where
 * mail is held. */
static enum rc
watched(struct sync *s)
{
	TRY(sync_connect(s));
	TRY(watcher_told_at(s->db, s->account, s->access->id, &s->told_at));
	TRY(holds_first(s));
	TRY(one_of_account(s, STR("INBOX"), true));
	if (s->holds_rc != RC_OK)
		return fail(s->holds_rc, "%s", s->holds_why);
	return instant_is(s->told_at)
	    ? watcher_looked(s->db, s->account, s->access->id, s->told_at, NULL)
	    : RC_OK;
}

static enum rc
run_watch(struct sync *s)
{
	return sync_and_thread(s, watched(s));
}

/* What is only to be sent waits for no mail server, and a credential that only
 * sends has none. */
static enum rc
run_holds(struct sync *s)
{
	bool more;

	TRY(sync_credential(s));
	TRY(sync_holds_given(s, &more));
	if (!more)
		return RC_OK;
	TRY(sync_connect(s));
	TRY(sync_holds(s));
	return sync_connected(s);
}

static enum rc
run_messages(struct sync *s)
{
	return sync_and_thread(s, messages(s));
}

static enum rc
run_flags(struct sync *s)
{
	s->has_last_word = true;
	TRY(sync_connect(s));
	TRY(holds_first(s));
	TRY(sync_wishes_tell(s));
	TRY(s->wishes_left ? sync_and_thread(s, whole_account(s))
			   : sync_connected(s));
	if (s->wishes_wait)
		return fail(
		    RC_CONNECTION, "the server does not take all changes now");
	return s->refused_rc == RC_OK
	    ? RC_OK
	    : fail(s->refused_rc, "%s", s->refused_why);
}

static enum rc
run_texts(struct sync *s)
{
	s->bodies = true;
	TRY(sync_access(s));
	return sync_texts(s);
}

/* ---- the run ---- */

bool
sync_is_ours(const struct sync *s, enum rc rc)
{
	return rc == RC_STALE || rc == RC_RETRY || rc == RC_INTERNAL ||
	    s->run->stopping;
}

bool
sync_stopped(const struct sync *s)
{
	return job_run_stopped(s->run);
}

bool
sync_interrupted(const struct sync *s)
{
	return s->resumable ? job_run_stopped(s->run)
			    : job_run_interrupted(s->run);
}

enum rc
sync_stop(struct sync *s)
{
	return job_run_stop(s->run);
}

enum rc
sync_beat(struct sync *s)
{
	if (!job_run_beat_due(s->run))
		return RC_OK;
	TRY(sync_settle(s)); /* nothing else may be asked meanwhile */
	return job_run_beat(s->run);
}

void
sync_begin(struct sync *s, struct job_run *run, struct sync_report *report)
{
	*report = (struct sync_report){ 0 };
	*s = (struct sync){ .run = run,
		.host = run->host,
		.db = run->db,
		.lease = run->lease,
		.account = run->account,
		.log = run->log,
		.arena = run->arena,
		.folder = arena_new(ARENA_FOLDER),
		.step = arena_new(ARENA_STEP),
		.batch = sync_batch_new(),
		.sent = sync_batch_new(),
		.report = report,
		.told_at = INSTANT_NONE };
}

void
sync_end(struct sync *s)
{
	imap_free(&s->imap);
	sync_batch_free(&s->batch);
	sync_batch_free(&s->sent);
	arena_free(&s->step);
	arena_free(&s->folder);
}

void
sync_report_write(const struct sync_report *r, struct buf *b)
{
	struct jw w = jw_on(b);

	jw_object(&w);
	JW_INT(&w, "folders", r->folders);
	JW_INT(&w, "changed", r->changed);
	JW_INT(&w, "stored", r->stored);
	JW_INT(&w, "skipped", r->skipped);
	JW_INT(&w, "moved", r->moved);
	JW_INT(&w, "flags", r->flags);
	JW_INT(&w, "expunged", r->expunged);
	JW_INT(&w, "told", r->told);
	JW_INT(&w, "deleted", r->deleted);
	JW_INT(&w, "texts", r->texts);
	JW_INT(&w, "held", r->held);
	JW_INT(&w, "released", r->released);
	JW_INT(&w, "compared", r->compared);
	JW_INT(&w, "missing", r->missing);
	jw_object_end(&w);
}

/* What is left of a run is its detail (fail_detail). */
static enum rc
sync_run(struct job_run *run, enum rc (*work)(struct sync *))
{
	struct sync_report local;
	struct sync s;
	enum rc rc;

	sync_begin(
	    &s, run, run->host->report != NULL ? run->host->report : &local);
	rc = work(&s);
	sync_report_write(s.report, &run->data);
	sync_end(&s);
	return rc;
}

enum rc
sync_mailboxes_run(struct job_run *run)
{
	return sync_run(run, run_mailboxes);
}

enum rc
sync_messages_run(struct job_run *run)
{
	return sync_run(run, run_messages);
}

enum rc
sync_watch_run(struct job_run *run)
{
	return sync_run(run, run_watch);
}

enum rc
sync_holds_run(struct job_run *run)
{
	return sync_run(run, run_holds);
}

enum rc
sync_flags_run(struct job_run *run)
{
	return sync_run(run, run_flags);
}

enum rc
sync_texts_run(struct job_run *run)
{
	return sync_run(run, run_texts);
}

enum rc
sync_sent_run(struct job_run *run)
{
	return sync_run(run, sync_sent);
}

enum rc
sync_reports_run(struct job_run *run)
{
	return sync_run(run, sync_reports);
}

enum rc
sync_transfers_run(struct job_run *run)
{
	return sync_run(run, sync_transfers);
}
