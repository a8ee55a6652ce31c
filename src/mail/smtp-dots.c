#include "mail/smtp-dots.h"

/* The length of a line end at `at`: CRLF, or one of them alone; 0: none. */
static size_t
line_end(struct str m, size_t at)
{
	if (m.p[at] == '\r')
		return at + 1 < m.n && m.p[at + 1] == '\n' ? 2 : 1;
	return m.p[at] == '\n';
}

/* How many bytes from `at` on are no line end. */
static size_t
plain_run(struct str m, size_t at, size_t most)
{
	size_t n = 0;

	while (n < most && at + n < m.n && m.p[at + n] != '\r' &&
	    m.p[at + n] != '\n')
		n++;
	return n;
}

static size_t
put_line_end(struct smtp_dots *d, char *out)
{
	memcpy(out, "\r\n", 2);
	d->inside = false;
	return 2;
}

/* One step, which takes three bytes of room at most but for a run. */
static size_t
step(struct smtp_dots *d, char *out, size_t room)
{
	struct str m = d->message;
	size_t n, lead;

	if (d->at == m.n)
		return put_line_end(d, out);
	n = line_end(m, d->at);
	if (n > 0) {
		d->at += n;
		return put_line_end(d, out);
	}
	lead = !d->inside && m.p[d->at] == '.';
	if (lead > 0)
		*out = '.';
	n = plain_run(m, d->at, room - lead);
	memcpy(out + lead, m.p + d->at, n);
	d->at += n;
	d->inside = true;
	return lead + n;
}

size_t
smtp_dots_next(struct smtp_dots *d, char *out, size_t room)
{
	size_t n = 0;

	while (n + 3 <= room && (d->at < d->message.n || d->inside))
		n += step(d, out + n, room - n);
	return n;
}

size_t
smtp_dots_size(struct str m)
{
	size_t size = 0, at = 0;

	while (at < m.n) {
		size_t run = plain_run(m, at, m.n);

		at += run;
		at += at < m.n ? line_end(m, at) : 0;
		size += run + 2;
	}
	return size;
}
