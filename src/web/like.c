#include "web/like.h"

#include <string.h>

#include "core/arena.h"

const char *
like_pattern(struct arena *a, const char *words)
{
	size_t n = words != NULL ? strlen(words) : 0;
	char *p, *out;

	if (n == 0)
		return NULL;
	p = out = arena_alloc(a, 2 * n + 3);
	*p++ = '%';
	for (const char *w = words; *w != '\0'; w++) {
		if (*w == '%' || *w == '_' || *w == '\\')
			*p++ = '\\';
		*p++ = *w;
	}
	*p++ = '%';
	*p = '\0';
	return out;
}
