#include "web/listing.h"

enum rc
listing_ask(struct request *rq, const struct page *p, struct listing *ask)
{
	struct cursor from;

	TRY(cursor_read(rq, p->cursor, &from));
	ask->after = from.is ? from.id : 0;
	ask->at = from.is ? from.at : 0;
	ask->skip = from.is ? 0 : p->offset;
	ask->most = p->limit + 1;
	return RC_OK;
}

struct list_end
listing_end(const struct page *p, size_t *n, int64_t total, int64_t last)
{
	struct list_end end = {
		.total = total > LISTING_COUNTED ? LISTING_COUNTED : total,
		.capped = total > LISTING_COUNTED,
		.limit = p->limit,
		.offset = p->offset,
		.more = *n > (size_t)p->limit,
	};

	if (end.more) {
		*n = (size_t)p->limit;
		end.next = (struct cursor){ .is = true, .id = last };
	}
	return end;
}

const char *
listing_words(const char *words)
{
	return words != NULL && *words != '\0' ? words : NULL;
}
