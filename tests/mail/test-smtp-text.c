/* What comes behind DATA: one end, and no other. */
#include "mail/smtp-text.h"

#include <stdlib.h>

#include "lib/unit.h"

#define MOST 400

struct read {
	char out[MOST];
	size_t n, used;
	struct smtp_text t;
};

/* In pieces of `piece` bytes, as a socket might give them. */
static struct read
read_all(struct str in, size_t piece)
{
	struct read r = { .n = 0 };

	while (r.used < in.n && !r.t.ended) {
		struct str p = { in.p + r.used,
			in.n - r.used < piece ? in.n - r.used : piece };
		size_t n;

		r.used += smtp_text_take(&r.t, p, r.out + r.n, &n);
		r.n += n;
	}
	return r;
}

START_TEST(messages)
{
	static const struct {
		struct str in, out;
		size_t rest; /* behind the end */
	} rows[] = {
		{ STR(".\r\n"), STR(""), 0 },
		{ STR("a\r\n.\r\n"), STR("a\r\n"), 0 },
		{ STR("a\r\n\r\nb\r\n.\r\n"), STR("a\r\n\r\nb\r\n"), 0 },
		{ STR("..\r\n.\r\n"), STR(".\r\n"), 0 },
		{ STR("..a\r\n...\r\n.\r\n"), STR(".a\r\n..\r\n"), 0 },
		{ STR(".a\r\n.\r\n"), STR("a\r\n"), 0 },
		{ STR("a.\r\n.\r\n"), STR("a.\r\n"), 0 },
		{ STR("a\r\n.\r\nQUIT\r\n"), STR("a\r\n"), 6 },
		{ STR("a\r\n.\r\n.\r\n"), STR("a\r\n"), 3 },
		{ STR("\0\r\n.\r\n"), STR("\0\r\n"), 0 },
	};

	ARRAY_EACH (row, rows)
		for (size_t piece = 1; piece < 20; piece++) {
			struct read r = read_all(row->in, piece);

			ROW(row->in.p, r.t.ended && !r.t.bare);
			ROW(row->in.p, r.used == row->in.n - row->rest);
			ROW(row->in.p,
			    str_eq((struct str){ r.out, r.n }, row->out));
		}
}
END_TEST

/* What some server somewhere takes for an end (CVE-2023-51764 and its kin). A
 * message with one of them is spoiled and goes on to the true end, so that what
 * stands in between is never a command. */
START_TEST(smuggling)
{
	static const struct str forms[] = {
		STR("\n.\n"),
		STR("\n.\r\n"),
		STR("\r.\r"),
		STR("\r.\r\n"),
		STR("\r\n.\n"),
		STR("\r\n.\r"),
		STR("\n.\r"),
		STR("\r.\n"),
		STR("\r\r\n.\r\r\n"),
		STR("\r\n.\r\r\n"),
		STR("\r\r\n.\r\n\r"),
		STR("\n\n.\n\n"),
		STR("\n\r.\n\r"),
		STR("\r\n\n.\r\n\n"),
		STR("\r\n.\r\0\n"),
		STR("\r\0\n.\r\0\n"),
		STR("\r\n\0.\r\n\r"),
		STR("\r\n.\0\r\n\n"),
		STR("\r\n. \n"),
		STR("\r\n..\n"),
		STR("\n..\r\n"),
		STR("\r\n.\r \n"),
		STR("\v\n.\v\n"),
		STR("\f\n.\f\r\n\n"),
	};
	static const char behind[] = "MAIL FROM:<evil@x>\r\n.\r\n";

	ck_assert_uint_eq(sizeof forms / sizeof *forms, 24);
	ARRAY_EACH (form, forms)
		for (size_t piece = 1; piece < 40; piece++) {
			char in[MOST];
			size_t n = 0;
			struct read r;

			memcpy(in, "a", 1);
			memcpy(in + 1, form->p, form->n);
			n = 1 + form->n;
			memcpy(in + n, behind, sizeof behind - 1);
			n += sizeof behind - 1;
			r = read_all((struct str){ in, n }, piece);
			/* The one form that has a true end in it: what is
			 * behind comes as commands, and begins with a lone
			 * CR, which ends the session. */
			if (memmem(form->p, form->n, "\r\n.\r\n", 5) != NULL) {
				ROW(form->p, r.t.ended && r.t.bare);
				continue;
			}
			ROW(form->p, r.t.ended);
			ROW(form->p, r.t.bare);
			ROW(form->p, r.used == n);
		}
}
END_TEST

/* Another way of finding the end, and of undoing dots, on bytes by chance and
 * in pieces by chance. */
START_TEST(chance)
{
	static const char letters[] = "\r\n\r\n.a";

	srandom(1);
	for (int i = 0; i < 100000; i++) {
		char in[60];
		size_t n = (size_t)random() % (sizeof in - 5), end, m = 0;
		char want[60];
		bool bare = false;
		struct read r;
		const char *e;

		for (size_t k = 0; k < n; k++)
			in[k] = letters[(size_t)random() % 6];
		memcpy(in + n, "\r\n.\r\n", 5);
		n += 5;
		e = memmem(in, n, "\r\n.\r\n", 5);
		end = memcmp(in, ".\r\n", 3) == 0 ? 3 : (size_t)(e - in) + 5;
		for (size_t k = 0; k + 3 < end; k++) {
			bool begins = k == 0 ||
			    (k > 1 && in[k - 2] == '\r' && in[k - 1] == '\n');

			bare |= in[k] == '\n' && (k == 0 || in[k - 1] != '\r');
			bare |= in[k] == '\r' && in[k + 1] != '\n';
			if (!(begins && in[k] == '.'))
				want[m++] = in[k];
		}
		r = read_all((struct str){ in, n }, 1 + (size_t)random() % 9);
		ck_assert(r.t.ended);
		ck_assert_uint_eq(r.used, end);
		ck_assert_int_eq(r.t.bare, bare);
		if (!bare)
			ck_assert(str_eq((struct str){ r.out, r.n },
			    (struct str){ want, m }));
	}
}
END_TEST

UNIT_MAIN("mail/smtp-text", UNIT(messages), UNIT(smuggling), UNIT(chance))
