/* What the files of the family `users` share. */
#ifndef CGI_BIN_USERS_H
#define CGI_BIN_USERS_H

#include "web/request.h"

/* users-signatures.c: the caller's own */

struct signature_new {
	const char *name, *body_text, *body_html;
	bool is_default;
};
extern const struct field signature_new_body[], signature_put_body[];
extern const struct field signature_list_answer[], signature_made_answer[];
extern const struct field signature_said_answer[];

enum rc signatures(struct request *) MUST_CHECK;
enum rc signature_show(struct request *) MUST_CHECK;
enum rc signature_create(struct request *) MUST_CHECK;
enum rc signature_change_one(struct request *) MUST_CHECK;
enum rc signature_set_default(struct request *) MUST_CHECK;
enum rc signature_drop(struct request *) MUST_CHECK;

#endif
