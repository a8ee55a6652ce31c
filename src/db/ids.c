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

size_t
id_print(enum id_kind kind, int64_t id, char out[ID_PRINT_SIZE])
{
	struct str prefix = prefixes[kind];
	size_t n;

	memcpy(out, prefix.p, prefix.n);
	n = prefix.n + int_print(id, out + prefix.n);
	out[n] = '\0';
	return n;
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
