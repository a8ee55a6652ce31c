#include "domain/presence.h"

const struct col presence_cols[] = {
	COL(struct presence, user_id),
	COL(struct presence, name),
	COL(struct presence, state),
	COL(struct presence, since),
	COL(struct presence, expires_at),
	COL_END,
};
