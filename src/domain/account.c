#include "domain/account.h"

const struct col account_cols[] = { COL_ID(struct account, id, ID_ACCOUNT),
	COL_ID(struct account, account_id, ID_ACCOUNT),
	COL_ID(struct account, application_id, ID_APPLICATION),
	COL_ID(
	    struct account, parent_account_id, ID_ACCOUNT, .zero_null = true),
	COL(struct account, name), COL(struct account, status),
	COL(struct account, role, .note = "The reader's own."),
	COL_JSON(struct account, membership), COL(struct account, created_at),
	COL(struct account, updated_at), COL_END };

const struct col rights_cols[] = { COL(struct rights, role),
	COL(struct rights, is_admin), COL(struct rights, version), COL_END };
