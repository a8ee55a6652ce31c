#include "mail/smtp-kept.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/log.h"

const struct smtp_limits smtp_usual = { .messages = 100, .idle_ms = 15000 };

struct slot {
	struct smtp *smtp; /* NULL: free */
	int messages;
	int64_t used; /* when; steady */
};

struct smtp_kept {
	struct smtp_limits limits;
	struct slot slot[SMTP_KEPT_MOST];
};

struct smtp_kept *
smtp_kept_new(const struct smtp_limits *limits)
{
	struct smtp_kept *k = calloc(1, sizeof *k);

	if (k == NULL)
		die("out of memory");
	k->limits = *limits;
	return k;
}

void
smtp_kept_free(struct smtp_kept **kp)
{
	struct smtp_kept *k = *kp;

	if (k == NULL)
		return;
	for (size_t i = 0; i < SMTP_KEPT_MOST; i++)
		smtp_free(&k->slot[i].smtp);
	free(k);
	*kp = NULL;
}

/* One that fits; else a free one; else the one that was used least lately. */
static struct slot *
slot_for(struct smtp_kept *k, const struct smtp_server *server)
{
	struct slot *best = &k->slot[0];

	for (size_t i = 0; i < SMTP_KEPT_MOST; i++) {
		struct slot *s = &k->slot[i];

		if (s->smtp != NULL && smtp_fits(s->smtp, server))
			return s;
		if (best->smtp != NULL &&
		    (s->smtp == NULL || s->used < best->used))
			best = s;
	}
	return best;
}

struct smtp *
smtp_kept_get(struct smtp_kept *k, const struct smtp_server *server)
{
	struct slot *s;

	(void)smtp_kept_tidy(k);
	s = slot_for(k, server);
	if (s->smtp != NULL &&
	    (s->messages >= k->limits.messages || !smtp_fits(s->smtp, server)))
		smtp_free(&s->smtp);
	if (s->smtp == NULL)
		*s = (struct slot){ .smtp = smtp_new(server) };
	s->messages++;
	s->used = clock_steady_ms();
	return s->smtp;
}

int64_t
smtp_kept_tidy(struct smtp_kept *k)
{
	int64_t now = clock_steady_ms(), next = INT64_MAX;

	for (size_t i = 0; i < SMTP_KEPT_MOST; i++) {
		struct slot *s = &k->slot[i];
		int64_t left = s->used + k->limits.idle_ms - now;

		if (s->smtp != NULL && left <= 0)
			smtp_free(&s->smtp);
		if (s->smtp != NULL && left < next)
			next = left;
	}
	return next;
}
