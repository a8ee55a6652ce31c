#include "domain/move.h"

const struct col move_uid_cols[] = {
	COL(struct move_uid, uid),
	COL_END,
};

const struct col move_sized_cols[] = {
	COL(struct move_sized, uid),
	COL(struct move_sized, is_dated),
	COL_END,
};

const struct col move_lying_cols[] = {
	COL(struct move_lying, email_id),
	COL(struct move_lying, size_bytes),
	COL(struct move_lying, mailbox_id),
	COL_STR(struct move_lying, wire_name),
	COL(struct move_lying, uidvalidity),
	COL(struct move_lying, uid),
	COL_END,
};

const struct col moved_cols[] = {
	COL(struct moved, uid),
	COL(struct moved, email_id),
	COL_END,
};
