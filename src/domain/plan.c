#include "domain/plan.h"

const struct col plan_cols[] = {
	COL(struct plan, name),
	COL(struct plan, title),
	COL(struct plan, features),
	COL(struct plan, credentials),
	COL(struct plan, members),
	COL(struct plan, watched),
	COL(struct plan, sends_per_day),
	COL(struct plan, storage_bytes),
	COL(struct plan, is_default),
	COL_END,
};

const struct col plan_limit_cols[] = {
	COL(struct plan_limit, name),
	COL(struct plan_limit, most),
	COL(struct plan_limit, used),
	COL_END,
};

const struct col plan_account_cols[] = {
	COL(struct plan_account, account_id),
	COL(struct plan_account, name),
	COL(struct plan_account, plan),
	COL(struct plan_account, is_given),
	COL(struct plan_account, status),
	COL(struct plan_account, current_period_end),
	COL_END,
};
