#include "core/fold.h"

/* How the letters of a range become small ones. */
enum way {
	ADD,  /* by `step` */
	EVEN, /* capital and small letter alternate, the capital is even */
	ODD,  /* the same, the capital is odd */
};

static const struct range {
	uint32_t first, last;
	enum way way;
	int32_t step;
} ranges[] = {
	{ 'A', 'Z', ADD, 32 },
	{ 0xc0, 0xd6, ADD, 32 },
	{ 0xd8, 0xde, ADD, 32 },
	{ 0x100, 0x12f, EVEN, 0 },
	{ 0x132, 0x137, EVEN, 0 },
	{ 0x139, 0x148, ODD, 0 },
	{ 0x14a, 0x177, EVEN, 0 },
	{ 0x178, 0x178, ADD, -121 },
	{ 0x179, 0x17e, ODD, 0 },
	{ 0x1cd, 0x1dc, ODD, 0 },
	{ 0x1de, 0x1ef, EVEN, 0 },
	{ 0x1f8, 0x21f, EVEN, 0 },
	{ 0x222, 0x233, EVEN, 0 },
	{ 0x386, 0x386, ADD, 38 },
	{ 0x388, 0x38a, ADD, 37 },
	{ 0x38c, 0x38c, ADD, 64 },
	{ 0x38e, 0x38f, ADD, 63 },
	{ 0x391, 0x3a1, ADD, 32 },
	{ 0x3a3, 0x3ab, ADD, 32 },
	{ 0x3c2, 0x3c2, ADD, 1 }, /* the sigma at the end of a word */
	{ 0x400, 0x40f, ADD, 80 },
	{ 0x410, 0x42f, ADD, 32 },
	{ 0x460, 0x481, EVEN, 0 },
	{ 0x48a, 0x4bf, EVEN, 0 },
	{ 0x4c1, 0x4ce, ODD, 0 },
	{ 0x4d0, 0x52f, EVEN, 0 },
	{ 0x531, 0x556, ADD, 48 },
	{ 0x1e00, 0x1e95, EVEN, 0 },
	{ 0x1ea0, 0x1eff, EVEN, 0 },
	{ 0xff21, 0xff3a, ADD, 32 },
};
#define RANGES (sizeof ranges / sizeof *ranges)

static uint32_t
small(const struct range *r, uint32_t cp)
{
	if (r->way == ADD)
		return (uint32_t)((int32_t)cp + r->step);
	return (cp & 1) == (r->way == ODD) ? cp + 1 : cp;
}

uint32_t
fold_letter(uint32_t cp)
{
	for (size_t i = 0; i < RANGES && cp >= ranges[i].first; i++)
		if (cp <= ranges[i].last)
			return small(&ranges[i], cp);
	return cp;
}

uint32_t
utf8_next(struct str s, size_t *at)
{
	static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	const char *p = s.p + *at;
	int n = utf8_step(p, s.n - *at);
	uint32_t cp;

	if (n < 1) { /* not to be: the text is valid */
		*at += (size_t)-n;
		return 0xfffd;
	}
	cp = (unsigned char)p[0] & mask[n];
	for (int i = 1; i < n; i++)
		cp = cp << 6 | ((unsigned char)p[i] & 0x3f);
	*at += (size_t)n;
	return cp;
}

static bool
is_gap(uint32_t cp)
{
	return cp <= ' ' || cp == 0x7f || cp == 0xa0 || cp == 0x200b ||
	    cp == 0x2028 || cp == 0x2029;
}

struct str
fold_text(struct arena *a, struct str s)
{
	/* A small letter may be a byte longer than its capital. */
	char *out = arena_alloc(a, 2 * s.n + 1);
	bool gap = false;
	size_t n = 0;

	for (size_t at = 0; at < s.n;) {
		uint32_t cp = utf8_next(s, &at);

		if (is_gap(cp)) {
			gap = n > 0;
			continue;
		}
		if (gap)
			out[n++] = ' ';
		gap = false;
		n += utf8_put(out + n, fold_letter(cp));
	}
	return (struct str){ out, n };
}
