/* Cursors: where a list goes on, opaque to clients.
 *
 * The key of the last row shown (sort key and id), and a check over it, the
 * route, the account and every parameter that chooses rows. So a mangled
 * cursor, and one used with another filter or order, is refused; rows that
 * are inserted meanwhile shift nothing. It holds no secret and grants
 * nothing: the statement behind it is still scoped by the actor. */
#ifndef WEB_CURSOR_H
#define WEB_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/result.h"
#include "core/text.h"

struct request;

struct cursor {
	bool is;    /* false: from the beginning */
	int64_t at; /* sort key: an instant's microseconds, a number; or 0 */
	int64_t id; /* breaks ties */
	struct str text; /* sort key where it is a name; at most 1 KiB */
};

/* Of the page in the parameters (or body: `text` NULL gives is = false).
 * RC_MALFORMED with a fault on "cursor". */
enum rc
cursor_read(struct request *, const char *text, struct cursor *) MUST_CHECK;
/* In the request's arena. */
const char *cursor_write(struct request *, const struct cursor *);

#endif
