/* Connections that libcurl makes and others use (CONNECT_ONLY): it dials,
 * secures and signs in; from then on only bytes pass through its handle. */
#ifndef MAIL_DIAL_H
#define MAIL_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

#include "core/result.h"

/* What hangs on one multi handle is libcurl's for one thread at a time, and a
 * byte on any of its connections asks the handle. Whoever touches either while
 * another thread may (dials.c, imap-link.c) does it between these two; nothing
 * in between waits. */
void dial_enter(void);
void dial_leave(void);

/* One turn, of a second at most, for a handle that is in `multi`. *done: it has
 * finished, with *code. RC_TIMEOUT: `until` (clock_steady_ms) has passed. */
enum rc dial_turn(
    CURLM *multi, CURL *, int64_t until, bool *done, CURLcode *code) MUST_CHECK;

/* What a code means where no reply of the server says more, with a sentence in
 * fail_detail. */
enum rc dial_failure(CURLcode) MUST_CHECK;

/* How far it has come, whether it went on or not. */
enum dial_reach { DIAL_NOWHERE, DIAL_REACHED, DIAL_SECURED };
enum dial_reach dial_reach(CURL *);

/* *n == 0: nothing now (poll only then: TLS keeps bytes back).
 * RC_CONNECTION: the end. */
enum rc dial_receive(CURL *, char *, size_t room, size_t *n) MUST_CHECK;
enum rc dial_send(CURL *, const char *, size_t, size_t *sent) MUST_CHECK;

#endif
