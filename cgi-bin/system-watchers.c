/* Watchers as monitors see them: a worker each. */
#include <string.h>

#include "core/clock.h"
#include "domain/watcher-sql.h"
#include "system.h"
#include "web/reply.h"

#define KEEP_MS    5000
#define BEATS_MOST 1000
#define TEXT_MOST  ((size_t)256 << 10)

static const char *
status_of(const struct watcher_beat *b)
{
	if (b->beat_ms > WATCHER_LEASE_S * 1000)
		return "stale";
	if (b->error_code != NULL)
		return "error";
	return strcmp(b->state, "waiting") == 0 ? "starting" : "ok";
}

static void
write_one(struct request *rq, struct jw *w, const struct watcher_beat *b)
{
	const char *seconds = arena_fmt(rq->arena, "%.2f",
	    (double)(b->beat_ms > 0 ? b->beat_ms : 0) / 1000);

	jw_object(w);
	JW_TEXT(w, "worker",
	    arena_fmt(rq->arena, "imap_%lld", (long long)b->credential_id));
	jw_key(w, "last_heartbeat_sec");
	jw_raw(w, str_of(seconds));
	JW_TEXT(w, "status", status_of(b));
	jw_object_end(w);
}

/* Kept for a moment, so that a monitor cannot become a load. */
struct str
system_watchers(struct request *rq)
{
	static struct buf text;
	static int64_t until_ms;
	struct watcher_beat_list l;
	struct jw w;

	if (until_ms > clock_steady_ms())
		return (struct str){ text.p, text.n };
	if (text.p == NULL)
		buf_init(&text, TEXT_MOST);
	if (watcher_beats(rq->db, BEATS_MOST, rq->arena, &l) != RC_OK)
		return STR("[]");
	buf_reset(&text);
	w = jw_on(&text);
	jw_array(&w);
	for (size_t i = 0; i < l.n; i++)
		write_one(rq, &w, &l.v[i]);
	jw_array_end(&w);
	until_ms = clock_steady_ms() + KEEP_MS;
	return (struct str){ text.p, text.n };
}
