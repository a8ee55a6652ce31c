/* A mail account that is watched: secret, connection, session, and what is said
 * of them. Each step is asked for and answered in the loop; what takes its time
 * is an errand, one of an account at a time. */
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/secret.h"
#include "domain/credential-sql.h"
#include "domain/credential-token.h"
#include "domain/mailbox.h"
#include "domain/reach.h"
#include "mail/mutf7.h"
#include "watch/watched.h"

#define DIALS_MOST     50
#define DIAL_LATER_MS  200
#define BACK_OFF_MS    1000
#define BACK_OFF_MOST  300000
#define BACK_OFF_LEAST 250
#define STEADY_MS      60000 /* a session that lasted so long was a good one */
#define OTHER_MS       2000  /* deletions and flags come in crowds */
#define AWAY_MS        1000  /* the database */
#define ARENA_ACCESS   ((size_t)1 << 20)
#define ARENA_ERRAND   ((size_t)1 << 20)

static const char *const state_words[] = {
	[IMAP_WATCH_OPENING] = "waiting",
	[IMAP_WATCH_IDLE] = "idle",
	[IMAP_WATCH_POLLING] = "polling",
};

/* As it is shown: while there is no session, polls go on. */
static const char polls[] = "polling", stopped[] = "stopped";
static const char *const shown_words[] = {
	[IMAP_WATCH_OPENING] = polls,
	[IMAP_WATCH_IDLE] = "idle",
	[IMAP_WATCH_POLLING] = polls,
};

struct watched *
watched_of(struct errand *e)
{
	return (struct watched *)((char *)e - offsetof(struct watched, errand));
}

/* ---- errands: in a thread ---- */

static enum rc
access_read(struct watched *w, struct db *db, struct opening *o)
{
	int64_t account = w->own.account_id, id = w->own.credential_id;

	db_pipe_begin(db);
	TRY(credential_access_get(db, account, id, o->arena, &o->access));
	TRY(watcher_inbox(db, account, id, o->arena, &o->inbox));
	TRY(watcher_quarantine(db, account, id, o->arena, &o->quarantine));
	TRY(db_pipe_end(db));
	return credential_secret_ready(&(struct token_host){ db, w->watch->conf,
					   &w->watch->keks, w->watch->egress },
	    account, &o->access, o->arena, &o->secret);
}

/* Below INBOX, where a server has it there, it is known when it has been seen.
 */
static struct str
quarantine_name(const struct opening *o)
{
	const struct watcher_quarantine *q = o->quarantine;
	struct str name = { NULL, 0 };

	if (q == NULL)
		return name;
	if (q->wire_name.p != NULL)
		return mailbox_wire(o->arena, q->wire_name);
	if (mutf7_encode(o->arena, str_of(q->name), &name) != RC_OK)
		return (struct str){ NULL, 0 };
	return name;
}

static void
how_fill(const struct watch *x, struct opening *o)
{
	struct imap_params params;

	reach_params(x->conf, x->egress, o->access, &o->secret, &params);
	o->how = (struct imap_watch_how){ .login = params.login,
		.folder = STR("INBOX"),
		.pace_ms = x->conf->watch_pace,
		.poll_ms = x->conf->watch_poll * 1000,
		.silence_ms = x->conf->watch_silence * 1000,
		.answer_ms = x->conf->watch_answer * 1000,
		.also = quarantine_name(o),
		.also_ms = x->conf->watch_poll * 1000,
		.also_next = o->quarantine != NULL
		    ? (uint32_t)o->quarantine->uid_next
		    : 0 };
}

static void
opening_free(struct opening **op)
{
	struct arena *a = *op != NULL ? (*op)->arena : NULL;

	arena_free(&a);
	*op = NULL;
}

static void
errand_open(struct errand *e, struct db *db)
{
	struct watched *w = watched_of(e);
	struct arena *a = arena_new(ARENA_ACCESS);

	w->opened = ARENA_NEW(a, struct opening);
	w->opened->arena = a;
	watcher_guard(
	    db, w->own.account_id, w->own.credential_id, w->watch->worker);
	w->rc = access_read(w, db, w->opened);
	if (w->rc == RC_OK)
		how_fill(w->watch, w->opened);
	strncpy(w->told.detail, fail_detail(), sizeof w->told.detail - 1);
}

/* The credential says why it cannot be used, or that it can. */
static enum rc
credential_note(struct watched *w, struct db *db)
{
	int64_t account = w->own.account_id, id = w->own.credential_id;
	const struct report *r = &w->told;

	if (r->works)
		TRY(credential_works(db, account, id, w->version, NULL, NULL));
	if (r->refused)
		TRY(credential_fails(db, account, id, w->version,
		    credential_status_of(r->failure), result_code(r->failure),
		    r->detail, NULL));
	return RC_OK;
}

static enum rc
state_note(struct watched *w, struct db *db)
{
	int64_t account = w->own.account_id, id = w->own.credential_id;
	const struct report *r = &w->told;
	const char *code = r->failure != RC_OK ? result_code(r->failure) : NULL;

	if (r->has_state)
		TRY(watcher_state(db, account, id, state_words[r->state], code,
		    code != NULL ? r->detail : NULL, NULL));
	if (r->event != NULL)
		TRY(watcher_event(db, account, id, r->event, code, NULL));
	return RC_OK;
}

static enum rc
tell(struct db *db, void *ctx)
{
	struct watched *w = ctx;
	const struct report *r = &w->told;
	struct arena *a = arena_new(ARENA_ERRAND);
	enum rc rc = RC_OK;

	if (r->mail || r->other)
		rc = watcher_news(
		    db, &w->own, r->mail, clock_steady_ms() - r->mail_ms, a);
	arena_free(&a);
	TRY(rc);
	TRY(credential_note(w, db));
	return state_note(w, db);
}

static void
errand_tell(struct errand *e, struct db *db)
{
	struct watched *w = watched_of(e);

	watcher_guard(
	    db, w->own.account_id, w->own.credential_id, w->watch->worker);
	w->rc = db_tx(db, tell, w);
	if (w->rc != RC_OK)
		log_warn(&w->log, "not told code=%s: %s", result_code(w->rc),
		    fail_detail());
}

/* ---- the session's end ---- */

static void
session_end(struct watched *w)
{
	if (w->phase == ON)
		loop_forget(&w->watch->loop, imap_watch_fd(w->session));
	w->watch->dialling -= w->phase == DIALLING;
	imap_watch_free(&w->session);
	opening_free(&w->open);
	w->phase = RESTING;
	w->next_ms = TIMER_NEVER;
	w->other_ms = TIMER_NEVER;
}

static void
show(struct watched *w, const char *shown)
{
	if (w->shown == shown)
		return;
	w->report.event = shown;
	w->shown = shown;
}

static void
state_set(struct watched *w, enum imap_watch_state state)
{
	w->report.has_state = true;
	w->report.state = state;
	show(w, shown_words[state]);
}

/* 2^n seconds at most, and chance in all of it: not all come back at once. */
static int64_t
back_off(unsigned tries)
{
	int64_t most = BACK_OFF_MS << (tries < 9 ? tries : 9);
	uint32_t dice;

	random_bytes(&dice, sizeof dice);
	if (most > BACK_OFF_MOST)
		most = BACK_OFF_MOST;
	return BACK_OFF_LEAST + (int64_t)(dice % (uint64_t)most);
}

/* A refused password is not tried again: servers lock people out for that. */
static void
failed(struct watched *w, enum rc rc, const char *detail)
{
	bool was_on = w->phase == ON;
	struct report *r = &w->report;

	if (was_on && clock_steady_ms() - w->on_ms > STEADY_MS)
		w->tries = 0;
	r->failure = rc;
	r->refused = !was_on && rc != RC_INTERNAL;
	r->works &= was_on;
	snprintf(r->detail, sizeof r->detail, "%s", detail);
	session_end(w);
	state_set(w, IMAP_WATCH_OPENING);
	w->over = rc == RC_AUTH_FAILED;
	if (w->over)
		show(w, stopped);
	else
		w->next_ms = clock_steady_ms() + back_off(w->tries++);
	log_info(&w->log, "session ended code=%s tries=%u: %s", result_code(rc),
	    w->tries, r->detail);
}

/* ---- the session ---- */

static void
state_look(struct watched *w)
{
	enum imap_watch_state state = imap_watch_state(w->session);

	if (state == IMAP_WATCH_OPENING)
		return;
	if (w->shown == shown_words[state] && w->report.failure == RC_OK &&
	    !w->report.works)
		return;
	w->report.failure = RC_OK;
	w->report.refused = false;
	state_set(w, state);
}

/* What is behind the table, nobody has told us of: it came before. */
static void
opened_look(struct watched *w)
{
	const struct imap_mailbox *box = imap_watch_mailbox(w->session);
	const struct watcher_inbox *known = w->open->inbox;
	bool same = known != NULL && box->uidnext != 0 &&
	    known->uidvalidity == (int64_t)box->uidvalidity &&
	    known->uid_next == (int64_t)box->uidnext;

	w->on_ms = clock_steady_ms();
	w->report.works = true;
	w->report.mail |= !same;
	/* A server that gives UIDs out again: all of it is to be looked at. */
	w->left = known != NULL && box->uidnext != 0 &&
	    known->uid_next > (int64_t)box->uidnext;
	w->report.mail_ms = w->on_ms;
	w->report.other |=
	    same && known->server_messages != (int64_t)box->exists;
	log_debug(&w->log, "session begins news=%d", !same);
}

static void
news_note(struct watched *w, const struct imap_watch_news *news)
{
	int64_t now = clock_steady_ms();

	if (news->open)
		opened_look(w);
	if (news->mail && !w->report.mail) {
		w->report.mail = true;
		w->report.mail_ms = now;
	}
	w->report.other |= news->also;
	if (news->other && w->other_ms == TIMER_NEVER)
		w->other_ms = now + OTHER_MS;
}

void
watched_turn(struct watched *w)
{
	struct imap_watch_news news;
	enum rc rc = imap_watch_turn(w->session, &news);

	news_note(w, &news);
	if (rc != RC_OK) {
		failed(w, rc, fail_detail());
		return;
	}
	state_look(w);
	w->next_ms = imap_watch_due(w->session);
	loop_watch(&w->watch->loop, imap_watch_fd(w->session),
	    EPOLLIN | EPOLLRDHUP |
		(imap_watch_writes(w->session) ? EPOLLOUT : 0),
	    &w->source);
}

static void
ready(void *arg, uint32_t events)
{
	struct watched *w = arg;

	(void)events;
	if (w->phase != ON)
		return;
	watched_turn(w);
	watched_step(w);
}

static void
dialled(void *arg, CURLcode code)
{
	struct watched *w = arg;
	bool again;
	enum rc rc = imap_watch_dialled(w->session, code, &again);

	if (rc != RC_OK) {
		failed(w, rc, fail_detail());
	} else if (!again) {
		w->watch->dialling--;
		w->phase = ON;
		w->on_ms = clock_steady_ms();
		watched_turn(w);
	}
	watched_step(w);
}

static void
dial(struct watched *w)
{
	enum rc rc;

	if (w->watch->dialling >= DIALS_MOST) {
		w->phase = WAITING;
		w->next_ms = clock_steady_ms() + DIAL_LATER_MS;
		return;
	}
	w->next_ms = TIMER_NEVER;
	rc = imap_watch_new(&w->open->how, &w->session);
	if (rc != RC_OK) {
		failed(w, rc, fail_detail());
		return;
	}
	w->watch->dialling++;
	w->phase = DIALLING;
	dials_begin(imap_watch_handle(w->session), &w->dialled);
}

/* ---- errands: in the loop ---- */

void
watched_errand(struct watched *w, struct hands *to,
    void (*run)(struct errand *, struct db *), void (*done)(struct errand *))
{
	w->busy = true;
	w->version = w->own.secret_version;
	w->errand = (struct errand){ .run = run, .done = done };
	hands_do(to, &w->errand);
}

/* No fault of the credential's: the database is away, or the row another's. */
static bool
is_ours(enum rc rc)
{
	return rc == RC_RETRY || rc == RC_STALE || rc == RC_NOT_FOUND;
}

static void
opened(struct errand *e)
{
	struct watched *w = watched_of(e);

	w->busy = false;
	if (w->leaving) {
		watched_step(w);
		return;
	}
	w->open = w->opened;
	w->opened = NULL;
	if (w->rc == RC_OK) {
		w->own.secret_version = w->open->access->secret_version;
		dial(w);
	} else if (is_ours(w->rc)) {
		session_end(w);
		w->next_ms = clock_steady_ms() + AWAY_MS;
	} else {
		failed(w, w->rc, w->told.detail);
	}
	watched_step(w);
}

/* What could not be told is told later, with what has come since. */
static void
put_back(struct watched *w)
{
	const struct report *t = &w->told;
	struct report *r = &w->report;

	if (t->mail && !r->mail)
		r->mail_ms = t->mail_ms;
	else if (t->mail && t->mail_ms < r->mail_ms)
		r->mail_ms = t->mail_ms;
	r->mail |= t->mail;
	r->other |= t->other;
	r->works |= t->works && r->failure == RC_OK;
	/* A later state knows better, also what is wrong. */
	if (t->has_state && !r->has_state) {
		r->has_state = true;
		r->state = t->state;
		r->failure = t->failure;
		r->refused = t->refused;
		memcpy(r->detail, t->detail, sizeof r->detail);
	}
	if (r->event == NULL)
		r->event = t->event;
}

static void
told(struct errand *e)
{
	struct watched *w = watched_of(e);

	w->busy = false;
	if (w->rc != RC_OK && w->rc != RC_STALE) {
		put_back(w);
		w->away_ms = clock_steady_ms() + AWAY_MS;
	}
	watched_step(w);
}

static bool
has_report(const struct watched *w)
{
	const struct report *r = &w->report;

	return r->mail || r->other || r->has_state || r->works || r->refused ||
	    r->event != NULL;
}

/* ---- one step ---- */

static void
begin(struct watched *w)
{
	w->phase = ASKING;
	w->next_ms = TIMER_NEVER;
	watched_errand(w, w->watch->openers, errand_open, opened);
}

static void
report(struct watched *w)
{
	if (w->report.mail && !w->left && w->phase == ON && news_take(w))
		return;
	w->left = false;
	w->told = w->report;
	w->report = (struct report){ .failure = RC_OK };
	watched_errand(w, w->watch->hands, errand_tell, told);
}

/* What there is to do next, where nothing is under way. */
static void
act(struct watched *w, int64_t now)
{
	if (w->again) {
		w->again = false;
		w->over = false;
		w->tries = 0;
		session_end(w);
		w->next_ms = now;
	}
	if (w->other_ms <= now) {
		w->other_ms = TIMER_NEVER;
		w->report.other = true;
	}
	if (has_report(w) && w->away_ms <= now)
		report(w);
	else if (w->phase == RESTING && !w->over && w->next_ms <= now)
		begin(w);
}

static int64_t
earliest(const struct watched *w)
{
	int64_t ms = w->phase == ASKING ? TIMER_NEVER : w->next_ms;

	if (w->busy)
		return w->phase == ON ? w->next_ms : TIMER_NEVER;
	if (w->other_ms < ms)
		ms = w->other_ms;
	if (has_report(w) && w->away_ms < ms)
		ms = w->away_ms;
	return ms;
}

void
watched_step(struct watched *w)
{
	if (w->leaving && w->phase != LENT) {
		session_end(w);
		loop_alarm(&w->watch->loop, &w->alarm, TIMER_NEVER);
		if (!w->busy) {
			w->next = w->watch->gone;
			w->watch->gone = w;
		}
		return;
	}
	if (!w->busy)
		act(w, clock_steady_ms());
	loop_alarm(&w->watch->loop, &w->alarm, earliest(w));
}

static void
ring(void *arg)
{
	struct watched *w = arg;
	int64_t now = clock_steady_ms();

	if (w->phase == ON && w->next_ms <= now)
		watched_turn(w);
	else if (w->phase == WAITING && w->next_ms <= now)
		dial(w);
	watched_step(w);
}

/* ---- all of them ---- */

static struct watched *
watched_new(struct watch *x, const struct watcher_own *own)
{
	struct watched *w = calloc(1, sizeof *w);

	if (w == NULL)
		die("out of memory");
	*w = (struct watched){ .watch = x,
		.own = *own,
		.log = x->log,
		.dialled = { dialled, w },
		.source = { ready, w },
		.alarm = { .ring = ring, .arg = w },
		.next_ms = clock_steady_ms(),
		.other_ms = TIMER_NEVER };
	w->log.account = own->account_id;
	w->log.object = own->credential_id;
	return w;
}

static int
order(const struct watcher_own *a, const struct watcher_own *b)
{
	if (a->account_id != b->account_id)
		return a->account_id < b->account_id ? -1 : 1;
	return (a->credential_id > b->credential_id) -
	    (a->credential_id < b->credential_id);
}

static void
leave(struct watched *w)
{
	w->leaving = true;
	watched_step(w);
}

/* A secret that this session was opened with, or that has been read since, is
 * no other. */
static void
go_on(struct watched *w, const struct watcher_own *own)
{
	bool again = own->turn != w->own.turn ||
	    own->secret_version > w->own.secret_version;

	w->own.turn = own->turn;
	if (own->secret_version > w->own.secret_version)
		w->own.secret_version = own->secret_version;
	if (!again)
		return;
	w->again = true;
	watched_step(w);
}

void
watched_follow(void *arg, const struct watcher_own_list *list)
{
	struct watch *x = arg;
	struct watched **v = calloc(list->n + 1, sizeof *v);
	size_t old = 0;

	if (v == NULL)
		die("out of memory");
	for (size_t i = 0; i < list->n; i++) {
		while (old < x->n && order(&x->v[old]->own, &list->v[i]) < 0)
			leave(x->v[old++]);
		if (old < x->n && order(&x->v[old]->own, &list->v[i]) == 0)
			v[i] = x->v[old++];
		else
			v[i] = watched_new(x, &list->v[i]);
	}
	while (old < x->n)
		leave(x->v[old++]);
	free(x->v);
	x->v = v;
	x->n = list->n;
	for (size_t i = 0; i < x->n; i++) {
		go_on(v[i], &list->v[i]);
		watched_step(v[i]);
	}
}

static void
watched_free(struct watched *w)
{
	opening_free(&w->opened);
	free(w);
}

void
watched_clear(struct watch *x)
{
	struct watched *w;

	while ((w = x->gone) != NULL) {
		x->gone = w->next;
		watched_free(w);
	}
}

void
watched_end(struct watch *x)
{
	for (size_t i = 0; i < x->n; i++) {
		session_end(x->v[i]);
		loop_alarm(&x->loop, &x->v[i]->alarm, TIMER_NEVER);
		watched_free(x->v[i]);
	}
	free(x->v);
	x->v = NULL;
	x->n = 0;
	watched_clear(x);
}
