/* What goes behind DATA: no end but the end. */
#include "mail/smtp-dots.h"

#include <stdlib.h>

#include "lib/unit.h"

static size_t
all(struct str m, size_t room, char *out)
{
	struct smtp_dots d = { .message = m };
	size_t n = 0, one;

	while ((one = smtp_dots_next(&d, out + n, room)) > 0)
		n += one;
	return n;
}

START_TEST(line_ends)
{
	static const struct {
		struct str in, out;
	} rows[] = {
		{ STR(""), STR("") },
		{ STR("a\r\n"), STR("a\r\n") },
		{ STR("a"), STR("a\r\n") },
		{ STR("."), STR("..\r\n") },
		{ STR(".\r\n"), STR("..\r\n") },
		{ STR("a\r\n.\r\nb\r\n"), STR("a\r\n..\r\nb\r\n") },
		{ STR("a\n.\nb\n"), STR("a\r\n..\r\nb\r\n") },
		{ STR("a\r.\rb"), STR("a\r\n..\r\nb\r\n") },
		{ STR("a\r\r\n.\n\r.x"), STR("a\r\n\r\n..\r\n\r\n..x\r\n") },
		{ STR("a.\r\n..b\r\n"), STR("a.\r\n...b\r\n") },
		{ STR("\r\n\r\n"), STR("\r\n\r\n") },
		{ STR("a\r\n.\0\r\n"), STR("a\r\n..\0\r\n") },
		{ STR("a\r"), STR("a\r\n") },
	};
	char out[200];

	ARRAY_EACH (row, rows)
		for (size_t room = 3; room < 30; room++) {
			size_t n = all(row->in, room, out);

			ROW(row->in.p,
			    str_eq((struct str){ out, n }, row->out));
		}
}
END_TEST

/* Whole lines, none of one dot; how many dots begin a line. An assertion for
 * each byte would be a system call for each. */
static bool
are_lines(const char *out, size_t m, size_t *dots)
{
	*dots = 0;
	for (size_t k = 0; k < m; k++) {
		if (out[k] == '\n' && out[k - 1] != '\r')
			return false;
		if (out[k] == '\r' && out[k + 1] != '\n')
			return false;
		*dots += out[k] == '.' && (k == 0 || out[k - 1] == '\n');
	}
	return memmem(out, m, "\r\n.\r\n", 5) == NULL &&
	    (m < 3 || memcmp(out, ".\r\n", 3) != 0) &&
	    (m == 0 || memcmp(out + m - 2, "\r\n", 2) == 0);
}

/* Bytes by chance: never a line of one dot, always an end, and the size as it
 * was told. */
START_TEST(chance)
{
	static const char letters[] = "\r\n..a";
	char in[40], out[200];

	srandom(1);
	for (int i = 0; i < 100000; i++) {
		size_t n = (size_t)random() % sizeof in, m, dots;

		for (size_t k = 0; k < n; k++)
			in[k] = letters[(size_t)random() % 5];
		m = all((struct str){ in, n }, 3 + (size_t)random() % 9, out);
		ck_assert(are_lines(out, m, &dots));
		ck_assert_uint_eq(
		    smtp_dots_size((struct str){ in, n }), m - dots);
	}
}
END_TEST

UNIT_MAIN("mail/smtp-dots", UNIT(line_ends), UNIT(chance))
