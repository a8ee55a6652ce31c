#include "mail/imap-set.h"

#include "rows.h"

static struct arena *arena;

static struct str
printed(const struct imap_set *s)
{
	struct buf b;
	struct str out;

	buf_init(&b, 1 << 20);
	imap_set_print(s, &b);
	out = (struct str){ arena_dup(arena, b.n > 0 ? b.p : "", b.n), b.n };
	buf_clear(&b);
	return out;
}

static struct imap_set
set_of(const char *text)
{
	struct imap_set s;

	imap_set_init(&s, arena);
	if (text[0] != '\0')
		ck_assert_msg(imap_set_parse(&s, str_of(text), 0), "%s", text);
	return s;
}

static const struct {
	const char *in;
	uint32_t star;
	const char *out; /* NULL: refused */
} parsed[] = {
	{ "1", 0, "1" },
	{ "1:4294967295", 0, "1:4294967295" },
	{ "4294967295", 0, "4294967295" },
	{ "3,1,2", 0, "1:3" },
	{ "5:3", 0, "3:5" },
	{ "1:3,2:5,9", 0, "1:5,9" },
	{ "9,1:3,5:6,4", 0, "1:6,9" },
	{ "1,1,1", 0, "1" },
	{ "4294967295,4294967294", 0, "4294967294:4294967295" },
	{ "1:*", 7, "1:7" },
	{ "9:*", 7, "7:9" },
	{ "*", 7, "7" },
	{ "*", 0, NULL },
	{ "0", 0, NULL },
	{ "0:5", 0, NULL },
	{ "5:0", 0, NULL },
	{ "01", 0, NULL },
	{ "4294967296", 0, NULL },
	{ "99999999999999999999", 0, NULL },
	{ "", 0, NULL },
	{ ",", 0, NULL },
	{ "1,", 0, NULL },
	{ ",1", 0, NULL },
	{ "1:", 0, NULL },
	{ ":1", 0, NULL },
	{ "1:2:3", 0, NULL },
	{ "1 2", 0, NULL },
	{ "-1", 0, NULL },
	{ "1.2", 0, NULL },
};

START_TEST(parse)
{
	arena = arena_new(1 << 20);
	for (size_t i = 0; i < ROWS(parsed); i++) {
		struct imap_set s;
		bool ok;

		imap_set_init(&s, arena);
		ok = imap_set_parse(&s, str_of(parsed[i].in), parsed[i].star);
		ck_assert_msg(ok == (parsed[i].out != NULL), "row %zu", i);
		if (ok)
			SAME_TEXT(i, printed(&s), str_of(parsed[i].out));
		else
			ck_assert_uint_eq(s.n, 0);
	}
	arena_free(&arena);
}
END_TEST

static const struct {
	const char *a, *b, *minus, *plus, *both;
} pairs[] = {
	{ "1:10", "3:5", "1:2,6:10", "1:10", "3:5" },
	{ "1:10", "", "1:10", "1:10", "" },
	{ "", "1", "", "1", "" },
	{ "1:3,5:7", "2:6", "1,7", "1:7", "2:3,5:6" },
	{ "1:4294967295", "2:4294967294", "1,4294967295", "1:4294967295",
	    "2:4294967294" },
	{ "4294967295", "4294967295", "", "4294967295", "4294967295" },
	{ "1:2,9", "3:8", "1:2,9", "1:9", "" },
	{ "1:100", "1,3,5,100", "2,4,6:99", "1:100", "1,3,5,100" },
	{ "5:6,8:9,20", "1:30", "", "1:30", "5:6,8:9,20" },
	{ "10:20", "1:10,20:30", "11:19", "1:30", "10,20" },
};

START_TEST(algebra)
{
	arena = arena_new(1 << 20);
	for (size_t i = 0; i < ROWS(pairs); i++) {
		struct imap_set a = set_of(pairs[i].a), b = set_of(pairs[i].b);
		struct imap_set out;

		imap_set_init(&out, arena);
		imap_set_difference(&a, &b, &out);
		SAME_TEXT(i, printed(&out), str_of(pairs[i].minus));
		imap_set_union(&a, &b, &out);
		SAME_TEXT(i, printed(&out), str_of(pairs[i].plus));
		imap_set_intersection(&a, &b, &out);
		SAME_TEXT(i, printed(&out), str_of(pairs[i].both));
	}
	arena_free(&arena);
}
END_TEST

/* Against a plain bitmap, for sets that a small generator makes. */
START_TEST(against_bitmap)
{
	uint32_t seed = 1;

	arena = arena_new(16 << 20);
	for (int round = 0; round < 400; round++) {
		bool want[130] = { false };
		struct imap_set s;
		uint64_t count = 0, place = 0;
		struct imap_walk w = { &s, 0, 0 };
		uint32_t uid, seen = 0;

		imap_set_init(&s, arena);
		for (int k = 0; k < 20; k++) {
			uint32_t first, last;

			seed = seed * 1664525 + 1013904223;
			first = 1 + (seed >> 8) % 120;
			last = first + (seed >> 24) % 6;
			imap_set_add(&s, first, last);
			for (uint32_t u = first; u <= last; u++)
				want[u] = true;
		}
		for (uint32_t u = 1; u < 130; u++) {
			ck_assert_int_eq(imap_set_has(&s, u), want[u]);
			count += want[u];
		}
		ck_assert_uint_eq(imap_set_count(&s), count);
		while (imap_set_next(&w, &uid)) {
			uint32_t nth;

			ck_assert_uint_gt(uid, seen);
			ck_assert(want[uid]);
			ck_assert(imap_set_nth(&s, place, &nth) && nth == uid);
			seen = uid;
			place++;
		}
		ck_assert_uint_eq(place, count);
		for (size_t i = 1; i < s.n; i++) /* never touching */
			ck_assert_uint_gt(
			    s.range[i].first, s.range[i - 1].last + 1);
		arena_reset(arena);
	}
	arena_free(&arena);
}
END_TEST

START_TEST(newest)
{
	struct imap_set s, out;

	arena = arena_new(1 << 20);
	s = set_of("1:10,20,30:4294967295");
	imap_set_init(&out, arena);
	imap_set_take_newest(&s, 2, &out);
	SAME_TEXT(0, printed(&out), STR("4294967294:4294967295"));
	imap_set_take_newest(&s, 4294967264, &out);
	SAME_TEXT(1, printed(&out), STR("30:4294967293"));
	imap_set_take_newest(&s, 4, &out);
	SAME_TEXT(2, printed(&out), STR("8:10,20"));
	imap_set_take_newest(&s, 100, &out);
	SAME_TEXT(3, printed(&out), STR("1:7"));
	imap_set_take_newest(&s, 100, &out);
	SAME_TEXT(4, printed(&out), STR(""));
	arena_free(&arena);
}
END_TEST

START_TEST(copyuid_order)
{
	struct imap_set s;
	uint32_t uid;
	uint64_t place;

	arena = arena_new(1 << 20);
	imap_set_init(&s, arena);
	ck_assert(imap_set_parse_list(&s, STR("304,20:21,7")));
	ck_assert(imap_set_index(&s, 21, &place) && place == 2);
	ck_assert(imap_set_nth(&s, 3, &uid) && uid == 7);
	ck_assert(!imap_set_nth(&s, 4, &uid));
	ck_assert(!imap_set_index(&s, 8, &place));
	arena_free(&arena);
}
END_TEST

START_TEST(pieces)
{
	struct imap_set s;
	struct buf b;
	size_t n;

	arena = arena_new(1 << 20);
	s = set_of("1,3,5,7:9");
	buf_init(&b, 1000);
	n = imap_set_print_some(&s, 0, 24, &b);
	ck_assert_uint_eq(n, 2);
	SAME_TEXT(0, ((struct str){ b.p, b.n }), STR("1,3"));
	buf_reset(&b);
	ck_assert_uint_eq(imap_set_print_some(&s, n, 1000, &b), 2);
	SAME_TEXT(1, ((struct str){ b.p, b.n }), STR("5,7:9"));
	buf_clear(&b);
	arena_free(&arena);
}
END_TEST

/* 32,000 numbers in the worst order: sorted once, not moved each time. */
START_TEST(gathered)
{
	struct imap_set s;

	arena = arena_new(16 << 20);
	imap_set_init(&s, arena);
	for (uint32_t u = 64000; u > 0; u -= 2)
		imap_set_gather(&s, u, u);
	imap_set_settle(&s);
	ck_assert_uint_eq(s.n, 32000);
	ck_assert_uint_eq(imap_set_count(&s), 32000);
	arena_free(&arena);
}
END_TEST

UNIT_MAIN("mail/imap-set", UNIT(parse), UNIT(algebra), UNIT(against_bitmap),
    UNIT(newest), UNIT(copyuid_order), UNIT(pieces), UNIT(gathered))
