#include "mail/smtp.h"

#include <stdio.h>
#include <string.h>

#include "core/buffer.h"
#include "core/clock.h"
#include "core/log.h"
#include "mail/address.h"
#include "mail/smtp-dots.h"
#include "mail/smtp-fate.h"

#define ENVELOPE_MS   300000
#define ENVELOPE_EACH 2000   /* more for each recipient */
#define FINAL_MS      600000 /* RFC 5321 4.5.3.2.6 */
#define MESSAGE_MS    180000
#define MESSAGE_SPEED 8 /* bytes a millisecond that have to leave */
#define ENVID_MOST    100
#define QUIT_MS       2000
#define IDLE_MS       60000 /* servers wait five minutes, some less */
#define TOGETHER      50    /* commands that leave in one piece */
#define COMMANDS_MOST ((size_t)64 << 10)
#define MEMORY        ((size_t)64 << 10)
#define PIECE         ((size_t)16 << 10)

struct smtp {
	struct arena *arena;
	struct smtp_server server;
	struct smtp_link *link; /* NULL: none */
	int64_t used;           /* when; steady */
	struct smtp_reader reader;
	char out[PIECE];
	char in[4096]; /* read, and not looked at: at..n */
	size_t at, n;
};

/* How far one message has come. */
struct sending {
	struct smtp *s;
	const struct smtp_letter *letter;
	struct arena *arena;
	struct smtp_report *out;
	const char *from, **to; /* as they go over the wire */
	struct smtp_fates fates;
	size_t taken; /* recipients that the server has said yes to */
	int64_t until;
	size_t size;
	bool mailed; /* MAIL has been sent */
	bool said;   /* anything has */
	bool heard;  /* the server has said something of this message */
	bool dot;    /* the last dot may have left */
};

/* ---- the connection ---- */

struct smtp *
smtp_new(const struct smtp_server *server)
{
	struct arena *a = arena_new(MEMORY);
	struct smtp *s = ARENA_NEW(a, struct smtp);

	s->arena = a;
	s->server = *server;
	s->server.host = arena_str(a, server->host);
	s->server.security = arena_str(a, server->security);
	s->server.user = arena_str(a, server->user);
	if (secret_is(&server->secret))
		s->server.secret =
		    secret_new(a, server->secret.p, server->secret.n);
	return s;
}

static void
drop(struct smtp *s)
{
	smtp_link_free(&s->link);
	s->reader = (struct smtp_reader){ .lines = 0 };
	s->at = s->n = 0;
}

/* RFC 5321 4.1.1.10: the answer is waited for, but not for long. */
static void
quit(struct smtp *s)
{
	int64_t until = clock_steady_ms() + QUIT_MS;
	size_t n = 0;
	enum rc rc;

	if (s->link == NULL ||
	    smtp_link_send(s->link, "QUIT\r\n", 6, &n) != RC_OK || n < 6)
		return;
	do {
		rc = smtp_link_wait(s->link, false, until);
		if (rc == RC_OK)
			rc =
			    smtp_link_receive(s->link, s->in, sizeof s->in, &n);
	} while (rc == RC_OK && n == 0);
}

void
smtp_free(struct smtp **sp)
{
	struct arena *a;

	if (*sp == NULL)
		return;
	quit(*sp);
	drop(*sp);
	a = (*sp)->arena;
	*sp = NULL;
	arena_free(&a);
}

/* A server may want none. */
static bool
same_secret(const struct secret *one, const struct secret *other)
{
	return secret_is(one) == secret_is(other) &&
	    (!secret_is(one) || secret_eq(one, other->p, other->n));
}

bool
smtp_fits(const struct smtp *s, const struct smtp_server *other)
{
	const struct smtp_server *own = &s->server;

	return strcmp(own->host, other->host) == 0 &&
	    own->port == other->port &&
	    strcmp(own->security, other->security) == 0 &&
	    own->allow_plaintext == other->allow_plaintext &&
	    strcmp(own->user, other->user) == 0 &&
	    own->oauth2 == other->oauth2 && own->egress == other->egress &&
	    own->multi == other->multi &&
	    same_secret(&own->secret, &other->secret);
}

/* A server that has left, or says something that nobody asked for. */
static bool
is_stale(struct smtp *s)
{
	size_t n = 0;

	if (s->at < s->n || clock_steady_ms() - s->used > IDLE_MS)
		return true;
	return smtp_link_receive(s->link, s->in, sizeof s->in, &n) != RC_OK ||
	    n > 0;
}

static enum rc
dial(struct sending *x)
{
	struct smtp *s = x->s;
	size_t n = 0;

	TRY(smtp_link_new(&s->server, &s->link));
	TRY(smtp_link_connect(s->link, x->letter->beat, x->letter->arg));
	TRY(smtp_link_receive(s->link, s->in, sizeof s->in, &n));
	return n == 0 ? RC_OK
		      : fail(RC_CONNECTION, "the server speaks unasked");
}

/* ---- what is said ---- */

/* A no for the whole message, or what is no answer at all. */
static enum rc
refused(
    struct sending *x, enum smtp_phase phase, const struct smtp_reply *reply)
{
	static const struct smtp_meaning odd = { SMTP_ANY, 0, NULL, SMTP_LATER,
		RC_CONNECTION, true };
	const struct smtp_meaning *m = smtp_meaning_of(phase, reply);
	struct smtp_fate fate;

	if (m == NULL)
		m = &odd;
	fate = smtp_fate_said(&x->fates, m->end, m->rc, reply);
	smtp_fate_set_open(&x->fates, &fate);
	x->out->server = m->server;
	return m->rc;
}

/* The connection, not the server's word. */
static enum rc
broken(struct sending *x, enum rc rc)
{
	if (rc == RC_PAYLOAD) /* what is no reply */
		rc = RC_CONNECTION;
	smtp_fate_set_ours(&x->fates, x->dot ? SMTP_UNKNOWN : SMTP_LATER, rc,
	    x->dot ? "no answer came behind the message" : fail_detail());
	x->out->server = true;
	return rc;
}

/* ---- talking ---- */

static enum rc
idle(struct sending *x, bool out)
{
	if (x->letter->beat != NULL)
		TRY(x->letter->beat(x->letter->arg));
	return smtp_link_wait(x->s->link, out, x->until);
}

static enum rc
receive(struct sending *x)
{
	struct smtp *s = x->s;

	s->at = s->n = 0;
	for (;;) {
		TRY(smtp_link_receive(s->link, s->in, sizeof s->in, &s->n));
		if (s->n > 0)
			return clock_steady_ms() < x->until
			    ? RC_OK
			    : fail(RC_TIMEOUT, "no answer in the time allowed");
		TRY(idle(x, false));
	}
}

static enum rc
answer(struct sending *x, struct smtp_reply *reply)
{
	struct smtp *s = x->s;

	for (bool done = false;;) {
		size_t used = 0;

		TRY(smtp_reader_feed(&s->reader, s->in + s->at, s->n - s->at,
		    &used, &done, reply));
		s->at += used;
		if (done)
			break;
		TRY(receive(x));
	}
	x->heard |= reply->code != 421;
	return RC_OK;
}

static enum rc
say(struct sending *x, const char *p, size_t n)
{
	x->said = true;
	while (n > 0) {
		size_t sent = 0;

		TRY(smtp_link_send(x->s->link, p, n, &sent));
		p += sent;
		n -= sent;
		if (sent == 0)
			TRY(idle(x, true));
	}
	return RC_OK;
}

/* ---- the envelope ---- */

static bool
is_xchar(char c)
{
	return c > ' ' && c < 0x7f && c != '+' && c != '=';
}

static bool
needs_utf8(const struct sending *x)
{
	return x->letter->utf8 || address_is_utf8(str_of(x->from));
}

/* ENVID in the form of RFC 3461 4, if it is short enough to be one; and of a
 * message that comes back the header will do. */
static void
envelope_id(const struct sending *x, struct buf *b)
{
	const char *id = x->letter->envelope_id;
	size_t n = 0;

	for (const char *p = id; p != NULL && *p != '\0'; p++)
		n += is_xchar(*p) ? 1 : 3;
	if (n == 0 || n > ENVID_MOST)
		return;
	buf_puts(b, " RET=HDRS ENVID=");
	for (const char *p = id; *p != '\0'; p++)
		if (is_xchar(*p))
			buf_putc(b, *p);
		else
			buf_fmt(b, "+%02X", (unsigned char)*p);
}

/* A server that knows of eight bits hands them on, or turns them into seven,
 * where it is told that there are some. */
static bool
has_8bit(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 0x7e)
			return true;
	return false;
}

static void
mail_command(struct sending *x, struct buf *b)
{
	const struct smtp_features *f = smtp_link_features(x->s->link);
	bool utf8 = needs_utf8(x);

	for (size_t i = 0; i < x->out->to_n; i++)
		utf8 |= x->fates.open[i] && address_is_utf8(str_of(x->to[i]));
	buf_fmt(b, "MAIL FROM:<%s>", x->from);
	if (f->size)
		buf_fmt(b, " SIZE=%zu", x->size);
	if (f->eight && has_8bit(x->letter->message))
		buf_puts(b, " BODY=8BITMIME");
	if (utf8)
		buf_puts(b, " SMTPUTF8");
	if (f->dsn)
		envelope_id(x, b);
	BUF_LIT(b, "\r\n");
}

static enum rc
mail_answer(struct sending *x)
{
	struct smtp_reply reply;
	enum rc rc = answer(x, &reply);

	if (rc != RC_OK)
		return broken(x, rc);
	return reply.code / 100 == 2 ? RC_OK : refused(x, SMTP_MAIL, &reply);
}

/* 421 ends the connection, and all of it. */
static enum rc
rcpt_answer(struct sending *x, size_t i)
{
	struct smtp_reply reply;
	const struct smtp_meaning *m;
	struct smtp_fate fate;
	enum rc rc = answer(x, &reply);

	if (rc != RC_OK)
		return broken(x, rc);
	if (reply.code / 100 == 2) {
		x->taken++;
		return RC_OK;
	}
	m = smtp_meaning_of(SMTP_RCPT, &reply);
	if (m == NULL || m->server)
		return refused(x, SMTP_RCPT, &reply);
	fate = smtp_fate_said(&x->fates, m->end, m->rc, &reply);
	smtp_fate_set(&x->fates, i, &fate);
	return RC_OK;
}

/* As many commands in one piece as the server takes, and their answers. */
static enum rc
group(struct sending *x, size_t *next)
{
	bool mail = !x->mailed, many;
	size_t first = *next, commands = mail;
	struct buf b;
	enum rc rc;

	many = smtp_link_features(x->s->link)->pipelining;
	buf_init(&b, COMMANDS_MOST);
	if (mail)
		mail_command(x, &b);
	x->mailed = true;
	for (; *next < x->out->to_n && commands < (many ? TOGETHER : 1);
	     ++*next) {
		if (x->fates.open[*next]) {
			buf_fmt(&b, "RCPT TO:<%s>\r\n", x->to[*next]);
			commands++;
		}
	}
	rc = say(x, b.p, b.n);
	buf_clear(&b);
	if (rc != RC_OK)
		return broken(x, rc);
	if (mail)
		TRY(mail_answer(x));
	for (size_t i = first; i < *next; i++)
		if (x->fates.open[i])
			TRY(rcpt_answer(x, i));
	return RC_OK;
}

/* Recipients of local parts that this server has no words for. */
static void
utf8_check(struct sending *x)
{
	static const struct smtp_fate no = { .end = SMTP_REFUSED,
		.rc = RC_RECIPIENT,
		.status = "5.6.7",
		.text = "the server takes no addresses beyond ASCII" };

	for (size_t i = 0; i < x->out->to_n; i++)
		if (x->fates.open[i] && address_is_utf8(str_of(x->to[i])))
			smtp_fate_set(&x->fates, i, &no);
}

/* What needs no question. */
static enum rc
limits(struct sending *x)
{
	const struct smtp_features *f = smtp_link_features(x->s->link);

	x->size = f->size ? smtp_dots_size(x->letter->message) : 0;
	if (f->size_most > 0 && x->size > f->size_most) {
		(void)fail(RC_PAYLOAD,
		    "the message is larger than the server takes (%llu bytes)",
		    (unsigned long long)f->size_most);
		smtp_fate_set_ours(
		    &x->fates, SMTP_REFUSED, RC_PAYLOAD, fail_detail());
		return RC_PAYLOAD;
	}
	if (f->utf8)
		return RC_OK;
	if (needs_utf8(x)) {
		smtp_fate_set_ours(&x->fates, SMTP_REFUSED, RC_PAYLOAD,
		    "the server takes no addresses beyond ASCII");
		return RC_PAYLOAD;
	}
	utf8_check(x);
	return smtp_fate_any_open(&x->fates) ? RC_OK : RC_RECIPIENT;
}

static enum rc
envelope(struct sending *x)
{
	const struct smtp_times *t = &x->s->server.times;

	x->until = clock_steady_ms() +
	    (t->envelope_ms > 0 ? t->envelope_ms : ENVELOPE_MS) +
	    (int64_t)x->out->to_n * ENVELOPE_EACH;
	for (size_t next = 0; next < x->out->to_n;)
		TRY(group(x, &next));
	return x->taken > 0 ? RC_OK : RC_RECIPIENT;
}

/* ---- the message ---- */

/* A server that speaks before the message is whole: it refuses, or it is
 * mad. In neither case the dot is sent. */
static enum rc
interrupted(struct sending *x, enum smtp_phase phase)
{
	struct smtp_reply reply;
	enum rc rc = answer(x, &reply);

	return rc != RC_OK ? broken(x, rc) : refused(x, phase, &reply);
}

/* Has anything come that nobody waits for yet? */
static enum rc
listen_early(struct sending *x, bool *came)
{
	struct smtp *s = x->s;

	if (s->at == s->n) {
		s->at = s->n = 0;
		TRY(smtp_link_receive(s->link, s->in, sizeof s->in, &s->n));
	}
	*came = s->at < s->n;
	return RC_OK;
}

static enum rc
data(struct sending *x)
{
	struct smtp_reply reply;
	enum rc rc = say(x, "DATA\r\n", 6);

	if (rc == RC_OK)
		rc = answer(x, &reply);
	if (rc != RC_OK)
		return broken(x, rc);
	return reply.code == 354 ? RC_OK : refused(x, SMTP_DATA, &reply);
}

static enum rc
intend(struct sending *x)
{
	static const struct smtp_fate unheard = { .end = SMTP_UNKNOWN,
		.rc = RC_CONNECTION,
		.status = "",
		.text = "no answer came behind the message" };
	enum rc rc;

	if (x->letter->intent == NULL)
		return RC_OK;
	smtp_fate_set_open(&x->fates, &unheard);
	smtp_fate_conclude(&x->fates);
	rc = x->letter->intent(x->letter->arg, x->out);
	if (rc == RC_OK)
		return RC_OK;
	smtp_fate_set_ours(&x->fates, SMTP_LATER, rc, fail_detail());
	x->out->server = true;
	return rc;
}

static enum rc
piece(struct sending *x, const char *p, size_t n)
{
	while (n > 0) {
		size_t sent = 0;
		bool came = false;
		enum rc rc = listen_early(x, &came);

		if (came)
			return interrupted(x, SMTP_DATA);
		if (rc == RC_OK)
			rc = smtp_link_send(x->s->link, p, n, &sent);
		if (rc == RC_OK && sent == 0)
			rc = idle(x, true);
		if (rc != RC_OK)
			return broken(x, rc);
		p += sent;
		n -= sent;
	}
	return RC_OK;
}

static enum rc
body(struct sending *x)
{
	struct smtp_dots dots = { .message = x->letter->message };
	char *out = x->s->out;

	x->until = clock_steady_ms() + MESSAGE_MS +
	    (int64_t)(x->letter->message.n / MESSAGE_SPEED);
	for (size_t n; (n = smtp_dots_next(&dots, out, sizeof x->s->out)) > 0;)
		TRY(piece(x, out, n));
	return RC_OK;
}

/* TLS may keep what it did not take at once and send it when it is closed: once
 * the dot has been handed over without an error, it may have left. */
static enum rc
dot(struct sending *x)
{
	static const char end[] = { '.', '\r', '\n' };
	size_t sent = 0;
	bool came = false;
	enum rc rc = listen_early(x, &came);

	if (came)
		return interrupted(x, SMTP_DATA);
	if (rc == RC_OK)
		rc = smtp_link_send(x->s->link, end, sizeof end, &sent);
	if (rc != RC_OK)
		return broken(x, rc);
	x->dot = true;
	rc = say(x, end + sent, sizeof end - sent);
	return rc == RC_OK ? RC_OK : broken(x, rc);
}

static enum rc
verdict(struct sending *x)
{
	const struct smtp_times *t = &x->s->server.times;
	struct smtp_reply reply;
	struct smtp_fate fate;
	enum rc rc;

	x->until =
	    clock_steady_ms() + (t->final_ms > 0 ? t->final_ms : FINAL_MS);
	rc = answer(x, &reply);
	if (rc != RC_OK)
		return broken(x, rc);
	if (reply.code / 100 == 3)
		return broken(x, RC_CONNECTION);
	if (reply.code / 100 != 2)
		return refused(x, SMTP_DOT, &reply);
	fate = smtp_fate_said(&x->fates, SMTP_ACCEPTED, RC_OK, &reply);
	smtp_fate_set_open(&x->fates, &fate);
	snprintf(x->out->queued, sizeof x->out->queued, "%s", fate.text);
	return RC_OK;
}

/* ---- one message ---- */

static enum rc
converse(struct sending *x)
{
	static enum rc (*const steps[])(struct sending *) = { limits, envelope,
		data, intend, body, dot, verdict };

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		TRY(steps[i](x));
	return RC_OK;
}

static enum rc
attempt(struct sending *x)
{
	struct smtp *s = x->s;
	enum rc rc = s->link == NULL ? dial(x) : RC_OK;

	rc = rc != RC_OK ? broken(x, rc) : converse(x);
	/* What was refused without a word to the server harms no connection. */
	if (rc != RC_OK && (x->said || x->out->server))
		drop(s);
	s->used = clock_steady_ms();
	return rc;
}

/* As they go over the wire. */
static void
recipient_prepare(struct sending *x, size_t i)
{
	struct str wire;
	struct smtp_fate no = {
		.end = SMTP_REFUSED, .rc = RC_RECIPIENT, .status = "5.1.3"
	};

	if (address_wire(x->arena, str_of(x->letter->to[i]), &wire) == RC_OK) {
		x->to[i] = wire.p;
		return;
	}
	no.text = arena_str(x->arena, fail_detail());
	smtp_fate_set(&x->fates, i, &no);
}

/* What would be wrong with each of them. */
static enum rc
sender_prepare(struct sending *x)
{
	const struct smtp_letter *l = x->letter;
	struct str wire = { "", 0 };

	if (l->to_n > SMTP_RCPT_MOST)
		return fail(RC_PAYLOAD, "there are too many recipients");
	if (*l->from != '\0' &&
	    address_wire(x->arena, str_of(l->from), &wire) != RC_OK)
		return RC_PAYLOAD;
	x->from = wire.p;
	return RC_OK;
}

static enum rc
prepare(struct sending *x)
{
	size_t n = x->letter->to_n;
	enum rc rc;

	x->out->to_n = n;
	x->out->to = ARENA_ARRAY(x->arena, struct smtp_fate, n);
	x->to = ARENA_ARRAY(x->arena, const char *, n);
	x->fates.open = ARENA_ARRAY(x->arena, bool, n);
	memset(x->fates.open, true, n);
	rc = sender_prepare(x);
	if (rc != RC_OK) {
		smtp_fate_set_ours(&x->fates, SMTP_REFUSED, rc, fail_detail());
		return rc;
	}
	for (size_t i = 0; i < n; i++)
		recipient_prepare(x, i);
	return smtp_fate_any_open(&x->fates) ? RC_OK : RC_RECIPIENT;
}

/* A server may leave a kept connection at any time: until it has said a word of
 * this message, nothing of it can have been taken. */
static void
deliver(struct sending *x)
{
	struct smtp *s = x->s;
	bool kept;

	if (s->link != NULL && is_stale(s))
		drop(s);
	kept = s->link != NULL;
	if (attempt(x) == RC_CONNECTION && kept && x->said && !x->heard) {
		x->said = x->mailed = x->out->server = false;
		(void)attempt(x);
	}
}

void
smtp_send(struct smtp *s, const struct smtp_letter *letter, struct arena *a,
    struct smtp_report *out)
{
	struct sending x = { .s = s,
		.letter = letter,
		.arena = a,
		.out = out,
		.fates = { a, &s->server.secret, out, NULL } };

	*out = (struct smtp_report){ .end = SMTP_REFUSED };
	if (prepare(&x) == RC_OK)
		deliver(&x);
	smtp_fate_conclude(&x.fates);
}
