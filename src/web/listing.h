/* Listings: pages of a list that is ordered by id and counted up to a limit.
 *
 *	TRY(listing_ask(rq, &in->page, &ask));
 *	… LIMIT ask.most OFFSET ask.skip, ids behind ask.after …
 *	end = listing_end(&in->page, &list.n, total, LISTING_LAST(list, page));
 */
#ifndef WEB_LISTING_H
#define WEB_LISTING_H

#include "web/reply.h"

/* Statements count one more than this, and no further. */
#define LISTING_COUNTED 10000

struct listing {
	int64_t after; /* id of the row before; 0: from the beginning */
	int64_t at;    /* its sort key, where that is not the id */
	int64_t skip;
	int64_t most; /* one more than the page: is there another? */
};
enum rc
listing_ask(struct request *, const struct page *, struct listing *) MUST_CHECK;

/* For lists that begin with the newest: ids below this one. */
static inline int64_t
listing_before(const struct listing *ask)
{
	return ask->after != 0 ? ask->after : INT64_MAX;
}

/* Cuts `n` to the page. `last`: id of the last row that is shown. */
struct list_end
listing_end(const struct page *, size_t *n, int64_t total, int64_t last);
#define LISTING_LAST(list, page)                                               \
	((list).n > (size_t)(page)->limit ? (list).v[(page)->limit - 1].id : 0)

/* What is looked for; NULL where it is nothing. */
const char *listing_words(const char *);

#endif
