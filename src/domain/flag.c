#include "domain/flag.h"

#include "domain/flag-sql.h"
#include "domain/placement-sql.h"
#include "domain/wish.h"

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

enum rc
email_flags_set(struct db *db, int64_t account, int64_t email,
    const struct email_flags *f, struct arena *a)
{
	struct str added[FLAGS], removed[FLAGS];
	struct texts add, remove;
	struct wish *w;
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
	return wish_queue(db, account, w, a);
}
