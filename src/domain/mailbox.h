/* Mailboxes: the folders of a mail account, each with its sync cursor and its
 * ledger. */
#ifndef DOMAIN_MAILBOX_H
#define DOMAIN_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "db/row.h"

/* As the API shows it. On server = stored + skipped + missing. */
struct mailbox {
	int64_t id;
	int64_t account_id;
	int64_t credential_id;
	const char *name; /* UTF-8 */
	const char *delimiter;
	const char *special_use;
	struct texts attributes;
	bool is_selectable;
	int64_t uidvalidity;
	int64_t uid_next;
	int64_t highestmodseq;
	int64_t server_messages;
	int64_t server_unseen;
	int64_t stored_messages;
	int64_t skipped_messages;
	struct str skipped_reasons; /* {"why": how many}; p NULL: none */
	int64_t missing_messages;
	instant last_sync_at;
	const char *last_error_code;
	const char *last_error_detail;
	instant created_at;
	instant updated_at;
};
extern const struct col mailbox_cols[];

/* As the sync needs it. All UIDs in [uid_low, uid_next) have been looked at. */
struct mailbox_cursor {
	int64_t id;
	struct str name;
	struct str wire_name;
	const char *delimiter;
	const char *special_use;
	struct texts attributes;
	bool is_selectable;
	int64_t uidvalidity; /* 0: never looked into */
	int64_t uid_next;
	int64_t uid_low;
	int64_t news_from;     /* the first UID that was not there at first */
	int64_t highestmodseq; /* 0: unknown */
	int64_t server_messages;
	int64_t server_unseen;
	int64_t stored_messages;
	int64_t skipped_messages;
	instant flags_at;
	bool is_stale;     /* placements of another UIDVALIDITY are left */
	bool is_missing;   /* the last whole LIST did not name it */
	bool is_overdue;   /* nor did one of minutes before */
	bool is_waiting;   /* mail is stored that the cursor has not passed */
	bool skips_due;    /* what was set aside is to be tried again */
	bool texts_missed; /* some are due again when it is in step */
};
extern const struct col mailbox_cursor_cols[];

/* A server's own name for a folder, as the tables have it, and back: what is
 * no UTF-8 is kept as hexadecimal digits behind a mark. */
struct str mailbox_wire_text(struct arena *, struct str wire);
struct str mailbox_wire(struct arena *, struct str text);

#endif
