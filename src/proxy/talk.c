#include "proxy/talk.h"

#include <stdarg.h>
#include <stdlib.h>

#include "core/failpoint.h"
#include "mail/smtp-command.h"
#include "proxy/verb.h"

#define MEMORY     ((size_t)1 << 20)
#define IN_MOST    (2 * READ_ONCE)
#define OUT_FULL   ((size_t)64 << 10) /* who does not read is not read */
#define READS      4                  /* in a row, then others have a turn */
#define END_MS     5000
#define LINGER_MS  2000
#define REPLY_MOST 480

/* ---- saying ---- */

static void
say(struct talk *t, int code, const char *status, const char *fmt, va_list ap)
{
	struct buf text;

	buf_init(&text, REPLY_MOST);
	buf_vfmt(&text, fmt, ap);
	buf_fmt(&t->wire.out, "%d %s%s%s\r\n", code,
	    status != NULL ? status : "", status != NULL ? " " : "",
	    buf_text(&text));
	buf_clear(&text);
}

void
talk_say(struct talk *t, int code, const char *status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(t, code, status, fmt, ap);
	va_end(ap);
}

void
talk_say_more(struct talk *t, int code, const char *text)
{
	buf_fmt(&t->wire.out, "%d-%s\r\n", code, text);
}

void
talk_fault(struct talk *t, int code, const char *status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(t, code, status, fmt, ap);
	va_end(ap);
	if (++t->faults < t->p->conf->smtp_errors || t->mode >= TALK_END)
		return;
	talk_say(t, 421, "4.7.0", "Too many errors");
	talk_end(t);
}

void
talk_end(struct talk *t)
{
	if (t->mode >= TALK_END)
		return;
	t->mode = TALK_END;
	t->until_ms = clock_steady_ms() + END_MS;
}

/* ---- from one state to the next ---- */

static void
await(struct talk *t, int64_t seconds)
{
	t->until_ms = clock_steady_ms() + seconds * 1000;
}

static void
await_command(struct talk *t)
{
	if (t->mode < TALK_END)
		await(t, t->p->conf->smtp_command_time);
}

void
talk_letter_forget(struct talk *t)
{
	letter_free(&t->letter);
	if (t->stage != STAGE_FRESH)
		t->stage = STAGE_GREETED;
}

void
talk_text(struct talk *t)
{
	t->mode = TALK_TEXT;
	await(t, t->p->conf->smtp_message_time);
}

void
talk_ask(struct talk *t, const char *challenge,
    void (*answer)(struct talk *, struct str line))
{
	buf_fmt(&t->wire.out, "334 %s\r\n", challenge);
	t->mode = TALK_ANSWER;
	t->answer = answer;
}

void
talk_wait(struct talk *t, enum lane lane, struct work *work)
{
	t->busy = true;
	pool_put(t->p->pool, lane, work);
}

/* What is said leaves before, in the clear; there is nothing in the way of so
 * few bytes but a client who does not read. */
void
talk_secure(struct talk *t)
{
	if (wire_flush(&t->wire) != WIRE_OK) {
		t->dead = true;
		return;
	}
	wire_secure(&t->wire, tls_new(t->p->tls, t->wire.fd));
	talk_letter_forget(t);
	t->stage = STAGE_FRESH;
}

/* ---- what comes ---- */

/* A line that is no line ends it: nobody knows what the client takes for the
 * next one (CVE-2023-51764). */
static void
refuse_line(struct talk *t, enum smtp_line how)
{
	if (how == SMTP_LINE_BARE)
		talk_say(t, 521, "5.5.2", "Lines end with CRLF");
	else
		talk_say(t, 500, "5.5.6", "Line too long");
	talk_end(t);
}

static void
line_take(struct talk *t, struct str line)
{
	if (t->mode == TALK_ANSWER) {
		t->mode = TALK_COMMAND;
		t->answer(t, line);
	} else {
		verb_run(t, line);
	}
}

/* False: there is no whole line. The verb sees the buffer without it. */
static bool
line_step(struct talk *t)
{
	char copy[VERB_LINE_MOST];
	struct str in = { t->in.p, t->in.n }, line;
	size_t used;
	enum smtp_line how = smtp_line_read(in, VERB_LINE_MOST, &line, &used);

	if (how == SMTP_LINE_MORE)
		return false;
	if (how != SMTP_LINE_WHOLE) {
		refuse_line(t, how);
		return true;
	}
	memcpy(copy, line.p, line.n);
	line.p = copy;
	/* It may be a password. */
	explicit_bzero(t->in.p, used);
	buf_drop(&t->in, used);
	line_take(t, line);
	explicit_bzero(copy, line.n);
	if (t->mode != TALK_TEXT)
		await_command(t);
	return true;
}

static void letter_end(struct talk *);

static void
letter_done(struct work *w)
{
	struct talk *t = ((struct letter *)w)->talk;

	FAILPOINT("smtpd-reply-before");
	t->busy = false;
	letter_end(t);
	await_command(t);
	talk_event(t, 0);
}

static void
letter_refused(struct talk *t, const struct letter *l)
{
	t->p->counts.refused++;
	switch (l->rc) {
	case RC_FORBIDDEN: talk_fault(t, 550, "5.7.1", "%s", l->why); return;
	case RC_INVALID:
	case RC_PAYLOAD: talk_fault(t, 550, "5.6.0", "%s", l->why); return;
	case RC_TOO_LARGE: talk_fault(t, 552, "5.3.4", "%s", l->why); return;
	case RC_UNAUTHORIZED:
		talk_say(t, 421, "4.7.0", "You have to sign in again");
		talk_end(t);
		return;
	default: talk_say(t, 451, "4.3.0", "Try again later"); return;
	}
}

static void
letter_taken(struct talk *t, const struct letter *l)
{
	struct counts *c = &t->p->counts;
	long long id = l->taken.email_id;

	c->taken++;
	c->held += l->taken.held;
	if (id == 0)
		talk_say(t, 250, "2.0.0", "Taken before");
	else if (l->taken.held)
		talk_say(t, 250, "2.0.0", "Taken as eml_%lld, for review", id);
	else
		talk_say(t, 250, "2.0.0", "Taken as eml_%lld", id);
}

static void
letter_end(struct talk *t)
{
	if (t->letter->rc == RC_OK)
		letter_taken(t, t->letter);
	else
		letter_refused(t, t->letter);
	talk_letter_forget(t);
}

static void
text_end(struct talk *t)
{
	struct letter *l = t->letter;

	t->mode = TALK_COMMAND;
	await_command(t);
	if (l->rc != RC_OK) {
		letter_end(t);
		return;
	}
	l->told = clock_now();
	l->work.done = letter_done;
	talk_wait(t, LANE_MAIL, &l->work);
}

static bool
text_step(struct talk *t)
{
	struct letter *l = t->letter;
	uint64_t most = (uint64_t)t->p->conf->smtp_message_most;
	size_t used = letter_take(l,
	    (struct str){ t->in.p, t->in.n < READ_ONCE ? t->in.n : READ_ONCE },
	    t->p->text);

	buf_drop(&t->in, used);
	if (l->text.ended) {
		text_end(t);
	} else if (l->size > 2 * most) {
		letter_end(t);
		talk_end(t);
	}
	return true;
}

/* Not while a hand works for it, nor for who does not read. */
static bool
may_go_on(const struct talk *t)
{
	return !t->dead && !t->busy && !t->wire.shaking && t->mode < TALK_END &&
	    t->in.n > 0 && t->wire.out.n < OUT_FULL;
}

static void
flush(struct talk *t)
{
	if (!t->dead && !t->wire.shaking)
		t->dead = wire_flush(&t->wire) == WIRE_GONE;
}

/* What was said leaves before more is heard: a client may have closed its end
 * behind its last command. */
static void
go_on(struct talk *t)
{
	bool more = true;

	flush(t);
	while (more && may_go_on(t)) {
		more = t->mode == TALK_TEXT ? text_step(t) : line_step(t);
		if (t->wire.out.n >= OUT_FULL)
			flush(t);
	}
	flush(t);
	if (t->in.n == 0 || t->mode >= TALK_END)
		buf_clear(&t->in);
	if (t->in.full) /* cannot be: a line ends before */
		t->dead = true;
}

static bool
wants_bytes(const struct talk *t)
{
	return !t->dead && !t->busy && t->mode != TALK_END &&
	    t->wire.out.n < OUT_FULL && t->in.n < READ_ONCE;
}

static bool
read_once(struct talk *t)
{
	char *in = t->p->in;
	size_t n;
	enum wire_end end = wire_read(&t->wire, in, READ_ONCE, &n);

	t->dead |= end == WIRE_GONE;
	if (end != WIRE_OK)
		return false;
	if (t->mode != TALK_LINGER)
		buf_add(&t->in, in, n);
	if (t->mode != TALK_TEXT)
		explicit_bzero(in, n);
	go_on(t);
	return true;
}

static void
shake(struct talk *t)
{
	if (wire_shake(&t->wire) != WIRE_GONE)
		return;
	log_info(&t->p->log, "TLS failed address=%s", t->peer);
	t->dead = true;
}

static void
hear(struct talk *t)
{
	if (t->wire.shaking)
		shake(t);
	for (int i = 0; i < READS && !t->wire.shaking && wants_bytes(t); i++)
		if (!read_once(t))
			return;
}

/* ---- settling: what was said leaves, and what is next is waited for ---- */

static void
watch(struct talk *t)
{
	unsigned want = (wants_bytes(t) || t->wire.shaking ? EPOLLIN : 0) |
	    (t->wire.out.n > 0 || t->wire.shaking ? EPOLLOUT : 0);

	/* A handshake that waits for bytes is always ready to write. */
	if (t->wire.shaking && t->wire.out.n == 0)
		want = EPOLLIN;
	if (want == t->events)
		return;
	t->events = want;
	loop_watch(&t->p->loop, t->wire.fd, want, &t->source);
}

static void
leave(struct talk *t)
{
	if (t->who != NULL)
		caller_leave(t->p->pool, t->who, t->peer);
	t->who = NULL;
}

static void
forget(struct talk *t)
{
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		t->p->first = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	t->p->counts.talks--;
	peers_go(&t->p->peers, t->peer);
	letter_free(&t->letter);
	sign_on_free(&t->sign_on);
	leave(t);
	wire_close(&t->wire);
	buf_clear(&t->in);
	arena_free(&t->arena);
	t->gone = true;
	t->next = t->p->gone;
	t->p->gone = t;
}

void
talks_clear(struct proxy *p)
{
	struct talk *t;

	while ((t = p->gone) != NULL) {
		p->gone = t->next;
		free(t);
	}
}

static void
say_goodbye(struct talk *t)
{
	wire_farewell(&t->wire);
	t->mode = TALK_LINGER;
	t->until_ms = clock_steady_ms() + LINGER_MS;
	leave(t);
}

/* A connection that is gone while a hand works for it stays until that has
 * ended. */
static void
settle(struct talk *t)
{
	flush(t);
	if (!t->dead && t->mode == TALK_END && t->wire.out.n == 0 && !t->busy)
		say_goodbye(t);
	if (!t->dead) {
		watch(t);
		return;
	}
	wire_close(&t->wire);
	if (!t->busy)
		forget(t);
}

void
talk_event(struct talk *t, unsigned events)
{
	if (events & (EPOLLERR | EPOLLHUP))
		t->dead |= t->busy || (events & EPOLLIN) == 0;
	go_on(t);
	if (events & EPOLLIN || t->wire.shaking)
		hear(t);
	settle(t);
}

/* An event may have been on its way when another ended the session. */
static void
ready(void *arg, uint32_t events)
{
	struct talk *t = arg;

	if (!t->gone)
		talk_event(t, events);
}

/* ---- beginning and end ---- */

void
talk_begin(struct proxy *p, int fd, const char *peer, bool loopback)
{
	struct talk *t = calloc(1, sizeof *t);

	if (t == NULL)
		die("out of memory");
	t->p = p;
	wire_init(&t->wire, fd);
	buf_init(&t->in, IN_MOST);
	t->arena = arena_new(MEMORY);
	memcpy(t->peer, peer, strnlen(peer, sizeof t->peer - 1));
	t->loopback = loopback;
	t->stage = STAGE_FRESH;
	t->source = (struct source){ ready, t };
	t->events = EPOLLIN;
	t->began_ms = clock_steady_ms();
	t->next = p->first;
	if (p->first != NULL)
		p->first->prev = t;
	p->first = t;
	p->counts.talks++;
	peers_come(&p->peers, t->peer);
	await_command(t);
	loop_watch(&p->loop, fd, EPOLLIN, &t->source);
	talk_say(t, 220, NULL, "%s ESMTP Letterrack", p->name);
	settle(t);
}

static bool
is_late(const struct talk *t, int64_t now_ms)
{
	const struct conf *c = t->p->conf;
	int64_t whole =
	    t->who != NULL ? c->smtp_session_time : c->smtp_login_time;

	return now_ms >= t->until_ms || now_ms >= t->began_ms + whole * 1000;
}

void
talk_tick(struct talk *t, int64_t now_ms)
{
	if (t->busy || !is_late(t, now_ms))
		return;
	if (t->mode >= TALK_END || t->wire.shaking) {
		t->dead |= now_ms >= t->until_ms || t->wire.shaking;
	} else {
		talk_say(
		    t, 421, "4.4.2", "%s has waited long enough", t->p->name);
		talk_end(t);
	}
	settle(t);
}

void
talk_stop(struct talk *t)
{
	if (t->busy)
		return;
	if (t->wire.shaking) {
		t->dead = true;
	} else if (t->mode < TALK_END) {
		talk_say(t, 421, "4.3.2", "%s goes down", t->p->name);
		talk_end(t);
	}
	settle(t);
}

void
talk_drop(struct talk *t)
{
	t->dead = true;
	settle(t);
}
