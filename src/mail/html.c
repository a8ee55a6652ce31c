#include "mail/html.h"

#include "core/buffer.h"

#define TAG_NAME_MOST  16
#define REFERENCE_MOST 12
#define NBSP           0xa0

struct html {
	const char *p, *end;
	struct buf *out;
	bool blank;        /* one is due before the next word */
	bool line;         /* a line end is */
	bool endless_head; /* no </head> is left to be looked for */
};

/* Elements whose content nobody reads. */
static const struct str hidden[] = { STR("script"), STR("style"), STR("head"),
	STR("title"), STR("template"), STR("noscript"), STR("svg"),
	STR("object"), STR("textarea"), STR("select") };

/* Elements that begin a line. */
static const struct str blocks[] = { STR("br"), STR("p"), STR("div"), STR("tr"),
	STR("li"), STR("ul"), STR("ol"), STR("table"), STR("h1"), STR("h2"),
	STR("h3"), STR("h4"), STR("h5"), STR("h6"), STR("hr"), STR("pre"),
	STR("blockquote"), STR("section"), STR("article"), STR("header"),
	STR("footer"), STR("body"), STR("dt"), STR("dd"), STR("center") };

static const struct {
	struct str name;
	uint32_t cp;
} references[] = {
	{ STR("amp"), '&' },
	{ STR("lt"), '<' },
	{ STR("gt"), '>' },
	{ STR("quot"), '"' },
	{ STR("apos"), '\'' },
	{ STR("nbsp"), NBSP },
	{ STR("shy"), 0xad },
	{ STR("copy"), 0xa9 },
	{ STR("reg"), 0xae },
	{ STR("trade"), 0x2122 },
	{ STR("euro"), 0x20ac },
	{ STR("pound"), 0xa3 },
	{ STR("cent"), 0xa2 },
	{ STR("yen"), 0xa5 },
	{ STR("sect"), 0xa7 },
	{ STR("para"), 0xb6 },
	{ STR("deg"), 0xb0 },
	{ STR("middot"), 0xb7 },
	{ STR("bull"), 0x2022 },
	{ STR("hellip"), 0x2026 },
	{ STR("ndash"), 0x2013 },
	{ STR("mdash"), 0x2014 },
	{ STR("lsquo"), 0x2018 },
	{ STR("rsquo"), 0x2019 },
	{ STR("sbquo"), 0x201a },
	{ STR("ldquo"), 0x201c },
	{ STR("rdquo"), 0x201d },
	{ STR("bdquo"), 0x201e },
	{ STR("laquo"), 0xab },
	{ STR("raquo"), 0xbb },
	{ STR("lsaquo"), 0x2039 },
	{ STR("rsaquo"), 0x203a },
	{ STR("times"), 0xd7 },
	{ STR("rarr"), 0x2192 },
	{ STR("larr"), 0x2190 },
	{ STR("zwnj"), 0x200c },
	{ STR("zwj"), 0x200d },
	{ STR("ensp"), ' ' },
	{ STR("emsp"), ' ' },
	{ STR("thinsp"), ' ' },
	{ STR("auml"), 0xe4 },
	{ STR("ouml"), 0xf6 },
	{ STR("uuml"), 0xfc },
	{ STR("Auml"), 0xc4 },
	{ STR("Ouml"), 0xd6 },
	{ STR("Uuml"), 0xdc },
	{ STR("szlig"), 0xdf },
	{ STR("agrave"), 0xe0 },
	{ STR("aacute"), 0xe1 },
	{ STR("acirc"), 0xe2 },
	{ STR("atilde"), 0xe3 },
	{ STR("aring"), 0xe5 },
	{ STR("aelig"), 0xe6 },
	{ STR("ccedil"), 0xe7 },
	{ STR("egrave"), 0xe8 },
	{ STR("eacute"), 0xe9 },
	{ STR("ecirc"), 0xea },
	{ STR("euml"), 0xeb },
	{ STR("iacute"), 0xed },
	{ STR("icirc"), 0xee },
	{ STR("iuml"), 0xef },
	{ STR("ntilde"), 0xf1 },
	{ STR("oacute"), 0xf3 },
	{ STR("ocirc"), 0xf4 },
	{ STR("otilde"), 0xf5 },
	{ STR("oslash"), 0xf8 },
	{ STR("ugrave"), 0xf9 },
	{ STR("uacute"), 0xfa },
	{ STR("ucirc"), 0xfb },
	{ STR("Eacute"), 0xc9 },
};

static bool
one_of(struct str name, const struct str *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_ieq(name, list[i]))
			return true;
	}
	return false;
}

#define ONE_OF(name, list)                                                     \
	one_of((name), (list), sizeof(list) / sizeof(*(list)))

/* One character of text; blanks wait until a word follows them. */
static void
put(struct html *h, const char *p, size_t n)
{
	if (n == 1 && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')) {
		h->blank = true;
		return;
	}
	if (h->out->n > 0 && h->line)
		buf_putc(h->out, '\n');
	else if (h->out->n > 0 && h->blank)
		buf_putc(h->out, ' ');
	h->blank = h->line = false;
	buf_add(h->out, p, n);
}

static void
put_point(struct html *h, uint32_t cp)
{
	char utf8[4];

	/* Invisible ones, with which newsletters pad their preview. */
	if (cp == 0xad || (cp >= 0x200b && cp <= 0x200f) || cp == 0x34f ||
	    cp == 0xfeff)
		return;
	if (cp == NBSP || cp < ' ' || (cp >= 0x7f && cp < 0xa0))
		put(h, " ", 1);
	else
		put(h, utf8, utf8_put(utf8, cp));
}

static bool
number_reference(struct str name, uint32_t *cp)
{
	uint32_t base = 10, value = 0;
	size_t i = 1;

	if (name.n > 2 && (name.p[1] == 'x' || name.p[1] == 'X')) {
		base = 16;
		i = 2;
	}
	if (i == name.n)
		return false;
	for (; i < name.n; i++) {
		char c = name.p[i];
		uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0')
		    : c >= 'a' && c <= 'f'            ? (uint32_t)(c - 'a') + 10
		    : c >= 'A' && c <= 'F'            ? (uint32_t)(c - 'A') + 10
						      : 99;

		if (digit >= base)
			return false;
		value = value * base + digit;
		if (value > 0x10ffff)
			value = 0x110000; /* stays out of range */
	}
	*cp = value;
	return true;
}

/* "&name;" at the cursor; false where it is plain text. */
static bool
reference(struct html *h)
{
	struct str name = { h->p + 1, 0 };
	uint32_t cp = 0;
	bool known = false;

	while (name.n < REFERENCE_MOST && name.p + name.n < h->end &&
	    name.p[name.n] != ';' && name.p[name.n] != '&')
		name.n++;
	if (name.n == 0 || name.p + name.n == h->end || name.p[name.n] != ';')
		return false;
	if (name.p[0] == '#')
		known = number_reference(name, &cp);
	for (size_t i = 0;
	     !known && i < sizeof(references) / sizeof(*references); i++) {
		if (str_eq(name, references[i].name)) {
			cp = references[i].cp;
			known = true;
		}
	}
	if (!known)
		return false;
	if (cp == 0 || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
		cp = 0xfffd;
	put_point(h, cp);
	h->p = name.p + name.n + 1;
	return true;
}

static bool
at(const struct html *h, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(h->end - h->p) >= n && memcmp(h->p, text, n) == 0;
}

static void
skip_past(struct html *h, const char *text)
{
	const char *found =
	    memmem(h->p, (size_t)(h->end - h->p), text, strlen(text));

	h->p = found != NULL ? found + strlen(text) : h->end;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The name behind "<" or "</". */
static struct str
tag_name(const char *p, const char *end)
{
	size_t n = 0;

	while (p + n < end && n < TAG_NAME_MOST &&
	    (is_letter(p[n]) || (p[n] >= '0' && p[n] <= '9')))
		n++;
	return (struct str){ p, n };
}

/* Past the ">" of the tag at the cursor; quoted values may hold one. */
static void
skip_tag(struct html *h)
{
	char quote = '\0';

	for (; h->p < h->end; h->p++) {
		if (quote != '\0')
			quote = *h->p == quote ? '\0' : quote;
		else if (*h->p == '"' || *h->p == '\'')
			quote = *h->p;
		else if (*h->p == '>') {
			h->p++;
			return;
		}
	}
}

/* Past the end tag of a hidden element, or to the end. A head without an end
 * hides nothing; it is looked for once, so that many do not cost much. */
static void
skip_element(struct html *h, struct str name)
{
	bool head = str_ieq(name, STR("head"));
	const char *back = h->p;

	if (head && h->endless_head)
		return;
	while (h->p < h->end) {
		const char *lt = memchr(h->p, '<', (size_t)(h->end - h->p));

		if (lt == NULL)
			break;
		h->p = lt + 1;
		if (h->p < h->end && *h->p == '/' &&
		    str_ieq(tag_name(h->p + 1, h->end), name)) {
			skip_tag(h);
			return;
		}
	}
	h->p = head ? back : h->end;
	h->endless_head = true;
}

static void
tag(struct html *h)
{
	bool closing = h->p + 1 < h->end && h->p[1] == '/';
	struct str name = tag_name(h->p + 1 + closing, h->end);

	if (at(h, "<!--")) {
		skip_past(h, "-->");
		return;
	}
	if (name.n == 0 && !at(h, "<!") && !at(h, "<?")) {
		put(h, h->p++, 1); /* "a < b" */
		return;
	}
	skip_tag(h);
	if (ONE_OF(name, blocks))
		h->line = true;
	else if (str_ieq(name, STR("td")) || str_ieq(name, STR("th")))
		h->blank = true;
	if (!closing && ONE_OF(name, hidden))
		skip_element(h, name);
}

static size_t
character(const char *p, const char *end)
{
	size_t n = 1;

	while (p + n < end && ((unsigned char)p[n] & 0xc0) == 0x80)
		n++;
	return n;
}

struct str
html_text(struct arena *a, struct str html, size_t max)
{
	struct buf out;
	struct html h = { .p = html.p, .end = html.p + html.n, .out = &out };
	struct str text;

	buf_init(&out, max + 8);
	while (h.p < h.end && out.n < max && !out.full) {
		size_t n;

		if (*h.p == '<')
			tag(&h);
		else if (*h.p != '&' || !reference(&h)) {
			n = character(h.p, h.end);
			if (n == 2 && memcmp(h.p, "\xc2\xa0", 2) == 0)
				put(&h, " ", 1);
			else
				put(&h, h.p, n);
			h.p += n;
		}
	}
	text.n = utf8_cut(out.p, out.n, max);
	text.p = arena_dup(a, out.n > 0 ? out.p : "", text.n);
	buf_clear(&out);
	return text;
}

struct str
html_of_text(struct arena *a, struct str text)
{
	struct buf b;
	struct str out;

	buf_init(&b, 8 * text.n + 8);
	for (size_t i = 0; i < text.n; i++)
		switch (text.p[i]) {
		case '&': buf_puts(&b, "&amp;"); break;
		case '<': buf_puts(&b, "&lt;"); break;
		case '>': buf_puts(&b, "&gt;"); break;
		case '\r': break;
		case '\n': buf_puts(&b, "<br>\n"); break;
		default: buf_putc(&b, text.p[i]);
		}
	out = (struct str){ arena_dup(a, b.n > 0 ? b.p : "", b.n), b.n };
	buf_clear(&b);
	return out;
}

/* Where `<word` or `</word` begins, from `from` on; s.n: nowhere. */
static size_t
tag_find(struct str s, size_t from, struct str word)
{
	for (size_t i = from; i + word.n < s.n; i++)
		if (s.p[i] == '<' &&
		    str_ieq((struct str){ s.p + i, word.n }, word))
			return i;
	return s.n;
}

struct str
html_inside(struct str html)
{
	size_t open = tag_find(html, 0, STR("<body")), from = 0, end;
	const char *close;

	if (open == html.n)
		return html;
	close = memchr(html.p + open, '>', html.n - open);
	if (close == NULL)
		return html;
	from = (size_t)(close - html.p) + 1;
	end = tag_find(html, from, STR("</body"));
	return (struct str){ html.p + from, end - from };
}
