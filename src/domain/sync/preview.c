/* What a sync would do, for who asks before it does. */
#include "domain/sync/run.h"

#include "domain/job-sql.h"
#include "domain/mailbox-sql.h"

struct looking {
	struct sync s;
	struct sync_folders list;
	struct mailbox_cursor_list known;
	bool *gone;
	void (*tell)(void *arg, const char *folder, const char *what);
	void *arg;
};

static const char *
what_of(const struct looking *l, const struct sync_folder *f, bool condstore)
{
	struct arena *a = l->s.arena;
	const struct mailbox_cursor *k = f->known;

	if (k == NULL)
		return f->status.has & IMAP_SAID(MESSAGES)
		    ? arena_fmt(a, "new, %llu messages",
			  (unsigned long long)f->status.messages)
		    : "new";
	if (f->is_renamed)
		return arena_fmt(a, "renamed, was %.*s", STR_FMT(k->name));
	if (!sync_folder_is_due(f, condstore))
		return sync_folder_differs(f) ? "attributes changed" : NULL;
	if (!(f->status.has & IMAP_SAID(MESSAGES)))
		return "to be looked into";
	return arena_fmt(a, "changed, %llu messages, %lld known",
	    (unsigned long long)f->status.messages,
	    (long long)k->stored_messages + (long long)k->skipped_messages);
}

static void
tell_all(struct looking *l)
{
	bool condstore =
	    imap_caps(l->s.imap) & (IMAP_CAP(CONDSTORE) | IMAP_CAP(QRESYNC));
	struct arena *a = l->s.arena;

	for (size_t i = 0; i < l->list.n; i++) {
		const struct sync_folder *f = &l->list.v[i];
		const char *what = what_of(l, f, condstore);

		if (what != NULL)
			l->tell(
			    l->arg, arena_dup(a, f->name.p, f->name.n), what);
	}
	for (size_t k = 0; k < l->known.n; k++) {
		const struct str name = l->known.v[k].name;

		if (l->gone[k] && l->list.whole)
			l->tell(l->arg, arena_dup(a, name.p, name.n), "gone");
	}
}

static enum rc
look(struct looking *l)
{
	struct sync *s = &l->s;

	TRY(sync_connect(s));
	TRY(sync_list_ask(s, true, &l->list));
	TRY(imap_ready(s->imap));
	TRY(sync_list_known(s, &l->known));
	l->gone = ARENA_ARRAY(s->arena, bool, l->known.n);
	sync_folders_match(&l->list, l->known.v, l->known.n, l->gone);
	tell_all(l);
	return RC_OK;
}

enum rc
sync_preview(const struct job_host *host, const struct preview *p,
    void (*tell)(void *arg, const char *folder, const char *what), void *arg)
{
	const struct lease none = { .application_id = p->application_id,
		.account_id = p->account_id,
		.credential_id = p->credential_id };
	struct looking l = { .tell = tell, .arg = arg };
	struct sync_report report;
	struct job_run run;
	enum rc rc;

	job_run_begin(&run, host, &none);
	sync_begin(&l.s, &run, &report);
	l.s.looking = true;
	job_guard_look(host->db, p->application_id, p->account_id);
	rc = look(&l);
	db_guard_none(host->db);
	sync_end(&l.s);
	job_run_end(&run);
	return rc;
}
