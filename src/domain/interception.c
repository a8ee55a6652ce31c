#include "domain/interception.h"

const struct col held_cols[] = {
	COL_ID(struct held, id, ID_EMAIL),
	COL_ID(struct held, account_id, ID_CREDENTIAL),
	COL(struct held, subject),
	COL(struct held, sender),
	COL(struct held, recipients),
	COL(struct held, status),
	COL(struct held, risk_score),
	COL(struct held, keywords_matched, .content = true),
	COL(struct held, tags),
	COL(struct held, reason),
	COL(struct held, held_at, .hidden = true),
	COL(struct held, created_at),
	COL(struct held, latency_ms),
	COL(struct held, preview, .content = true),
	COL_END,
};

const struct col held_stats_cols[] = {
	COL(struct held_stats, total_held),
	COL(struct held_stats, last_24h),
	COL(struct held_stats, avg_latency_ms),
	COL_END,
};

const struct col held_full_cols[] = {
	COL_ID(struct held_full, id, ID_EMAIL),
	COL_ID(struct held_full, account_id, ID_CREDENTIAL),
	COL(struct held_full, subject),
	COL(struct held_full, sender),
	COL(struct held_full, recipients),
	COL(struct held_full, status),
	COL(struct held_full, state, .hidden = true),
	COL(struct held_full, reason),
	COL(struct held_full, risk_score),
	COL(struct held_full, keywords_matched),
	COL(struct held_full, tags),
	COL_BYTES(struct held_full, sha256),
	COL_INT0(struct held_full, original_uid),
	COL(struct held_full, received_at, .hidden = true),
	COL(struct held_full, created_at),
	COL(struct held_full, held_at),
	COL(struct held_full, latency_ms),
	COL(struct held_full, edited_subject),
	COL(struct held_full, edited_text, .hidden = true),
	COL(struct held_full, edited_html, .hidden = true),
	COL_ID(struct held_full, edited_by, ID_USER, .zero_null = true),
	COL(struct held_full, edited_at),
	COL(struct held_full, edited_message_id),
	COL_BYTES(struct held_full, edited_sha256),
	COL(struct held_full, removed_files, .hidden = true),
	COL(struct held_full, strip_attachments, .hidden = true),
	COL(struct held_full, released_to),
	COL(struct held_full, is_given, .hidden = true),
	COL(struct held_full, error_code),
	COL(struct held_full, error_detail),
	COL(struct held_full, content_hash),
	COL_END,
};

const struct col held_state_cols[] = {
	COL(struct held_state, email_id),
	COL(struct held_state, credential_id),
	COL(struct held_state, application_id),
	COL(struct held_state, state),
	COL(struct held_state, edited_by),
	COL(struct held_state, error_code),
	COL(struct held_state, error_detail),
	COL(struct held_state, is_edited),
	COL(struct held_state, four_eyes),
	COL(struct held_state, is_given),
	COL(struct held_state, content_hash),
	COL_END,
};

const char *const review_policies[] = { "open", "four_eyes", NULL };
const char *const hold_expiry_actions[] = { "discard", "release", NULL };

const struct col review_setting_cols[] = {
	COL(struct review_setting, review_policy),
	COL_INT0(struct review_setting, hold_expiry_days),
	COL(struct review_setting, hold_expiry_action),
	COL_END,
};

const struct col held_email_cols[] = {
	COL(struct held_email, id),
	COL(struct held_email, application_id),
	COL(struct held_email, credential_id),
	COL(struct held_email, is_placed),
	COL_END,
};

const struct col review_account_cols[] = {
	COL_ID(struct review_account, id, ID_CREDENTIAL),
	COL(struct review_account, account_name),
	COL(struct review_account, email_address),
	COL(struct review_account, imap_host),
	COL(struct review_account, imap_port),
	COL(struct review_account, is_active),
	COL(struct review_account, provider_type),
	COL(struct review_account, last_checked),
	COL(struct review_account, quarantine_folder),
	COL_END,
};

const struct col inbox_email_cols[] = {
	COL_ID(struct inbox_email, id, ID_EMAIL),
	COL_ID(
	    struct inbox_email, account_id, ID_CREDENTIAL, .zero_null = true),
	COL(struct inbox_email, subject),
	COL(struct inbox_email, sender),
	COL(struct inbox_email, status),
	COL(struct inbox_email, interception_status),
	COL(struct inbox_email, created_at),
	COL_END,
};
