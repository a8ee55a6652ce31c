#include "mail/imap.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "mail/imap-session.h"

#define IDLE_MS    60000
#define COMMAND_MS 300000
#define OPEN_MS    60000
#define PROOF_MOST 4096 /* commands */

enum rc
imap_break(struct imap *im, enum rc rc)
{
	if (im->broken != RC_OK)
		return im->broken;
	im->broken = rc;
	strncpy(im->why, fail_detail(), sizeof(im->why) - 1);
	imap_engine_end(im->engine, rc);
	return rc;
}

static enum rc
usable(const struct imap *im)
{
	if (im->broken != RC_OK)
		return fail(im->broken, "%s", im->why);
	return RC_OK;
}

static void
event(void *arg, const struct imap_response *r)
{
	struct imap *im = arg;
	const struct imap_changes *c = &im->changes;

	im->garbled |= r->fault != NULL;
	if (r->fault != NULL && r->word != IMAP_FETCH)
		return;
	im->happened |= r->word == IMAP_EXISTS || r->word == IMAP_EXPUNGE ||
	    r->word == IMAP_VANISHED || r->word == IMAP_FETCH;
	if (r->word == IMAP_EXISTS && c->exists != NULL)
		c->exists(c->arg, r->number);
	if (r->word == IMAP_EXPUNGE && c->expunged != NULL)
		c->expunged(c->arg, r->number);
	if (r->word == IMAP_VANISHED && c->vanished != NULL)
		c->vanished(c->arg, &r->vanished.set, r->vanished.earlier);
	if (r->word == IMAP_FETCH && c->message != NULL)
		c->message(c->arg, &r->message);
}

static struct imap *
imap_new(const struct imap_params *params, struct imap_link *link,
    struct imap_engine *engine)
{
	struct imap *im = calloc(1, sizeof(*im));

	if (im == NULL)
		die("out of memory");
	im->params = params;
	im->link = link;
	im->until = params->until;
	im->engine = engine;
	imap_engine_on_event(engine, event, im);
	return im;
}

struct imap *
imap_adopt(const struct imap_params *params, struct imap_link *link,
    struct imap_engine *engine)
{
	struct imap *im = imap_new(params, link, engine);

	im->greeted = im->enable_sent = im->id_sent = true;
	im->compress_asked = true;
	im->caps_call.done = true;
	return im;
}

void
imap_part(struct imap **imp)
{
	free(*imp);
	*imp = NULL;
}

enum rc
imap_open(const struct imap_params *params, struct imap **out)
{
	struct imap *im;
	struct imap_link *link;
	int64_t until = clock_steady_ms() + OPEN_MS;

	*out = NULL;
	if (params->until != 0 && params->until < until)
		until = params->until;
	TRY(imap_link_open(&params->login, until, &link));
	im = imap_new(params, link, imap_engine_new());
	if (params->known_caps.p != NULL)
		imap_engine_assume(im->engine, params->known_caps);
	*out = im;
	return RC_OK;
}

void
imap_free(struct imap **imp)
{
	struct imap *im = *imp;

	if (im == NULL)
		return;
	imap_engine_free(&im->engine);
	imap_link_free(&im->link);
	free(im);
	*imp = NULL;
}

void
imap_until(struct imap *im, int64_t until)
{
	im->until = until;
}

uint64_t
imap_caps(const struct imap *im)
{
	return imap_engine_caps(im->engine);
}

struct str
imap_caps_text(const struct imap *im)
{
	return imap_engine_caps_text(im->engine);
}

const char *
imap_server_id(const struct imap *im)
{
	return im->server_id;
}

bool
imap_compressed(const struct imap *im)
{
	return imap_engine_compressed(im->engine);
}

const struct imap_mailbox *
imap_mailbox(const struct imap *im)
{
	return imap_engine_mailbox(im->engine);
}

static enum rc
send_all(struct imap *im)
{
	for (;;) {
		struct str out = imap_engine_output(im->engine);
		size_t sent = 0;

		if (out.n == 0)
			return RC_OK;
		TRY(imap_link_send(im->link, out.p, out.n, &sent));
		if (sent == 0)
			return RC_OK;
		imap_engine_sent(im->engine, sent);
	}
}

/* Everything there is: TLS may hold bytes back that poll() does not see. */
static enum rc
receive_all(struct imap *im, size_t *total)
{
	*total = 0;
	for (;;) {
		size_t n;
		enum rc rc;

		rc = imap_link_receive(
		    im->link, im->input, sizeof(im->input), &n);
		/* What came before the end may be all that was awaited. */
		if (rc != RC_OK && *total > 0)
			return RC_OK;
		TRY(rc);
		if (n == 0)
			return RC_OK;
		*total += n;
		im->received += n;
		TRY(imap_engine_feed(im->engine, im->input, n));
		/* A flood must not keep the caller from its deadline. */
		if (*total >= sizeof(im->input) * 4)
			return RC_OK;
	}
}

static enum rc
wait_socket(struct imap *im, int64_t until)
{
	struct pollfd p = { .fd = imap_link_fd(im->link), .events = POLLIN };
	int64_t ms = until - clock_steady_ms();

	if (ms <= 0)
		return fail(RC_TIMEOUT, "no answer in the time allowed");
	if (imap_engine_output(im->engine).n > 0)
		p.events |= POLLOUT;
	if (poll(&p, 1, (int)(ms < 10000 ? ms : 10000)) < 0 && errno != EINTR)
		return fail(RC_CONNECTION, "poll: %m");
	return RC_OK;
}

static enum rc
turn(struct imap *im, int64_t until)
{
	size_t n;

	TRY(send_all(im));
	TRY(receive_all(im, &n));
	if (n > 0)
		return clock_steady_ms() < until
		    ? RC_OK
		    : fail(RC_TIMEOUT, "no answer in the time allowed");
	return wait_socket(im, until);
}

enum rc
imap_turn(struct imap *im, int64_t until)
{
	enum rc rc;

	if (im->until != 0 && im->until < until)
		until = im->until;
	rc = turn(im, until);
	if (rc == RC_OK && imap_engine_stale(im->engine))
		rc = fail(RC_CONNECTION,
		    "UIDVALIDITY changed while the folder was open");
	return rc == RC_OK ? RC_OK : imap_break(im, rc);
}

enum rc
imap_turn_quiet(struct imap *im, int64_t until)
{
	enum rc rc = turn(im, until);

	if (rc == RC_OK || (rc == RC_TIMEOUT && im->broken == RC_OK))
		return RC_OK;
	return imap_break(im, rc);
}

static int64_t
or_usual(int64_t ms, int64_t usual)
{
	return ms > 0 ? ms : usual;
}

static enum rc
call_waiting(struct imap *im)
{
	enum rc rc = im->params->waiting(im->params->waiting_arg);

	return rc == RC_OK ? RC_OK : imap_break(im, rc);
}

/* How fast an answer comes: of the time spent waiting, not of our own. */
struct pace {
	int64_t waited_ms;
	uint64_t from; /* im->received when it began */
};

static enum rc
pace_check(
    struct imap *im, struct pace *p, const struct imap_call *c, int64_t idle_ms)
{
	uint64_t came = im->received - p->from;
	int64_t least = im->params->rate_least;

	if (c->verb != IMAP_DO_FETCH || p->waited_ms < idle_ms)
		return RC_OK;
	if (came < (uint64_t)(least * p->waited_ms / 1000)) {
		im->slow = true;
		return imap_break(im,
		    fail(RC_TIMEOUT,
			"the server sends less than %lld bytes a second",
			(long long)least));
	}
	*p = (struct pace){ .from = im->received };
	return RC_OK;
}

/* Three clocks: a server that says nothing, one that takes too long, and one
 * that says a byte now and then. */
enum rc
imap_wait(struct imap *im, struct imap_call *c)
{
	int64_t idle_ms = or_usual(im->params->idle_ms, IDLE_MS);
	int64_t end =
	    clock_steady_ms() + or_usual(im->params->command_ms, COMMAND_MS);
	int64_t heard = clock_steady_ms();
	struct pace pace = { .from = im->received };

	TRY(usable(im));
	while (!c->done) {
		uint64_t before = imap_engine_received(im->engine);
		int64_t quiet = heard + idle_ms, asked = clock_steady_ms();

		TRY(imap_turn(im, quiet < end ? quiet : end));
		if (imap_engine_received(im->engine) != before)
			heard = clock_steady_ms();
		else
			pace.waited_ms += clock_steady_ms() - asked;
		if (!c->done)
			TRY(pace_check(im, &pace, c, idle_ms));
		if (im->params->waiting != NULL && !c->done)
			TRY(call_waiting(im));
	}
	if (!c->done || im->broken != RC_OK) {
		imap_engine_forget(im->engine, c);
		TRY(usable(im));
	}
	if (c->rc != RC_OK)
		return fail(c->rc, "%s", c->text);
	return RC_OK;
}

/* CAPABILITY, and ENABLE where it is known what may be enabled. Not UTF8=ACCEPT
 * (RFC 6855), nor IMAP4rev2: folder names would have another form on some
 * servers than on others, and in the table the same one. */
static enum rc
enable(struct imap *im)
{
	uint64_t caps = imap_caps(im);
	struct imap_command cmd;

	if (im->enable_sent || !(caps & IMAP_CAP(ENABLE)) ||
	    !(caps & (IMAP_CAP(QRESYNC) | IMAP_CAP(CONDSTORE))))
		return RC_OK;
	im->enable_sent = true;
	imap_command_init(&cmd, caps);
	imap_command_puts(
	    &cmd, caps & IMAP_CAP(QRESYNC) ? " QRESYNC" : " CONDSTORE");
	im->enable_call =
	    (struct imap_call)IMAP_CALL(IMAP_DO_ENABLE, NULL, NULL);
	return imap_engine_send(im->engine, &im->enable_call, &cmd);
}

static void
id_take(void *arg, const struct imap_response *r)
{
	struct imap *im = arg;

	if (r->fault == NULL && r->text.p != NULL)
		snprintf(im->server_id, sizeof(im->server_id), "%.*s",
		    STR_FMT(r->text));
}

/* Says who we are (RFC 2971): some servers open no folder to a stranger, and an
 * operator wants to know whose connections there are. Costs no round trip. */
static enum rc
introduce(struct imap *im)
{
	struct imap_command cmd;

	if (im->id_sent || !(imap_caps(im) & IMAP_CAP(ID)))
		return RC_OK;
	im->id_sent = true;
	imap_command_init(&cmd, imap_caps(im));
	imap_command_puts(&cmd,
	    " (\"name\" \"Letterrack\" \"version\" \"" PACKAGE_VERSION "\")");
	im->id_call = (struct imap_call)IMAP_CALL(IMAP_DO_ID, id_take, im);
	return imap_engine_send(im->engine, &im->id_call, &cmd);
}

static enum rc
acquaint(struct imap *im)
{
	TRY(enable(im));
	return introduce(im);
}

static enum rc
greet(struct imap *im)
{
	struct imap_command cmd;

	if (im->greeted)
		return RC_OK;
	im->greeted = true;
	imap_command_init(&cmd, 0);
	im->caps_call =
	    (struct imap_call)IMAP_CALL(IMAP_DO_CAPABILITY, NULL, NULL);
	TRY(imap_engine_send(im->engine, &im->caps_call, &cmd));
	if (im->params->known_caps.p == NULL)
		TRY(imap_wait(im, &im->caps_call));
	return acquaint(im);
}

enum rc
imap_ready(struct imap *im)
{
	TRY(usable(im));
	TRY(greet(im));
	if (!im->caps_call.done)
		TRY(imap_wait(im, &im->caps_call));
	return acquaint(im);
}

enum rc
imap_begin(struct imap *im, struct imap_command *cmd)
{
	imap_command_init(cmd, 0);
	TRY(usable(im));
	TRY(greet(im));
	cmd->caps = imap_caps(im);
	return RC_OK;
}

enum rc
imap_send(struct imap *im, struct imap_call *c, struct imap_command *cmd)
{
	enum rc rc = usable(im);

	if (rc != RC_OK)
		imap_command_clear(cmd);
	return rc != RC_OK ? rc : imap_engine_send(im->engine, c, cmd);
}

enum rc
imap_run(struct imap *im, struct imap_call *c, struct imap_command *cmd)
{
	TRY(imap_send(im, c, cmd));
	return imap_wait(im, c);
}

static bool
is_far(const struct imap *im)
{
	return imap_link_round_trip_us(im->link) >=
	    im->params->compress_ms * 1000;
}

enum rc
imap_compress(struct imap *im)
{
	struct imap_call c = IMAP_CALL(IMAP_DO_COMPRESS, NULL, NULL);
	struct imap_command cmd;
	enum rc rc;

	if (im->compress_asked || !im->params->compress ||
	    !(imap_caps(im) & IMAP_CAP(COMPRESS)) || !is_far(im))
		return RC_OK;
	im->compress_asked = true;
	TRY(imap_begin(im, &cmd));
	imap_command_puts(&cmd, " DEFLATE");
	rc = imap_run(im, &c, &cmd);
	return c.done && im->broken == RC_OK ? RC_OK : rc;
}

enum rc
imap_logout(struct imap *im)
{
	struct imap_call c = IMAP_CALL(IMAP_DO_LOGOUT, NULL, NULL);
	struct imap_command cmd;

	TRY(imap_begin(im, &cmd));
	return imap_run(im, &c, &cmd);
}

enum rc
imap_noop(struct imap *im)
{
	struct imap_call c = IMAP_CALL(IMAP_DO_NOOP, NULL, NULL);
	struct imap_command cmd;

	TRY(imap_begin(im, &cmd));
	return imap_run(im, &c, &cmd);
}

bool
imap_is_slow(const struct imap *im)
{
	return im->slow;
}

uint64_t
imap_received(const struct imap *im)
{
	return im->received;
}

/* CAPABILITY: every server answers it, in any state and with some length. */
enum rc
imap_prove(struct imap *im, uint64_t bytes)
{
	for (unsigned i = 0; im->received < bytes; i++) {
		struct imap_call c = IMAP_CALL(IMAP_DO_CAPABILITY, NULL, NULL);
		struct imap_command cmd;

		if (i == PROOF_MOST)
			return fail(RC_CONNECTION,
			    "the server does not say enough to be sure");
		TRY(imap_begin(im, &cmd));
		TRY(imap_run(im, &c, &cmd));
	}
	return RC_OK;
}
