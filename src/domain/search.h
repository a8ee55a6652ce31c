/* Search: what is found, as the second document shows it, and extracts. */
#ifndef DOMAIN_SEARCH_H
#define DOMAIN_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "db/row.h"

struct search_hit {
	int64_t id;
	int64_t thread_id;
	const char *message_id;
	const char *subject;
	const char *from_email, *from_name;
	struct texts to_addresses, cc_addresses;
	bool is_read, is_outgoing, has_attachments;
	instant sent_at, received_at, created_at;
	const char *extract; /* as the statement gives it; NULL: none */
};
extern const struct col search_hit_cols[];

/* An extract as HTML: what was looked for stands in <mark>, and nothing else is
 * markup. NULL stays NULL. */
const char *search_extract(struct arena *, const char *);

#endif
