/* Header fields as compose.c writes them: checked, encoded, folded. Lines are
 * of 76 characters where words allow, and never of more than 998 (RFC 5322
 * 2.1.1). */
#ifndef MAIL_COMPOSE_FIELD_H
#define MAIL_COMPOSE_FIELD_H

#include "mail/compose.h"

struct composer {
	struct arena *arena;
	struct buf *out;
	bool utf8; /* a field holds UTF-8 */
};

/* RC_INVALID, and fail_detail "what: why". */
enum rc compose_refuse(const char *what, const char *why) MUST_CHECK;

/* One line of text, which may be empty, or absent. */
enum rc compose_check(const char *what, struct str, size_t most) MUST_CHECK;

/* Each writes nothing where there is nothing. `what` names the input. */
enum rc compose_text(struct composer *, const char *name, struct str,
    size_t most, const char *what) MUST_CHECK;
enum rc compose_people(struct composer *, const char *name,
    const struct compose_people *, const char *what) MUST_CHECK;
enum rc compose_id(struct composer *, const char *name, struct str id,
    const char *what) MUST_CHECK;
/* Those that are no ids are left out: they are other people's. */
enum rc compose_ids(struct composer *, const char *name, struct str ids,
    const char *what) MUST_CHECK;
enum rc compose_extra(struct composer *, const struct compose_header *,
    const char *what) MUST_CHECK;

/* "; name=value" on a line of its own (RFC 2231). */
void compose_parameter(struct composer *, const char *name, struct str value);

/* Without < >, or RC_INVALID. */
enum rc
compose_id_read(struct str, struct str *out, const char *what) MUST_CHECK;

/* Letters, digits and what names of types and headers have besides. */
bool compose_is_token(struct str, size_t most);

#endif
