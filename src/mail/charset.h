/* Text in foreign character sets becomes UTF-8, always valid, never lost. */
#ifndef MAIL_CHARSET_H
#define MAIL_CHARSET_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/text.h"

/* Is it one of those that mail may name? UTF-7 is not: it hides markup. */
bool charset_known(struct str name);

/* Converts. An unknown or absent name is taken as UTF-8 where the bytes are
 * valid UTF-8, else as windows-1252. What has no meaning, and NUL, becomes
 * U+FFFD; *lossy (may be NULL) is set when that happened or the name was
 * unknown, and never cleared. At most four bytes come out of each that goes
 * in. Linear. */
struct str charset_to_utf8(
    struct arena *, struct str charset, struct str bytes, bool *lossy);

#endif
