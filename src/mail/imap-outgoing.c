#include "mail/imap-outgoing.h"

#include <stdlib.h>

#include "core/log.h"

struct imap_queued {
	struct imap_command command;
	unsigned tag;
	size_t sent;
	size_t passed; /* stops that the server has answered */
	struct imap_queued *next;
};

static struct imap_queued *
queued_new(unsigned tag, uint64_t caps)
{
	struct imap_queued *q = calloc(1, sizeof *q);

	if (q == NULL)
		die("out of memory");
	q->tag = tag;
	imap_command_init(&q->command, caps);
	return q;
}

static void
drop_first(struct imap_outgoing *o)
{
	struct imap_queued *q = o->first;

	o->first = q->next;
	if (o->first == NULL)
		o->last = NULL;
	imap_command_clear(&q->command);
	free(q);
}

/* "L1", "L2", …: libcurl's tags were a letter and three digits with leading
 * zeros, so that a late answer to one of those is never taken for ours. */
void
imap_outgoing_add(struct imap_outgoing *o, unsigned tag, const char *verb,
    const struct imap_command *text)
{
	struct imap_queued *q = queued_new(tag, text->caps);
	size_t head;

	imap_command_fmt(&q->command, "L%u %s", tag, verb);
	head = q->command.text.n;
	buf_add(&q->command.text, text->text.p, text->text.n);
	imap_command_end(&q->command);
	q->command.stops = text->stops;
	for (size_t i = 0; i < text->stops; i++)
		q->command.stop[i] = head + text->stop[i];
	if (o->last != NULL)
		o->last->next = q;
	else
		o->first = q;
	o->last = q;
}

void
imap_outgoing_done(struct imap_outgoing *o)
{
	struct imap_queued *q = queued_new(0, 0);

	imap_command_puts(&q->command, "DONE\r\n");
	q->next = o->first; /* nothing is sent while idling */
	o->first = q;
	if (o->last == NULL)
		o->last = q;
}

bool
imap_outgoing_next(const struct imap_outgoing *o, unsigned *tag)
{
	if (o->first == NULL)
		return false;
	*tag = o->first->tag;
	return true;
}

struct str
imap_outgoing_bytes(const struct imap_outgoing *o)
{
	const struct imap_queued *q = o->first;
	size_t end;

	if (q == NULL)
		return (struct str){ "", 0 };
	end = q->passed < q->command.stops ? q->command.stop[q->passed]
					   : q->command.text.n;
	return (struct str){ q->command.text.p + q->sent, end - q->sent };
}

void
imap_outgoing_sent(struct imap_outgoing *o, size_t n)
{
	o->first->sent += n;
	if (o->first->sent == o->first->command.text.n)
		drop_first(o);
}

bool
imap_outgoing_continued(struct imap_outgoing *o)
{
	struct imap_queued *q = o->first;

	if (q == NULL || q->passed == q->command.stops ||
	    q->sent != q->command.stop[q->passed])
		return false;
	q->passed++;
	return true;
}

void
imap_outgoing_refused(struct imap_outgoing *o, unsigned tag)
{
	if (o->first != NULL && o->first->tag == tag && o->first->sent > 0)
		drop_first(o);
}

void
imap_outgoing_clear(struct imap_outgoing *o)
{
	while (o->first != NULL)
		drop_first(o);
}
