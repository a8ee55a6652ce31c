/* Fetching a small document, or posting a small form, from the web, through the
 * egress policy: by https, or by http from this host itself. */
#ifndef MAIL_FETCH_H
#define MAIL_FETCH_H

#include "core/arena.h"
#include "core/result.h"
#include "core/text.h"

struct egress;

/* A header of the answer that the caller looks at. */
struct fetch_header {
	const char *name; /* NULL: the end of a list of them */
	char value[64];   /* out; "": there is none, or it is longer */
};

struct fetch {
	const char *url;
	size_t most; /* bytes; a longer one is refused */
	long ms;     /* for all of it */
	/* What is posted, as application/x-www-form-urlencoded; p == NULL: it
	 * is read. */
	struct str form;
	const char *method; /* NULL: POST with a form, else GET */
	const char *const
	    *headers; /* "Name: value", NULL at the end; or NULL */
	/* Where the caller looks at it any status is an answer; or NULL. */
	long *status;
	struct fetch_header *told; /* or NULL */
};

/* RC_TIMEOUT, RC_CONNECTION, RC_TOO_LARGE; RC_INVALID: another status than
 * 200. fail_detail says more. */
enum rc fetch_text(const struct egress *, const struct fetch *, struct arena *,
    struct str *out) MUST_CHECK;

#endif
