#include "db/thing.h"

const struct col thing_cols[] = {
	COL_ID(struct thing, id, ID_TASK),
	COL_ID(struct thing, account_id, ID_ACCOUNT),
	COL(struct thing, name),
	COL_INT0(struct thing, number),
	COL(struct thing, flag),
	COL(struct thing, at),
	COL_JSON(struct thing, data),
	COL_BYTES(struct thing, raw),
	COL_STR(struct thing, note, .content = true),
	COL_END,
};

const struct col thing_actor_cols[] = {
	COL_ID(struct thing_actor, account, ID_ACCOUNT),
	COL(struct thing_actor, role),
	COL_END,
};

const struct col thing_arrays_cols[] = {
	COL(struct thing_arrays, ids),
	COL(struct thing_arrays, ints),
	COL(struct thing_arrays, int4s),
	COL(struct thing_arrays, bools),
	COL(struct thing_arrays, times),
	COL(struct thing_arrays, texts),
	COL(struct thing_arrays, jsons),
	COL(struct thing_arrays, bytess),
	COL_END,
};
