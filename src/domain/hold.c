#include "domain/hold.h"

#include <string.h>

static const char *const words[] = {
#define HOLD_STATE_WORD(name, word) word,
	HOLD_STATES(HOLD_STATE_WORD)
#undef HOLD_STATE_WORD
};

const char *
hold_state_word(enum hold_state state)
{
	return words[state];
}

bool
hold_is(const char *state, enum hold_state is)
{
	return strcmp(state, words[is]) == 0;
}

const struct col hold_folder_cols[] = {
	COL(struct hold_folder, id),
	COL_STR(struct hold_folder, name),
	COL_STR(struct hold_folder, wire_name),
	COL(struct hold_folder, uidvalidity),
	COL(struct hold_folder, delimiter),
	COL_END,
};

const struct col hold_figures_cols[] = {
	COL(struct hold_figures, held),
	COL(struct hold_figures, released),
	COL(struct hold_figures, latency_ms),
	COL_END,
};

const struct col hold_work_cols[] = {
	COL(struct hold_work, email_id),
	COL(struct hold_work, state),
	COL(struct hold_work, why),
	COL_BYTES(struct hold_work, sha256),
	COL(struct hold_work, size_bytes),
	COL(struct hold_work, received_at),
	COL(struct hold_work, flags),
	COL(struct hold_work, is_visible),
	COL(struct hold_work, at_mailbox_id),
	COL_STR(struct hold_work, at_name),
	COL_STR(struct hold_work, at_wire),
	COL(struct hold_work, at_uidvalidity),
	COL(struct hold_work, at_uid),
	COL(struct hold_work, at_use),
	COL(struct hold_work, to_mailbox_id),
	COL_STR(struct hold_work, to_name),
	COL_STR(struct hold_work, to_wire),
	COL(struct hold_work, to_uidvalidity),
	COL(struct hold_work, to_uidnext),
	COL(struct hold_work, to_uid),
	COL(struct hold_work, target_mailbox_id),
	COL_STR(struct hold_work, target_name),
	COL_STR(struct hold_work, target_wire),
	COL(struct hold_work, edited_subject),
	COL(struct hold_work, edited_text),
	COL(struct hold_work, edited_html),
	COL(struct hold_work, strip_attachments),
	COL_BYTES(struct hold_work, edited_sha256),
	COL(struct hold_work, edited_message_id),
	COL_END,
};

const struct col hold_expired_cols[] = {
	COL(struct hold_expired, email_id),
	COL(struct hold_expired, is_release),
	COL_END,
};
