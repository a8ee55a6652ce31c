/* Addresses as they go into a command: nothing that would end or widen it. */
#include "mail/smtp.h"

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
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_msg(smtp_address_ok(rows[i].text) == rows[i].ok,
		    "%.*s", STR_FMT(rows[i].text));
}
END_TEST

UNIT_MAIN("mail/smtp", UNIT(addresses))
