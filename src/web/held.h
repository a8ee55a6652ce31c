/* Held answers: requests whose answer goes on, many in one process.
 *
 * A handler answers as ever and calls held_on: the answer is then begun and not
 * ended, and the same request is dispatched again and again, so that whoever
 * may no longer read is told no more, and the text of each answer is added. In
 * memory stays what the web server has told of the request, and how far it is.
 * A client that is too slow is cut off: it knows how far it is, too. */
#ifndef WEB_HELD_H
#define WEB_HELD_H

#include <stdbool.h>

#include "web/dispatch.h"

#define HELD_MOST    256 /* of a process */
#define HELD_ACCOUNT 64  /* of those one account's */

/* ---- for handlers ---- */

/* May another one of this account be held? */
bool held_room(struct request *);
/* Is it one that is held already? */
bool held_again(const struct request *);
/* The answer goes on; `place` comes back in HTTP_LAST_EVENT_ID. `more`: there
 * is more to be told at once. */
void held_on(struct request *, const char *place, bool more);

/* ---- for the loop ---- */

struct held_set;
struct held_set *held_new(int epoll);
void held_free(struct held_set **); /* ends all answers */

/* Takes over the connection of a request that is to be held, and begins its
 * answer. */
void
held_take(struct held_set *, struct request *, int fd, int id, struct str head);

/* How long the loop may sleep: -1 for ever. */
int held_sleep_ms(const struct held_set *);
/* Something has happened at a connection: it has gone. */
void held_gone(struct held_set *, void *one);
/* Tells all what they have to be told by now. */
void held_round(struct held_set *, struct responder *);

#endif
