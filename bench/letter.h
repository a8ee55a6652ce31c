/* Letters: made-up mail. Letter n of a correspondence is the same bytes every
 * time, and needs no other letter to be written first: what it answers is
 * derived again from the number. */
#ifndef BENCH_LETTER_H
#define BENCH_LETTER_H

#include <stdint.h>

#include "sheet.h"

struct correspondence {
	const char *to; /* borrowed: the mailbox they all go to */
	uint64_t seed;
	uint32_t count;
	int64_t newest; /* the last letter's time, seconds since 1970 */
	int64_t pause;  /* seconds between two */
};

struct letter {
	struct sheet raw; /* lines end in \n */
	struct sheet scratch[3];
	int64_t date;
	const char *flags; /* as in a Maildir's name: "", "S", "RS", "FS" */
};

/* Writes letter `number` of c->count over what `l` held. */
void
letter_write(const struct correspondence *c, uint32_t number, struct letter *l);
void letter_clear(struct letter *l);

#endif
