#include "domain/expunge.h"

#include "domain/email-sql.h"
#include "domain/expunge-sql.h"
#include "domain/wish.h"

const struct col expunge_due_cols[] = {
	COL(struct expunge_due, email_id),
	COL(struct expunge_due, mailbox_id),
	COL_STR(struct expunge_due, name),
	COL_STR(struct expunge_due, wire_name),
	COL(struct expunge_due, uidvalidity),
	COL(struct expunge_due, uid),
	COL(struct expunge_due, size_bytes),
	COL(struct expunge_due, received_at),
	COL(struct expunge_due, is_dated),
	COL(struct expunge_due, is_skipped),
	COL_STR(struct expunge_due, bin),
	COL_END,
};

enum rc
email_expunge(struct db *db, int64_t account, int64_t email, struct arena *a)
{
	struct wish *w;

	TRY(email_remove(db, account, email));
	TRY(expunge_want(db, account, email, a, &w));
	return w != NULL ? wish_queue(db, account, w, a) : RC_OK;
}
