#include "mail/smtp-play.h"

#include <stdlib.h>

#include "lib/unit.h"

const struct play usual = { .cut_out = NEVER, .cut_in = NEVER };

struct play_server server;

struct smtp_link {
	int nothing;
};

static void
say(const char *text, const char *otherwise)
{
	buf_puts(&server.said, text != NULL ? text : otherwise);
}

static void
command(struct str line)
{
	const struct play *p = &server.play;

	buf_add(&server.lines, line.p, line.n);
	BUF_LIT(&server.lines, "\n");
	if (str_starts(line, STR("MAIL FROM:<"))) {
		server.rcpt = 0;
		say(p->mail, "250 sender\r\n");
	} else if (str_starts(line, STR("RCPT TO:<"))) {
		say(server.rcpt < 4 ? p->rcpt[server.rcpt] : NULL,
		    "250 recipient\r\n");
		server.rcpt++;
	} else if (str_eq(line, STR("DATA"))) {
		size_t before = server.said.n;

		say(p->data, "354 go on\r\n");
		server.data = memmem(server.said.p + before,
				  server.said.n - before, "354", 3) != NULL;
		buf_reset(&server.message);
		if (server.data && p->while_data != NULL)
			say(p->while_data, NULL);
	} else if (str_eq(line, STR("QUIT"))) {
		server.quits++;
		say("221 bye\r\n", NULL);
	} else {
		ck_abort_msg("no command: %.*s", STR_FMT(line));
	}
}

static void
content(struct str line)
{
	if (!str_eq(line, STR("."))) {
		buf_add(&server.message, line.p, line.n);
		BUF_LIT(&server.message, "\r\n");
		return;
	}
	server.data = false;
	server.messages++;
	say(server.play.dot, "250 2.0.0 Ok: queued as 4F1\r\n");
	if (server.messages == server.play.closes_after)
		server.closed = true;
}

static void
think(void)
{
	for (;;) {
		const char *from = server.got.p + server.at;
		const char *end = server.got.n > server.at
		    ? memmem(from, server.got.n - server.at, "\r\n", 2)
		    : NULL;
		struct str line;

		if (end == NULL)
			return;
		line = (struct str){ from, (size_t)(end - from) };
		server.at += line.n + 2;
		if (server.data)
			content(line);
		else
			command(line);
	}
}

/* ---- smtp-link.h ---- */

enum rc
smtp_link_new(const struct smtp_server *s, struct smtp_link **out)
{
	(void)s;
	*out = calloc(1, sizeof **out);
	ck_assert_ptr_nonnull(*out);
	return RC_OK;
}

void
smtp_link_free(struct smtp_link **l)
{
	free(*l);
	*l = NULL;
}

enum rc
smtp_link_connect(struct smtp_link *l, enum rc (*beat)(void *), void *arg)
{
	(void)l;
	if (beat != NULL && beat(arg) != RC_OK)
		return RC_STALE;
	server.dials++;
	if (server.play.dial != RC_OK)
		return fail(server.play.dial, "535 no");
	buf_reset(&server.got);
	buf_reset(&server.said);
	server.at = server.read = 0;
	server.data = server.closed = false;
	if (server.play.at_once != NULL)
		say(server.play.at_once, NULL);
	return RC_OK;
}

const struct smtp_features *
smtp_link_features(const struct smtp_link *l)
{
	(void)l;
	return &server.play.features;
}

enum dial_reach
smtp_link_reach(const struct smtp_link *l)
{
	(void)l;
	return DIAL_SECURED;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* With pieces, nothing passes each second time, in each direction. */
static bool
is_pause(int direction)
{
	return server.play.piece > 0 && server.turns[direction]++ % 2 == 0;
}

enum rc
smtp_link_send(struct smtp_link *l, const char *p, size_t n, size_t *sent)
{
	const struct play *play = &server.play;

	(void)l;
	*sent = 0;
	if (server.got.n >= play->cut_out)
		return fail(RC_CONNECTION, "cut");
	if (is_pause(0) || (play->sticks && server.data))
		return RC_OK;
	n = least(n, play->cut_out - server.got.n);
	if (play->piece > 0)
		n = least(n, play->piece);
	buf_add(&server.got, p, n);
	*sent = n;
	think();
	return RC_OK;
}

enum rc
smtp_link_receive(struct smtp_link *l, char *p, size_t room, size_t *n)
{
	const struct play *play = &server.play;
	size_t have = server.said.n - server.read;

	(void)l;
	*n = 0;
	if (server.read >= play->cut_in && have > 0)
		return fail(RC_CONNECTION, "cut");
	if (have == 0 && server.closed)
		return fail(RC_CONNECTION, "the server closed the connection");
	if (have > 0 && is_pause(1))
		return RC_OK;
	*n = least(least(have, room), play->cut_in - server.read);
	if (play->piece > 0)
		*n = least(*n, play->piece);
	if (*n > 0)
		memcpy(p, server.said.p + server.read, *n);
	server.read += *n;
	return RC_OK;
}

/* Nothing comes of itself: what is not there will not be. */
enum rc
smtp_link_wait(struct smtp_link *l, bool out, int64_t until)
{
	const struct play *play = &server.play;

	(void)l;
	(void)until;
	if (out && !(play->sticks && server.data))
		return RC_OK;
	if (server.said.n > server.read || server.closed)
		return RC_OK;
	if (server.got.n >= play->cut_out)
		return fail(RC_CONNECTION, "cut");
	return fail(RC_TIMEOUT, "no answer in the time allowed");
}

/* ---- letters ---- */

static const char *const people[] = { "a@example.org", "b@example.org",
	"c@example.org" };

static const char letters[] = { [SMTP_ACCEPTED] = 'a',
	[SMTP_LATER] = 'l',
	[SMTP_REFUSED] = 'r',
	[SMTP_UNKNOWN] = 'u' };

/* "arl": of each recipient. */
void
ends(const struct smtp_report *r, char *out)
{
	for (size_t i = 0; i < r->to_n; i++)
		out[i] = letters[r->to[i].end];
	out[r->to_n] = '\0';
}

static enum rc
intend(void *arg, const struct smtp_report *r)
{
	struct watch *w = arg;

	w->intents++;
	ends(r, w->seen);
	ck_assert(r->end == SMTP_UNKNOWN);
	return w->intent == RC_OK ? RC_OK : fail(w->intent, "lease lost");
}

static enum rc
beat(void *arg)
{
	struct watch *w = arg;

	w->beats++;
	return w->beat == RC_OK ? RC_OK : fail(w->beat, "stopped");
}

struct smtp_letter
letter_for(size_t n, struct watch *w)
{
	return (struct smtp_letter){ .from = "desk@example.org",
		.to = people,
		.to_n = n,
		.message = STR(MESSAGE),
		.intent = intend,
		.beat = beat,
		.arg = w };
}

struct smtp_server
somewhere(void)
{
	return (struct smtp_server){ .host = "mail.example.org",
		.port = 587,
		.security = "starttls",
		.user = "" };
}

void
server_start(const struct play *play)
{
	server.play = *play;
	server.dials = server.messages = server.quits = 0;
	server.turns[0] = server.turns[1] = 0;
	buf_init(&server.got, MOST);
	buf_init(&server.said, MOST);
	buf_init(&server.message, MOST);
	buf_init(&server.lines, MOST);
}

void
server_end(void)
{
	buf_clear(&server.got);
	buf_clear(&server.said);
	buf_clear(&server.message);
	buf_clear(&server.lines);
}

/* ---- a connection and its server ---- */

void
house_open(struct house *h, const struct play *play)
{
	struct smtp_server where = somewhere();

	*h = (struct house){ .s = smtp_new(&where), .a = arena_new(MOST) };
	server_start(play);
}

enum smtp_end
house_send(struct house *h, size_t n)
{
	struct smtp_letter letter = letter_for(n, &h->w);

	smtp_send(h->s, &letter, h->a, &h->r);
	return h->r.end;
}

void
house_close(struct house *h)
{
	smtp_free(&h->s);
	arena_free(&h->a);
	server_end();
}
