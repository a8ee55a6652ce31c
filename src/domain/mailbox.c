#include "domain/mailbox.h"

#include <string.h>

/* U+E001 in modified UTF-7: nobody's name begins with it. */
#define MARK "&4AE-"

const struct col mailbox_cols[] = {
	COL_ID(struct mailbox, id, ID_MAILBOX),
	COL_ID(struct mailbox, account_id, ID_ACCOUNT),
	COL_ID(struct mailbox, credential_id, ID_CREDENTIAL),
	COL(struct mailbox, name),
	COL(struct mailbox, delimiter),
	COL(struct mailbox, special_use,
	    .note = "inbox, sent, drafts, trash, junk, archive, all, flagged, "
		    "important"),
	COL(struct mailbox, attributes),
	COL(struct mailbox, is_selectable),
	COL_INT0(struct mailbox, uidvalidity),
	COL(struct mailbox, uid_next),
	COL_INT0(struct mailbox, highestmodseq),
	COL(struct mailbox, server_messages,
	    .note = "As the server last said."),
	COL(struct mailbox, server_unseen),
	COL(struct mailbox, stored_messages),
	COL(struct mailbox, skipped_messages,
	    .note = "Stored, but could not be read whole; each has a reason."),
	COL_JSON(struct mailbox, skipped_reasons,
	    .note = "How many for each reason; null where none."),
	COL(struct mailbox, missing_messages,
	    .note = "On the server, neither stored nor skipped; 0 when a sync "
		    "has ended."),
	COL(struct mailbox, last_sync_at, .note = "The last success."),
	COL(struct mailbox, last_error_code),
	COL(struct mailbox, last_error_detail),
	COL(struct mailbox, created_at),
	COL(struct mailbox, updated_at),
	COL_END,
};

const struct col mailbox_cursor_cols[] = {
	COL(struct mailbox_cursor, id),
	COL_STR(struct mailbox_cursor, name),
	COL_STR(struct mailbox_cursor, wire_name),
	COL(struct mailbox_cursor, delimiter),
	COL(struct mailbox_cursor, special_use),
	COL(struct mailbox_cursor, attributes),
	COL(struct mailbox_cursor, is_selectable),
	COL(struct mailbox_cursor, uidvalidity),
	COL(struct mailbox_cursor, uid_next),
	COL(struct mailbox_cursor, uid_low),
	COL(struct mailbox_cursor, news_from),
	COL(struct mailbox_cursor, highestmodseq),
	COL(struct mailbox_cursor, server_messages),
	COL(struct mailbox_cursor, server_unseen),
	COL(struct mailbox_cursor, stored_messages),
	COL(struct mailbox_cursor, skipped_messages),
	COL(struct mailbox_cursor, flags_at),
	COL(struct mailbox_cursor, is_stale),
	COL(struct mailbox_cursor, is_missing),
	COL(struct mailbox_cursor, is_overdue),
	COL(struct mailbox_cursor, is_waiting),
	COL(struct mailbox_cursor, skips_due),
	COL(struct mailbox_cursor, texts_missed),
	COL_END,
};

static bool
is_marked(struct str s)
{
	return s.n >= strlen(MARK) && memcmp(s.p, MARK, strlen(MARK)) == 0;
}

struct str
mailbox_wire_text(struct arena *a, struct str wire)
{
	size_t head = strlen(MARK), n = head + 2 * wire.n;
	char *out;

	if (utf8_valid(wire.p, wire.n) && !is_marked(wire))
		return wire;
	out = arena_alloc(a, n + 1);
	memcpy(out, MARK, head);
	hex_encode(wire.p, wire.n, out + head);
	return (struct str){ out, n };
}

struct str
mailbox_wire(struct arena *a, struct str text)
{
	size_t head = strlen(MARK), n;
	char *out;

	if (text.p == NULL || !is_marked(text))
		return text;
	n = (text.n - head) / 2;
	out = arena_alloc(a, n + 1);
	return hex_decode((struct str){ text.p + head, text.n - head }, out, n)
	    ? (struct str){ out, n }
	    : text;
}
