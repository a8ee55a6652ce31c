/* Saved replies: texts that a team answers with, an account's own. */
#ifndef DOMAIN_SAVED_REPLY_H
#define DOMAIN_SAVED_REPLY_H

#include <stdint.h>

#include "db/row.h"

#define SAVED_REPLY_NAME_MOST 100
#define SAVED_REPLY_TEXT_MOST 65536
#define SAVED_REPLY_HTML_MOST 262144
#define SAVED_REPLIES_MOST    500

struct saved_reply {
	int64_t id;
	const char *name;
	const char *subject; /* NULL: none */
	const char *body_text;
	const char *body_html; /* NULL: none */
	int32_t display_order;
	int64_t user_id;
	instant created_at;
	instant updated_at;
};
extern const struct col saved_reply_cols[];

#endif
