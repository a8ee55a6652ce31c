/* The bodies of letters, by kind. */
#include "letter-parts.h"

#include <string.h>

/* A text part with its own headers: encoding and charset by chance. */
static void
text_part(struct writer *w, const char *type, const struct sheet *text)
{
	struct sheet *s = &w->l->raw, *coded = &w->l->scratch[2];
	uint32_t way = dice_roll(&w->dice, 4);
	int ascii = letter_is_ascii(text->data, text->size);
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
	letter_text(w, text);
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
	letter_text(w, text);
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
letter_body(struct writer *w)
{
	size_t i = 0;

	while (w->f.kind >= kinds[i].below)
		i++;
	kinds[i].write(w);
}
