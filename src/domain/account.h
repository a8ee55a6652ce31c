/* Accounts: the tenants. Every customer's row belongs to one. */
#ifndef DOMAIN_ACCOUNT_H
#define DOMAIN_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "db/row.h"

struct account {
	int64_t id;
	int64_t account_id; /* the same, as single accounts show it */
	int64_t application_id;
	int64_t parent_account_id; /* 0: a root */
	const char *name;
	const char *status;    /* active, suspended, deleting */
	const char *role;      /* the reader's; NULL in a child account */
	struct str membership; /* {"user_id", "role"} of the reader */
	instant created_at;
	instant updated_at;
};
extern const struct col account_cols[];

/* What a user may do in an account. */
struct rights {
	const char *role;
	bool is_admin;
	int64_t version;
};
extern const struct col rights_cols[];

#endif
