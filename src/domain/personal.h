/* Personal mail accounts: IMAP credentials with an owner, who alone sees them,
 * and the copying of mail out of them. */
#ifndef DOMAIN_PERSONAL_H
#define DOMAIN_PERSONAL_H

#include <stdbool.h>
#include <stdint.h>

#include "db/row.h"

/* As the second document shows it. */
struct personal_account {
	int64_t id;
	const char *email;
	const char *imap_host;
	int32_t imap_port;
	const char *imap_username; /* sealed with the secret; NULL: not read */
	const char *imap_encryption;
	bool is_default, is_active;
	instant last_sync_at, created_at, updated_at;
};
extern const struct col personal_account_cols[];

/* imap_encryption, and the security_mode that each is; NULL-terminated. */
extern const char *const personal_encryptions[];
extern const char *const personal_modes[];

/* A mail to be copied, as its job sees it. */
struct mail_transfer {
	int64_t id;
	int64_t email_id;
	struct str folder;
	const char *state; /* waiting, appending */
	int64_t uidvalidity, uid_next;
	struct str sha256;
	int64_t size_bytes;
	instant received_at;
};
extern const struct col mail_transfer_cols[];

/* As who wished for it sees it. */
struct transfer_seen {
	int64_t email_id;
	const char *state;
	const char *error_code; /* NULL: none */
};
extern const struct col transfer_seen_cols[];

#endif
