/* Numbers in scripts. */
#ifndef TESTS_WIRE_NUMBER_H
#define TESTS_WIRE_NUMBER_H

#include <stdlib.h>
#include <string.h>

#include "core/text.h"

/* The word at the start of `text`, which must be a number up to `max`; 0 where
 * the word is missing. A script with another is a mistake that ends the test.
 */
static inline uint64_t
number_of(const char *text, uint64_t max)
{
	struct str word = { text, strcspn(text, " \r\n") };
	uint64_t v = 0;

	if (word.n > 0 && !str_uint(word, max, &v))
		abort();
	return v;
}

/* Milliseconds, for those who take an int. */
static inline int
ms_of(const char *text)
{
	return (int)number_of(text, 600000);
}

#endif
