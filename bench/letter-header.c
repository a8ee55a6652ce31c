/* The words of a letter, and its header fields. */
#include "letter-parts.h"

#include <string.h>
#include <time.h>

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

void
letter_text(const struct writer *w, struct sheet *s)
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

int
letter_is_ascii(const char *s, size_t n)
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

	if (letter_is_ascii(text, n)) {
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

	if (letter_is_ascii(name, strlen(name)))
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
	if (!letter_message_id(w->c, w->f.chain[0], s))
		s->size = start;
	else
		sheet_text(s, "\n");
	start = s->size;
	sheet_text(s, "References:");
	for (i = w->f.chain_size; i > 0; i--) {
		size_t before = s->size;

		sheet_text(s, i == w->f.chain_size ? " " : "\n ");
		if (!letter_message_id(w->c, w->f.chain[i - 1], s))
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

void
letter_headers(struct writer *w)
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
	if (letter_message_id(w->c, w->f.number, s))
		sheet_text(s, "\n");
	else
		s->size = at;
	references(w, s);
	odd_header(w, s);
	if (dice_roll(&w->dice, 100) == 0)
		long_header(s);
	sheet_text(s, "MIME-Version: 1.0\n");
}
