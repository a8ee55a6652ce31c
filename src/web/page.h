/* Pages: small HTML documents made here, without script.
 *
 * Everything of the page is in it; its policy allows nothing else but the
 * one style sheet, by its hash, and forms to ourselves. */
#ifndef WEB_PAGE_H
#define WEB_PAGE_H

#include "web/request.h"

struct page_doc {
	struct request *rq; /* borrowed */
	struct buf html;    /* owned; page_reply frees it */
	const char *target; /* see page_form_to */
};

/* Head and the heading; what follows lies in <main>. */
void page_open(struct page_doc *, struct request *, const char *title);

/* Markup of our own, as it is. */
void page_html(struct page_doc *, const char *markup);

/* Text of others, escaped for elements and quoted attributes. NULL: "". */
void page_text(struct page_doc *, const char *);

/* What is sent with the page's form may be answered by a redirect to this
 * address: browsers hold that against the page's policy, too. */
void page_form_to(struct page_doc *, const char *uri);

/* A sentence about what was wrong, read out at once. */
void page_alert(struct page_doc *, const char *);

/* A hidden field; NULL: none. */
void page_hidden(struct page_doc *, const char *name, const char *value);

/* A field of a form with its label; `type` and `autocomplete` as in HTML. */
struct page_field {
	const char *name, *label, *type, *autocomplete;
};
void page_field(struct page_doc *, const struct page_field *);

enum rc page_reply(struct page_doc *, int status) MUST_CHECK;

/* Does the client want a page, or is it a program? */
bool page_wanted(const struct request *);

/* Does it accept nothing but JSON? */
bool page_json_only(const struct request *);

#endif
