/* Whether an SMTP proxy listens, for monitors. */
#include "core/clock.h"
#include "domain/smtp-server-sql.h"
#include "system.h"
#include "web/reply.h"

const struct field system_smtp_health_answer[] = {
	A_BOOL("ok", 0),
	A_BOOL("listening", 0),
	A_TEXT("host", NULLABLE, .about = "null: none, or not for this caller"),
	A_INT("port", NULLABLE),
	A_INT("uptime_seconds", NULLABLE),
	A_TIME("last_selfcheck", NULLABLE,
	    .about = "when it was last heard to answer there"),
	F_END,
};

static void
write_details(struct jw *w, const struct smtp_server_seen *s, bool listens)
{
	jw_key(w, "host");
	s != NULL ? jw_text(w, s->address) : jw_null(w);
	jw_key(w, "port");
	s != NULL ? jw_int(w, s->port) : jw_null(w);
	jw_key(w, "uptime_seconds");
	s != NULL &&listens ? jw_int(w, s->uptime) : jw_null(w);
	jw_key(w, "last_selfcheck");
	s != NULL &&instant_is(s->checked_at)
	    ? jw_time(w, s->checked_at, TIME_Z)
	    : jw_null(w);
}

enum rc
system_smtp_health(struct request *rq)
{
	struct smtp_server_seen_list all;
	const struct smtp_server_seen *s;
	bool listens;
	struct jw *w;

	TRY(smtp_servers(rq->db, rq->arena, &all));
	s = smtp_server_best(all.v, all.n);
	listens = s != NULL && smtp_server_listens(s);
	rq->reply.fresh = true;
	w = reply_open(rq, 0);
	JW_BOOL(w, "ok", listens);
	JW_BOOL(w, "listening", listens);
	write_details(w, system_sees_all(rq) ? s : NULL, listens);
	return reply_close(rq);
}
