/* What the files of the family `labels` share. */
#ifndef CGI_BIN_LABELS_H
#define CGI_BIN_LABELS_H

#include "web/request.h"

/* labels-replies.c: saved replies */

struct saved_reply_new {
	const char *name, *subject, *body_text, *body_html;
	int64_t display_order;
};
extern const struct field saved_reply_new_body[], saved_reply_put_body[];
extern const struct field saved_reply_list_answer[], saved_reply_made_answer[];
extern const struct field saved_reply_said_answer[];

enum rc saved_replies(struct request *) MUST_CHECK;
enum rc saved_reply_show(struct request *) MUST_CHECK;
enum rc saved_reply_create(struct request *) MUST_CHECK;
enum rc saved_reply_put(struct request *) MUST_CHECK;
enum rc saved_reply_drop(struct request *) MUST_CHECK;

#endif
