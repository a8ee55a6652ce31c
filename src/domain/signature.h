/* Signatures: what a user sets under mail; one's own, in an account. */
#ifndef DOMAIN_SIGNATURE_H
#define DOMAIN_SIGNATURE_H

#include <stdbool.h>
#include <stdint.h>

#include "db/row.h"

#define SIGNATURE_NAME_MOST 100
#define SIGNATURE_TEXT_MOST 4096
#define SIGNATURE_HTML_MOST 65536
#define SIGNATURES_MOST     50 /* of a user in an account */

struct signature {
	int64_t id;
	const char *name;
	const char *body_text;
	const char *body_html; /* NULL: the text stands for it */
	bool is_default;
	instant created_at;
	instant updated_at;
};
extern const struct col signature_cols[];

/* Sets it below `*text` and `*html`, of which NULL ones stay, but that one of
 * them has it (RFC 3676 4.3). */
void signature_put(struct arena *, const struct signature *, const char **text,
    const char **html);

#endif
