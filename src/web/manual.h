/* The manual of the API as a page, from the rows that the dispatcher goes by:
 * what /openapi.json says, for who reads. */
#ifndef WEB_MANUAL_H
#define WEB_MANUAL_H

#include "web/page.h"
#include "web/route.h"

/* Families in the order of the list, their operations in that of their rows. */
void manual_write(struct page_doc *, const struct family *const *);

#endif
