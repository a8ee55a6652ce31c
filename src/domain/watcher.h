/* Watchers: who keeps a session open for a mail account, and how that stands.
 *
 * What is to be watched is the credential's to say: sync_mode is "idle". So
 * starting and stopping a watcher is a change of that, and whichever process
 * has its row follows within two seconds. A row is a process's as long as that
 * one's heart beats, WATCHER_LEASE_S at most behind the last beat; then any
 * other takes it. Two that watch the same for a moment do no harm: a watcher
 * only says that there is news, and the job of that runs once at a time. */
#ifndef DOMAIN_WATCHER_H
#define DOMAIN_WATCHER_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"
#include "domain/task.h"

#define WATCHER_LEASE_S 10

/* What one process has to watch. Another turn or secret: begin anew. */
struct watcher_own {
	int64_t application_id, account_id, credential_id;
	int64_t turn;
	int64_t secret_version;
};
extern const struct col watcher_own_cols[];

struct watcher_inbox {
	int64_t uidvalidity, uid_next, server_messages;
};
extern const struct col watcher_inbox_cols[];

struct watcher_quarantine {
	const char *name;
	struct str wire_name; /* p == NULL: not seen yet */
	int64_t uid_next;
};
extern const struct col watcher_quarantine_cols[];

/* As it is shown. */
struct watcher_view {
	int64_t id;
	const char *account_name, *email_address;
	bool is_active;
	const char *state; /* idle polling stopped unknown */
	int64_t beat_ms;   /* INT64_MIN: none yet */
	const char *error;
};
extern const struct col watcher_view_cols[];

struct watcher_beat {
	int64_t credential_id;
	const char *state;
	int64_t beat_ms;
	const char *error_code;
};
extern const struct col watcher_beat_cols[];

struct watcher_host {
	const char *name;
	int64_t watched, beat_s;
};
extern const struct col watcher_host_cols[];

/* The server has told of news `ms` ago: a job looks at once. `mail`: there is
 * more of it than before. In a transaction. */
enum rc watcher_news(struct db *, const struct watcher_own *, bool mail,
    int64_t ms, struct arena *) MUST_CHECK;

#endif
