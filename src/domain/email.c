#include "domain/email.h"

/* clang-format off */
#define EMAIL_COLS                                                             \
	COL_ID(struct email, id, ID_EMAIL), \
	COL_ID(struct email, account_id, ID_ACCOUNT), \
	COL_ID(struct email, credential_id, ID_CREDENTIAL, .zero_null = true), \
	COL_ID(struct email, mailbox, ID_MAILBOX, .zero_null = true), \
	COL(struct email, folder), \
	COL_INT0(struct email, uid), \
	COL(struct email, message_id), \
	COL(struct email, in_reply_to), \
	COL(struct email, references), \
	COL_ID(struct email, thread_id, ID_NUMBER, .zero_null = true), \
	COL(struct email, direction), \
	COL(struct email, subject), \
	COL_JSON(struct email, from_json), \
	COL_JSON(struct email, to_json), \
	COL_JSON(struct email, cc_json), \
	COL_JSON(struct email, bcc_json), \
	COL_JSON(struct email, reply_to_json, \
	    .note = "null: replies go to from_json"), \
	COL(struct email, sent_at), \
	COL(struct email, received_at), \
	COL(struct email, size_bytes), \
	COL(struct email, is_read), \
	COL(struct email, is_flagged), \
	COL(struct email, is_answered), \
	COL(struct email, is_draft), \
	COL(struct email, flags), \
	COL(struct email, has_attachments), \
	COL(struct email, snippet, .content = true), \
	COL(struct email, interception_status), \
	COL(struct email, status), \
	COL(struct email, created_at), \
	COL(struct email, updated_at),
/* clang-format on */

const struct col email_cols[] = {
	EMAIL_COLS COL(struct email, account_total, .hidden = true),
	COL(struct email, place, .hidden = true),
	COL(struct email, extract, .hidden = true),
	COL_END,
};

const struct col email_found_cols[] = {
	EMAIL_COLS COL(struct email, extract, .content = true,
	    .note = "HTML: where the query's words stand in the text, each in "
		    "<mark>."),
	COL_END,
};

_Static_assert(offsetof(struct email_whole, email) == 0,
    "its columns are those of an email");
const struct col email_whole_cols[] = {
	EMAIL_COLS COL_JSON(struct email_whole, recipients,
	    .note = "Of mail that was sent: address, kind, state, code, detail "
		    "of each, and what was reported of it later."),
	COL_JSON(struct email_whole, report,
	    .note = "Of a delivery report or complaint: kind, feedback, and "
		    "email_id of what it is about, if that is ours."),
	COL_END,
};

const struct col email_total_cols[] = { COL(struct email_total, is_kept),
	COL(struct email_total, n), COL_END };
