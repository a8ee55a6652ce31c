/* Echoes: servers that say back what they were sent. A line that does so is
 * neither shown nor kept: answers, logs and the database would hold the
 * secret. */
#ifndef MAIL_ECHO_H
#define MAIL_ECHO_H

#include <stdbool.h>

#include "core/secret.h"

/* Has `line` eight bytes in a row, or all where there are fewer, of the
 * secret in a form in which logins send it: as it is, quoted (RFC 9051 4.3),
 * or within base64, whatever stands before it there (RFC 4616 2, RFC 7628
 * 3.1)? Costs the product of both lengths: for the line that is kept. */
bool echo_of(struct str line, const struct secret *);

#endif
