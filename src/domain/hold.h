/* Holds: mail that waits for review. Its states, and what is to be done about
 * it on its mail server, which the sync carries out (sync/hold.c). */
#ifndef DOMAIN_HOLD_H
#define DOMAIN_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"

/* X(name, as in the database, which it may become) */
#define HOLD_STATES(X)                                                         \
	X(DUE, "due") /* to be judged */                                       \
	X(PASSED, "passed")                                                    \
	X(MOVING, "moving") /* into the quarantine */                          \
	X(HELD, "held")                                                        \
	X(RELEASING, "releasing")                                              \
	X(FILED, "filed") /* an edited form is where it was released to */     \
	X(RELEASED, "released")                                                \
	X(DISCARDED, "discarded")

enum hold_state {
#define HOLD_STATE_ENUM(name, word) HOLD_##name,
	HOLD_STATES(HOLD_STATE_ENUM)
#undef HOLD_STATE_ENUM
	    HOLD_STATE_COUNT
};
const char *hold_state_word(enum hold_state);
bool hold_is(const char *state, enum hold_state);

/* A folder of the mail account. */
struct hold_folder {
	int64_t id;
	struct str name;
	struct str wire_name;
	int64_t uidvalidity; /* 0: never looked into */
	const char *delimiter;
};
extern const struct col hold_folder_cols[];

/* What a monitor sees, over all tenants. */
struct hold_figures {
	int64_t held;       /* now */
	int64_t released;   /* in 24 hours */
	int64_t latency_ms; /* median of 24 hours; -1: nothing was held */
};
extern const struct col hold_figures_cols[];

/* What is to be done about one email. */
struct hold_work {
	int64_t email_id;
	const char *state, *why;
	struct str sha256; /* p == NULL: its bytes are not kept yet */
	int64_t size_bytes;
	instant received_at;
	struct texts flags;
	bool is_visible;
	int64_t at_mailbox_id; /* where it lies; 0: nowhere */
	struct str at_name, at_wire;
	int64_t at_uidvalidity, at_uid;
	const char *at_use;
	int64_t to_mailbox_id; /* where it is on its way to; 0: it is not */
	struct str to_name, to_wire;
	int64_t to_uidvalidity, to_uidnext, to_uid;
	int64_t target_mailbox_id; /* where it is released to */
	struct str target_name, target_wire;
	const char *edited_subject, *edited_text, *edited_html;
	bool strip_attachments;
	struct str edited_sha256; /* of its edited form; p == NULL: none */
	const char *edited_message_id;
};
extern const struct col hold_work_cols[];

/* What nobody has decided about in time. */
struct hold_expired {
	int64_t email_id;
	bool is_release; /* else it is discarded */
};
extern const struct col hold_expired_cols[];

#endif
