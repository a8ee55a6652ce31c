#include "domain/user.h"

const struct col user_cols[] = { COL_ID(struct user, id, ID_USER),
	COL_ID(struct user, application_id, ID_APPLICATION),
	COL(struct user, email), COL(struct user, username),
	COL(struct user, name), COL(struct user, role),
	COL(struct user, status), COL(struct user, is_active),
	COL_ID(struct user, active_account_id, ID_ACCOUNT, .zero_null = true),
	COL(struct user, last_login_at), COL(struct user, created_at),
	COL(struct user, updated_at), COL_END };

const struct col user_ci_cols[] = { COL_ID(struct user, id, ID_USER),
	COL(struct user, email), COL(struct user, name), COL(struct user, role),
	COL(struct user, is_active), COL(struct user, last_login_at),
	COL(struct user, created_at), COL(struct user, updated_at), COL_END };

const struct col user_imap_cols[] = {
	COL_ID(struct user_imap, id, ID_CREDENTIAL),
	COL(struct user_imap, email), COL(struct user_imap, imap_host), COL_END
};
