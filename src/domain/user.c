#include "domain/user.h"

const struct col user_cols[] = { COL_ID(struct user, id, ID_USER),
	COL_ID(struct user, application_id, ID_APPLICATION),
	COL(struct user, email), COL(struct user, username),
	COL(struct user, name), COL(struct user, role),
	COL(struct user, status), COL(struct user, is_active),
	COL_ID(struct user, active_account_id, ID_ACCOUNT, .zero_null = true),
	COL(struct user, last_login_at), COL(struct user, created_at),
	COL(struct user, updated_at), COL_END };
