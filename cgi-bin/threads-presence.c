/* Who looks at a thread, or answers it. */
#include "cgi-bin/threads.h"

#include <string.h>

#include "domain/event.h"
#include "domain/presence-sql.h"
#include "domain/presence.h"
#include "web/guard.h"

enum { VIEWING, REPLYING, GONE };
static const char *const states[] = { "viewing", "replying", "gone", NULL };

const struct field presence_body[] = { F_ENUM(struct presence_put, state,
					   states, OPTIONAL, PRESET(VIEWING)),
	F_INT(struct presence_put, seconds, 1, PRESENCE_SECONDS_MOST, OPTIONAL,
	    PRESET(PRESENCE_SECONDS),
	    .about = "How long that holds, unless it is said again."),
	F_END };

static const struct field one_answer[] = { A_ID("user_id", ID_NUMBER, 0),
	A_TEXT("name", 0), A_ENUM("state", states, 0), A_TIME("since", 0),
	A_TIME("expires_at", 0), F_END };
const struct field presence_answer[] = { A_ARRAY("presence", one_answer, 0),
	F_END };

static enum rc
show(struct request *rq, int64_t thread)
{
	const struct row_style style = reply_style(rq);
	struct presence_list all;
	struct jw *w;

	TRY(presence_list(rq->db, rq->actor.account, thread, rq->arena, &all));
	w = reply_open(rq, 0);
	jw_key(w, "presence");
	rows_write(w, presence_cols, all.v, all.n, sizeof all.v[0], &style);
	return reply_close(rq);
}

/* The id of a merged thread shows the other one. */
enum rc
presence_show(struct request *rq)
{
	struct thread *t;

	TRY(thread_get(
	    rq->db, rq->actor.account, arg_id(rq, 0), rq->arena, &t));
	return show(rq, t->id);
}

static enum rc
store(struct request *rq, struct db *db, const struct presence_put *in)
{
	int64_t account = rq->actor.account, thread = arg_id(rq, 0);

	if (in->state == GONE)
		return presence_drop(db, account, thread, rq->actor.user, NULL);
	return presence_put(db, account, rq->actor.application, thread,
	    rq->actor.user, states[in->state], (int32_t)in->seconds, NULL);
}

/* Told when it is news: who only stays is not. */
static enum rc
put(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	const struct presence_put *in = rq->body;
	int64_t account = rq->actor.account, thread = arg_id(rq, 0),
		user = rq->actor.user;
	const char *state = states[in->state];
	struct presence *before;
	struct thread *t;

	TRY(thread_peek(db, account, thread, rq->arena, &t));
	TRY(thread_merged_check(rq, t));
	TRY(presence_get(db, account, thread, user, rq->arena, &before));
	TRY(store(rq, db, in));
	TRY(presence_clear(db, account, PRESENCE_CLEAR_MOST, NULL));
	if (strcmp(before != NULL ? before->state : states[GONE], state) == 0)
		return RC_OK;
	return presence_tell(db, account, event_word(EVENT_THREAD_PRESENCE),
	    thread, user, state, NULL);
}

enum rc
presence_say(struct request *rq)
{
	if (rq->actor.user == 0) {
		TRY(guard_prove(rq)); /* signed out is told before */
		return fail(RC_FORBIDDEN, "A program is nobody who looks.");
	}
	TRY(db_tx(rq->db, put, rq));
	return show(rq, arg_id(rq, 0));
}
