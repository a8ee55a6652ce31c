#include "mail/header.h"

#include "mail/rfc2047.h"

#define MAIN_MOST 256

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Past the line feed that ends the line at `at`. */
static size_t
line_end(struct str s, size_t at)
{
	const char *lf = memchr(s.p + at, '\n', s.n - at);

	return lf != NULL ? (size_t)(lf - s.p) + 1 : s.n;
}

/* Past the last line that continues the one at `at`. */
static size_t
field_end(struct str s, size_t at)
{
	at = line_end(s, at);
	while (at < s.n && is_blank(s.p[at]))
		at = line_end(s, at);
	return at;
}

/* Printable ASCII, no blank (RFC 5322 3.6.8); blanks before the colon as in
 * old mail. */
static bool
name_of(struct str field, struct str *name)
{
	size_t n = 0;

	while (n < field.n && field.p[n] > ' ' && field.p[n] < 0x7f &&
	    field.p[n] != ':')
		n++;
	*name = (struct str){ field.p, n };
	while (n < field.n && is_blank(field.p[n]))
		n++;
	return name->n > 0 && n < field.n && field.p[n] == ':';
}

bool
header_next(struct str header, size_t *at, struct str *name, struct str *value)
{
	if (header.n > HEADER_MOST)
		header.n = HEADER_MOST;
	while (*at < header.n) {
		size_t begin = *at, colon;
		struct str field;

		*at = field_end(header, begin);
		field = (struct str){ header.p + begin, *at - begin };
		if (!name_of(field, name))
			continue;
		for (colon = name->n; field.p[colon] != ':'; colon++)
			continue;
		field.p += colon + 1;
		field.n -= colon + 1;
		if (field.n > HEADER_FIELD_MOST)
			field.n = HEADER_FIELD_MOST;
		*value = str_trim(field);
		return true;
	}
	return false;
}

struct str
header_find(struct str header, const char *name)
{
	struct str want = str_of(name), got, value;
	size_t at = 0;

	while (header_next(header, &at, &got, &value)) {
		if (str_ieq(got, want))
			return value;
	}
	return (struct str){ NULL, 0 };
}

struct str
header_text(struct arena *a, struct str header, const char *name, size_t max)
{
	return rfc2047_decode(a, header_find(header, name), max);
}

/* A cursor in a structured value. */
struct cursor {
	const char *p, *end;
};

/* Blanks, folds and comments, which nest and quote (RFC 5322 3.2.2). */
static void
skip(struct cursor *c)
{
	size_t depth = 0;

	for (; c->p < c->end; c->p++) {
		if (*c->p == '(')
			depth++;
		else if (*c->p == ')' && depth > 0)
			depth--;
		else if (*c->p == '\\' && depth > 0 && c->p + 1 < c->end)
			c->p++;
		else if (depth == 0 && !is_blank(*c->p) && *c->p != '\r' &&
		    *c->p != '\n')
			return;
	}
}

/* Up to one of `stop`, the blanks at its end left out. */
static struct str
until(struct cursor *c, const char *stop)
{
	const char *begin = c->p;

	while (c->p < c->end && (*c->p == '\0' || strchr(stop, *c->p) == NULL))
		c->p++;
	return str_trim((struct str){ begin, (size_t)(c->p - begin) });
}

/* A quoted string (RFC 5322 3.2.4) without quotes, escapes and folds; one
 * without an end runs to the end. */
static struct str
quoted(struct arena *a, struct cursor *c)
{
	const char *p = ++c->p;
	size_t n = 0;
	char *out;

	for (; c->p < c->end && *c->p != '"'; c->p++)
		c->p += *c->p == '\\' && c->p + 1 < c->end;
	out = arena_alloc(a, (size_t)(c->p - p) + 1);
	for (; p < c->p; p++) {
		p += *p == '\\' && p + 1 < c->p;
		if (*p != '\r' && *p != '\n')
			out[n++] = *p;
	}
	c->p += c->p < c->end;
	return (struct str){ out, n };
}

static bool
parameter_next(struct arena *a, struct cursor *c, struct parameter *out)
{
	skip(c);
	while (c->p < c->end && *c->p == ';') {
		c->p++;
		skip(c);
	}
	if (c->p == c->end)
		return false;
	out->name = until(c, "=;");
	out->value = (struct str){ "", 0 };
	if (c->p == c->end || *c->p == ';')
		return true; /* a name alone */
	c->p++;
	skip(c);
	if (c->p < c->end && *c->p == '"') {
		out->value = quoted(a, c);
		(void)until(c, ";");
	} else
		out->value = until(c, ";");
	return true;
}

/* The first word; what stands between it and the semicolon is a comment or
 * a mistake: "text/plain (hello)", "image/png name=x". */
static struct str
main_of(struct arena *a, struct cursor *c)
{
	struct str s;
	char *low;

	skip(c);
	s = until(c, ";( \t\r\n");
	skip(c);
	(void)until(c, ";");
	if (s.n > MAIN_MOST)
		s.n = MAIN_MOST;
	low = arena_dup(a, s.p, s.n);
	for (size_t i = 0; i < s.n; i++) {
		if (low[i] >= 'A' && low[i] <= 'Z')
			low[i] = (char)(low[i] - 'A' + 'a');
	}
	return (struct str){ low, s.n };
}

void
header_value_read(struct arena *a, struct str value, struct header_value *out)
{
	struct cursor c = { value.p, value.p + value.n };
	struct parameter piece[PARAMETER_MOST];
	struct parameter *decoded = NULL;
	size_t n = 0;

	*out = (struct header_value){ .main = { "", 0 } };
	if (value.p == NULL)
		return;
	out->main = main_of(a, &c);
	while (n < PARAMETER_MOST && parameter_next(a, &c, &piece[n]))
		n += piece[n].name.n > 0;
	out->parameters = parameter_decode(a, piece, n, &decoded);
	out->parameter = decoded;
}
