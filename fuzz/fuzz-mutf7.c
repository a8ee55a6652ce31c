/* Folder names: what decodes exactly encodes to the same bytes, and any name
 * there and back is the same. */
#include "fuzz.h"

#include "mail/mutf7.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(16 << 20);
	struct str in = { (const char *)data, n }, name, wire;
	bool exact;

	if (n > 100000)
		n = in.n = 0;
	name = mutf7_decode(a, in, &exact);
	HOLDS(utf8_valid(name.p, name.n));
	if (exact && n > 0 && mutf7_encode(a, name, &wire) == RC_OK)
		HOLDS(str_eq(wire, in));
	if (mutf7_encode(a, in, &wire) == RC_OK) {
		name = mutf7_decode(a, wire, &exact);
		HOLDS(exact && str_eq(name, in));
	}
	arena_free(&a);
	return 0;
}
