/* Events: what happened in an account, in the order of commits and without a
 * gap; as a page that begins behind a place, or as a stream that goes on
 * (server-sent events). */
#include <string.h>

#include "domain/event-sql.h"
#include "web/body.h"
#include "web/held.h"
#include "web/reply.h"
#include "web/route.h"

#define PLACE_MOST 48

/* A place: "<xid>-<id>". */
struct place {
	const char *xid;
	int64_t id;
};

struct event_page {
	const char *after;
	int64_t limit;
};
static const struct field event_page_params[] = {
	F_TEXT(struct event_page, after, 1, PLACE_MOST, OPTIONAL,
	    .about = "next_cursor or the cursor or id of an event; absent: all "
		     "of 30 days, of a stream what comes from now on."),
	F_INT(struct event_page, limit, 1, PAGE_MOST, CLAMP | PAGING,
	    PRESET(100)),
	F_END
};

static enum rc
no_place(struct request *rq)
{
	return fault_add(
	    rq, "after", "invalid", "It is no place among events.");
}

static bool
place_parse(struct request *rq, struct str s, struct place *out)
{
	const char *dash = memchr(s.p, '-', s.n);
	struct str xid, id;
	uint64_t n;

	if (dash == NULL)
		return false;
	xid = (struct str){ s.p, (size_t)(dash - s.p) };
	id = (struct str){ dash + 1, s.n - xid.n - 1 };
	if (!str_uint(xid, INT64_MAX, &n) || !str_uint(id, INT64_MAX, &n))
		return false;
	out->xid = arena_dup(rq->arena, xid.p, xid.n);
	out->id = (int64_t)n;
	return true;
}

/* Of an event that was told to a webhook the number is known. */
static enum rc
place_find(struct request *rq, const char *text, struct place *out)
{
	uint64_t id;
	enum rc rc;

	if (place_parse(rq, str_of(text), out))
		return RC_OK;
	if (!str_uint(str_of(text), INT64_MAX, &id) || id == 0)
		return no_place(rq);
	rc = event_place(
	    rq->db, rq->actor.account, (int64_t)id, rq->arena, &text);
	if (rc == RC_NOT_FOUND || (rc == RC_OK && text == NULL))
		return no_place(rq);
	TRY(rc);
	return place_parse(rq, str_of(text), out) ? RC_OK : RC_INTERNAL;
}

/* ---- a page ---- */

static const struct field event_answer[] = { A_INT("id", 0), A_TEXT("event", 0),
	A_TIME("created_at", 0), A_INT("account_id", 0), A_JSON("data", 0),
	A_TEXT("cursor", 0), F_END };
static const struct field events_answer[] = { A_ARRAY(
						  "events", event_answer, 0),
	A_TEXT("next_cursor", 0), A_BOOL("more", 0), F_END };

static const char *
place_text(struct request *rq, const struct place *p)
{
	return arena_fmt(rq->arena, "%s-%lld", p->xid, (long long)p->id);
}

static enum rc
page(struct request *rq, const struct event_page *in)
{
	struct place from = { "0", 0 };
	struct row_style style = reply_style(rq);
	struct event_seen_list list;
	struct jw *w;
	bool more;

	if (in->after != NULL)
		TRY(place_find(rq, in->after, &from));
	TRY(event_replay(rq->db, rq->actor.account, from.xid, from.id,
	    in->limit + 1, rq->arena, &list));
	more = list.n > (size_t)in->limit;
	if (more)
		list.n = (size_t)in->limit;
	w = reply_open(rq, 0);
	jw_key(w, "events");
	rows_write(
	    w, event_seen_cols, list.v, list.n, sizeof list.v[0], &style);
	JW_TEXT(w, "next_cursor",
	    list.n > 0 ? list.v[list.n - 1].cursor : place_text(rq, &from));
	JW_BOOL(w, "more", more);
	return reply_close(rq);
}

/* ---- a stream ---- */

#define BURST 100 /* events that one look sends */

static void
line_write(struct buf *b, struct request *rq, const struct event_seen *e)
{
	struct row_style style = reply_style(rq);
	struct jw w = jw_on(b);
	size_t from;

	buf_fmt(b, "id: %s\nevent: %s\ndata: ", e->cursor, e->event);
	from = b->n;
	row_write(&w, event_seen_cols, e, &style);
	/* between members only: a text has none that is not escaped */
	for (size_t i = from; i < b->n; i++)
		if (b->p[i] == '\n' || b->p[i] == '\r')
			b->p[i] = ' ';
	BUF_LIT(b, "\n\n");
}

/* Where it goes on: what the stream has told last, what the client says that it
 * has seen, what its address says, or here and now. */
static enum rc
place_begin(struct request *rq, const char *after, struct place *out)
{
	const char *last = request_var(rq, "HTTP_LAST_EVENT_ID");

	if (last != NULL && *last != '\0' && strlen(last) <= PLACE_MOST)
		return place_find(rq, last, out);
	if (after != NULL)
		return place_find(rq, after, out);
	TRY(event_now(rq->db, rq->arena, &after));
	return place_find(rq, after, out);
}

static enum rc
stream(struct request *rq, const struct event_page *in)
{
	struct event_seen_list list;
	struct place from = { "0", 0 };
	struct buf *b;

	if (!held_room(rq))
		return RC_RETRY;
	TRY(place_begin(rq, in->after, &from));
	TRY(event_replay(rq->db, rq->actor.account, from.xid, from.id, BURST,
	    rq->arena, &list));
	reply_header(rq, "X-Accel-Buffering", "no");
	TRY(reply_text(rq, 200, "text/event-stream", STR("")));
	b = &rq->reply.body;
	if (!held_again(rq))
		BUF_LIT(b, "retry: 2000\n\n");
	for (size_t i = 0; i < list.n; i++)
		line_write(b, rq, &list.v[i]);
	held_on(rq,
	    list.n > 0 ? list.v[list.n - 1].cursor : place_text(rq, &from),
	    list.n == BURST);
	return RC_OK;
}

static bool
wants_stream(const struct request *rq)
{
	const char *accept = request_var(rq, "HTTP_ACCEPT");

	return accept != NULL && strstr(accept, "text/event-stream") != NULL &&
	    !rq->head;
}

static enum rc
events(struct request *rq)
{
	const struct event_page *in = rq->params;

	return wants_stream(rq) ? stream(rq, in) : page(rq, in);
}

static const struct route routes[] = {
	{ GET, "/api/events", events, NEED_READ, ENV_SUCCESS,
	    PARAMS(event_page), .answer = events_answer,
	    .summary = "List what happened, in the order of commits",
	    .about = "Of the last 30 days, each once and without a gap. With "
		     "Accept: text/event-stream it goes on as server-sent "
		     "events, whose ids a client gives back in "
		     "Last-Event-ID." },
};

FAMILY(events, QUIET, .holds = true);
