/* What waits, for Prometheus. */
#include <string.h>

#include "core/clock.h"
#include "domain/hold-sql.h"
#include "domain/work-sql.h"
#include "system.h"
#include "web/reply.h"

#define KEEP_MS   5000
#define TEXT_MOST ((size_t)256 << 10)

static const struct metric {
	const char *what, *about;
	bool waits; /* the oldest that is due is told, too */
} metrics[] = {
	{ "jobs", "Jobs that are not done with.", true },
	{ "deliveries", "Deliveries to webhooks that are under way.", true },
	{ "messages", "Mail of accounts that is not done with.", true },
	{ "service_mail", "Mail of the service that nobody has taken.", true },
	{ "watchers", "Mail accounts that are to be watched.", false },
	{ "workers", "Workers that are at a job.", false },
};

static void
head(struct buf *b, const char *name, const char *what, const char *about)
{
	buf_fmt(b,
	    "# HELP letterrack_%s%s %s\n"
	    "# TYPE letterrack_%s%s gauge\n",
	    what, name, about, what, name);
}

static void
counts(struct buf *b, const struct metric *m, const struct work_metric_list *l)
{
	head(b, "", m->what, m->about);
	for (size_t i = 0; i < l->n; i++) {
		const struct work_metric *v = &l->v[i];

		if (strcmp(v->what, m->what) != 0)
			continue;
		buf_fmt(b, "letterrack_%s{state=\"%s\"", v->what, v->state);
		if (v->kind != NULL)
			buf_fmt(b, ",action=\"%s\"", v->kind);
		buf_fmt(b, "} %lld\n", (long long)v->n);
	}
}

static void
oldest(struct buf *b, const struct metric *m, const struct work_metric_list *l)
{
	int64_t most = 0;

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].what, m->what) == 0 && l->v[i].due_s > most)
			most = l->v[i].due_s;
	head(b, "_oldest_due_seconds", m->what,
	    "How long the oldest that is due has waited.");
	buf_fmt(b, "letterrack_%s_oldest_due_seconds %lld\n", m->what,
	    (long long)most);
}

static void
write_all(struct buf *b, const struct work_metric_list *l)
{
	size_t n = sizeof metrics / sizeof *metrics;

	buf_reset(b);
	for (size_t i = 0; i < n; i++) {
		counts(b, &metrics[i], l);
		if (metrics[i].waits)
			oldest(b, &metrics[i], l);
	}
}

/* Named as the third document has them. */
static void
gauge(struct buf *b, const char *name, const char *about, int64_t n)
{
	buf_fmt(b, "# HELP %s %s\n# TYPE %s gauge\n", name, about, name);
	if (n < 0)
		buf_fmt(b, "%s NaN\n", name);
	else
		buf_fmt(b, "%s %lld\n", name, (long long)n);
}

static void
write_holds(struct buf *b, const struct hold_figures *h)
{
	gauge(b, "emails_held_total", "Mail that is held now.", h->held);
	gauge(b, "emails_released_24h", "Mail released in the last 24 hours.",
	    h->released);
	gauge(b, "interception_latency_ms_median",
	    "From the server's word of a mail to its being held, in the last "
	    "24 hours.",
	    h->latency_ms);
}

/* Kept for a moment, so that a monitor cannot become a load. */
enum rc
system_metrics(struct request *rq)
{
	static struct buf text;
	static int64_t until_ms;
	struct work_metric_list l;
	struct hold_figures *holds;

	if (!system_sees_all(rq))
		return fail(RC_FORBIDDEN, "metrics are for the operator");
	if (until_ms <= clock_steady_ms()) {
		if (text.p == NULL)
			buf_init(&text, TEXT_MOST);
		TRY(work_metrics(rq->db, rq->arena, &l));
		TRY(hold_figures(rq->db, rq->arena, &holds));
		write_all(&text, &l);
		write_holds(&text, holds);
		until_ms = clock_steady_ms() + KEEP_MS;
	}
	rq->reply.fresh = true;
	return reply_text(rq, 200, "text/plain; version=0.0.4; charset=utf-8",
	    (struct str){ text.p, text.n });
}
