/* What was composed reads back as what went in, by our parser and by GMime. */
#include "mail/compose.h"

#ifdef HAVE_GMIME
#include <gmime/gmime.h>
#endif

#include "mail/compose-field.h"
#include "mail/header.h"
#include "mail/mime.h"
#include "rows.h"

#define MOST                 ((size_t)4 << 20)
#define SAYS(row, got, text) SAME_TEXT((row), (got), str_of(text))
#define PERSON(n, a)                                                           \
	{                                                                      \
		STR(n), STR(a)                                                 \
	}

static const struct compose_person anna = PERSON("Anna", "anna@example.org");
static const struct compose_person bert = { { NULL, 0 },
	STR("bert@example.org") };

static const struct compose plain = {
	.from = PERSON("Desk", "desk@example.org"),
	.to = { &anna, 1 },
	.subject = STR("Hello"),
	.text = STR("Good morning.\n"),
	.date = { 1760797425000000 },
	.message_id = STR("1.2@example.org"),
};

/* The message, or NULL with the result. */
static struct str
made(struct arena *a, const struct compose *in, enum rc *rc)
{
	struct str out = { NULL, 0 };
	struct buf b;
	bool utf8;

	buf_init(&b, MOST);
	*rc = compose(in, &b, &utf8);
	if (*rc == RC_OK)
		out = (struct str){ arena_dup(a, b.p, b.n), b.n };
	buf_clear(&b);
	return out;
}

static struct str
make(struct arena *a, const struct compose *in)
{
	enum rc rc;
	struct str out = made(a, in, &rc);

	ck_assert_msg(rc == RC_OK, "%s", fail_detail());
	return out;
}

static struct mime
parse(struct arena *a, struct str raw)
{
	struct mime m;

	ck_assert_int_eq(mime_parse(a, raw, 1000, &m), RC_OK);
	ck_assert(!m.cut);
	return m;
}

static struct str
content(struct arena *a, const struct mime_part *p)
{
	struct buf b;
	struct str out;

	buf_init(&b, MOST);
	ck_assert_int_eq(mime_content(p, transfer_to_buf, &b), RC_OK);
	out = (struct str){ arena_dup(a, b.n > 0 ? b.p : "", b.n), b.n };
	buf_clear(&b);
	return out;
}

static struct str
field(struct arena *a, struct str raw, const char *name)
{
	return header_text(a, parse(a, raw).part[0].header, name, 100000);
}

/* Whatever it is: 7-bit, CRLF, no line over 998, none over 78 but for a word
 * that is longer. */
static void
lines_check(const char *what, struct str raw, size_t most)
{
	size_t column = 0;

	for (size_t i = 0; i < raw.n; i++) {
		unsigned char c = (unsigned char)raw.p[i];

		ROW(what, c < 0x7f && c != '\0');
		if (c == '\r') {
			ROW(what, i + 1 < raw.n && raw.p[i + 1] == '\n');
			i++;
			column = 0;
			continue;
		}
		ROW(what, c != '\n');
		ROW(what, ++column <= most);
	}
	ROW(what, column == 0);
}

START_TEST(whole)
{
	struct arena *a = arena_new(MOST);
	struct str raw = make(a, &plain);

	SAYS(0, raw,
	    "From: \"Desk\" <desk@example.org>\r\n"
	    "Message-ID: <1.2@example.org>\r\n"
	    "To: \"Anna\" <anna@example.org>\r\n"
	    "Subject: Hello\r\n"
	    "Date: Sat, 18 Oct 2025 14:23:45 +0000\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n"
	    "\r\n"
	    "Good morning.\r\n");
	arena_free(&a);
}
END_TEST

static const struct {
	const char *name, *text;
} scripts[] = {
	{ "latin", "Grüße aus Österreich" },
	{ "greek", "Καλημέρα κόσμε" },
	{ "cyrillic", "Доброе утро, мир" },
	{ "hebrew", "בוקר טוב עולם" },
	{ "arabic", "صباح الخير" },
	{ "han", "早上好世界，这是一封信" },
	{ "devanagari", "सुप्रभात दुनिया" },
	{ "emoji", "\xf0\x9f\x93\xae mail \xf0\x9f\x8c\x8d" },
	{ "ascii", "plain words" },
	{ "looks encoded", "=?utf-8?Q?no?=" },
	{ "quotes", "a \"b\" \\ c" },
	{ "colons", "x: y; z=1, <w@v>" },
};

/* `s` again and again up to `n` bytes. */
static struct str
repeat(struct arena *a, const char *s, size_t n)
{
	char *out = arena_alloc(a, n + 1);
	size_t one = strlen(s), have = 0;

	while (have + one <= n) {
		memcpy(out + have, s, one);
		have += one;
	}
	return (struct str){ out, have };
}

START_TEST(all_scripts)
{
	ARRAY_EACH (row, scripts)
		for (size_t n = 0; n < 300; n += n == 0 ? 74 : 37) {
			struct arena *a = arena_new(4 * MOST);
			struct str text = n == 0 ? str_of(row->text)
						 : repeat(a, row->text, n);
			struct compose_person to = { text,
				STR("a@example.org") };
			struct compose_file file = { .filename = text,
				.bytes = STR("x"),
				.content_type =
				    STR("text/csv; charset=utf-8") };
			struct compose in = plain;
			struct mime m;
			struct str raw;

			if (text.n > 255)
				file.filename.n = utf8_cut(text.p, text.n, 255);
			in.subject = in.text = text;
			in.to = (struct compose_people){ &to, 1 };
			in.file = &file;
			in.files = 1;
			raw = make(a, &in);
			lines_check(row->name, raw, 78);
			ROW(row->name,
			    str_eq(field(a, raw, "Subject"), str_trim(text)));
			m = parse(a, raw);
			ck_assert_uint_eq(m.n, 3);
			ROW(row->name, str_eq(content(a, &m.part[1]), text));
			ROW(row->name,
			    str_eq(
				m.part[2].filename, str_trim(file.filename)));
			ROW(row->name, str_eq(m.part[2].type, STR("text/csv")));
			ROW(row->name, str_eq(m.part[2].charset, STR("utf-8")));
			arena_free(&a);
		}
}
END_TEST

/* Each byte there is, and sizes around those of lines and groups. */
static struct str
all_bytes(struct arena *a, size_t n)
{
	char *out = arena_alloc(a, n + 1);

	for (size_t i = 0; i < n; i++)
		out[i] = (char)(i * 7 + i / 256);
	return (struct str){ out, n };
}

START_TEST(files_are_identical)
{
	for (size_t n = 0; n < 700; n += n < 180 ? 1 : 41) {
		struct arena *a = arena_new(MOST);
		struct compose_file file[] = {
			{ .filename = STR("a.bin"), .bytes = all_bytes(a, n) },
			{ .filename = STR("b.png"),
			    .content_type = STR("image/png"),
			    .bytes = all_bytes(a, n + 3),
			    .is_inline = true },
		};
		struct compose in = plain;
		struct mime m;

		in.file = file;
		in.files = 2;
		m = parse(a, make(a, &in));
		ck_assert_uint_eq(m.n, 4);
		ck_assert(str_eq(m.part[0].type, STR("multipart/mixed")));
		ck_assert(
		    str_eq(content(a, &m.part[1]), STR("Good morning.\r\n")));
		ck_assert(str_eq(content(a, &m.part[2]), file[0].bytes));
		ck_assert(str_eq(content(a, &m.part[3]), file[1].bytes));
		ck_assert(
		    str_eq(m.part[2].type, STR("application/octet-stream")));
		ck_assert(str_eq(m.part[2].disposition, STR("attachment")));
		ck_assert(str_eq(m.part[3].disposition, STR("inline")));
		arena_free(&a);
	}
}
END_TEST

/* What a message looks like from outside: "multipart/mixed(text/plain …)". */
static void
shape(const struct mime *m, size_t parent, struct buf *out)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct mime_part *p = &m->part[i];

		if (p->parent != parent)
			continue;
		if (out->n > 0 && out->p[out->n - 1] != '(')
			buf_putc(out, ' ');
		buf_add(out, p->type.p, p->type.n);
		if (p->multipart) {
			buf_putc(out, '(');
			shape(m, i, out);
			buf_putc(out, ')');
		}
	}
}

#define ALTERNATIVE "multipart/alternative(text/plain "
#define RELATED     "multipart/related(text/html image/png)"

START_TEST(shapes)
{
	static const struct compose_file file[] = {
		{ .filename = STR("p.png"),
		    .content_type = STR("image/png"),
		    .bytes = STR("PNG"),
		    .is_inline = true,
		    .content_id = STR("p@x") },
		{ .filename = STR("q.pdf"),
		    .content_type = STR("application/pdf"),
		    .bytes = STR("PDF") },
	};
	static const struct {
		const char *shape;
		bool text, html;
		size_t first, files;
	} rows[] = {
		{ "text/plain", false, false, 0, 0 },
		{ "text/plain", true, false, 0, 0 },
		{ "text/html", false, true, 0, 0 },
		{ ALTERNATIVE "text/html)", true, true, 0, 0 },
		{ RELATED, false, true, 0, 1 },
		{ ALTERNATIVE RELATED ")", true, true, 0, 1 },
		{ "multipart/mixed(" ALTERNATIVE RELATED ") application/pdf)",
		    true, true, 0, 2 },
		{ "multipart/mixed(" ALTERNATIVE "text/html) application/pdf)",
		    true, true, 1, 1 },
		{ "multipart/mixed(text/plain image/png)", true, false, 0, 1 },
		{ "multipart/mixed(text/plain application/pdf)", false, false,
		    1, 1 },
	};

	ARRAY_EACH (row, rows) {
		struct arena *a = arena_new(MOST);
		struct compose in = plain;
		struct mime m;
		struct buf b;

		in.text = row->text ? STR("text\n") : (struct str){ NULL, 0 };
		if (row->html)
			in.html = STR("<p><img src=\"cid:p@x\"></p>\n");
		in.file = file + row->first;
		in.files = row->files;
		m = parse(a, make(a, &in));
		buf_init(&b, 1000);
		shape(&m, MIME_NO_PARENT, &b);
		ck_assert_str_eq(buf_text(&b), row->shape);
		for (size_t i = 0; i < m.n; i++) {
			if (str_eq(m.part[i].type, STR("image/png")))
				ck_assert(
				    str_eq(m.part[i].content_id, STR("p@x")));
			if (str_eq(m.part[i].type, STR("text/html")))
				ck_assert(str_eq(content(a, &m.part[i]),
				    STR("<p><img src=\"cid:p@x\"></p>\r\n")));
		}
		buf_clear(&b);
		arena_free(&a);
	}
}
END_TEST

/* Texts whose ends and lines are easily lost. */
START_TEST(texts)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "a", "a" },
		{ "a\n", "a\r\n" },
		{ "a\n\n", "a\r\n\r\n" },
		{ "a\r\nb\rc\nd", "a\r\nb\r\nc\r\nd" },
		{ "\n", "\r\n" },
		{ "", "" },
		{ ".\n..\n.a", ".\r\n..\r\n.a" },
		{ "From me\n--\n--=_x\n", "From me\r\n--\r\n--=_x\r\n" },
		{ "blank \ntab\t\n", "blank \r\ntab\t\r\n" },
		{ "=41\n", "=41\r\n" },
		{ "早上好\n世界", "早上好\r\n世界" },
		{ "早上好\n", "早上好\r\n" },
	};
	static const struct compose_file file = { .bytes = STR("x") };

	ARRAY_EACH (row, rows) {
		struct arena *a = arena_new(MOST);
		struct compose in = plain;
		struct mime m;

		in.text = str_of(row->in);
		in.html = str_of(row->in);
		in.file = &file;
		in.files = 1;
		m = parse(a, make(a, &in));
		ck_assert_uint_eq(m.n, 5);
		SAYS(row - rows, content(a, &m.part[2]), row->out);
		SAYS(row - rows, content(a, &m.part[3]), row->out);
		arena_free(&a);
	}
}
END_TEST

START_TEST(same_bytes_again)
{
	static const struct compose_file file = { .bytes = STR("x") };
	struct arena *a = arena_new(MOST);
	struct compose in = plain;
	struct str first;

	in.html = STR("<b>x</b>");
	in.file = &file;
	in.files = 1;
	first = make(a, &in);
	ck_assert(str_eq(first, make(a, &in)));
	in.message_id = STR("other@example.org");
	ck_assert(!str_eq(first, make(a, &in)));
	arena_free(&a);
}
END_TEST

/* A message that holds the very boundary that would be taken. */
START_TEST(boundary_in_a_file)
{
	struct arena *a = arena_new(MOST);
	struct compose_file file = { .content_type = STR("message/rfc822"),
		.bytes = STR("Subject: x\r\n\r\nfirst\r\n") };
	struct compose in = plain;
	const char *mark;
	struct mime m;
	struct str raw;

	in.file = &file;
	in.files = 1;
	raw = make(a, &in);
	mark = memmem(raw.p, raw.n, "=_", 2);
	ck_assert_ptr_nonnull(mark);
	file.bytes =
	    str_of(arena_fmt(a, "Subject: x\r\n\r\n--%.30s\r\nX\r\n", mark));
	m = parse(a, make(a, &in));
	ck_assert(str_eq(m.part[2].type, STR("message/rfc822")));
	ck_assert(str_eq(m.part[2].encoding, STR("7bit")));
	ck_assert(str_eq(m.part[2].body, file.bytes));
	/* eight bits cannot go as they are, nor be encoded as a message */
	file.bytes = STR("Subject: \xc3\xbc\r\n\r\nx\r\n");
	m = parse(a, make(a, &in));
	ck_assert(str_eq(m.part[2].type, STR("application/octet-stream")));
	ck_assert(str_eq(content(a, &m.part[2]), file.bytes));
	arena_free(&a);
}
END_TEST

START_TEST(people)
{
	struct compose_person many[60];
	struct compose_person german = { STR("Jörg Müller, Köln"),
		STR("joerg@müller.example") };
	struct arena *a = arena_new(MOST);
	struct compose in = plain;
	struct str raw;

	for (size_t i = 0; i < 60; i++)
		many[i] = (struct compose_person){ i % 3 == 0
			    ? STR("Ånne \"the\" Third")
			    : (struct str){ NULL, 0 },
			str_of(arena_fmt(a, "person%zu@example.org", i)) };
	in.to = (struct compose_people){ many, 60 };
	in.cc = (struct compose_people){ &german, 1 };
	in.reply_to = (struct compose_people){ &bert, 1 };
	in.sender = anna;
	raw = make(a, &in);
	lines_check("many", raw, 78);
	SAYS(0, field(a, raw, "Cc"),
	    "Jörg Müller, Köln <joerg@xn--mller-kva.example>");
	SAYS(1, field(a, raw, "Reply-To"), "bert@example.org");
	SAYS(2, field(a, raw, "Sender"), "\"Anna\" <anna@example.org>");
	for (size_t i = 0; i < 60; i++)
		ck_assert(memmem(field(a, raw, "To").p, field(a, raw, "To").n,
			      many[i].address.p, many[i].address.n) != NULL);
	in.to = in.cc = (struct compose_people){ NULL, 0 };
	SAYS(3, field(a, make(a, &in), "To"), "undisclosed-recipients:;");
	arena_free(&a);
}
END_TEST

START_TEST(beyond_ascii)
{
	struct arena *a = arena_new(MOST);
	struct compose_person person = { STR("x"), STR("用户@例え.jp") };
	struct compose in = plain;
	struct buf b;
	bool utf8;

	buf_init(&b, MOST);
	ck_assert_int_eq(compose(&in, &b, &utf8), RC_OK);
	ck_assert(!utf8);
	in.cc = (struct compose_people){ &person, 1 };
	buf_reset(&b);
	ck_assert_int_eq(compose(&in, &b, &utf8), RC_OK);
	ck_assert(utf8);
	ck_assert_ptr_nonnull(strstr(buf_text(&b), "<用户@xn--r8jz45g.jp>"));
	buf_clear(&b);
	arena_free(&a);
}
END_TEST

START_TEST(references)
{
	struct arena *a = arena_new(MOST);
	struct compose in = plain;
	struct buf b;
	struct str raw, got;

	in.in_reply_to = STR("<z@x>");
	in.references =
	    STR("<a@x> <b@x>\t<has blank@x> <c@x>,d@x <\xc3\xbc@x> <>");
	raw = make(a, &in);
	SAYS(0, field(a, raw, "References"), "<a@x> <b@x> <c@x> <d@x>");
	SAYS(1, field(a, raw, "In-Reply-To"), "<z@x>");
	buf_init(&b, MOST);
	for (int i = 0; i < 5000; i++)
		buf_fmt(&b, "<%d.long-enough-to-fill-lines@example.org> ", i);
	in.references = (struct str){ b.p, b.n };
	raw = make(a, &in);
	lines_check("references", raw, 78);
	got = field(a, raw, "References");
	ck_assert(got.n < 9000);
	ck_assert(str_starts(got, STR("<0.long")));
	ck_assert_ptr_nonnull(memmem(got.p, got.n, "<4999.long", 10));
	ck_assert_ptr_nonnull(memmem(got.p, got.n, "<4920.long", 10));
	buf_clear(&b);
	arena_free(&a);
}
END_TEST

START_TEST(long_words)
{
	struct arena *a = arena_new(4 * MOST);
	struct compose in = plain;

	for (size_t n = 50; n < 998; n += 59) {
		struct str raw;

		in.subject = repeat(a, "x", n);
		raw = make(a, &in);
		lines_check("one word", raw, 998);
		ck_assert(str_eq(field(a, raw, "Subject"), in.subject));
		in.subject = repeat(a, "word  ", n);
		raw = make(a, &in);
		lines_check("words", raw, 78);
		ck_assert(
		    str_eq(field(a, raw, "Subject"), str_trim(in.subject)));
	}
	arena_free(&a);
}
END_TEST

/* Nothing that a user gives begins a line or ends a header. */
START_TEST(hostile)
{
	static const struct str bad[] = { STR("a\r\nBcc: x@y.z"), STR("a\nb"),
		STR("a\rb"), STR("a\0b"), STR("a\x1b[31m"), STR("a\x7f"),
		STR("a\xc2\x85"), STR("a\xe2\x80\xa8"), STR("a\xff"),
		STR("\xc0\x8d\xc0\x8a"), STR("a\tb") };
	struct arena *a = arena_new(16 * MOST);

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		for (int at = 0; at < 12; at++) {
			struct str s = bad[i];
			struct compose_person person = anna;
			struct compose_file file = { .bytes = STR("x") };
			struct compose_header extra = { STR("X-A"), STR("b") };
			struct compose in = plain;
			static const char *const fields[] = { "from.name",
				"from.address", "to.name", "to.address",
				"subject", "message_id",
				"attachments[0].filename",
				"attachments[0].content_type",
				"attachments[0].content_id", "headers[0].name",
				"headers[0].value", "in_reply_to" };
			struct str *const targets[] = { &in.from.name,
				&in.from.address, &person.name, &person.address,
				&in.subject, &in.message_id, &file.filename,
				&file.content_type, &file.content_id,
				&extra.name, &extra.value, &in.in_reply_to };
			enum rc rc;

			in.to = (struct compose_people){ &person, 1 };
			in.file = &file;
			in.files = in.extras = 1;
			in.extra = &extra;
			*targets[at] = s;
			(void)made(a, &in, &rc);
			/* Ids of others are left out, and may be divided by
			 * tabs. */
			if (at == 11 && i >= 6 && rc == RC_OK)
				continue;
			ck_assert_msg(rc == RC_INVALID &&
				strncmp(fail_detail(), fields[at],
				    strlen(fields[at])) == 0,
			    "%s, %zu: %d %s", fields[at], i, rc, fail_detail());
		}
	arena_free(&a);
}
END_TEST

START_TEST(refused)
{
	static const struct compose_header extras[] = {
		{ STR("Bcc"), STR("x@y.z") },
		{ STR("content-type"), STR("text/html") },
		{ STR("Resent-To"), STR("x@y.z") },
		{ STR("X Y"), STR("z") },
		{ STR("X:"), STR("z") },
		{ STR(""), STR("z") },
	};
	static const struct str types[] = { STR("text"), STR("text/"),
		STR("/plain"), STR("a/b/c"), STR("text/pl ain"),
		STR("multipart/mixed"), STR("text/plain\"") };
	struct arena *a = arena_new(MOST);
	struct compose in = plain;
	struct compose_file file = { .bytes = STR("x") };
	enum rc rc;

	in.extras = 1;
	ARRAY_EACH (extra, extras) {
		in.extra = extra;
		(void)made(a, &in, &rc);
		ROW(extra->name.p, rc == RC_INVALID);
	}
	in.extras = 0;
	in.files = 1;
	in.file = &file;
	ARRAY_EACH (type, types) {
		file.content_type = *type;
		(void)made(a, &in, &rc);
		if (!str_eq(*type, STR("text/pl ain")))
			ROW(type->p, rc == RC_INVALID);
	}
	in.files = 0;
	in.text = STR("a\0b");
	(void)made(a, &in, &rc);
	ck_assert_int_eq(rc, RC_INVALID);
	arena_free(&a);
}
END_TEST

START_TEST(too_large)
{
	struct compose in = plain;
	struct buf b;
	bool utf8;

	buf_init(&b, 200);
	ck_assert_int_eq(compose(&in, &b, &utf8), RC_TOO_LARGE);
	buf_clear(&b);
}
END_TEST

/* A message in two pieces is the message in one. */
START_TEST(sender_later)
{
	struct arena *a = arena_new(MOST);
	struct compose in = plain;
	struct str whole_one = make(a, &in);
	struct buf b;
	bool utf8;

	buf_init(&b, MOST);
	ck_assert_int_eq(
	    compose_from(&in.from, in.message_id, &b, &utf8), RC_OK);
	in.seed = in.message_id;
	in.from = (struct compose_person){ .name = { NULL, 0 } };
	in.message_id = (struct str){ NULL, 0 };
	ck_assert_int_eq(compose(&in, &b, &utf8), RC_OK);
	ck_assert(str_eq((struct str){ b.p, b.n }, whole_one));
	buf_clear(&b);
	arena_free(&a);
}
END_TEST

#ifdef HAVE_GMIME
static GMimeMessage *
gmime_read(struct str raw)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(raw.p, raw.n);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *m = g_mime_parser_construct_message(parser, NULL);

	g_object_unref(parser);
	g_object_unref(stream);
	ck_assert_ptr_nonnull(m);
	return m;
}

START_TEST(second_opinion)
{
	g_mime_init();
	ARRAY_EACH (row, scripts) {
		struct arena *a = arena_new(MOST);
		struct compose_person to = { str_of(row->text),
			STR("a@example.org") };
		struct compose_file file = { .filename = str_of(row->text),
			.bytes = all_bytes(a, 1000) };
		struct compose in = plain;
		GMimeStream *stream = g_mime_stream_mem_new();
		GMimeMessage *m;
		GMimeObject *part;
		GByteArray *bytes;
		InternetAddress *one;

		in.subject = str_of(row->text);
		in.to = (struct compose_people){ &to, 1 };
		in.file = &file;
		in.files = 1;
		m = gmime_read(make(a, &in));
		ck_assert_str_eq(g_mime_message_get_subject(m), row->text);
		one = internet_address_list_get_address(
		    g_mime_message_get_addresses(m, GMIME_ADDRESS_TYPE_TO), 0);
		ck_assert_str_eq(internet_address_get_name(one), row->text);
		part = g_mime_multipart_get_part(
		    GMIME_MULTIPART(g_mime_message_get_mime_part(m)), 1);
		ck_assert_str_eq(
		    g_mime_part_get_filename(GMIME_PART(part)), row->text);
		g_mime_data_wrapper_write_to_stream(
		    g_mime_part_get_content(GMIME_PART(part)), stream);
		bytes =
		    g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
		ck_assert(
		    str_eq((struct str){ (char *)bytes->data, bytes->len },
			file.bytes));
		g_object_unref(stream);
		g_object_unref(m);
		arena_free(&a);
	}
	g_mime_shutdown();
}
END_TEST
#endif

#ifdef HAVE_GMIME
#define BY_GMIME UNIT(second_opinion),
#else
#define BY_GMIME
#endif
UNIT_MAIN("mail/compose", BY_GMIME UNIT(whole), UNIT(all_scripts),
    UNIT(files_are_identical), UNIT(shapes), UNIT(texts),
    UNIT(same_bytes_again), UNIT(boundary_in_a_file), UNIT(people),
    UNIT(beyond_ascii), UNIT(references), UNIT(long_words), UNIT(hostile),
    UNIT(refused), UNIT(too_large), UNIT(sender_later))
