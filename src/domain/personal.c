#include "domain/personal.h"

const char *const personal_encryptions[] = { "ssl", "tls", "none", NULL };
const char *const personal_modes[] = { "ssl_tls", "starttls", "none", NULL };

const struct col personal_account_cols[] = {
	COL_ID(struct personal_account, id, ID_CREDENTIAL),
	COL(struct personal_account, email),
	COL(struct personal_account, imap_host),
	COL(struct personal_account, imap_port),
	COL(struct personal_account, imap_username),
	COL(struct personal_account, imap_encryption,
	    .note = "ssl: from the first byte; tls: STARTTLS."),
	COL(struct personal_account, is_default),
	COL(struct personal_account, is_active),
	COL(struct personal_account, last_sync_at),
	COL(struct personal_account, created_at),
	COL(struct personal_account, updated_at),
	COL_END,
};

const struct col mail_transfer_cols[] = {
	COL(struct mail_transfer, id),
	COL(struct mail_transfer, email_id),
	COL_STR(struct mail_transfer, folder),
	COL(struct mail_transfer, state),
	COL(struct mail_transfer, uidvalidity),
	COL(struct mail_transfer, uid_next),
	COL_BYTES(struct mail_transfer, sha256),
	COL(struct mail_transfer, size_bytes),
	COL(struct mail_transfer, received_at),
	COL_END,
};

const struct col transfer_seen_cols[] = {
	COL_ID(struct transfer_seen, email_id, ID_EMAIL),
	COL(struct transfer_seen, state),
	COL(struct transfer_seen, error_code),
	COL_END,
};
