/* Encoded words and parameters: always valid UTF-8 without NUL and line ends,
 * and what we encode decodes to the same. */
#include "fuzz.h"

#include "mail/parameter.h"
#include "mail/rfc2047.h"

static bool
is_clean(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	}
	return utf8_valid(s.p, s.n);
}

/* Pieces divided by ';' and '='. */
static void
parameters(struct arena *a, struct str in)
{
	struct parameter *v = ARENA_ARRAY(a, struct parameter, 100), *out;
	size_t n = 0, got;

	while (in.n > 0 && n < 100) {
		const char *end = memchr(in.p, ';', in.n);
		size_t one = end != NULL ? (size_t)(end - in.p) : in.n;
		const char *is = memchr(in.p, '=', one);
		size_t name = is != NULL ? (size_t)(is - in.p) : one;

		v[n].name = (struct str){ in.p, name };
		v[n++].value = is != NULL
		    ? (struct str){ is + 1, one - name - 1 }
		    : (struct str){ NULL, 0 };
		one += end != NULL;
		in = (struct str){ in.p + one, in.n - one };
	}
	got = parameter_decode(a, v, n, &out);
	HOLDS(got <= PARAMETER_MOST);
	for (size_t i = 0; i < got; i++)
		HOLDS(out[i].value.n <= PARAMETER_LONGEST &&
		    utf8_valid(out[i].value.p, out[i].value.n));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new((size_t)256 << 20);
	struct str in = { (const char *)data, n }, out;

	if (n > 100000)
		in.n = 0;
	out = rfc2047_decode(a, in, 10000);
	HOLDS(out.n <= 10000 && is_clean(out));
	parameters(a, in);
	if (is_clean(in)) {
		struct str wire = rfc2047_encode(a, in, n % 50);

		HOLDS(str_eq(rfc2047_decode(a, wire, SIZE_MAX), in));
	}
	arena_free(&a);
	return 0;
}
