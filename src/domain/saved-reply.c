#include "domain/saved-reply.h"

const struct col saved_reply_cols[] = {
	COL_ID(struct saved_reply, id, ID_NUMBER),
	COL(struct saved_reply, name),
	COL(struct saved_reply, subject),
	COL(struct saved_reply, body_text),
	COL(struct saved_reply, body_html),
	COL(struct saved_reply, display_order),
	COL_ID(struct saved_reply, user_id, ID_USER, .zero_null = true,
	    .note = "Who made it."),
	COL(struct saved_reply, created_at),
	COL(struct saved_reply, updated_at),
	COL_END,
};
