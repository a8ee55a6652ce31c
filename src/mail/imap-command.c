#include "mail/imap-command.h"

#include "mail/imap-response.h"

#define QUOTED_MOST        1000
#define LITERAL_MINUS_MOST 4096 /* RFC 7888 5 */

void
imap_command_init(struct imap_command *c, uint64_t caps)
{
	*c = (struct imap_command){ .caps = caps };
	buf_init(&c->text, IMAP_COMMAND_MOST);
}

void
imap_command_clear(struct imap_command *c)
{
	buf_clear(&c->text);
}

void
imap_command_puts(struct imap_command *c, const char *s)
{
	buf_puts(&c->text, s);
}

void
imap_command_fmt(struct imap_command *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(&c->text, fmt, ap);
	va_end(ap);
}

static bool
fits_quotes(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char ch = (unsigned char)s.p[i];

		if (ch < 0x20 || ch > 0x7e)
			return false;
	}
	return s.n <= QUOTED_MOST;
}

void
imap_command_astring(struct imap_command *c, struct str s)
{
	if (!fits_quotes(s)) {
		imap_command_literal(c, s);
		return;
	}
	buf_putc(&c->text, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_putc(&c->text, '\\');
		buf_putc(&c->text, s.p[i]);
	}
	buf_putc(&c->text, '"');
}

static bool
needs_no_answer(const struct imap_command *c, size_t n)
{
	if (c->caps & IMAP_CAP(LITERAL_PLUS))
		return true;
	return (c->caps & IMAP_CAP(LITERAL_MINUS)) && n <= LITERAL_MINUS_MOST;
}

void
imap_command_literal(struct imap_command *c, struct str s)
{
	bool go_on = needs_no_answer(c, s.n);

	if (s.n > 0 && memchr(s.p, '\0', s.n) != NULL)
		c->fault = true; /* only literal8 may hold one */
	buf_fmt(&c->text, "{%zu%s}\r\n", s.n, go_on ? "+" : "");
	if (!go_on && c->stops == IMAP_STOPS_MOST)
		c->fault = true;
	else if (!go_on)
		c->stop[c->stops++] = c->text.n;
	buf_add(&c->text, s.p, s.n);
}

void
imap_command_end(struct imap_command *c)
{
	BUF_LIT(&c->text, "\r\n");
	if (c->text.full)
		c->fault = true;
}
