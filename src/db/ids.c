#include "db/ids.h"

#include <string.h>

static const struct str prefixes[ID_KINDS] = { [ID_NONE] = { "", 0 },
#define ID_PREFIX(kind, prefix) [ID_##kind] = { prefix, sizeof(prefix) - 1 },
	ID_LIST(ID_PREFIX)
#undef ID_PREFIX
};

struct str
id_prefix(enum id_kind kind)
{
	return prefixes[kind];
}

/* By hand: a list prints some hundreds, and printf is ten times as slow. */
size_t
id_print(enum id_kind kind, int64_t id, char out[ID_PRINT_SIZE])
{
	char digits[20], *p = digits + sizeof digits, *to = out;
	uint64_t left = id < 0 ? -(uint64_t)id : (uint64_t)id;
	size_t n;

	do
		*--p = (char)('0' + left % 10);
	while ((left /= 10) != 0);
	n = (size_t)(digits + sizeof digits - p);
	memcpy(to, prefixes[kind].p, prefixes[kind].n);
	to += prefixes[kind].n;
	if (id < 0)
		*to++ = '-';
	memcpy(to, p, n);
	to[n] = '\0';
	return (size_t)(to - out) + n;
}

bool
id_parse(enum id_kind kind, struct str text, int64_t *out)
{
	struct str prefix = prefixes[kind];
	uint64_t n;

	if (prefix.n != 0 && str_starts(text, prefix)) {
		text.p += prefix.n;
		text.n -= prefix.n;
	}
	if (!str_uint(text, INT64_MAX, &n) || n == 0)
		return false;
	*out = (int64_t)n;
	return true;
}
