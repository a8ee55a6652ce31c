#include "domain/flag.h"

#include "domain/flag-sql.h"
#include "domain/placement-sql.h"
#include "domain/task.h"

const struct col flag_wanted_cols[] = {
	COL(struct flag_wanted, application_id),
	COL(struct flag_wanted, credential_id),
	COL_END,
};

const struct col flag_due_cols[] = {
	COL(struct flag_due, email_id),
	COL(struct flag_due, version),
	COL(struct flag_due, flags_add),
	COL(struct flag_due, flags_remove),
	COL(struct flag_due, mailbox_id),
	COL_STR(struct flag_due, wire_name),
	COL(struct flag_due, uidvalidity),
	COL(struct flag_due, uid),
	COL_END,
};

#define FLAGS 4

static void
sort_out(const struct email_flags *f, struct texts *add, struct str *added,
    struct texts *remove, struct str *removed)
{
	const struct {
		const bool *wanted;
		struct str flag;
	} row[FLAGS] = {
		{ f->is_answered, STR("\\Answered") },
		{ f->is_draft, STR("\\Draft") },
		{ f->is_flagged, STR("\\Flagged") },
		{ f->is_read, STR("\\Seen") },
	};

	*add = (struct texts){ added, 0 };
	*remove = (struct texts){ removed, 0 };
	for (size_t i = 0; i < FLAGS; i++) {
		if (row[i].wanted == NULL)
			continue;
		if (*row[i].wanted)
			added[add->n++] = row[i].flag;
		else
			removed[remove->n++] = row[i].flag;
	}
}

/* The server is told by a job of its own; one that waits already takes this
 * wish along. */
static enum rc
queue_store(struct db *db, int64_t account, const struct flag_wanted *w,
    struct arena *a)
{
	const struct task_new task = { .application_id = w->application_id,
		.action = "imap_store_flags",
		.credential_id = w->credential_id,
		.priority = 6,
		.once = true,
		.run_at = INSTANT_NONE };
	struct task_started *started;

	return task_start(db, account, &task, a, &started);
}

enum rc
email_flags_set(struct db *db, int64_t account, int64_t email,
    const struct email_flags *f, struct arena *a)
{
	struct str added[FLAGS], removed[FLAGS];
	struct texts add, remove;
	struct flag_wanted *w;
	const struct ids ids = { &email, 1 };
	size_t n;

	sort_out(f, &add, added, &remove, removed);
	if (add.n + remove.n == 0)
		return RC_OK;
	TRY(email_hold(db, account, ids, NULL));
	TRY(flag_want(db, account, email, add, remove, a, &w));
	if (w == NULL) {
		TRY(flag_set_here(db, account, email, add, remove, &n));
		return RC_OK;
	}
	TRY(email_settle(db, account, ids, NULL));
	return queue_store(db, account, w, a);
}
