/* What the files of the family `credentials` share. */
#ifndef CGI_BIN_CREDENTIALS_H
#define CGI_BIN_CREDENTIALS_H

#include "web/request.h"

/* credentials-personal.c: mail accounts of users, their owners' alone */

struct personal_new {
	const char *email, *imap_host, *imap_username;
	struct secret password;
	int64_t imap_port;
	int imap_encryption;
	bool is_default, is_active;
};
extern const struct field personal_new_body[];

struct personal_put {
	const char *email, *imap_host, *imap_username;
	struct secret password;
	int64_t imap_port;
	int imap_encryption;
	bool is_default, is_active;
};
extern const struct field personal_put_body[];

enum rc personal_list(struct request *) MUST_CHECK;
enum rc personal_show(struct request *) MUST_CHECK;
enum rc personal_create(struct request *) MUST_CHECK;
enum rc personal_change(struct request *) MUST_CHECK;
enum rc personal_remove(struct request *) MUST_CHECK;
extern const struct field personal_list_answer[], personal_gone_answer[];

#endif
