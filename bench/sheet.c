#include "sheet.h"

#include <iconv.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
sheet_grow(struct sheet *s, size_t more)
{
	size_t room = s->room ? s->room : 4096;

	while (room - s->size < more)
		room *= 2;
	if (room == s->room)
		return;
	s->data = realloc(s->data, room);
	if (s->data == NULL)
		abort();
	s->room = room;
}

void
sheet_add(struct sheet *s, const void *from, size_t n)
{
	if (n == 0)
		return;
	sheet_grow(s, n);
	memcpy(s->data + s->size, from, n);
	s->size += n;
}

void
sheet_text(struct sheet *s, const char *text)
{
	sheet_add(s, text, strlen(text));
}

void
sheet_print(struct sheet *s, const char *format, ...)
{
	va_list args;
	int n;

	sheet_grow(s, 2048);
	va_start(args, format);
	n = vsnprintf(s->data + s->size, s->room - s->size, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= s->room - s->size)
		abort();
	s->size += (size_t)n;
}

void
sheet_clear(struct sheet *s)
{
	free(s->data);
	*s = (struct sheet){ 0 };
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";

static void
base64_group(char out[4], const unsigned char *in, size_t n)
{
	unsigned v = (unsigned)in[0] << 16;

	v |= n > 1 ? (unsigned)in[1] << 8 : 0;
	v |= n > 2 ? in[2] : 0;
	out[0] = base64_digits[v >> 18];
	out[1] = base64_digits[v >> 12 & 63];
	out[2] = n > 1 ? base64_digits[v >> 6 & 63] : '=';
	out[3] = n > 2 ? base64_digits[v & 63] : '=';
}

void
sheet_base64(struct sheet *s, const void *from, size_t n)
{
	enum { LINE = 57 };
	const unsigned char *in = from;
	size_t i;

	sheet_grow(s, n / 3 * 4 + n / LINE + 8);
	for (i = 0; i < n; i += 3) {
		if (i > 0 && i % LINE == 0)
			s->data[s->size++] = '\n';
		base64_group(s->data + s->size, in + i, n - i);
		s->size += 4;
	}
}

static int
quoted_plain(unsigned char c, int last)
{
	if (c == ' ' || c == '\t')
		return !last;
	return c >= 33 && c <= 126 && c != '=';
}

void
sheet_quoted(struct sheet *s, const char *from, size_t n)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t i, column = 0;

	sheet_grow(s, n * 4 + 16);
	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)from[i];
		int plain, last = i + 1 == n || from[i + 1] == '\n';

		if (c == '\n') {
			s->data[s->size++] = '\n';
			column = 0;
			continue;
		}
		plain = quoted_plain(c, last);
		if (column + (plain ? 1 : 3) > 75) {
			memcpy(s->data + s->size, "=\n", 2);
			s->size += 2;
			column = 0;
		}
		if (plain) {
			s->data[s->size++] = (char)c;
			column++;
			continue;
		}
		s->data[s->size++] = '=';
		s->data[s->size++] = hex[c >> 4];
		s->data[s->size++] = hex[c & 15];
		column += 3;
	}
}

/* A handful of charsets are asked for again and again. */
static iconv_t
recoder(const char *charset)
{
	static struct {
		char name[24];
		iconv_t to;
	} known[8];
	size_t i;

	for (i = 0; i < 8 && known[i].name[0] != '\0'; i++)
		if (strcmp(known[i].name, charset) == 0)
			return known[i].to;
	if (i == 8)
		abort();
	snprintf(known[i].name, sizeof(known[i].name), "%s", charset);
	known[i].to = iconv_open(charset, "UTF-8");
	if (known[i].to == (iconv_t)-1) {
		fprintf(stderr, "iconv does not know %s\n", charset);
		exit(1);
	}
	return known[i].to;
}

static size_t
character_size(unsigned char c)
{
	return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

void
sheet_recode(struct sheet *s, const char *charset, const char *utf8, size_t n)
{
	iconv_t to = recoder(charset);
	char *in = (char *)(uintptr_t)utf8, *out, *question;
	size_t in_left = n, out_left, one, skip;

	sheet_grow(s, n * 4 + 16);
	out = s->data + s->size;
	out_left = s->room - s->size;
	iconv(to, NULL, NULL, NULL, NULL);
	while (iconv(to, &in, &in_left, &out, &out_left) == (size_t)-1) {
		char mark[] = "?";

		if (in_left == 0)
			break;
		question = mark;
		one = 1;
		if (iconv(to, &question, &one, &out, &out_left) == (size_t)-1)
			abort();
		skip = character_size((unsigned char)*in);
		skip = skip < in_left ? skip : in_left;
		in += skip;
		in_left -= skip;
	}
	iconv(to, NULL, NULL, &out, &out_left);
	s->size = (size_t)(out - s->data);
}

uint64_t
dice_next(struct dice *d)
{
	uint64_t z = d->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

struct dice
dice_of(uint64_t seed, uint64_t number, uint64_t purpose)
{
	struct dice d = { seed ^ purpose * 0xd6e8feb86659fd93 };

	d.state ^= dice_next(&d) + number * 0x9e3779b97f4a7c15;
	d.state = dice_next(&d);
	return d;
}

uint32_t
dice_roll(struct dice *d, uint32_t faces)
{
	return (uint32_t)((dice_next(d) >> 32) * faces >> 32);
}
