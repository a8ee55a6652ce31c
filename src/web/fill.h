/* Filling: one value into its place in a struct, after its row's checks.
 * What body.c (JSON) and params.c (text) share. */
#ifndef WEB_FILL_H
#define WEB_FILL_H

#include "web/request.h"

/* Where in the input a value stands; printed only where it is at fault. */
struct place {
	const struct place *in; /* NULL: the top */
	const char *name;       /* NULL: an element */
	size_t index;
};

const char *place_text(struct arena *, const struct place *);

/* Adds a fault at a place; always false, so that it ends a check. */
bool fill_fault(struct request *, const struct place *, const char *code,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

/* What a struct holds before anything is given. */
void fill_presets(const struct field *rows, void *into);

/* Each checks the value by the row and stores it; false: a fault was added.
 * Text is borrowed: it lives as long as the request, NUL behind it. */
bool fill_text(struct request *, const struct field *, const struct place *,
    struct str, void *into);
bool fill_int(struct request *, const struct field *, const struct place *,
    int64_t, void *into);
bool fill_bool(const struct field *, bool, void *into);
bool fill_enum(struct request *, const struct field *, const struct place *,
    struct str, void *into);
bool fill_time(struct request *, const struct field *, const struct place *,
    struct str, void *into);
bool fill_id(struct request *, const struct field *, const struct place *,
    struct str, void *into);
bool fill_id_number(struct request *, const struct field *,
    const struct place *, int64_t, void *into);

/* Any scalar row from text, as forms and query strings have it. */
bool fill_from_text(struct request *, const struct field *,
    const struct place *, struct str, void *into);

/* The size of one element of a LIST of this row. */
size_t fill_item_size(const struct field *item);

/* How many of the rows are REQUIRED and not among `given`: a fault each. */
bool fill_missing(struct request *, const struct field *rows,
    const struct place *in, uint64_t given);

/* Is one of the rows WRITE_ONLY? Then the bytes are wiped after use, and no
 * hash of them is kept that a guess could be tried on. */
bool fill_has_secret(const struct field *rows);

#endif
