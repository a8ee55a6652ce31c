/* What the files of the family `auth` share. */
#ifndef CGI_BIN_AUTH_H
#define CGI_BIN_AUTH_H

#include "web/route.h"

/* Counts a try to prove a password against its address's limit. */
enum rc auth_throttle(struct request *) MUST_CHECK;

/* auth-account.c: into another account of one's own */
struct account_wanted {
	int64_t account_id;
};
extern const struct field account_wanted_body[];
extern const struct field account_switched_answer[];
enum rc auth_account_switch(struct request *) MUST_CHECK;

/* auth-password.c */
struct password_change {
	struct secret current_password, new_password, confirm_password;
};
extern const struct field password_change_body[];
enum rc auth_password_change(struct request *) MUST_CHECK;

#endif
