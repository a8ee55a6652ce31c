#include "domain/search.h"

#include "core/buffer.h"

const struct col search_hit_cols[] = {
	COL_ID(struct search_hit, id, ID_EMAIL),
	COL_ID(struct search_hit, thread_id, ID_NUMBER, .zero_null = true),
	COL(struct search_hit, message_id),
	COL(struct search_hit, subject),
	COL(struct search_hit, from_email),
	COL(struct search_hit, from_name),
	COL(struct search_hit, to_addresses),
	COL(struct search_hit, cc_addresses),
	COL(struct search_hit, is_read),
	COL(struct search_hit, is_outgoing),
	COL(struct search_hit, has_attachments),
	COL(struct search_hit, sent_at),
	COL(struct search_hit, received_at),
	COL(struct search_hit, created_at),
	COL(struct search_hit, extract, .content = true,
	    .note = "HTML: where the query's words stand in the text, each in "
		    "<mark>."),
	COL_END,
};

/* NULL: it stands for itself. The first two are search_find's (SQL). */
static const char *
markup(char c)
{
	switch (c) {
	case '\x02': return "<mark>";
	case '\x03': return "</mark>";
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	default: return NULL;
	}
}

const char *
search_extract(struct arena *a, const char *text)
{
	const char *out, *as;
	struct buf b;

	if (text == NULL)
		return NULL;
	buf_init(&b, (size_t)1 << 20);
	for (const char *p = text; *p != '\0'; p++) {
		as = markup(*p);
		if (as != NULL)
			buf_puts(&b, as);
		else
			buf_putc(&b, *p);
	}
	out = arena_str(a, buf_text(&b));
	buf_clear(&b);
	return out;
}
