/* Memberships: which user may enter which account, in which role. */
#ifndef DOMAIN_MEMBERSHIP_H
#define DOMAIN_MEMBERSHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "db/row.h"

/* `account_name` is filled in a user's own list, address and name of the
 * user in an account's. */
struct membership {
	int64_t id; /* 0: an admin's, without a row */
	int64_t account_id;
	int64_t user_id;
	const char *role;
	const char *account_name;
	const char *email;
	const char *name;
	bool is_active;
	instant created_at;
	instant updated_at;
};
extern const struct col membership_cols[];

/* As a user's profile shows them. */
extern const struct col membership_own_cols[];

#endif
