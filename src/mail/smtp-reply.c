#include "mail/smtp-reply.h"

#include <string.h>

#include "core/text.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void
text_put(struct smtp_reader *r, char c)
{
	if (r->text_n + 1 < sizeof r->reply.text)
		r->reply.text[r->text_n++] = c;
}

static void
line_join(struct smtp_reader *r)
{
	if (r->reply.text[r->text_n - 1] != ' ')
		text_put(r, ' ');
	r->line_at = r->text_n;
}

/* The code, and ' ', '-' or the line's end behind it. */
static enum rc
head_take(struct smtp_reader *r)
{
	const char *h = r->head;
	int code;

	if (h[0] < '2' || h[0] > '5' || !is_digit(h[1]) || !is_digit(h[2]) ||
	    (h[3] != ' ' && h[3] != '-'))
		return fail(RC_PAYLOAD, "the server says what is no reply");
	code = (h[0] - '0') * 100 + (h[1] - '0') * 10 + h[2] - '0';
	/* 4.2.1: all lines have one code. Of another class it would be another
	 * answer; within it, servers have been seen to differ, and the last
	 * counts. */
	if (r->lines > 0 && code / 100 != r->reply.code / 100)
		return fail(RC_PAYLOAD, "the server's reply has two codes");
	r->reply.code = code;
	if (r->lines == 0) {
		for (int i = 0; i < 3; i++)
			text_put(r, h[i]);
		text_put(r, ' ');
	} else {
		line_join(r);
	}
	return RC_OK;
}

/* "250" alone is a whole line (4.2.1). */
static enum rc
head_put(struct smtp_reader *r, char c)
{
	r->head[r->column] = c;
	return ++r->column == sizeof r->head ? head_take(r) : RC_OK;
}

/* What cannot be shown: bytes that are no UTF-8, and controls. */
static void
text_clean(char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		int step = utf8_step(s + i, n - i);
		size_t width = (size_t)(step < 0 ? -step : step);

		if (step < 0)
			memset(s + i, '?', width);
		if (step == 1 && ((unsigned char)s[i] < 0x20 || s[i] == 0x7f))
			s[i] = ' ';
		/* C1 */
		if (step == 2 && (unsigned char)s[i] == 0xc2 &&
		    (unsigned char)s[i + 1] < 0xa0)
			s[i] = s[i + 1] = ' ';
		i += width;
	}
}

/* RFC 3463 2: class, subject, detail; the class is the code's (RFC 2034 4). */
static void
status_find(struct smtp_reply *reply)
{
	const char *s = reply->text + 4;
	size_t n = 0, dots = 0;

	while (is_digit(s[n]) || (s[n] == '.' && n > 0 && s[n - 1] != '.'))
		dots += s[n++] == '.';
	if (dots != 2 || n >= sizeof reply->status || s[1] != '.' ||
	    s[n - 1] == '.' || s[0] != reply->text[0] ||
	    (s[n] != ' ' && s[n] != '\0'))
		return;
	memcpy(reply->status, s, n);
	reply->status[n] = '\0';
}

static void
reply_end(struct smtp_reader *r, struct smtp_reply *out)
{
	size_t n = r->text_n;

	text_clean(r->reply.text, n);
	n = utf8_cut(r->reply.text, n, sizeof r->reply.text - 1);
	while (n > 3 && r->reply.text[n - 1] == ' ')
		n--;
	memset(r->reply.text + n, '\0', sizeof r->reply.text - n);
	if (n > 4)
		status_find(&r->reply);
	*out = r->reply;
	*r = (struct smtp_reader){ .lines = 0 };
}

/* A status that the first line had is not said again. */
static void
status_drop(struct smtp_reader *r)
{
	const char *first = r->reply.text + 4;
	char *line = r->reply.text + r->line_at;
	size_t have = r->text_n - r->line_at, n = 0;

	while (n < have && (is_digit(first[n]) || first[n] == '.'))
		n++;
	if (r->lines == 0 || n < 5 || n == have || line[n] != ' ' ||
	    memcmp(line, first, n) != 0)
		return;
	memmove(line, line + n + 1, have - n - 1);
	r->text_n -= n + 1;
}

/* Behind the head the line is words. */
static enum rc
line_end(struct smtp_reader *r, bool *done)
{
	while (r->column < sizeof r->head) {
		if (r->column < 3)
			return fail(
			    RC_PAYLOAD, "the server says what is no reply");
		TRY(head_put(r, ' '));
	}
	status_drop(r);
	*done = r->head[3] != '-';
	r->column = 0;
	r->lines++;
	return RC_OK;
}

static enum rc
byte_take(struct smtp_reader *r, char c, bool *done)
{
	if (++r->total > SMTP_REPLY_MOST)
		return fail(RC_PAYLOAD, "the server's reply does not end");
	if (c == '\n')
		return line_end(r, done);
	if (r->column == 3 && c == '\r')
		return RC_OK;
	if (r->column < sizeof r->head)
		return head_put(r, c);
	if (c != '\r')
		text_put(r, c);
	return RC_OK;
}

enum rc
smtp_reader_feed(struct smtp_reader *r, const char *p, size_t n, size_t *used,
    bool *done, struct smtp_reply *out)
{
	*done = false;
	for (*used = 0; *used < n && !*done;)
		TRY(byte_take(r, p[(*used)++], done));
	if (*done)
		reply_end(r, out);
	return RC_OK;
}
