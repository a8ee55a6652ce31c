/* Header fields of people. */
#include "mail/people.h"

#include "core/buffer.h"
#include "lib/unit.h"

START_TEST(fields)
{
	/* told: "name<address>|", and "!" where something was not understood */
	static const struct {
		struct str in, told;
	} rows[] = {
		{ STR(""), STR("") },
		{ STR(" a@b.test"), STR("<a@b.test>|") },
		{ STR(" <a@b.test>"), STR("<a@b.test>|") },
		{ STR("Anna <a@b.test>"), STR("Anna<a@b.test>|") },
		{ STR("Anna\r\n B <a@b.test>,\r\n c@d.test"),
		    STR("Anna B<a@b.test>|<c@d.test>|") },
		{ STR("\"A, \\\"B\\\"\" <a@b.test>"),
		    STR("A, \"B\"<a@b.test>|") },
		{ STR("a@b.test (Anna, \\) (B)), c@d.test"),
		    STR("<a@b.test>|<c@d.test>|") },
		{ STR("=?utf-8?q?=C3=BC?= <a@b.test>"),
		    STR("\xc3\xbc<a@b.test>|") },
		{ STR("G: a@b.test, c@d.test; , e@f.test"),
		    STR("<a@b.test>|<c@d.test>|<e@f.test>|") },
		{ STR("undisclosed-recipients:;"), STR("") },
		{ STR(",,a@b.test,,"), STR("<a@b.test>|") },
		{ STR("Anna"), STR("!") },
		{ STR("\"a@b.test\""), STR("!") },
		{ STR("a@b.test c@d.test"), STR("!") },
		{ STR("a@b.test <c@d.test>"), STR("a@b.test<c@d.test>|") },
		{ STR("<a@b.test> <c@d.test>"),
		    STR("<a@b.test>|<c@d.test>|!") },
		{ STR("<a@b.test> c@d.test"), STR("<a@b.test>|!") },
		{ STR("Anna <a@b.test"), STR("!") },
		{ STR("\"Anna <a@b.test>"), STR("!") },
		{ STR("a@b.test (Anna"), STR("<a@b.test>|!") },
		{ STR("<@r.test:a@b.test>"), STR("!") },
		{ STR("<>"), STR("!") },
		{ STR("a@b@c.test"), STR("!") },
		{ STR("\\"), STR("!") },
		{ STR("("), STR("!") },
	};
	struct arena *a = arena_new((size_t)4 << 20);

	ARRAY_EACH (row, rows) {
		struct compose_people people;
		bool whole = people_read(a, row->in, 10, &people);
		struct buf told;

		buf_init(&told, 1000);
		for (size_t i = 0; i < people.n; i++) {
			buf_add(&told, people.v[i].name.p, people.v[i].name.n);
			buf_fmt(&told, "<%.*s>|", STR_FMT(people.v[i].address));
		}
		if (!whole)
			buf_putc(&told, '!');
		ck_assert_msg(str_eq((struct str){ told.p, told.n }, row->told),
		    "row \"%s\": %s", row->in.p, buf_text(&told));
		buf_clear(&told);
	}
	arena_free(&a);
}
END_TEST

START_TEST(limits)
{
	struct arena *a = arena_new((size_t)4 << 20);
	struct compose_people people;

	ck_assert(
	    !people_read(a, STR("a@b.test,c@d.test,e@f.test"), 2, &people));
	ck_assert_uint_eq(people.n, 2);
	ck_assert(people_read(a, STR("a@b.test,c@d.test"), 2, &people));
	arena_free(&a);
}
END_TEST

UNIT_MAIN("mail/people", UNIT(fields), UNIT(limits))
