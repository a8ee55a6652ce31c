/* Mail addresses as they are sent to: bare, one line, nothing in them that
 * would end or widen a command or a header. */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/text.h"

#define ADDRESS_MOST 320

/* Local part, @, domain, without quotes, blanks, control characters or angle
 * brackets; UTF-8, ADDRESS_MOST bytes at most. The domain may be of letters of
 * any script: address_wire says whether it is one. */
bool address_ok(struct str);

/* As it goes over the wire: the domain in ASCII (IDNA 2008, RFC 5891), the
 * local part as it is. RC_INVALID: it is no address. */
enum rc address_wire(struct arena *, struct str, struct str *out) MUST_CHECK;

/* Its local part is not ASCII: only servers with SMTPUTF8 take it (RFC 6531
 * 3.2). */
bool address_is_utf8(struct str);

#endif
