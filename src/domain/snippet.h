/* The first words of an email, as lists show them. */
#ifndef DOMAIN_SNIPPET_H
#define DOMAIN_SNIPPET_H

#include <stdbool.h>
#include <stdint.h>

#include "db/row.h"

struct snippet_due {
	int64_t id;
	int64_t mailbox_id; /* 0: it lies nowhere now */
	struct str wire_name;
	int64_t uidvalidity; /* 0: not under the folder's present one */
	int64_t uid;
	struct str part_number; /* p == NULL: no text in it */
	struct str content_type;
	struct str charset;
	struct str encoding;
	int64_t size_bytes; /* of the message */
	bool is_hashed;
};
extern const struct col snippet_due_cols[];

#endif
