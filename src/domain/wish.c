#include "domain/wish.h"

#include "domain/task.h"

const struct col wish_cols[] = {
	COL(struct wish, application_id),
	COL(struct wish, credential_id),
	COL_END,
};

enum rc
wish_queue(
    struct db *db, int64_t account, const struct wish *w, struct arena *a)
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
