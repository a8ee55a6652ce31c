#include "domain/work.h"

const struct col work_depth_cols[] = {
	COL(struct work_depth, state),
	COL(struct work_depth, action),
	COL(struct work_depth, n),
	COL(struct work_depth, due_s),
	COL_END,
};

const struct col work_worker_cols[] = {
	COL(struct work_worker, name),
	COL(struct work_worker, jobs),
	COL_END,
};

const struct col work_sync_cols[] = {
	COL_ID(struct work_sync, credential_id, ID_CREDENTIAL),
	COL_ID(struct work_sync, account_id, ID_ACCOUNT),
	COL(struct work_sync, status),
	COL(struct work_sync, last_checked),
	COL(struct work_sync, last_error_code),
	COL_END,
};

const struct col work_metric_cols[] = {
	COL(struct work_metric, what),
	COL(struct work_metric, state),
	COL(struct work_metric, kind),
	COL(struct work_metric, n),
	COL(struct work_metric, due_s),
	COL_END,
};
