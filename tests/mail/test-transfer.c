#include "mail/transfer.h"

#include "lib/unit.h"
#include "mail/rows.h"

struct row {
	enum transfer kind;
	struct str in, out;
};
#define R(kind, in, out)                                                       \
	{                                                                      \
		TRANSFER_##kind, STR(in), STR(out)                             \
	}

static const struct row rows[] = {
	R(PLAIN, "a=3D\r\n\0b", "a=3D\r\n\0b"),
	/* RFC 4648 10 */
	R(BASE64, "", ""),
	R(BASE64, "Zg==", "f"),
	R(BASE64, "Zm8=", "fo"),
	R(BASE64, "Zm9v", "foo"),
	R(BASE64, "Zm9vYmFy", "foobar"),
	R(BASE64, "Zm9v\r\nYmFy\r\n", "foobar"),
	R(BASE64,
	    "Z m-9*v\0Ym\xff"
	    "Fy",
	    "foobar"),
	R(BASE64, "Zm8", "fo"),
	R(BASE64, "Zg", "f"),
	R(BASE64, "Z", ""),
	R(BASE64, "Zg==Zm9v", "ffoo"), /* two runs joined */
	R(BASE64, "====", ""),
	R(BASE64, "AAEC/w==", "\0\1\2\xff"),
	R(QUOTED, "plain", "plain"),
	R(QUOTED, "a=3Db=c3=BC", "a=b\xc3\xbc"),
	R(QUOTED, "one=\r\ntwo=\nthree", "onetwothree"),
	R(QUOTED, "soft= \t\r\nbreak", "softbreak"),
	R(QUOTED, "blanks \t \r\nend \n.", "blanks\r\nend\n."),
	R(QUOTED, "in the  middle\tstay", "in the  middle\tstay"),
	R(QUOTED, "at the end  ", "at the end"),
	R(QUOTED, "=", ""),
	R(QUOTED, "a=4", "a=4"),
	R(QUOTED, "a=ZZ=4=41==41", "a=ZZ=4A=A"),
	R(QUOTED, "=4\nx", "=4\nx"),
	R(QUOTED, "a\rb\r\r\n", "a\rb\r\r\n"),
	R(QUOTED, "=00=0D=0A", "\0\r\n"),
	R(UU, "begin 644 f\n#0V%T\n`\nend\n", "Cat"),
	R(UU, "noise\nbegin 644 f\r\n#0V%T\r\n`\r\nend\r\nnoise", "Cat"),
	R(UU, "begin 644 f\n$0V%T", "Cat\0"),
	R(UU, "#0V%T\n", ""),
};

/* Into a buffer, in pieces of `step` bytes. */
static void
decode(const struct row *r, size_t step, struct buf *out)
{
	struct transfer_decoder d;

	transfer_begin(&d, r->kind, transfer_to_buf, out);
	for (size_t at = 0; at < r->in.n; at += step) {
		size_t n = r->in.n - at < step ? r->in.n - at : step;

		ck_assert_int_eq(transfer_feed(&d, r->in.p + at, n), RC_OK);
	}
	ck_assert_int_eq(transfer_end(&d), RC_OK);
	ck_assert_uint_eq(d.total, out->n);
}

START_TEST(however_it_is_cut)
{
	struct buf out;

	for (size_t i = 0; i < ROWS(rows); i++) {
		for (size_t step = 1; step <= rows[i].in.n + 1; step++) {
			buf_init(&out, 4096);
			decode(&rows[i], step, &out);
			SAME_TEXT(
			    i, ((struct str){ out.p, out.n }), rows[i].out);
			buf_clear(&out);
		}
		ck_assert_uint_eq(
		    transfer_size(rows[i].kind, rows[i].in), rows[i].out.n);
	}
}
END_TEST

START_TEST(names)
{
	ck_assert_int_eq(transfer_of(STR("BASE64")), TRANSFER_BASE64);
	ck_assert_int_eq(
	    transfer_of(STR(" Quoted-Printable\r\n")), TRANSFER_QUOTED);
	ck_assert_int_eq(transfer_of(STR("x-uuencode")), TRANSFER_UU);
	ck_assert_int_eq(transfer_of(STR("8bit")), TRANSFER_PLAIN);
	ck_assert_int_eq(transfer_of(STR("base65")), TRANSFER_PLAIN);
	ck_assert_int_eq(transfer_of(STR("")), TRANSFER_PLAIN);
	ck_assert_int_eq(transfer_of((struct str){ NULL, 0 }), TRANSFER_PLAIN);
}
END_TEST

/* A sink that is full ends the stream, with what fits taken. */
START_TEST(full)
{
	char in[20000];
	struct buf out;

	memset(in, 'x', sizeof(in));
	for (int kind = TRANSFER_PLAIN; kind <= TRANSFER_QUOTED; kind++) {
		buf_init(&out, 5000);
		ck_assert_int_eq(
		    transfer_decode((enum transfer)kind,
			(struct str){ in, sizeof(in) }, transfer_to_buf, &out),
		    RC_TOO_LARGE);
		ck_assert_uint_eq(out.n, 5000);
		buf_clear(&out);
	}
}
END_TEST

/* Hundreds of blanks are not held for ever. */
START_TEST(long_blanks)
{
	char in[1000];
	uint64_t n;

	memset(in, ' ', sizeof(in));
	in[0] = 'a';
	in[999] = 'b';
	n = transfer_size(TRANSFER_QUOTED, (struct str){ in, sizeof(in) });
	ck_assert_uint_eq(n, 1000);
	in[0] = '=';
	n = transfer_size(TRANSFER_QUOTED, (struct str){ in, sizeof(in) });
	ck_assert_uint_eq(n, 1000);
}
END_TEST

/* What is written is short lines of ASCII, and reads as what it was. */
START_TEST(quotes)
{
	static const struct str rows_quoted[] = { STR(""), STR("plain\n"),
		STR("a=b \n\tc\t\n"), STR("gr\xc3\xbc\xc3\x9f\x65\n\n.\n"),
		STR("no line end"), STR("\r \x01\x7f\n"),
		STR("a line that goes on and on, \xe2\x82\xac\xe2\x82\xac"
		    "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac, "
		    "far beyond where any line may end, and then some\n") };

	for (size_t i = 0; i < ROWS(rows_quoted); i++) {
		struct buf out, back;
		const char *want = rows_quoted[i].p;
		size_t column = 0, at = 0;

		buf_init(&out, 4096);
		buf_init(&back, 4096);
		transfer_quote(&out, rows_quoted[i]);
		for (size_t k = 0; k < out.n; k++) {
			column = out.p[k] == '\n' ? 0 : column + 1;
			ck_assert_uint_le(column, 77); /* CR included */
			ck_assert_uint_lt((unsigned char)out.p[k], 0x7f);
		}
		ck_assert_int_eq(
		    transfer_decode(TRANSFER_QUOTED,
			(struct str){ out.p, out.n }, transfer_to_buf, &back),
		    RC_OK);
		for (size_t k = 0; k < back.n; k++) {
			/* a line end has become CRLF, the last one is added */
			if (back.p[k] == '\r' && k + 1 < back.n &&
			    back.p[k + 1] == '\n')
				continue;
			if (at == rows_quoted[i].n && back.p[k] == '\n')
				continue;
			ck_assert_uint_lt(at, rows_quoted[i].n);
			ck_assert_int_eq(back.p[k], want[at++]);
		}
		ck_assert_uint_eq(at, rows_quoted[i].n);
		buf_clear(&out);
		buf_clear(&back);
	}
}
END_TEST

UNIT_MAIN("mail/transfer", UNIT(however_it_is_cut), UNIT(names), UNIT(full),
    UNIT(long_blanks), UNIT(quotes))
