#include "domain/setup.h"

const struct col setup_application_cols[] = { COL(struct setup_application, id),
	COL(struct setup_application, name), COL_END };

const struct col setup_account_cols[] = { COL(struct setup_account, id),
	COL(struct setup_account, parent_account_id),
	COL(struct setup_account, name), COL(struct setup_account, status),
	COL(struct setup_account, members), COL_END };

const struct col setup_user_cols[] = { COL(struct setup_user, id),
	COL(struct setup_user, email), COL(struct setup_user, username),
	COL(struct setup_user, role), COL(struct setup_user, memberships),
	COL(struct setup_user, is_active),
	COL(struct setup_user, last_login_at), COL_END };

const struct col setup_client_cols[] = { COL(struct setup_client, id),
	COL(struct setup_client, account_id), COL(struct setup_client, name),
	COL(struct setup_client, role), COL(struct setup_client, has_secret),
	COL(struct setup_client, is_app_admin),
	COL(struct setup_client, is_active), COL_END };

const struct col setup_right_cols[] = { COL(struct setup_right, account_id),
	COL(struct setup_right, role), COL(struct setup_right, version),
	COL_END };

const struct col setup_search_cols[] = { COL(struct setup_search, id),
	COL(struct setup_search, language), COL(struct setup_search, emails),
	COL(struct setup_search, indexed), COL(struct setup_search, waiting),
	COL_END };
