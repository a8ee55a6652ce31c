/* Users: people of an application. */
#ifndef DOMAIN_USER_H
#define DOMAIN_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "db/row.h"

struct user {
	int64_t id;
	int64_t application_id;
	const char *email;
	const char *username;
	const char *name;
	const char *role;   /* admin, user: of the application */
	const char *status; /* active, disabled */
	bool is_active;
	int64_t active_account_id;
	instant last_login_at;
	instant created_at;
	instant updated_at;
};
extern const struct col user_cols[];

/* As the second document shows them. */
extern const struct col user_ci_cols[];

/* A mail account of a user's own. */
struct user_imap {
	int64_t id;
	const char *email;
	const char *imap_host;
};
extern const struct col user_imap_cols[];

#endif
