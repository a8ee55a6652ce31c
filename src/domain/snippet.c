#include "domain/snippet.h"

const struct col snippet_due_cols[] = {
	COL(struct snippet_due, id),
	COL(struct snippet_due, mailbox_id),
	COL_STR(struct snippet_due, wire_name),
	COL(struct snippet_due, uidvalidity),
	COL(struct snippet_due, uid),
	COL_STR(struct snippet_due, part_number),
	COL_STR(struct snippet_due, content_type),
	COL_STR(struct snippet_due, charset),
	COL_STR(struct snippet_due, encoding),
	COL(struct snippet_due, size_bytes),
	COL(struct snippet_due, is_hashed),
	COL_END,
};
