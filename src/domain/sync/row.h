/* A message as FETCH tells of it, made into the columns of an email: decoded,
 * valid UTF-8 without NUL, bounded. */
#ifndef DOMAIN_SYNC_ROW_H
#define DOMAIN_SYNC_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/buffer.h"
#include "core/clock.h"
#include "core/text.h"
#include "mail/imap-message.h"

/* p == NULL is SQL NULL. */
struct sync_row {
	int64_t uid;
	struct str flags; /* sorted by byte, divided by one blank */
	struct str message_id;
	struct str in_reply_to;
	struct str references;
	struct str subject;
	struct str from, to, cc, bcc; /* JSON */
	struct str reply_to;          /* p == NULL: replies go to `from` */
	instant sent_at;
	instant received_at;
	int64_t size;
	bool has_attachments;
	struct str structure;   /* JSON, see email_told (SQL) */
	struct str server_id;   /* EMAILID, or X-GM-MSGID as "gm:N" */
	struct str skip_reason; /* why it could not be read whole */
};

/* The text lives in `a`; `scratch` is reset. Never fails: what is missing or
 * broken is left out, and said in skip_reason. */
void sync_row_make(const struct imap_message *, struct arena *a,
    struct buf *scratch, struct sync_row *);

/* A row for a message that the server lists but does not show. */
void sync_row_skip(int64_t uid, const char *why, struct sync_row *);

/* Flags in the form of the `flags` member, without \Recent. */
struct str sync_flags_text(const struct imap_flags *, struct arena *a);

#endif
