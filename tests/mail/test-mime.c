#include "mail/mime.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/unit.h"
#include "mail/rows.h"

static struct arena *a;

static void
begin(void)
{
	a = arena_new(64 << 20);
}

static void
end(void)
{
	arena_free(&a);
}

/* "number type size" of each part, one a line; multiparts without size. */
static struct str
shape(const struct mime *m)
{
	char *out = arena_str(a, "");

	for (size_t i = 0; i < m->n; i++) {
		const struct mime_part *p = &m->part[i];

		out = arena_fmt(a, "%s%.*s %.*s", out, STR_FMT(p->number),
		    STR_FMT(p->type));
		out = p->multipart ? arena_fmt(a, "%s\n", out)
				   : arena_fmt(a, "%s %llu\n", out,
					 (unsigned long long)mime_size(p));
	}
	return str_of(out);
}

static struct mime
parse(struct str raw)
{
	struct mime m;

	ck_assert_int_eq(mime_parse(a, raw, MIME_PARTS_MOST, &m), RC_OK);
	return m;
}

#define MIXED(b) "Content-Type: multipart/mixed; boundary=" b "\n\n"

/* Numbers as Dovecot gives them in BODYSTRUCTURE. */
static const struct {
	struct str raw, shape;
} shapes[] = {
	{ STR(""), STR("1 text/plain 0\n") },
	{ STR("\n"), STR("1 text/plain 0\n") },
	{ STR("\r\n\r\n"), STR("1 text/plain 2\n") },
	{ STR("Subject: x"), STR("1 text/plain 0\n") },
	{ STR("Subject: x\n\nhello\n"), STR("1 text/plain 6\n") },
	{ STR("\0\0\0"), STR("1 text/plain 0\n") },
	{ STR("Content-Type: TEXT/Html; x\n\n\0\xff"), STR("1 text/html 2\n") },
	{ STR("Content-Type: text\n\nx"), STR("1 text/plain 1\n") },
	{ STR("Content-Type: a/b/c\n\nx"), STR("1 text/plain 1\n") },
	{ STR("Content-Type: a/b\"\n\nx"), STR("1 text/plain 1\n") },
	{ STR("Content-Type: a/b\nContent-Type: c/d\n\nx"), STR("1 a/b 1\n") },
	{ STR(MIXED("b") "pre\n--b\n\none\n--b\nContent-Type: image/png\n"
			 "Content-Transfer-Encoding: base64\n\nAAAA\n"
			 "--b--\npost\n"),
	    STR("TEXT multipart/mixed\n1 text/plain 3\n2 image/png 3\n") },
	/* CRLF; blanks behind the boundary; no end */
	{ STR("Content-Type: multipart/mixed; boundary=\"a b\"\r\n\r\n"
	      "--a b \t\r\n\r\none\r\n--a b\r\n\r\ntwo\r\n"),
	    STR("TEXT multipart/mixed\n1 text/plain 3\n2 text/plain 5\n") },
	/* no blank line: the delimiter ends the header */
	{ STR(MIXED("b") "--b\nX: y\n--b\n--b--\n"),
	    STR("TEXT multipart/mixed\n1 text/plain 0\n2 text/plain 0\n") },
	/* nested, the outer delimiter ends the inner */
	{ STR(MIXED("o") "--o\n" MIXED("i") "--i\n\nx\n--o\n\ny\n--o--\n"),
	    STR("TEXT multipart/mixed\n1 multipart/mixed\n"
		"1.1 text/plain 1\n2 text/plain 1\n") },
	/* an inner boundary that the outer one is a prefix of */
	{ STR(MIXED("o") "--o\n" MIXED(
	      "o2") "--o2\n\nx\n--o2--\n--o\n\ny\n--o--\n"),
	    STR("TEXT multipart/mixed\n1 multipart/mixed\n"
		"1.1 text/plain 1\n2 text/plain 1\n") },
	/* the same boundary twice: the inner one takes all */
	{ STR(MIXED("o") "--o\n" MIXED("o") "--o\n\nx\n--o--\n--o--\n"),
	    STR("TEXT multipart/mixed\n1 multipart/mixed\n"
		"1.1 text/plain 1\n") },
	/* a boundary that ends in dashes */
	{ STR(MIXED("b--") "--b--\n\nx\n--b----\n"),
	    STR("TEXT multipart/mixed\n1 text/plain 1\n") },
	/* after the end nothing counts */
	{ STR(MIXED("b") "--b\n\nx\n--b--\n--b\n\ny\n"),
	    STR("TEXT multipart/mixed\n1 text/plain 1\n") },
	/* a message inside, plain and multipart */
	{ STR(MIXED("o") "--o\nContent-Type: message/rfc822\n\nSubject: s\n\n"
			 "in\n--o--\n"),
	    STR("TEXT multipart/mixed\n1 message/rfc822 14\n"
		"1.1 text/plain 2\n") },
	{ STR(MIXED("o") "--o\nContent-Type: message/rfc822\n\n" MIXED(
	      "i") "--i\n\nx\n--i\n\ny\n--i--\n--o--\n"),
	    STR("TEXT multipart/mixed\n1 message/rfc822 63\n"
		"1.TEXT multipart/mixed\n1.1 text/plain 1\n"
		"1.2 text/plain 1\n") },
	{ STR("Content-Type: message/rfc822\n\n" MIXED(
	      "i") "--i\n\nx\n--i--\n"),
	    STR("1 message/rfc822 56\n1.TEXT multipart/mixed\n"
		"1.1 text/plain 1\n") },
	{ STR("Content-Type: message/rfc822\n\n"),
	    STR("1 message/rfc822 0\n1.1 text/plain 0\n") },
	/* a message in a message in a message */
	{ STR("Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n"
	      "\nSubject: x\n\nz"),
	    STR("1 message/rfc822 43\n1.1 message/rfc822 13\n"
		"1.1.1 text/plain 1\n") },
	{ STR("Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: "
	      "x\n\ny\n--b\nContent-Type: text/plain\n\nz\n--b--\n"),
	    STR("TEXT multipart/digest\n1 message/rfc822 13\n"
		"1.1 text/plain 1\n2 text/plain 1\n") },
	/* no boundary or no delimiter: one part */
	{ STR("Content-Type: multipart/mixed\n\n--b\n\nx\n"),
	    STR("TEXT multipart/mixed\n1 text/plain 7\n") },
	{ STR("Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\nx\n"),
	    STR("TEXT multipart/mixed\n1 text/plain 6\n") },
	{ STR(MIXED("b") "nothing comes\n"),
	    STR("TEXT multipart/mixed\n1 text/plain 14\n") },
	/* a message of nothing but a header, right before the delimiter */
	{ STR(MIXED("o") "--o\nContent-Type: message/rfc822\n\n" MIXED(
	      "i") "--o--\n"),
	    STR("TEXT multipart/mixed\n1 message/rfc822 43\n"
		"1.TEXT multipart/mixed\n1.1 text/plain 0\n") },
	{ STR(MIXED("o") "--o\n" MIXED("i") "nothing\n--o--\n"),
	    STR("TEXT multipart/mixed\n1 multipart/mixed\n1.1 text/plain "
		"7\n") },
	/* lines that only look like delimiters */
	{ STR(MIXED("b") "--b\n\n --b\n-b\n--c\n---b\n--b--\n"),
	    STR("TEXT multipart/mixed\n1 text/plain 16\n") },
};

START_TEST(numbers)
{
	for (size_t i = 0; i < ROWS(shapes); i++) {
		struct mime m = parse(shapes[i].raw);

		SAME_TEXT(i, shape(&m), shapes[i].shape);
		ck_assert(!m.cut);
		for (size_t k = 0; k < m.n; k++)
			ck_assert_ptr_eq(
			    mime_find(&m, m.part[k].number), &m.part[k]);
	}
}
END_TEST

/* Where content begins and ends: a delimiter takes the line end before it. */
START_TEST(extents)
{
	struct mime m =
	    parse(STR(MIXED("o") "pre\r\n--o\r\nA: b\r\n\r\n"
				 "one\r\n\r\n--o\n" MIXED(
				     "i") "--i\n\n\n--i--\nepi\n--o--\npost"));

	ck_assert_uint_eq(m.n, 4);
	SAME_TEXT(0, m.part[0].header,
	    STR("Content-Type: multipart/mixed; boundary=o\n"));
	ck_assert_ptr_eq(m.part[0].body.p + m.part[0].body.n,
	    m.part[3].body.p + m.part[3].body.n + 21);
	SAME_TEXT(1, m.part[1].header, STR("A: b\r\n"));
	SAME_TEXT(2, m.part[1].body, STR("one\r\n"));
	SAME_TEXT(3, m.part[2].body, STR("--i\n\n\n--i--\nepi"));
	SAME_TEXT(4, m.part[3].body, STR(""));
	ck_assert_uint_eq(m.part[3].parent, 2);
	ck_assert_uint_eq(m.part[3].level, 2);
	ck_assert_uint_eq(m.part[0].parent, MIME_NO_PARENT);
}
END_TEST

START_TEST(headers)
{
	struct mime m =
	    parse(STR("Content-Type: Application/PDF; name=\"other\"; "
		      "charset=UTF-8\n"
		      "Content-Disposition: ATTACHMENT;\n"
		      " filename*=iso-8859-1''%E4%2F..%2F.pdf\n"
		      "Content-ID: <a@b>\n"
		      "Content-Transfer-Encoding: Base64 (really)\n\nAAAA"));
	const struct mime_part *p = &m.part[0];

	SAME_TEXT(0, p->type, STR("application/pdf"));
	SAME_TEXT(1, p->filename, STR("\xc3\xa4/../.pdf"));
	SAME_TEXT(2, p->disposition, STR("attachment"));
	SAME_TEXT(3, p->content_id, STR("a@b"));
	SAME_TEXT(4, p->encoding, STR("base64"));
	SAME_TEXT(5, p->charset, STR("UTF-8"));
	ck_assert_uint_eq(mime_size(p), 3);
	m = parse(STR("Content-Type: a/b; name=\"=?utf-8?Q?=C3=A4?=\"\n\n"));
	SAME_TEXT(6, m.part[0].filename, STR("\xc3\xa4"));
	ck_assert_ptr_null(m.part[0].disposition.p);
	ck_assert_ptr_null(m.part[0].content_id.p);
	ck_assert_ptr_null(m.part[0].charset.p);
	SAME_TEXT(7, m.part[0].encoding, STR("7bit"));
	m = parse(STR("Content-Disposition: in\"line\nContent-ID: x\n"
		      "Content-Transfer-Encoding: <script>\n\n"));
	ck_assert_ptr_null(m.part[0].disposition.p);
	SAME_TEXT(8, m.part[0].encoding, STR("7bit"));
	SAME_TEXT(9, m.part[0].content_id, STR("x"));
}
END_TEST

#define NONE                                                                   \
	{                                                                      \
		NULL, 0                                                        \
	}
#define P(head, body) "--b\n" head "\n\n" body "\n"
#define ALT           "Content-Type: multipart/alternative; boundary=b\n\n"
#define HTML          "Content-Type: text/html"
#define FILE_         "Content-Disposition: attachment; filename=f"

static const struct {
	struct str raw, text, html, snippet;
	bool attachments;
} bodies[] = {
	{ STR(""), STR(""), NONE, STR(""), false },
	{ STR("A: b\n\none\r\ntwo\n"), STR("one\ntwo\n"), NONE, STR("one two"),
	    false },
	{ STR(HTML "\n\n<p>hi &amp; there</p>"), NONE,
	    STR("<p>hi &amp; there</p>"), STR("hi & there"), false },
	{ STR(ALT P("X: y", "plain") P(HTML, "<b>bold</b>") "--b--"),
	    STR("plain"), STR("<b>bold</b>"), STR("plain"), false },
	{ STR(ALT P("X: y", "") P(HTML, "<b>bold</b>") "--b--"), STR(""),
	    STR("<b>bold</b>"), STR("bold"), false },
	{ STR(MIXED("b") P("X: y", "body") P("X: y", "footer") "--b--"),
	    STR("body\nfooter"), NONE, STR("body footer"), false },
	{ STR(MIXED("b") P("X: y", "body") P(FILE_, "file") "--b--"),
	    STR("body"), NONE, STR("body"), true },
	{ STR(MIXED("b") P(FILE_ "\n" HTML, "<b>file</b>") "--b--"), NONE, NONE,
	    STR(""), true },
	{ STR(MIXED("b") P(
	      "Content-Type: message/rfc822", "Subject: x\n\ninside") "--b--"),
	    NONE, NONE, STR(""), true },
	{ STR(MIXED("b") P("X: y", "body")
		  P("Content-Type: image/png", "x") "--b--"),
	    STR("body"), NONE, STR("body"), true },
	{ STR("Content-Type: multipart/related; boundary=b\n\n" P(HTML, "<i>")
		  P("Content-Type: image/png; name=x\nContent-ID: <c>",
		      "x") "--b--"),
	    NONE, STR("<i>"), STR(""), false },
	{ STR("Content-Type: multipart/signed; boundary=b\n\n" P("X: y", "body")
		  P("Content-Type: application/pgp-signature; name=s.asc",
		      "x") "--b--"),
	    STR("body"), NONE, STR("body"), false },
	{ STR(ALT P("X: y", "come")
		  P("Content-Type: text/calendar", "x") "--b--"),
	    STR("come"), NONE, STR("come"), false },
	{ STR("X: y\n\n> quoted\nanswer\n> more\nend\n-- \nme\n"),
	    STR("> quoted\nanswer\n> more\nend\n-- \nme\n"), NONE,
	    STR("answer end"), false },
};

START_TEST(what_to_read)
{
	for (size_t i = 0; i < ROWS(bodies); i++) {
		struct mime m = parse(bodies[i].raw);
		struct mime_body b;

		mime_body(a, &m, 1000, &b);
		SAME_TEXT(i, b.text, bodies[i].text);
		SAME_TEXT(i, b.html, bodies[i].html);
		ck_assert_int_eq(b.text.p == NULL, bodies[i].text.p == NULL);
		ck_assert_int_eq(b.html.p == NULL, bodies[i].html.p == NULL);
		SAME_TEXT(i, mime_snippet(a, &b, 100), bodies[i].snippet);
		ck_assert_msg(mime_has_attachments(&m) == bodies[i].attachments,
		    "row %zu", i);
		ck_assert(!b.truncated && !b.lossy);
	}
}
END_TEST

/* Charsets that lie, are unknown, or missing. */
static const struct {
	struct str raw, text;
	bool lossy;
} charsets[] = {
	{ STR("A: b\n\ngr\xc3\xbc\xc3\x9f"), STR("gr\xc3\xbc\xc3\x9f"), false },
	{ STR("A: b\n\ngr\xfc\xdf"), STR("gr\xc3\xbc\xc3\x9f"), false },
	{ STR("Content-Type: text/plain; charset=us-ascii\n\n\x80"),
	    STR("\xe2\x82\xac"), false },
	{ STR("Content-Type: text/plain; charset=x-none\n\ngr\xfc\xdf"),
	    STR("gr\xc3\xbc\xc3\x9f"), true },
	{ STR("Content-Type: text/plain; charset=utf-8\n\na\xff"
	      "b"),
	    STR("a\xef\xbf\xbd"
		"b"),
	    true },
	{ STR("Content-Type: text/plain; charset=utf-8\n\n\xc0\xaf"),
	    STR("\xef\xbf\xbd\xef\xbf\xbd"), true },
	{ STR("Content-Type: text/plain; charset=koi8-r\n\n\xd0\xd2"),
	    STR("\xd0\xbf\xd1\x80"), false },
	{ STR("Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B$\"\x1b("
	      "B"),
	    STR("\xe3\x81\x82"), false },
	{ STR("Content-Type: text/plain; charset=utf-16le\n"
	      "Content-Transfer-Encoding: base64\n\nYQANAAoAYgA="),
	    STR("a\nb"), false },
	{ STR("Content-Type: text/plain; charset=utf-7\n\n+ADw-b+AD4-"),
	    STR("+ADw-b+AD4-"), true },
	{ STR("A: b\n\na\0b"),
	    STR("a\xef\xbf\xbd"
		"b"),
	    true },
};

START_TEST(text_is_utf8)
{
	for (size_t i = 0; i < ROWS(charsets); i++) {
		struct mime m = parse(charsets[i].raw);
		struct mime_body b;

		mime_body(a, &m, 1000, &b);
		SAME_TEXT(i, b.text, charsets[i].text);
		ck_assert_msg(b.lossy == charsets[i].lossy, "row %zu", i);
	}
}
END_TEST

START_TEST(truncation)
{
	struct mime m = parse(STR(
	    ALT P("X: y", "\xc3\xa4\xc3\xa4\xc3\xa4") P(HTML, "<b>") "--b--"));
	struct mime_body b;

	for (size_t max = 0; max < 8; max++) {
		mime_body(a, &m, max, &b);
		ck_assert_uint_eq(b.text.n, max < 6 ? max & ~1u : 6);
		ck_assert(utf8_valid(b.text.p, b.text.n));
		ck_assert_int_eq(b.truncated, max < 6);
	}
	b = (struct mime_body){ .text = STR("\xc3\xa4\xc3\xb6 x yz") };
	SAME_TEXT(0, mime_snippet(a, &b, 0), STR(""));
	SAME_TEXT(1, mime_snippet(a, &b, 1), STR("\xc3\xa4"));
	SAME_TEXT(2, mime_snippet(a, &b, 2), STR("\xc3\xa4\xc3\xb6"));
	SAME_TEXT(3, mime_snippet(a, &b, 3), STR("\xc3\xa4\xc3\xb6"));
	SAME_TEXT(4, mime_snippet(a, &b, 4), STR("\xc3\xa4\xc3\xb6 x"));
}
END_TEST

/* What a bomb is made of: a beginning, and something over and over, %zu its
 * number. */
struct bomb {
	const char *name, *head, *piece;
	size_t times;
	bool cut;
};

static const struct bomb bombs[] = {
	{ "10^6 parts", MIXED("b"), "--b\n\nx\n", 1000000, true },
	{ "10^6 empty parts", MIXED("b"), "--b\n", 1000000, true },
	{ "10^5 nested", "",
	    "Content-Type: multipart/mixed; boundary=b%zu\n\n--b%zu\n", 100000,
	    true },
	{ "10^5 nested in one boundary", "",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n", 100000,
	    true },
	{ "10^5 messages", "", "Content-Type: message/rfc822\n\n", 100000,
	    true },
	{ "long common boundaries", "",
	    "Content-Type: multipart/mixed; boundary="
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "%zu\n\n--"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "%zu\n",
	    200000, true },
	{ "a header of 48 MiB", "Subject: ", "xxxxxxxxxxxxxxxx", 3 << 20,
	    false },
	{ "10^6 fields", "", "A: b\n", 1000000, false },
	{ "10^5 recipients", "To: ", "a@b.example,\n ", 100000, false },
	{ "10^5 parameters", "Content-Type: text/plain", ";\n a%zu=b", 100000,
	    false },
	{ "10^5 pieces of one", "Content-Type: text/plain", ";\n a*%zu=b",
	    100000, false },
	{ "comments", "Content-Type: ", "(", 1000000, false },
	{ "quotes", "Content-Type: text/plain; a=\"", "\\\"", 1000000, false },
	{ "encoded words", "Content-Type: a/b; name=\"",
	    "=?utf-8?Q?=41?= ", 100000, false },
	{ "dashes", MIXED("b") "--b\n\n", "--\n", 10000000, false },
	{ "empty lines", "A: b\n\n", "\n", 20000000, false },
	{ "base64", "Content-Transfer-Encoding: base64\n\n", "AAAA", 10000000,
	    false },
	{ "text parts", MIXED("b"), "--b\nContent-Type: text/html\n\n<p>\n",
	    1000000, true },
	{ "filenames", MIXED("b"),
	    "--b\nContent-Disposition: attachment; filename*=utf-8''%%E4%%E4"
	    "%%E4%%E4%%E4%%E4%%E4%%E4%%E4%%E4%%E4%%E4%%E4%%E4%%E4%%E4%%E4\n\n",
	    300000, true },
};

static struct str
build(const struct bomb *b)
{
	char *out = malloc(MIME_MESSAGE_MOST + 1), piece[512];
	size_t n = strlen(b->head);

	ck_assert_ptr_nonnull(out);
	memcpy(out, b->head, n);
	for (size_t i = 0; i < b->times; i++) {
		size_t k = 0;

		for (const char *p = b->piece; *p != '\0'; p++) {
			if (p[0] == '%' && p[1] == 'z') {
				k += (size_t)snprintf(
				    piece + k, sizeof(piece) - k, "%zu", i);
				p += 2;
			} else if (p[0] == '%') {
				piece[k++] = *++p;
			} else
				piece[k++] = *p;
		}
		if (n + k > MIME_MESSAGE_MOST)
			break;
		memcpy(out + n, piece, k);
		n += k;
	}
	return (struct str){ out, n };
}

#if defined(__SANITIZE_ADDRESS__)
#define SLOWER 20
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLOWER 20
#endif
#endif
#ifndef SLOWER
#define SLOWER 1
#endif

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Everything one can ask of a message, in two seconds of CPU and 64 MiB above
 * the message itself. */
static void
survive(const struct bomb *b)
{
	struct arena *arena = arena_new(64 << 20);
	struct str raw = build(b);
	struct mime_body body;
	struct rusage before, after;
	struct mime m;
	double start = seconds();
	uint64_t size = 0;
	long grown;

	getrusage(RUSAGE_SELF, &before);
	if (mime_parse(arena, raw, MIME_PARTS_MOST, &m) != RC_OK)
		_exit(2);
	for (size_t i = 0; i < m.n; i++)
		size += m.part[i].message || m.part[i].multipart
		    ? 0
		    : mime_size(&m.part[i]);
	mime_body(arena, &m, 1 << 20, &body);
	(void)mime_snippet(arena, &body, 200);
	(void)mime_has_attachments(&m);
	(void)header_text(arena, m.part[0].header, "To", 65536);
	(void)header_text(arena, m.part[0].header, "Subject", 1000);
	start = seconds() - start;
	getrusage(RUSAGE_SELF, &after);
	grown = after.ru_maxrss - before.ru_maxrss;
	printf("%s: %.2f s, %ld KiB, %zu parts%s, %llu bytes\n", b->name, start,
	    grown, m.n, m.cut ? ", cut" : "", (unsigned long long)size);
	fflush(stdout);
	if (m.cut != b->cut || m.n > MIME_PARTS_MOST)
		_exit(3);
	if (start > 2 * SLOWER)
		_exit(4);
	_exit(grown <= 65536 * SLOWER ? 0 : 5);
}

START_TEST(floods)
{
	for (size_t i = 0; i < ROWS(bombs); i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			survive(&bombs[i]);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(status == 0, "%s: status %x", bombs[i].name,
		    (unsigned)status);
	}
}
END_TEST

START_TEST(limits)
{
	struct str big = { calloc(1, MIME_MESSAGE_MOST + 1),
		MIME_MESSAGE_MOST + 1 };
	struct mime m;

	ck_assert_int_eq(mime_parse(a, big, MIME_PARTS_MOST, &m), RC_PAYLOAD);
	free((char *)(uintptr_t)big.p);
	ck_assert_int_eq(mime_parse(a, (struct str){ NULL, 0 }, 1, &m), RC_OK);
	ck_assert_uint_eq(m.n, 1);
	/* The last part that is allowed takes what follows. */
	ck_assert_int_eq(mime_parse(a,
			     STR(MIXED("b") P("X: y", "1") P("X: y", "2")
				     P("X: y", "3") "--b--"),
			     3, &m),
	    RC_OK);
	ck_assert_uint_eq(m.n, 3);
	ck_assert(m.cut);
}
END_TEST

UNIT_MAIN_AROUND("mail/mime", begin, end, UNIT(numbers), UNIT(extents),
    UNIT(headers), UNIT(what_to_read), UNIT(text_is_utf8), UNIT(truncation),
    UNIT(floods), UNIT(limits))
