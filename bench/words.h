/* The vocabulary of made-up mail, a script a row. */
#ifndef BENCH_WORDS_H
#define BENCH_WORDS_H

#include <stddef.h>

struct tongue {
	const char *charset;      /* what old mail programs would choose */
	const char *const *words; /* UTF-8 */
	size_t words_count;
	const char *const *names;
	size_t names_count;
	const char *space; /* between words */
	const char *stop;
};

extern const struct tongue tongues[];
extern const size_t tongues_count;

#endif
