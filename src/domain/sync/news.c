#include "domain/sync/news.h"

#include "domain/credential-sql.h"
#include "domain/hold-sql.h"
#include "domain/mailbox-sql.h"
#include "domain/sync/run.h"
#include "domain/watcher-sql.h"

#define WORK_MOST  1
#define LOOKS_MOST 20 /* then others have their turn */

struct news {
	struct sync *s;
	struct sync_news *given;
	const struct mailbox_cursor *inbox;
	struct sync_place place;
	int64_t open; /* the folder that is selected; 0: not to be written to */
	int64_t next; /* the first UID that is not known */
};

/* ---- may it be done here? ---- */

static enum rc
read_all(struct news *n, struct mailbox_cursor_list *inbox,
    struct hold_work_list *begun)
{
	struct sync *s = n->s;
	int64_t account = s->account, credential = s->lease->credential_id;

	db_pipe_begin(s->db);
	TRY(credential_access_get(
	    s->db, account, credential, s->arena, &s->access));
	TRY(watcher_told_at(s->db, account, credential, &s->told_at));
	TRY(mailbox_cursors(s->db, account, credential, true, s->arena, inbox));
	TRY(hold_work(
	    s->db, account, credential, 0, false, WORK_MOST, s->arena, begun));
	return db_pipe_end(s->db);
}

/* Else a whole look has to come first: folders that are not known yet, UIDs
 * that mean something else by now, and what was left half done. */
static bool
is_plain(const struct news *n, const struct hold_work_list *begun)
{
	const struct imap_mailbox *box = imap_mailbox(n->s->imap);
	const struct mailbox_cursor *k = n->inbox;

	return begun->n == 0 && k != NULL && k->uidvalidity != 0 &&
	    k->uidvalidity == (int64_t)box->uidvalidity &&
	    !box->uids_not_sticky && !k->is_stale && !k->is_waiting;
}

static enum rc
begin(struct news *n)
{
	struct mailbox_cursor_list inbox;
	struct hold_work_list begun;
	struct sync *s = n->s;

	TRY(read_all(n, &inbox, &begun));
	sync_params_wait(s);
	TRY(imap_watch_lend(n->given->watch, &s->params, &s->imap));
	n->inbox = inbox.n == 1 ? &inbox.v[0] : NULL;
	if (!is_plain(n, &begun))
		return sync_stop(s);
	n->place = (struct sync_place){ .wire_name = STR("INBOX"),
		.name = n->inbox->name,
		.mailbox = n->inbox->id,
		.uidvalidity = n->inbox->uidvalidity,
		.news_from = n->inbox->news_from };
	n->next = n->inbox->uid_next;
	n->open = imap_mailbox(s->imap)->read_only ? 0 : n->inbox->id;
	return RC_OK;
}

/* ---- what has come ---- */

/* "n:*" always has the last message, too. */
static enum rc
find_new(struct news *n, struct imap_set *out)
{
	struct sync *s = n->s;
	struct imap_found found;
	struct imap_set range;

	imap_set_init(&range, s->folder);
	imap_set_init(out, s->folder);
	imap_set_add(&range, (uint32_t)n->next, UINT32_MAX);
	TRY(imap_search(s->imap, s->folder,
	    arena_fmt(s->folder, "UID %lld:*", (long long)n->next),
	    (struct str){ NULL, 0 }, &found));
	imap_set_intersection(&found.all, &range, out);
	return RC_OK;
}

/* Those that are known from elsewhere are placed, the others fetched; the
 * cursor goes behind all of them. */
static enum rc
take_new(struct news *n, struct imap_set *set)
{
	struct sync *s = n->s;
	uint64_t all = imap_set_count(set);
	int64_t next = (int64_t)set->range[set->n - 1].last + 1;

	TRY(sync_moves(s, &n->place, set));
	TRY(sync_fetch(s, &n->place, set, SYNC_UP));
	if (s->waits.uid != 0)
		return fail(
		    s->waits.rc, "message %u: %s", s->waits.uid, s->waits.why);
	if (imap_set_count(set) != all)
		TRY(mailbox_move_cursor(s->db, s->account, n->place.mailbox,
		    n->place.uidvalidity, &next, NULL, NULL));
	n->next = next;
	return mailbox_grows(
	    s->db, s->account, n->place.mailbox, (int64_t)all, NULL);
}

/* A message that had to be looked for has opened another folder. */
static enum rc
come_back(struct news *n)
{
	if (n->open == n->place.mailbox)
		return RC_OK;
	TRY(sync_reopen(n->s, &n->place));
	n->open = 0;
	return RC_OK;
}

/* Until a look finds nothing, and nothing came while it looked: what comes from
 * then on the server tells of. */
static enum rc
look(struct news *n)
{
	for (int i = 0; i < LOOKS_MOST; i++) {
		uint32_t before = imap_mailbox(n->s->imap)->exists;
		struct imap_set set;

		arena_reset(n->s->folder);
		TRY(find_new(n, &set));
		if (set.n == 0 && imap_mailbox(n->s->imap)->exists <= before)
			return RC_OK;
		if (set.n == 0)
			continue;
		TRY(take_new(n, &set));
		TRY(sync_holds_new(n->s, &n->open));
		TRY(come_back(n));
	}
	return sync_stop(n->s);
}

/* As many messages as are known: nobody else has taken any. */
static enum rc
compare(struct news *n)
{
	struct sync *s = n->s;
	int64_t held;

	TRY(mailbox_held(s->db, s->account, n->place.mailbox, &held));
	n->given->other = held != (int64_t)imap_mailbox(s->imap)->exists;
	return RC_OK;
}

static enum rc
run(struct news *n)
{
	struct sync *s = n->s;

	TRY(begin(n));
	TRY(look(n));
	TRY(compare(n));
	TRY(watcher_looked(s->db, s->account, s->access->id, s->told_at, NULL));
	return RC_OK;
}

/* Others go on with it before this run is at its end. What went wrong with mail
 * is no fault of the session's, if that has INBOX open. */
static enum rc
give_back(struct news *n, enum rc rc)
{
	const char *why = arena_str(n->s->arena, fail_detail());
	bool whole = come_back(n) == RC_OK;

	imap_watch_return(n->given->watch, &n->s->imap, whole);
	return rc == RC_OK ? RC_OK : fail(rc, "%s", why);
}

enum rc
sync_news_run(struct job_run *job)
{
	struct sync_report report;
	struct sync s;
	struct news n = { .s = &s, .given = job->arg };
	enum rc rc;

	sync_begin(&s, job, &report);
	s.standing = true;
	s.held_next = imap_watch_also_next(n.given->watch);
	db_lazy(s.db, true);
	rc = run(&n);
	if (s.imap != NULL)
		rc = give_back(&n, rc);
	rc = sync_and_thread(&s, rc);
	db_lazy(s.db, false);
	sync_report_write(&report, &job->data);
	sync_end(&s);
	return rc;
}
