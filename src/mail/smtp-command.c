#include "mail/smtp-command.h"

#include "mail/address.h"

/* ---- lines ---- */

static size_t
line_end_find(struct str in)
{
	size_t i = 0;

	while (i < in.n && in.p[i] != '\r' && in.p[i] != '\n')
		i++;
	return i;
}

enum smtp_line
smtp_line_read(struct str in, size_t most, struct str *line, size_t *used)
{
	size_t end = line_end_find(in);

	if (end + 2 > most)
		return SMTP_LINE_LONG;
	if (end == in.n || (in.p[end] == '\r' && end + 1 == in.n))
		return SMTP_LINE_MORE;
	if (in.p[end] == '\n' || in.p[end + 1] != '\n')
		return SMTP_LINE_BARE;
	*line = (struct str){ in.p, end };
	*used = end + 2;
	return SMTP_LINE_WHOLE;
}

struct str
smtp_verb_read(struct str line, struct str *args)
{
	size_t n = 0;

	while (n < line.n && line.p[n] != ' ')
		n++;
	*args = str_trim((struct str){ line.p + n, line.n - n });
	return (struct str){ line.p, n };
}

bool
smtp_words_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return utf8_valid(s.p, s.n);
}

/* ---- paths ---- */

static void
skip(struct str *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

static void
skip_blanks(struct str *s)
{
	while (s->n > 0 && s->p[0] == ' ')
		skip(s, 1);
}

/* "FROM:", and a blank that some clients put behind it. */
static bool
keyword_skip(struct str *s, const char *keyword)
{
	size_t n = strlen(keyword);

	if (s->n < n + 1 || strncasecmp(s->p, keyword, n) != 0 ||
	    s->p[n] != ':')
		return false;
	skip(s, n + 1);
	skip_blanks(s);
	return true;
}

enum smtp_path_fault
smtp_path_read(struct arena *a, struct str args, const char *keyword,
    struct str *address, struct str *parameters)
{
	const char *close;
	struct str in;

	if (!keyword_skip(&args, keyword) || args.n == 0 || args.p[0] != '<')
		return SMTP_PATH_SYNTAX;
	close = memchr(args.p, '>', args.n);
	if (close == NULL)
		return SMTP_PATH_SYNTAX;
	in = (struct str){ args.p + 1, (size_t)(close - args.p) - 1 };
	skip(&args, in.n + 2);
	if (args.n > 0 && args.p[0] != ' ')
		return SMTP_PATH_SYNTAX;
	*parameters = args;
	*address = STR("");
	if (in.n == 0)
		return SMTP_PATH_OK;
	return address_wire(a, in, address) == RC_OK ? SMTP_PATH_OK
						     : SMTP_PATH_ADDRESS;
}

/* ---- parameters ---- */

static bool
is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-';
}

bool
smtp_parameter_next(struct str *parameters, struct str *name, struct str *value)
{
	struct str s = *parameters;
	size_t n = 0, end;

	skip_blanks(&s);
	if (s.n == 0)
		*parameters = s;
	while (n < s.n && is_name_byte(s.p[n]))
		n++;
	for (end = n; end < s.n && s.p[end] != ' ';)
		end++;
	if (n == 0 || (end > n && s.p[n] != '='))
		return false;
	*name = (struct str){ s.p, n };
	*value = end > n ? (struct str){ s.p + n + 1, end - n - 1 }
			 : (struct str){ NULL, 0 };
	skip(&s, end);
	*parameters = s;
	return true;
}
