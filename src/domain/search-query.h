/* Queries: what people write to look for mail, taken apart.
 *
 *	invoice "final notice" from:anna -subject:spam is:unread
 *before:2026-02-01
 *
 * Words and phrases are to be in the mail; from:, to: and subject: say where;
 * is: and has: ask its state, label: its thread's, before: and after: its time;
 *a minus leaves out. A word that ends with * is a beginning. What is no key
 *("10:30", "https://x") is words. What comes out is terms in the language of
 *to_tsquery, made of words and nothing else: whatever is written, the database
 *reads it without fault. */
#ifndef DOMAIN_SEARCH_QUERY_H
#define DOMAIN_SEARCH_QUERY_H

#include <stdbool.h>

#include "core/clock.h"
#include "core/result.h"
#include "db/row.h"

#define SEARCH_TERMS_MOST 32

/* Of a term; search_query (SQL) reads them. */
enum search_kind { SEARCH_ANY, SEARCH_SUBJECT, SEARCH_PEOPLE, SEARCH_NOT = 4 };

struct search_query {
	struct texts terms;
	struct int4s kinds; /* of each */
	/* NULL: either */
	const bool *is_read, *is_flagged, *is_answered, *is_draft;
	const bool *attachments, *outbound, *is_assigned;
	/* of its thread: those that it has, and those that it has not */
	struct texts labels, unlabels;
	instant since; /* INSTANT_NONE: any */
	instant until; /* the first that is too late */
};

/* RC_INVALID: fail_detail() says what is wrong, and at which character. `text`
 * is valid UTF-8. */
enum rc search_query_parse(
    struct arena *, struct str text, struct search_query *) MUST_CHECK;

#endif
