/* Mailbox names on the wire: modified UTF-7 (RFC 3501 5.1.3), or UTF-8 where
 * UTF8=ACCEPT or IMAP4rev2 was enabled. */
#ifndef MAIL_MUTF7_H
#define MAIL_MUTF7_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/text.h"

/* The name as people read it, always valid UTF-8. *exact is false when the
 * wire form is broken, or not the one that mutf7_encode would write: the
 * text is then the wire form itself (repaired), for display only, and the
 * mailbox can be named to the server by its wire form alone. */
struct str mutf7_decode(struct arena *, struct str wire, bool *exact);

/* The same for a server that speaks UTF-8. */
struct str mutf7_decode_utf8(struct arena *, struct str wire, bool *exact);

/* RC_INVALID: not UTF-8, a control character, empty or over 1000 bytes. */
enum rc
mutf7_encode(struct arena *, struct str name, struct str *wire) MUST_CHECK;

#endif
