/* What an operator sees while setting up: rows of the command line tool. */
#ifndef DOMAIN_SETUP_H
#define DOMAIN_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "db/row.h"

struct setup_application {
	int64_t id;
	const char *name;
};
extern const struct col setup_application_cols[];

struct setup_account {
	int64_t id;
	int64_t parent_account_id;
	const char *name, *status;
	int64_t members;
};
extern const struct col setup_account_cols[];

struct setup_user {
	int64_t id;
	const char *email, *username, *role;
	const char *memberships; /* "1:owner 2:viewer"; NULL: none */
	bool is_active;
	instant last_login_at;
};
extern const struct col setup_user_cols[];

struct setup_client {
	const char *id, *name, *role;
	int64_t account_id; /* 0: none */
	bool has_secret, is_app_admin, is_active;
};
extern const struct col setup_client_cols[];

struct setup_right {
	int64_t account_id;
	const char *role;
	int64_t version;
};
extern const struct col setup_right_cols[];

struct setup_search {
	int64_t id;
	const char *language;
	int64_t emails, indexed, waiting;
};
extern const struct col setup_search_cols[];

#endif
