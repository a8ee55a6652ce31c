#include "domain/watcher.h"

#include "domain/watcher-sql.h"

#define NEWS_FIRST 9 /* somebody waits for it to be held */
#define NEWS_OTHER 4

const struct col watcher_own_cols[] = {
	COL(struct watcher_own, application_id),
	COL_ID(struct watcher_own, account_id, ID_ACCOUNT),
	COL_ID(struct watcher_own, credential_id, ID_CREDENTIAL),
	COL(struct watcher_own, turn),
	COL(struct watcher_own, secret_version),
	COL_END,
};

const struct col watcher_inbox_cols[] = {
	COL(struct watcher_inbox, uidvalidity),
	COL(struct watcher_inbox, uid_next),
	COL(struct watcher_inbox, server_messages),
	COL_END,
};

const struct col watcher_quarantine_cols[] = {
	COL(struct watcher_quarantine, name),
	COL_STR(struct watcher_quarantine, wire_name),
	COL(struct watcher_quarantine, uid_next),
	COL_END,
};

const struct col watcher_view_cols[] = {
	COL_ID(struct watcher_view, id, ID_CREDENTIAL),
	COL(struct watcher_view, account_name),
	COL(struct watcher_view, email_address),
	COL(struct watcher_view, is_active),
	COL(struct watcher_view, state),
	COL(struct watcher_view, beat_ms),
	COL(struct watcher_view, error),
	COL_END,
};

const struct col watcher_beat_cols[] = {
	COL_ID(struct watcher_beat, credential_id, ID_CREDENTIAL),
	COL(struct watcher_beat, state),
	COL(struct watcher_beat, beat_ms),
	COL(struct watcher_beat, error_code),
	COL_END,
};

const struct col watcher_host_cols[] = {
	COL(struct watcher_host, name),
	COL(struct watcher_host, watched),
	COL(struct watcher_host, beat_s),
	COL_END,
};

enum rc
watcher_news(struct db *db, const struct watcher_own *w, bool mail, int64_t ms,
    struct arena *a)
{
	const struct task_new task = {
		.application_id = w->application_id,
		.action = "imap_watch",
		.credential_id = w->credential_id,
		.priority = mail ? NEWS_FIRST : NEWS_OTHER,
		.once = true,
		.run_at = INSTANT_NONE,
	};
	struct task_started *made;

	if (mail)
		TRY(watcher_told(
		    db, w->account_id, w->credential_id, ms, NULL));
	TRY(task_start(db, w->account_id, &task, a, &made));
	return watcher_hurry(db, w->account_id,
	    arena_fmt(a, "imap_watch:%lld", (long long)w->credential_id),
	    task.priority, NULL);
}
