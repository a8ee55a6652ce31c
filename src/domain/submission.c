#include "domain/submission.h"

#include <string.h>

#include "domain/raw-store.h"

const struct col submission_cols[] = {
	COL(struct submission, id),
	COL(struct submission, credential_id),
	COL(struct submission, email_id),
	COL(struct submission, message_id),
	COL_BYTES(struct submission, message),
	COL_BYTES(struct submission, raw_sha256),
	COL(struct submission, is_utf8),
	COL(struct submission, sender),
	COL(struct submission, state),
	COL(struct submission, first_at),
	COL(struct submission, attempt_count),
	COL(struct submission, look_count),
	COL(struct submission, last_error_code),
	COL(struct submission, last_error_detail),
	COL(struct submission, file_task_id),
	COL(struct submission, filed_at),
	COL_END,
};

const struct col submission_recipient_cols[] = {
	COL(struct submission_recipient, n, .hidden = true),
	COL(struct submission_recipient, address),
	COL(struct submission_recipient, kind),
	COL(struct submission_recipient, state),
	COL_INT0(struct submission_recipient, code),
	COL(struct submission_recipient, detail),
	COL(struct submission_recipient, report),
	COL(struct submission_recipient, reported_at),
	COL_END,
};

const struct col submission_filing_cols[] = {
	COL(struct submission_filing, id),
	COL(struct submission_filing, email_id),
	COL(struct submission_filing, message_id),
	COL_BYTES(struct submission_filing, message),
	COL_BYTES(struct submission_filing, raw_sha256),
	COL(struct submission_filing, sender),
	COL(struct submission_filing, state),
	COL(struct submission_filing, filed_at),
	COL(struct submission_filing, size_bytes),
	COL_BYTES(struct submission_filing, sha256),
	COL_END,
};

const struct col submission_settled_cols[] = {
	COL(struct submission_settled, id),
	COL(struct submission_settled, credential_id),
	COL(struct submission_settled, email_id),
	COL(struct submission_settled, message_id),
	COL(struct submission_settled, sender),
	COL(struct submission_settled, state),
	COL(struct submission_settled, file_job_id),
	COL_JSON(struct submission_settled, recipients),
	COL_END,
};

const struct col submission_seen_cols[] = {
	COL(struct submission_seen, id),
	COL(struct submission_seen, email_id),
	COL(struct submission_seen, task_id),
	COL(struct submission_seen, job_id),
	COL(struct submission_seen, job_state),
	COL(struct submission_seen, state),
	COL(struct submission_seen, attempt_count),
	COL(struct submission_seen, last_error_code),
	COL(struct submission_seen, last_error_detail),
	COL(struct submission_seen, subject),
	COL_JSON(struct submission_seen, to_json),
	COL_JSON(struct submission_seen, cc_json),
	COL(struct submission_seen, sent_at),
	COL(struct submission_seen, thread_id),
	COL(struct submission_seen, message_id),
	COL_END,
};

static const char *const words[] = {
#define SUBMISSION_WORD(name, word) word,
	SUBMISSION_STATES(SUBMISSION_WORD)
#undef SUBMISSION_WORD
};

const char *
submission_word(enum submission_state s)
{
	return words[s];
}

bool
submission_is(const char *state, enum submission_state s)
{
	return strcmp(state, words[s]) == 0;
}

enum rc
submission_bytes(const struct conf *conf, int64_t account, struct str message,
    struct str raw_sha256, struct arena *a, struct str *out)
{
	struct raw_store *raws;

	*out = message;
	if (message.p == NULL && raw_sha256.p != NULL) {
		TRY(raw_store_open(conf, account, a, &raws));
		*out = raw_store_find(raws, raw_sha256, a);
	}
	return out->p != NULL
	    ? RC_OK
	    : fail(RC_PAYLOAD, "the message is no longer kept");
}
