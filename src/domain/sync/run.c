/* From a claimed job to its end. */
#include "domain/sync/run.h"

#include <string.h>
#include <time.h>

#include "core/failpoint.h"
#include "core/json-tree.h"
#include "domain/mailbox-sql.h"

#define ARENA_RUN ((size_t)64 * 1024 * 1024)
/* A dozen sets of two million UIDs that do not follow each other. */
#define ARENA_FOLDER ((size_t)512 * 1024 * 1024)
#define ARENA_STEP   ((size_t)64 * 1024 * 1024)
#define BEAT_MS      (JOB_LEASE_S * 1000 / 3)

/* While the database is away: ten seconds. */
#define FINISH_TRIES    40
#define FINISH_PAUSE_NS 250000000

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
	return rc;
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
	s->partly = rc == RC_OK && first.folders < list.n;
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

/* The list is brought into step whole: how else would a renamed folder be
 * known again? */
static enum rc
one_of_account(struct sync *s, struct str name)
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
	return look_into(s, f);
}

static enum rc
run_messages(struct sync *s)
{
	struct str folder;

	TRY(folder_wanted(s, &folder));
	TRY(sync_connect(s));
	TRY(sync_wishes_tell(s));
	return folder.p != NULL ? one_of_account(s, folder) : whole_account(s);
}

static enum rc
run_flags(struct sync *s)
{
	s->has_last_word = true;
	TRY(sync_connect(s));
	TRY(sync_wishes_tell(s));
	TRY(s->wishes_left ? whole_account(s) : sync_connected(s));
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
	TRY(sync_connect(s));
	return sync_texts(s);
}

static const struct action {
	const char *name;
	enum rc (*run)(struct sync *);
} actions[] = {
	{ "imap_sync_mailboxes", run_mailboxes },
	{ "imap_sync_messages", run_messages },
	{ "imap_store_flags", run_flags },
	{ "imap_fetch_text", run_texts },
	{ "account_remove", sync_account_remove },
};
#define ACTIONS (sizeof actions / sizeof *actions)

static const struct str action_names[] = {
	{ "imap_sync_mailboxes", 19 },
	{ "imap_sync_messages", 18 },
	{ "imap_store_flags", 16 },
	{ "imap_fetch_text", 15 },
	{ "account_remove", 14 },
};
const struct texts sync_actions = { action_names, ACTIONS };

static const struct action *
action_find(const char *name)
{
	for (size_t i = 0; i < ACTIONS; i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	return NULL;
}

/* ---- the run ---- */

static bool
host_stops(const struct sync *s)
{
	return (s->host->stop != NULL && *s->host->stop != 0) ||
	    (s->host->deadline_ms != 0 &&
		clock_steady_ms() >= s->host->deadline_ms);
}

bool
sync_is_ours(const struct sync *s, enum rc rc)
{
	return rc == RC_STALE || rc == RC_RETRY || rc == RC_INTERNAL ||
	    s->stopping;
}

bool
sync_stopped(const struct sync *s)
{
	return host_stops(s) || clock_steady_ms() >= s->until_ms;
}

bool
sync_interrupted(const struct sync *s)
{
	return s->resumable ? sync_stopped(s) : host_stops(s);
}

enum rc
sync_stop(struct sync *s)
{
	s->stopping = true;
	return fail(RC_RETRY, "stopped");
}

enum rc
sync_beat(struct sync *s)
{
	int64_t now = clock_steady_ms(), pause = s->host->beat_ms;

	if (now - s->beat_ms < (pause > 0 ? pause : BEAT_MS))
		return RC_OK;
	TRY(sync_settle(s)); /* nothing else may be asked meanwhile */
	TRY(job_heartbeat(s->db, s->lease));
	s->beat_ms = now;
	return RC_OK;
}

void
sync_begin(struct sync *s, const struct sync_host *host,
    const struct lease *lease, struct sync_report *report)
{
	*report = (struct sync_report){ 0 };
	*s = (struct sync){ .host = host,
		.db = host->db,
		.lease = lease,
		.account = lease->account_id,
		.log = host->log,
		.arena = arena_new(ARENA_RUN),
		.folder = arena_new(ARENA_FOLDER),
		.step = arena_new(ARENA_STEP),
		.batch = sync_batch_new(),
		.sent = sync_batch_new(),
		.report = report,
		.beat_ms = clock_steady_ms(),
		.until_ms =
		    clock_steady_ms() + host->conf->sync_budget * 1000 };
	s->log.account = lease->account_id;
	s->log.object = lease->id;
}

void
sync_end(struct sync *s)
{
	imap_free(&s->imap);
	sync_batch_free(&s->batch);
	sync_batch_free(&s->sent);
	arena_free(&s->step);
	arena_free(&s->folder);
	arena_free(&s->arena);
}

static struct str
report_json(const struct sync_report *r, struct buf *b)
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
	JW_INT(&w, "compared", r->compared);
	JW_INT(&w, "missing", r->missing);
	jw_object_end(&w);
	return (struct str){ b->p, b->n };
}

static enum rc
finish_once(struct sync *s, enum rc rc, const char *detail, struct str report)
{
	if (s->stopping)
		return job_release(s->db, s->lease);
	/* One folder that is ill keeps the others waiting for no longer. */
	return (s->partly ? job_finish_partly : job_finish)(
	    s->db, s->lease, rc, detail, report, NULL);
}

/* A database that restarts is back in seconds; its lease would keep the mail
 * account from everybody for minutes. Said twice it does no harm: the job no
 * longer runs then (RC_STALE). */
static enum rc
finish(struct sync *s, enum rc rc, enum rc *result)
{
	const char *detail =
	    rc != RC_OK ? arena_str(s->arena, fail_detail()) : NULL;
	struct timespec pause = { .tv_nsec = FINISH_PAUSE_NS };
	struct str report;
	struct buf b;
	enum rc ended;

	*result = s->stopping ? RC_COUNT : rc;
	if (s->gone)
		return RC_OK;
	buf_init(&b, 4096);
	report = report_json(s->report, &b);
	ended = finish_once(s, rc, detail, report);
	for (int i = 0; i < FINISH_TRIES && ended == RC_RETRY && !host_stops(s);
	     i++) {
		nanosleep(&pause, NULL);
		ended = finish_once(s, rc, detail, report);
	}
	buf_clear(&b);
	return ended;
}

enum rc
sync_job_run(const struct sync_host *host, const struct lease *lease,
    struct sync_report *report, enum rc *result)
{
	const struct action *action = action_find(lease->action);
	struct sync s;
	enum rc rc;

	sync_begin(&s, host, lease, report);
	job_guard_set(s.db, lease);
	if (action == NULL)
		rc = fail(RC_INVALID, "no such action: %s", lease->action);
	else
		rc = action->run(&s);
	imap_free(&s.imap);
	rc = finish(&s, rc, result);
	sync_end(&s);
	return rc;
}
