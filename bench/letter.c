#include "letter.h"

#include <string.h>
#include <time.h>

#include "words.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum purpose { FACTS = 1, WORDS, BODY, BYTES };

enum { CHAIN_MOST = 12 };

/* What can be known of a letter without writing it. */
struct facts {
	uint32_t number;
	uint32_t root;              /* the letter that began the thread */
	uint32_t chain[CHAIN_MOST]; /* what it answers, nearest first */
	uint32_t chain_size;
	const struct tongue *tongue;
	uint32_t author;
	uint32_t oddity; /* 0: none; see odd_header */
	uint32_t kind;
	int64_t date;
};

/* One letter in this many goes without a Message-ID, or carries another's. */
enum { NO_ID = 97, SAME_ID = 89, ODD = 11, ODDITIES = 9 };

struct writer {
	const struct correspondence *c;
	struct letter *l;
	struct facts f;
	struct dice dice;
};

/* --- facts --- */

static int
answered(const struct correspondence *c, uint32_t number, uint32_t *parent)
{
	struct dice d = dice_of(c->seed, number, FACTS);

	if (number == 0 || dice_roll(&d, 100) >= 45)
		return 0;
	*parent = number - 1 - dice_roll(&d, number < 20 ? number : 20);
	return 1;
}

static const struct tongue *
tongue_of(const struct correspondence *c, uint32_t root)
{
	struct dice d = dice_of(c->seed, root, WORDS);
	uint32_t n = dice_roll(&d, 10);

	return &tongues[n < tongues_count ? n : 0];
}

static void
facts_find(const struct correspondence *c, uint32_t number, struct facts *f)
{
	struct dice d = dice_of(c->seed, number, FACTS);
	uint32_t at = number, parent;

	*f = (struct facts){ .number = number };
	while (answered(c, at, &parent)) {
		if (f->chain_size < CHAIN_MOST)
			f->chain[f->chain_size++] = parent;
		at = parent;
	}
	f->root = at;
	f->tongue = tongue_of(c, at);
	dice_next(&d);
	dice_next(&d);
	f->author = dice_roll(&d, 1000);
	f->kind = dice_roll(&d, 100);
	f->oddity = dice_roll(&d, ODD) ? 0 : 1 + dice_roll(&d, ODDITIES);
	f->date = c->newest - (int64_t)(c->count - 1 - number) * c->pause;
}

/* A Message-ID is missing here and there, and doubled elsewhere. */
static int
message_id(const struct correspondence *c, uint32_t number, struct sheet *s)
{
	struct dice d;

	if (number % NO_ID == NO_ID - 1)
		return 0;
	if (number % SAME_ID == SAME_ID - 1)
		number -= 3;
	d = dice_of(c->seed, number, FACTS);
	sheet_print(s, "<%u.%012llx@mail.example.%s>", number,
	    (unsigned long long)dice_next(&d) >> 16,
	    number % 3 ? "com" : "org");
	return 1;
}

/* --- words --- */

static void
add_words(struct sheet *s, const struct tongue *t, struct dice *d, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (i > 0)
			sheet_text(s, t->space);
		sheet_text(s, t->words[dice_roll(d, (uint32_t)t->words_count)]);
	}
}

static void
subject_words(const struct writer *w, struct sheet *s)
{
	struct dice d = dice_of(w->c->seed, w->f.root, WORDS);

	dice_next(&d);
	add_words(s, w->f.tongue, &d, 2 + dice_roll(&d, 5));
	if (dice_roll(&d, 4) == 0)
		sheet_print(s, " #%u", 1000 + dice_roll(&d, 9000));
}

/* Some lines of the letter `number`, each behind `mark`. */
static void
paragraph(const struct writer *w, uint32_t number, uint32_t which,
    const char *mark, struct sheet *s)
{
	struct dice d = dice_of(w->c->seed, number, BODY + 16 * which);
	uint32_t lines = 1 + dice_roll(&d, 5), i;

	for (i = 0; i < lines; i++) {
		sheet_text(s, mark);
		add_words(s, w->f.tongue, &d, 6 + dice_roll(&d, 5));
		sheet_text(s, w->f.tongue->stop);
		if (s->data[s->size - 1] == ' ')
			s->size--;
		sheet_text(s, "\n");
	}
}

static void
body_text(const struct writer *w, struct sheet *s)
{
	struct dice d = dice_of(w->c->seed, w->f.number, BODY);
	uint32_t n = 1 + dice_roll(&d, 4), i;

	for (i = 0; i < n; i++) {
		if (i > 0)
			sheet_text(s, "\n");
		paragraph(w, w->f.number, i, "", s);
	}
	if (w->f.chain_size > 0) {
		sheet_text(s, "\n");
		paragraph(w, w->f.chain[0], 0, "> ", s);
	}
	if (w->f.chain_size > 1)
		paragraph(w, w->f.chain[1], 0, "> > ", s);
	sheet_text(s, "\n-- \n");
	sheet_text(
	    s, w->f.tongue->names[w->f.author % w->f.tongue->names_count]);
	sheet_text(s, "\n");
}

/* --- headers --- */

static int
is_ascii(const char *s, size_t n)
{
	while (n > 0 && (unsigned char)*s < 0x80)
		s++, n--;
	return n == 0;
}

static size_t
step(const char *s, size_t n, size_t most)
{
	size_t at = n < most ? n : most;

	while (at < n && ((unsigned char)s[at] & 0xc0) == 0x80)
		at--;
	return at;
}

static void
encoded_word_q(struct sheet *s, const char *text, size_t n)
{
	size_t i;

	sheet_text(s, "=?UTF-8?Q?");
	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == ' ')
			sheet_text(s, "_");
		else if (c < 0x80 && strchr("=?_\"(),.:;<>@[]", c) == NULL)
			sheet_add(s, text + i, 1);
		else
			sheet_print(s, "=%02X", c);
	}
	sheet_text(s, "?=");
}

static void
encoded_word_b(struct writer *w, const char *charset, struct sheet *s,
    const char *text, size_t n)
{
	struct sheet *coded = &w->l->scratch[2];

	coded->size = 0;
	if (charset == NULL)
		sheet_add(coded, text, n);
	else
		sheet_recode(coded, charset, text, n);
	sheet_print(s, "=?%s?B?", charset ? charset : "UTF-8");
	sheet_base64(s, coded->data, coded->size);
	sheet_text(s, "?=");
}

/* RFC 2047: words of at most 75 bytes, a fold between two. */
static void
header_text(struct writer *w, struct sheet *s, const char *text, size_t n)
{
	uint32_t way = dice_roll(&w->dice, 3);
	const char *charset = way == 0 ? w->f.tongue->charset : NULL;
	size_t part, most = way == 2 ? 15 : 24;

	if (is_ascii(text, n)) {
		sheet_add(s, text, n);
		return;
	}
	for (; n > 0; text += part, n -= part) {
		part = step(text, n, most);
		if (way == 2)
			encoded_word_q(s, text, part);
		else
			encoded_word_b(w, charset, s, text, part);
		if (part < n)
			sheet_text(s, "\n ");
	}
}

static void
quoted_name(struct sheet *s, const char *name)
{
	sheet_text(s, "\"");
	for (; *name != '\0'; name++) {
		if (*name == '"' || *name == '\\')
			sheet_text(s, "\\");
		sheet_add(s, name, 1);
	}
	sheet_text(s, "\"");
}

static void
address(struct writer *w, struct sheet *s, uint32_t who)
{
	const struct tongue *t = w->f.tongue;
	const char *name = t->names[who % t->names_count];

	if (is_ascii(name, strlen(name)))
		quoted_name(s, name);
	else
		header_text(w, s, name, strlen(name));
	sheet_print(
	    s, " <person%u@example.%s>", who % 40, who % 2 ? "com" : "org");
}

static void
date_header(struct sheet *s, int64_t date, int zone)
{
	char text[64];
	time_t t = (time_t)(date + zone * 60);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S", &tm);
	sheet_print(s, "Date: %s %c%02d%02d\n", text, zone < 0 ? '-' : '+',
	    zone < 0 ? -zone / 60 : zone / 60,
	    zone < 0 ? -zone % 60 : zone % 60);
}

static void
references(struct writer *w, struct sheet *s)
{
	uint32_t i;
	size_t start = s->size;

	if (w->f.chain_size == 0)
		return;
	sheet_text(s, "In-Reply-To: ");
	if (!message_id(w->c, w->f.chain[0], s))
		s->size = start;
	else
		sheet_text(s, "\n");
	start = s->size;
	sheet_text(s, "References:");
	for (i = w->f.chain_size; i > 0; i--) {
		size_t before = s->size;

		sheet_text(s, i == w->f.chain_size ? " " : "\n ");
		if (!message_id(w->c, w->f.chain[i - 1], s))
			s->size = before;
	}
	if (s->data[s->size - 1] == ':')
		s->size = start;
	else
		sheet_text(s, "\n");
}

/* Headers as the world writes them; the number is facts.oddity. */
static void
odd_header(struct writer *w, struct sheet *s)
{
	static const char *const odd[ODDITIES + 1] = {
		"",
		"X-Empty:\nX-Blank:   \n",
		"Received: from a (b [192.0.2.7]) by c\n\twith ESMTP id 1\n"
		"\tfor <d@example.org>; Thu, 1 Jan 2026 00:00:00 +0000 (UTC)\n",
		"Comments: (a (nested) comment) =?UTF-8?Q?not closed\n",
		"X-Raw-Bytes: \xe4\xf6\xfc and \xc3\xa4\n",
		"Sender: list-bounces@lists.example.org\n"
		"List-Id: \"A list\" <a.lists.example.org>\n"
		"List-Unsubscribe: <mailto:leave@lists.example.org>\n",
		"X-Priority: 1 (Highest)\nImportance: high\n",
		"Cc: Friends: anna@letterrack.test,\n"
		" \"Doe, J.\" <j.doe@example.com>;, undisclosed-recipients:;\n",
		"Subject : a blank before the colon\n",
		"X-Bad-Word: =?no-such-charset?B?/////w==?= =?UTF-8?Q?=ZZ?=\n",
	};

	sheet_text(s, odd[w->f.oddity]);
}

static void
long_header(struct sheet *s)
{
	uint32_t i;

	sheet_text(s, "X-Long:");
	for (i = 0; i < 40; i++)
		sheet_print(
		    s, "%s part-%02u-of-a-long-header", i % 2 ? "" : "\n", i);
	sheet_text(s, "\n");
}

static void
subject(struct writer *w, struct sheet *s)
{
	static const char *const again[] = {
		"Re: ", "RE: ", "AW: ", "Re[2]: ", "Re: Re: "
	};
	struct sheet *words = &w->l->scratch[1];

	words->size = 0;
	if (w->f.chain_size > 0)
		sheet_text(words, again[w->f.author % COUNT(again)]);
	subject_words(w, words);
	sheet_text(s, "Subject: ");
	header_text(w, s, words->data, words->size);
	sheet_text(s, "\n");
}

static void
headers(struct writer *w)
{
	struct sheet *s = &w->l->raw;
	size_t at;

	sheet_print(
	    s, "Return-Path: <person%u@example.com>\n", w->f.author % 40);
	sheet_text(s, "From: ");
	address(w, s, w->f.author);
	sheet_print(s, "\nTo: <%s>\n", w->c->to);
	if (dice_roll(&w->dice, 5) == 0) {
		sheet_text(s, "Cc: ");
		address(w, s, w->f.author + 1);
		sheet_text(s, ",\n ");
		address(w, s, w->f.author + 2);
		sheet_text(s, "\n");
	}
	if (dice_roll(&w->dice, 60) != 0)
		subject(w, s);
	if (dice_roll(&w->dice, 80) != 0)
		date_header(
		    s, w->f.date, (int)dice_roll(&w->dice, 53) * 30 - 720);
	at = s->size;
	sheet_text(s, "Message-ID: ");
	if (message_id(w->c, w->f.number, s))
		sheet_text(s, "\n");
	else
		s->size = at;
	references(w, s);
	odd_header(w, s);
	if (dice_roll(&w->dice, 100) == 0)
		long_header(s);
	sheet_text(s, "MIME-Version: 1.0\n");
}

/* --- bodies --- */

/* A text part with its own headers: encoding and charset by chance. */
static void
text_part(struct writer *w, const char *type, const struct sheet *text)
{
	struct sheet *s = &w->l->raw, *coded = &w->l->scratch[2];
	uint32_t way = dice_roll(&w->dice, 4);
	int ascii = is_ascii(text->data, text->size);
	const char *charset = "utf-8";

	coded->size = 0;
	if (ascii || way == 0) {
		charset = w->f.tongue->charset;
		sheet_recode(coded, charset, text->data, text->size);
	} else {
		sheet_add(coded, text->data, text->size);
	}
	sheet_print(s, "Content-Type: %s; charset=%s\n", type, charset);
	if (ascii && way != 1) {
		sheet_text(s, "Content-Transfer-Encoding: 7bit\n\n");
		sheet_add(s, coded->data, coded->size);
	} else if (way == 3) {
		sheet_text(s, "Content-Transfer-Encoding: 8bit\n\n");
		sheet_add(s, coded->data, coded->size);
	} else if (way == 1) {
		sheet_text(
		    s, "Content-Transfer-Encoding: quoted-printable\n\n");
		sheet_quoted(s, coded->data, coded->size);
	} else {
		sheet_text(s, "Content-Transfer-Encoding: base64\n\n");
		sheet_base64(s, coded->data, coded->size);
		sheet_text(s, "\n");
	}
}

static void
plain_part(struct writer *w)
{
	struct sheet *text = &w->l->scratch[0];

	text->size = 0;
	body_text(w, text);
	text_part(w, "text/plain", text);
}

static void
html_line(struct sheet *s, const char *line, size_t n)
{
	size_t i;

	sheet_text(s, "<p>");
	for (i = 0; i < n; i++) {
		if (line[i] == '<')
			sheet_text(s, "&lt;");
		else if (line[i] == '>')
			sheet_text(s, "&gt;");
		else if (line[i] == '&')
			sheet_text(s, "&amp;");
		else
			sheet_add(s, line + i, 1);
	}
	sheet_text(s, "</p>\n");
}

static void
html_text(struct writer *w, struct sheet *s, const char *image)
{
	/* What a careful reader must not run or load. */
	static const char *const hostile[] = {
		"<script>document.title='ran'</script>\n",
		"<img src=x onerror=\"document.title='ran'\">\n",
		"<img src=\"http://tracker.example.com/p.gif\" width=1>\n",
		"<style>body{display:none}</style>\n",
	};
	struct sheet *text = &w->l->scratch[1];
	char *line, *end, *stop;

	text->size = 0;
	body_text(w, text);
	sheet_text(s,
	    "<!DOCTYPE html><html><head><title>mail</title></head>"
	    "<body style=\"font-family: sans-serif\">\n");
	stop = text->data + text->size;
	for (line = text->data; line < stop; line = end + 1) {
		end = memchr(line, '\n', (size_t)(stop - line));
		html_line(s, line, (size_t)(end - line));
	}
	if (image != NULL)
		sheet_print(s, "<img src=\"cid:%s\" alt=\"logo\">\n", image);
	if (dice_roll(&w->dice, 12) == 0)
		sheet_text(s, hostile[w->f.author % COUNT(hostile)]);
	sheet_text(s, "</body></html>\n");
}

static void
html_part(struct writer *w, const char *image)
{
	struct sheet *text = &w->l->scratch[0];

	text->size = 0;
	html_text(w, text, image);
	text_part(w, "text/html", text);
}

static void
boundary_begin(struct writer *w, const char *type, char level)
{
	sheet_print(&w->l->raw, "Content-Type: %s;\n boundary=\"=_%c.%u\"\n\n",
	    type, level, w->f.number);
}

static void
boundary(struct writer *w, char level)
{
	sheet_print(&w->l->raw, "\n--=_%c.%u\n", level, w->f.number);
}

static void
boundary_end(struct writer *w, char level)
{
	sheet_print(&w->l->raw, "\n--=_%c.%u--\n", level, w->f.number);
}

static void
alternative(struct writer *w, const char *image)
{
	boundary_begin(w, "multipart/alternative", 'a');
	boundary(w, 'a');
	plain_part(w);
	boundary(w, 'a');
	html_part(w, image);
	boundary_end(w, 'a');
}

static const unsigned char png[] = { 0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0,
	0, 13, 'I', 'H', 'D', 'R', 0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0x90,
	0x77, 0x53, 0xde, 0, 0, 0, 12, 'I', 'D', 'A', 'T', 8, 0xd7, 0x63, 0xf8,
	0xcf, 0xc0, 0, 0, 3, 1, 1, 0, 0x18, 0xdd, 0x8d, 0xb0, 0, 0, 0, 0, 'I',
	'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82 };

static void
related(struct writer *w)
{
	struct sheet *s = &w->l->raw;

	boundary_begin(w, "multipart/related", 'r');
	boundary(w, 'r');
	alternative(w, "logo@mail.example.com");
	boundary(w, 'r');
	sheet_text(s,
	    "Content-Type: image/png; name=logo.png\n"
	    "Content-ID: <logo@mail.example.com>\n"
	    "Content-Disposition: inline; filename=logo.png\n"
	    "Content-Transfer-Encoding: base64\n\n");
	sheet_base64(s, png, sizeof(png));
	boundary_end(w, 'r');
}

/* Names of files as mail programs write them; the bytes begin with `magic`. */
static const struct attachment {
	const char *type;
	const char *disposition;
	const char *magic;
} attachments[] = {
	{ "application/pdf; name=report.pdf", "attachment; filename=report.pdf",
	    "%PDF-1.4\n" },
	{ "application/pdf",
	    "attachment;\n filename*=UTF-8''%C3%9Cbersicht%20M%C3%A4rz.pdf",
	    "%PDF-1.5\n" },
	{ "application/zip", "attachment; filename=\"all files.zip\"",
	    "PK\3\4" },
	{ "application/octet-stream;\n "
	  "name=\"=?UTF-8?B?6KuL5rGC5pu4LmRhdA==?=\"",
	    "attachment;\n filename=\"=?UTF-8?B?6KuL5rGC5pu4LmRhdA==?=\"", "" },
	{ "image/jpeg",
	    "attachment;\n filename*0=\"a very long name of a \";\n"
	    " filename*1=\"photograph.jpg\"",
	    "\xff\xd8\xff\xe0" },
	{ "application/x-msdownload", "attachment; filename=\"../evil.exe\"",
	    "MZ" },
	{ "text/html", "attachment; filename=page.html", "<html>" },
	{ "application/octet-stream", "attachment", "" },
};

static void
attachment(struct writer *w, uint32_t nth)
{
	const struct attachment *a =
	    &attachments[dice_roll(&w->dice, COUNT(attachments))];
	struct dice d = dice_of(w->c->seed, w->f.number, BYTES + 16 * nth);
	struct sheet *s = &w->l->raw, *bytes = &w->l->scratch[0];
	uint32_t size = 200 + dice_roll(&d, 200) * dice_roll(&d, 200);

	bytes->size = 0;
	sheet_text(bytes, a->magic);
	while (bytes->size < size) {
		uint64_t eight = dice_next(&d);

		sheet_add(bytes, &eight, sizeof(eight));
	}
	sheet_print(s,
	    "Content-Type: %s\nContent-Disposition: %s\n"
	    "Content-Transfer-Encoding: base64\n\n",
	    a->type, a->disposition);
	sheet_base64(s, bytes->data, bytes->size);
}

static void
with_attachments(struct writer *w)
{
	uint32_t i, n = 1 + dice_roll(&w->dice, 3);

	boundary_begin(w, "multipart/mixed", 'm');
	sheet_text(&w->l->raw, "This is a message in MIME format.\n");
	boundary(w, 'm');
	if (dice_roll(&w->dice, 2))
		alternative(w, NULL);
	else
		plain_part(w);
	for (i = 0; i < n; i++) {
		boundary(w, 'm');
		attachment(w, i);
	}
	boundary_end(w, 'm');
}

static void
forwarded(struct writer *w)
{
	struct sheet *s = &w->l->raw;

	boundary_begin(w, "multipart/mixed", 'f');
	boundary(w, 'f');
	plain_part(w);
	boundary(w, 'f');
	sheet_text(s,
	    "Content-Type: message/rfc822\n"
	    "Content-Disposition: inline\n\n"
	    "From: someone@example.net\nTo: else@example.net\n"
	    "Subject: the one inside\n"
	    "Message-ID: <inside@example.net>\n");
	alternative(w, NULL);
	boundary_end(w, 'f');
}

static void
invitation(struct writer *w)
{
	struct sheet *s = &w->l->raw;

	boundary_begin(w, "multipart/alternative", 'i');
	boundary(w, 'i');
	plain_part(w);
	boundary(w, 'i');
	sheet_print(s,
	    "Content-Type: text/calendar; charset=utf-8; method=REQUEST\n\n"
	    "BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:REQUEST\nBEGIN:VEVENT\n"
	    "UID:%u@mail.example.com\nDTSTART:20260105T090000Z\n"
	    "SUMMARY:Meeting\nEND:VEVENT\nEND:VCALENDAR\n",
	    w->f.number);
	boundary_end(w, 'i');
}

static void
delivery_report(struct writer *w)
{
	struct sheet *s = &w->l->raw;

	boundary_begin(w, "multipart/report; report-type=delivery-status", 'd');
	boundary(w, 'd');
	sheet_text(s,
	    "Content-Type: text/plain; charset=us-ascii\n\n"
	    "Your message could not be delivered.\n");
	boundary(w, 'd');
	sheet_print(s,
	    "Content-Type: message/delivery-status\n\n"
	    "Reporting-MTA: dns; mail.example.com\n\n"
	    "Final-Recipient: rfc822; gone%u@example.com\n"
	    "Action: failed\nStatus: 5.1.1\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 user unknown\n",
	    w->f.number);
	boundary(w, 'd');
	sheet_text(s,
	    "Content-Type: text/rfc822-headers\n\n"
	    "From: <support@letterrack.test>\nSubject: lost\n");
	boundary_end(w, 'd');
}

static void
html_alone(struct writer *w)
{
	html_part(w, NULL);
}

static void
alternative_alone(struct writer *w)
{
	alternative(w, NULL);
}

static void
nothing(struct writer *w)
{
	sheet_text(&w->l->raw, "\n");
}

/* The kinds and how many of a hundred letters are of them. */
static const struct {
	uint32_t below;
	void (*write)(struct writer *);
} kinds[] = {
	{ 45, plain_part },
	{ 70, alternative_alone },
	{ 78, html_alone },
	{ 84, related },
	{ 93, with_attachments },
	{ 95, forwarded },
	{ 97, invitation },
	{ 99, delivery_report },
	{ 100, nothing },
};

void
letter_write(const struct correspondence *c, uint32_t number, struct letter *l)
{
	static const char *const flags[] = { "", "S", "S", "RS", "FS" };
	struct writer w = { .c = c, .l = l };
	size_t i;

	l->raw.size = 0;
	facts_find(c, number, &w.f);
	w.dice = dice_of(c->seed, number, WORDS + 16);
	l->date = w.f.date;
	l->flags = flags[w.f.author % COUNT(flags)];
	headers(&w);
	for (i = 0; w.f.kind >= kinds[i].below; i++)
		continue;
	kinds[i].write(&w);
}

void
letter_clear(struct letter *l)
{
	size_t i;

	sheet_clear(&l->raw);
	for (i = 0; i < COUNT(l->scratch); i++)
		sheet_clear(&l->scratch[i]);
}
