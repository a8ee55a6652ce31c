#include "domain/membership.h"

const struct col membership_cols[] = { COL_ID(struct membership, id, ID_MEMBER,
					   .zero_null = true),
	COL_ID(struct membership, account_id, ID_ACCOUNT),
	COL_ID(struct membership, user_id, ID_USER),
	COL(struct membership, role),
	COL(struct membership, account_name, .hidden = true),
	COL(struct membership, email), COL(struct membership, name),
	COL(struct membership, is_active), COL(struct membership, created_at),
	COL(struct membership, updated_at), COL_END };

const struct col membership_own_cols[] = { COL_ID(struct membership, id,
					       ID_MEMBER, .zero_null = true),
	COL_ID(struct membership, account_id, ID_ACCOUNT),
	COL(struct membership, account_name),
	COL_ID(struct membership, user_id, ID_USER),
	COL(struct membership, role), COL_END };
