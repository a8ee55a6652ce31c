/* Header fields of people (RFC 5322 3.4): From, To, Cc and their like. */
#ifndef MAIL_PEOPLE_H
#define MAIL_PEOPLE_H

#include <stdbool.h>

#include "core/arena.h"
#include "mail/compose.h"

/* Reads a field's value, folded or not, at most `most` people: names decoded,
 * addresses bare as they stand there; groups are their members. False where
 * something in it is no address: what has been understood is in `*out` all the
 * same. */
bool people_read(
    struct arena *, struct str value, size_t most, struct compose_people *out);

#endif
