/* Bodies: from bytes to a filled struct, by rows (web/field.h).
 *
 * Absent and empty bodies count as {}. Else: application/json (or +json; a
 * form where the route says so), UTF-8, 1 MiB (35 MiB), depth 16, strict
 * RFC 8259 without duplicate keys. Nothing is converted: a number in quotes
 * is refused. All faults are collected, not only the first. */
#ifndef WEB_BODY_H
#define WEB_BODY_H

#include "core/result.h"
#include "web/request.h"

#define BODY_MOST       (1 << 20)
#define BODY_MOST_LARGE (35 << 20)
#define BODY_DEPTH      16
#define FAULTS_MOST     32

/* Reads into rq->raw. RC_TOO_LARGE; RC_MALFORMED where fewer bytes came than
 * announced. */
enum rc body_read(struct request *) MUST_CHECK;

/* Fills rq->body, given, nulls. RC_MEDIA_TYPE, RC_MALFORMED, RC_INVALID (then
 * rq->faults), RC_FORBIDDEN for a protected field that differs. */
enum rc body_fill(struct request *) MUST_CHECK;

/* Adds a fault: for rules that no row can say (a handler's own). Returns
 * RC_INVALID, so that it can be the handler's last word. */
enum rc fault_add(struct request *, const char *field, const char *code,
    const char *message) MUST_CHECK;
/* What an INSERT or UPDATE gave: RC_CONFLICT is a name that another has. */
enum rc fault_taken(struct request *, enum rc, const char *message) MUST_CHECK;

/* RC_INVALID where faults were added, else RC_OK. */
enum rc fault_rc(const struct request *) MUST_CHECK;

#endif
