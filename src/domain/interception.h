/* Interception: mail that waits for review, as reviewers see it. */
#ifndef DOMAIN_INTERCEPTION_H
#define DOMAIN_INTERCEPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "db/row.h"
#include "domain/hold.h"

struct held {
	int64_t id;
	int64_t account_id; /* the mail account */
	const char *subject, *sender, *recipients, *status;
	int32_t risk_score;
	struct texts keywords_matched, tags;
	const char *reason;
	instant held_at, created_at;
	int32_t latency_ms;
	const char *preview;
};
extern const struct col held_cols[];

struct held_stats {
	int64_t total_held, last_24h, avg_latency_ms;
};
extern const struct col held_stats_cols[];

struct held_full {
	int64_t id;
	int64_t account_id;
	const char *subject, *sender, *recipients, *status, *state, *reason;
	int32_t risk_score;
	struct texts keywords_matched, tags;
	struct str sha256;
	int64_t original_uid;
	instant received_at, created_at, held_at;
	int32_t latency_ms;
	const char *edited_subject, *edited_text, *edited_html;
	int64_t edited_by;
	instant edited_at;
	const char *edited_message_id;
	struct str edited_sha256;
	struct texts removed_files;
	bool strip_attachments;
	const char *released_to; /* NULL: INBOX, or nowhere */
	bool is_given;           /* to be sent: it lies in no folder */
	const char *error_code, *error_detail;
	const char *content_hash; /* of what would go now */
};
extern const struct col held_full_cols[];

struct held_state {
	int64_t email_id, credential_id, application_id;
	const char *state;
	int64_t edited_by;
	const char *error_code, *error_detail;
	bool is_edited;
	bool four_eyes; /* the account wants them */
	bool is_given;  /* as above */
	const char *content_hash;
};
extern const struct col held_state_cols[];

/* What an account has chosen; see 0165-review.sql. */
struct review_setting {
	const char *review_policy;
	int64_t hold_expiry_days; /* 0: never */
	const char *hold_expiry_action;
};
extern const struct col review_setting_cols[];
extern const char *const review_policies[]; /* NULL at the end */
extern const char *const hold_expiry_actions[];

struct held_email {
	int64_t id, application_id, credential_id;
	bool is_placed;
};
extern const struct col held_email_cols[];

/* A mail account, as the third document prints it. */
struct review_account {
	int64_t id;
	const char *account_name, *email_address, *imap_host;
	int32_t imap_port;
	int32_t is_active; /* 1 or 0 */
	const char *provider_type;
	instant last_checked;
	const char *quarantine_folder;
};
extern const struct col review_account_cols[];

struct inbox_email {
	int64_t id;
	int64_t account_id;
	const char *subject, *sender, *status, *interception_status;
	instant created_at;
};
extern const struct col inbox_email_cols[];

#endif
