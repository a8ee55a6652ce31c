#include "mail/echo.h"

#include "rows.h"

/* The secret of all rows is pass"word\1; user names of three lengths put it
 * at each place in base64. */
static const struct {
	const char *line;
	bool echo;
} lines[] = {
	{ "A2 BAD Unknown: LOGIN anna pass\"word\\1", true },
	{ "A2 BAD Unknown: LOGIN anna \"pass\\\"word\\\\1\"", true },
	{ "A2 BAD AUTHENTICATE PLAIN AGFubgBwYXNzIndvcmRcMQ==", true },
	{ "A2 BAD AUTHENTICATE PLAIN AGFubmEAcGFzcyJ3b3JkXDE=", true },
	{ "A2 BAD AUTHENTICATE PLAIN AGFubmFhAHBhc3Mid29yZFwx", true },
	{ "334 cGFzcyJ3b3JkXDE=", true },
	{ "A2 BAD cut off: AGFubgBwYXNzIndvcm", true },
	{ "A2 BAD LOGIN anna pass\"wor", true },
	{ "A2 NO [AUTHENTICATIONFAILED] Authentication failed.", false },
	{ "A2 NO Your password is wrong", false },
	{ "A2 BAD AUTHENTICATE PLAIN AGFubmE=", false },
	{ "", false },
};

START_TEST(echoes)
{
	struct secret s = { (unsigned char[]){ "pass\"word\\1" }, 11 };

	for (size_t i = 0; i < ROWS(lines); i++)
		ck_assert_msg(
		    echo_of(str_of(lines[i].line), &s) == lines[i].echo,
		    "row %zu: %s", i, lines[i].line);
}
END_TEST

START_TEST(short_ones)
{
	struct secret none = { NULL, 0 };
	struct secret three = { (unsigned char[]){ "a!z" }, 3 };

	ck_assert(!echo_of(STR("anything"), &none));
	ck_assert(echo_of(STR("NO LOGIN anna a!z"), &three));
	ck_assert(!echo_of(STR("NO LOGIN anna a!"), &three));
}
END_TEST

UNIT_MAIN("mail/echo", UNIT(echoes), UNIT(short_ones))
