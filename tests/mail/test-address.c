/* Addresses as they go into a command: nothing that would end or widen it. */
#include "mail/address.h"

#include "lib/unit.h"

START_TEST(addresses)
{
	static const struct {
		struct str text;
		bool ok;
	} rows[] = {
		{ STR("anna@example.org"), true },
		{ STR("anna+tag@mail.example.org"), true },
		{ STR("b\xc3\xbc@example.org"), true },
		{ STR("anna@b\xc3\xbc.example"), true },
		{ STR(""), false },
		{ STR("anna"), false },
		{ STR("@example.org"), false },
		{ STR("anna@"), false },
		{ STR("anna@@example.org"), false },
		{ STR("a@b@example.org"), false },
		{ STR("anna@example.org\r\nRCPT TO:<x@y.z>"), false },
		{ STR("anna\n@example.org"), false },
		{ STR("anna\0@example.org"), false },
		{ STR("anna@example.org\0"), false },
		{ STR("anna@exam ple.org"), false },
		{ STR("<anna@example.org>"), false },
		{ STR("anna@example.org> SIZE=1"), false },
		{ STR("a,b@example.org"), false },
		{ STR("\"a b\"@example.org"), false },
		{ STR("anna@-example.org"), false },
		{ STR("anna@::1"), false },
		{ STR("anna\xe2\x80\xa8@example.org"), false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_msg(address_ok(rows[i].text) == rows[i].ok, "%.*s",
		    STR_FMT(rows[i].text));
}
END_TEST

START_TEST(wire)
{
	static const struct {
		const char *in, *out; /* NULL: none */
		bool utf8;
	} rows[] = {
		{ "anna@Example.org", "anna@Example.org", false },
		{ "a@b\xc3\xbc"
		  "cher.example",
		    "a@xn--bcher-kva.example", false },
		{ "a@B\xc3\x9c"
		  "CHER.example",
		    "a@xn--bcher-kva.example", false },
		{ "a@xn--bcher-kva.example", "a@xn--bcher-kva.example", false },
		{ "a@\xe4\xbe\x8b\xe3\x81\x88.jp", "a@xn--r8jz45g.jp", false },
		{ "\xe7\x94\xa8@\xe4\xbe\x8b.jp", "\xe7\x94\xa8@xn--fsq.jp",
		    true },
		{ "b\xc3\xbc@example.org", "b\xc3\xbc@example.org", true },
		/* what looks like a dot or a slash */
		{ "a@b\xe2\x81\x84"
		  "c\xc3\xbc.example",
		    NULL, false },
		{ "a@\xef\xbc\xa0\xc3\xbc.example", NULL, false },
		{ "a@\xe2\x80\x8d.example", NULL, false },
		{ "a@\xc3\xbc..example", NULL, false },
		{ "nobody", NULL, false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new(1 << 16);
		struct str out = { NULL, 0 };
		enum rc rc = address_wire(a, str_of(rows[i].in), &out);

		if (rows[i].out == NULL) {
			ck_assert_msg(rc == RC_INVALID, "%s: %s", rows[i].in,
			    rc == RC_OK ? out.p : "");
		} else {
			ck_assert_msg(
			    rc == RC_OK, "%s: %s", rows[i].in, fail_detail());
			ck_assert_str_eq(out.p, rows[i].out);
			ck_assert_uint_eq(out.n, strlen(out.p));
			ck_assert_int_eq(address_is_utf8(out), rows[i].utf8);
		}
		arena_free(&a);
	}
}
END_TEST

UNIT_MAIN("mail/address", UNIT(addresses), UNIT(wire))
