/* Composing: whatever the fields hold, a message is refused or has exactly the
 * headers and parts it should, and the bytes that went in. */
#include "fuzz.h"

#include "mail/compose.h"
#include "mail/header.h"
#include "mail/mime.h"

#define MOST ((size_t)8 << 20)

/* The next field: what stands before the next byte 0xfe. */
static struct str
cut(struct str *in)
{
	const char *end = in->n > 0 ? memchr(in->p, 0xfe, in->n) : NULL;
	size_t n = end != NULL ? (size_t)(end - in->p) : in->n;
	struct str one = { n > 0 ? in->p : NULL, n };

	*in = (struct str){ in->p + n + (end != NULL),
		in->n - n - (end != NULL) };
	return one;
}

static unsigned
count(struct str header, const char *name)
{
	size_t at = 0;
	struct str field, value;
	unsigned n = 0;

	while (header_next(header, &at, &field, &value))
		n += str_ieq(field, str_of(name));
	return n;
}

static void
lines_hold(struct str raw, bool utf8)
{
	size_t column = 0;

	for (size_t i = 0; i < raw.n; i++) {
		HOLDS(utf8 || (unsigned char)raw.p[i] < 0x80);
		HOLDS(raw.p[i] != '\0');
		if (raw.p[i] != '\r') {
			HOLDS(raw.p[i] != '\n' && ++column <= 998);
			continue;
		}
		HOLDS(++i < raw.n && raw.p[i] == '\n');
		column = 0;
	}
	HOLDS(column == 0);
}

static void
headers_hold(struct str header)
{
	static const char *const once[] = { "From", "To", "Date",
		"MIME-Version", "Content-Type" };

	for (size_t i = 0; i < sizeof once / sizeof *once; i++)
		HOLDS(count(header, once[i]) == 1);
	HOLDS(count(header, "Subject") <= 1 && count(header, "Cc") <= 1);
	HOLDS(count(header, "Bcc") == 0);
}

static void
parts_hold(struct arena *a, const struct compose *in, struct str raw)
{
	struct mime m;
	struct buf b;

	HOLDS(mime_parse(a, raw, 100, &m) == RC_OK && !m.cut);
	headers_hold(m.part[0].header);
	if (in->files == 0 || str_eq(m.part[m.n - 1].encoding, STR("7bit")))
		return;
	buf_init(&b, MOST);
	HOLDS(mime_content(&m.part[m.n - 1], transfer_to_buf, &b) == RC_OK);
	HOLDS(str_eq((struct str){ b.p, b.n }, in->file[0].bytes));
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new((size_t)64 << 20);
	struct str rest = { (const char *)data, n > 20000 ? 0 : n };
	struct compose_person from = { cut(&rest), STR("a@example.org") };
	struct compose_person to = { cut(&rest), cut(&rest) };
	struct compose_header extra = { STR("X-A"), cut(&rest) };
	struct compose_file file = { .filename = cut(&rest),
		.content_type = cut(&rest),
		.content_id = cut(&rest) };
	struct compose in = { .from = from,
		.to = { &to, 1 },
		.subject = cut(&rest),
		.text = cut(&rest),
		.html = cut(&rest),
		.in_reply_to = cut(&rest),
		.references = cut(&rest),
		.message_id = STR("1@example.org"),
		.date = { 0 },
		.extra = &extra,
		.extras = 1,
		.file = &file };
	struct buf b;
	bool utf8;

	file.bytes = rest;
	in.files = n % 2;
	buf_init(&b, MOST);
	if (compose(&in, &b, &utf8) == RC_OK) {
		struct str raw = { b.p, b.n };

		lines_hold(raw, utf8);
		parts_hold(a, &in, raw);
	}
	buf_clear(&b);
	arena_free(&a);
	return 0;
}
