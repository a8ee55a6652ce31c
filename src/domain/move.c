#include "domain/move.h"

const struct col move_uid_cols[] = {
	COL(struct move_uid, uid),
	COL_END,
};

const struct col moved_cols[] = {
	COL(struct moved, uid),
	COL(struct moved, email_id),
	COL_END,
};
