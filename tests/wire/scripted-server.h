/* A server that follows a script, for conversations as text.
 *
 * The lines of a script that concern the server:
 *
 *	S: text      sends the line and CRLF; lines that follow each other go
 *	             out in one piece
 *	s: text      the same without CRLF; \r \n \0 \xNN \\ are understood
 *	R: n text    sends the (escaped) text n times
 *	D: n text    sends it again and again, a byte each n ms, until the
 *	             client leaves
 *	Z:           from here on both directions are compressed (RFC 4978);
 *	             what stands around it goes out in one piece
 *	C: text      the client must send this line next
 *	W:           waits until the client leaves
 *	X:           closes the connection
 *	A:           takes the next connection
 *
 * Others belong to whoever drives the client. */
#ifndef TESTS_WIRE_SCRIPTED_SERVER_H
#define TESTS_WIRE_SCRIPTED_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct scripted_server;

/* Listens on a free port of 127.0.0.1 and begins with the first connection.
 * `line` is borrowed until stop. */
struct scripted_server *
scripted_server_start(const char *const *line, size_t lines, unsigned *port);

/* Ends the server. The text says which line was not met and what came
 * instead; "" where all went as written. It is the caller's to free. */
char *scripted_server_stop(struct scripted_server **);

#endif
