#include "mail/imap-watch.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/secret.h"
#include "mail/imap-session.h"

#define REFRESH_MS      1500000 /* RFC 2177 3: less than 29 minutes */
#define REFRESH_MORE_MS 180000  /* so that not all do it at once */
#define INPUT_MOST      16384
#define FLOOD_MOST      (INPUT_MOST * 8) /* then others have their turn */

/* What is in flight, and what is done with its answer. */
enum step {
	STEP_CAPS,
	STEP_ID,
	STEP_EXAMINE,
	STEP_IDLE,
	STEP_NOOP,
	STEP_ALSO, /* STATUS of the other folder */
	STEP_NONE
};

struct imap_watch {
	const struct imap_watch_how *how; /* borrowed */
	struct imap_link *link;
	struct imap_engine *engine; /* NULL: not signed in yet */
	struct imap_call call;
	enum step step;
	bool no_idle;     /* the server has refused it */
	bool ending;      /* DONE is on its way */
	uint32_t exists;  /* messages that are known of */
	int64_t due_ms;   /* steady: the next thing to do or to give up */
	int64_t asked_ms; /* of the last NOOP */
	int64_t fresh_ms; /* IDLE is to end by then */
	int64_t also_ms;  /* when the other folder is asked after next */
	uint32_t also_next;
	uint64_t heard; /* bytes, when it was last looked */
	bool more;      /* it has said more than one turn takes */
	enum rc lost;   /* what broke it while it was lent; RC_OK: nothing */
	char why[512];  /* of `lost` */
	struct imap_watch_news news;
};

enum rc
imap_watch_new(const struct imap_watch_how *how, struct imap_watch **out)
{
	struct imap_watch *w;
	struct imap_link *link;

	*out = NULL;
	TRY(imap_link_new(&how->login, &link));
	w = calloc(1, sizeof *w);
	if (w == NULL)
		die("out of memory");
	w->how = how;
	w->link = link;
	w->step = STEP_NONE;
	w->due_ms = INT64_MAX;
	w->also_ms =
	    how->also.n > 0 ? clock_steady_ms() + how->also_ms : INT64_MAX;
	w->also_next = how->also_next;
	*out = w;
	return RC_OK;
}

void
imap_watch_free(struct imap_watch **wp)
{
	if (*wp == NULL)
		return;
	imap_engine_free(&(*wp)->engine);
	imap_link_free(&(*wp)->link);
	free(*wp);
	*wp = NULL;
}

CURL *
imap_watch_handle(struct imap_watch *w)
{
	return imap_link_handle(w->link);
}

int
imap_watch_fd(const struct imap_watch *w)
{
	return imap_link_fd(w->link);
}

int64_t
imap_watch_due(const struct imap_watch *w)
{
	return w->more ? 0 : w->due_ms;
}

bool
imap_watch_writes(struct imap_watch *w)
{
	return w->engine != NULL && imap_engine_output(w->engine).n > 0;
}

const struct imap_mailbox *
imap_watch_mailbox(const struct imap_watch *w)
{
	return imap_engine_mailbox(w->engine);
}

/* ---- what the server says ---- */

/* It may say the same number again; a deletion before it has been counted. */
static void
exists(struct imap_watch *w, uint32_t n)
{
	w->news.mail |= n > w->exists;
	w->exists = n;
}

static void
event(void *arg, const struct imap_response *r)
{
	struct imap_watch *w = arg;
	const struct imap_mailbox *box = imap_engine_mailbox(w->engine);

	switch (r->word) {
	case IMAP_EXISTS: exists(w, r->number); break;
	case IMAP_EXPUNGE:
	case IMAP_VANISHED:
		w->exists = box->exists;
		w->news.other = true;
		break;
	case IMAP_FETCH: w->news.other = true; break;
	default: break;
	}
}

/* ---- what is said to it ---- */

static enum rc
say(struct imap_watch *w, enum step step, enum imap_verb verb,
    struct imap_command *text)
{
	w->call = (struct imap_call){ .verb = verb };
	w->step = step;
	w->due_ms = clock_steady_ms() + w->how->answer_ms;
	return imap_engine_send(w->engine, &w->call, text);
}

static enum rc
say_bare(struct imap_watch *w, enum step step, enum imap_verb verb)
{
	struct imap_command none;

	imap_command_init(&none, 0);
	return say(w, step, verb, &none);
}

/* Some servers open no folder to a stranger (RFC 2971). */
static enum rc
introduce(struct imap_watch *w)
{
	struct imap_command cmd;

	imap_command_init(&cmd, imap_engine_caps(w->engine));
	imap_command_puts(&cmd,
	    " (\"name\" \"Letterrack\" \"version\" \"" PACKAGE_VERSION "\")");
	return say(w, STEP_ID, IMAP_DO_ID, &cmd);
}

static enum rc
examine(struct imap_watch *w)
{
	struct imap_command cmd;

	imap_command_init(&cmd, imap_engine_caps(w->engine));
	imap_command_puts(&cmd, " ");
	imap_command_astring(&cmd, w->how->folder);
	return say(w, STEP_EXAMINE, IMAP_DO_EXAMINE, &cmd);
}

static void
also_told(void *arg, const struct imap_response *r)
{
	struct imap_watch *w = arg;
	uint32_t next;

	if (r->word != IMAP_STATUS || r->fault != NULL ||
	    !(r->status.has & IMAP_SAID(UIDNEXT)))
		return;
	next = (uint32_t)r->status.uidnext;
	w->news.also |= next != w->also_next;
	w->also_next = next;
}

/* Its pace is its own; so is a folder that is not there: no fault. */
static enum rc
ask_also(struct imap_watch *w, int64_t now)
{
	struct imap_command cmd;

	w->also_ms = now + w->how->also_ms;
	imap_command_init(&cmd, imap_engine_caps(w->engine));
	imap_command_puts(&cmd, " ");
	imap_command_astring(&cmd, w->how->also);
	imap_command_puts(&cmd, " (UIDNEXT)");
	w->call = (struct imap_call){
		.verb = IMAP_DO_STATUS, .data = also_told, .arg = w
	};
	w->step = STEP_ALSO;
	w->due_ms = now + w->how->answer_ms;
	return imap_engine_send(w->engine, &w->call, &cmd);
}

static bool
may_idle(const struct imap_watch *w)
{
	return w->how->pace_ms == 0 && !w->no_idle &&
	    (imap_engine_caps(w->engine) & IMAP_CAP(IDLE)) != 0;
}

static int64_t
pace(const struct imap_watch *w)
{
	return w->how->pace_ms > 0 ? w->how->pace_ms : w->how->poll_ms;
}

static enum rc
idle(struct imap_watch *w)
{
	uint32_t dice;

	random_bytes(&dice, sizeof dice);
	w->fresh_ms =
	    clock_steady_ms() + REFRESH_MS + (int64_t)(dice % REFRESH_MORE_MS);
	w->heard = 0;
	return say_bare(w, STEP_IDLE, IMAP_DO_IDLE);
}

/* Nothing is in flight. The pace is that of the questions, however long an
 * answer takes. */
static enum rc
wait_for_news(struct imap_watch *w)
{
	int64_t now = clock_steady_ms();

	w->ending = false;
	if (w->also_ms <= now)
		return ask_also(w, now);
	if (may_idle(w))
		return idle(w);
	w->step = STEP_NONE;
	w->due_ms = w->asked_ms + pace(w);
	if (w->due_ms < now)
		w->due_ms = now;
	return RC_OK;
}

static enum rc
opened(struct imap_watch *w)
{
	w->news.open = true;
	w->exists = imap_engine_mailbox(w->engine)->exists;
	w->asked_ms = clock_steady_ms();
	return wait_for_news(w);
}

/* A server that has IDLE and refuses it is asked as one that has none. */
static enum rc
idle_ended(struct imap_watch *w)
{
	w->no_idle |= w->call.rc != RC_OK;
	return wait_for_news(w);
}

static enum rc
answered(struct imap_watch *w)
{
	bool ok = w->call.rc == RC_OK;

	switch (w->step) {
	case STEP_CAPS:
		if (ok && (imap_engine_caps(w->engine) & IMAP_CAP(ID)) != 0)
			return introduce(w);
		return ok ? examine(w) : fail(w->call.rc, "%s", w->call.text);
	case STEP_ID: return examine(w);
	case STEP_EXAMINE:
		return ok ? opened(w) : fail(w->call.rc, "%s", w->call.text);
	case STEP_IDLE: return idle_ended(w);
	case STEP_NOOP:
		return ok ? wait_for_news(w)
			  : fail(w->call.rc, "%s", w->call.text);
	case STEP_ALSO: return wait_for_news(w);
	case STEP_NONE: break;
	}
	return RC_OK;
}

/* ---- time ---- */

static enum rc
due(struct imap_watch *w)
{
	if (w->step == STEP_NONE) {
		w->asked_ms = clock_steady_ms();
		return say_bare(w, STEP_NOOP, IMAP_DO_NOOP);
	}
	if (w->step != STEP_IDLE || !imap_engine_idling(w->engine) || w->ending)
		return fail(RC_TIMEOUT, "no answer in the time allowed");
	imap_engine_idle_done(w->engine);
	w->ending = true;
	w->due_ms = clock_steady_ms() + w->how->answer_ms;
	return RC_OK;
}

/* ---- bytes ---- */

static enum rc
send_all(struct imap_watch *w)
{
	for (;;) {
		struct str out = imap_engine_output(w->engine);
		size_t sent = 0;

		if (out.n == 0)
			return RC_OK;
		TRY(imap_link_send(w->link, out.p, out.n, &sent));
		if (sent == 0)
			return RC_OK;
		imap_engine_sent(w->engine, sent);
	}
}

/* Until there is no more: TLS keeps bytes back that no poll sees. */
static enum rc
receive_all(struct imap_watch *w)
{
	char input[INPUT_MOST];
	size_t n, total = 0;

	for (w->more = false; !w->more; w->more = total >= FLOOD_MOST) {
		TRY(imap_link_receive(w->link, input, sizeof input, &n));
		if (n == 0)
			return RC_OK;
		TRY(imap_engine_feed(w->engine, input, n));
		total += n;
	}
	return RC_OK;
}

/* ---- the turns ---- */

enum rc
imap_watch_dialled(struct imap_watch *w, CURLcode code, bool *again)
{
	TRY(imap_link_finish(w->link, code, again));
	if (*again)
		return RC_OK;
	w->engine = imap_engine_new();
	imap_engine_on_event(w->engine, event, w);
	return say_bare(w, STEP_CAPS, IMAP_DO_CAPABILITY);
}

/* In IDLE, and not to be ended yet. Who speaks is there: only silence makes us
 * ask, and the age of the command. */
static void
idle_on(struct imap_watch *w)
{
	uint64_t heard = imap_engine_received(w->engine);

	if (heard == w->heard)
		return;
	w->heard = heard;
	w->due_ms = clock_steady_ms() + w->how->silence_ms;
	if (w->fresh_ms < w->due_ms)
		w->due_ms = w->fresh_ms;
	if (w->also_ms < w->due_ms)
		w->due_ms = w->also_ms;
}

static enum rc
advance(struct imap_watch *w)
{
	if (imap_engine_stale(w->engine))
		return fail(RC_CONNECTION,
		    "UIDVALIDITY changed while the folder was open");
	if (w->step != STEP_NONE && w->call.done)
		return answered(w);
	if (imap_engine_idling(w->engine) && !w->ending)
		idle_on(w);
	return RC_OK;
}

static enum rc
turn(struct imap_watch *w)
{
	if (w->lost != RC_OK)
		return fail(w->lost, "%s", w->why);
	TRY(send_all(w));
	TRY(receive_all(w));
	TRY(advance(w));
	if (!w->more && clock_steady_ms() >= w->due_ms)
		TRY(due(w));
	return send_all(w);
}

enum rc
imap_watch_turn(struct imap_watch *w, struct imap_watch_news *news)
{
	enum rc rc = turn(w);

	/* What was told before the end counts. */
	*news = w->news;
	w->news = (struct imap_watch_news){ .open = false };
	return rc;
}

/* ---- lending ---- */

/* Another's doing: what a command of ours asks for does not come here. */
static void
flagged(void *arg, const struct imap_message *m)
{
	struct imap_watch *w = arg;

	(void)m;
	w->news.other = true;
}

/* The server may not have said yet that it is in IDLE. */
static enum rc
idle_leave(struct imap_watch *w, struct imap *im)
{
	int64_t until = clock_steady_ms() + w->how->answer_ms;

	while (!w->call.done && !imap_engine_idling(w->engine))
		TRY(imap_turn(im, until));
	imap_engine_idle_done(w->engine);
	return imap_wait(im, &w->call);
}

enum rc
imap_watch_lend(
    struct imap_watch *w, const struct imap_params *params, struct imap **out)
{
	struct imap *im = imap_adopt(params, w->link, w->engine);
	enum rc rc = RC_OK;

	im->changes = (struct imap_changes){ .message = flagged, .arg = w };
	*out = im;
	if (imap_watch_state(w) == IMAP_WATCH_OPENING)
		return fail(RC_CONFLICT, "its folder is not open yet");
	if (w->step == STEP_IDLE)
		rc = idle_leave(w, im);
	else if (w->step == STEP_NOOP || w->step == STEP_ALSO)
		rc = imap_wait(im, &w->call);
	/* A refusal is no end: it is asked with NOOP from now on. */
	w->no_idle |= w->step == STEP_IDLE && w->call.done && rc != RC_OK &&
	    im->broken == RC_OK;
	w->step = STEP_NONE;
	return im->broken == RC_OK ? RC_OK : fail(im->broken, "%s", im->why);
}

void
imap_watch_return(struct imap_watch *w, struct imap **imp, bool whole)
{
	struct imap *im = *imp;

	if (!whole)
		(void)imap_break(im,
		    fail(
			RC_CONNECTION, "the folder could not be opened again"));
	imap_engine_on_event(w->engine, event, w);
	w->lost = im->broken;
	snprintf(w->why, sizeof w->why, "%s", im->why);
	imap_part(imp);
	w->news.mail = false;
	w->more = false;
	w->exists = imap_engine_mailbox(w->engine)->exists;
	if (w->lost == RC_OK && w->step == STEP_NONE) {
		w->lost = wait_for_news(w);
		snprintf(w->why, sizeof w->why, "%s", fail_detail());
	}
	if (w->lost != RC_OK)
		w->due_ms = 0;
}

uint32_t *
imap_watch_also_next(struct imap_watch *w)
{
	return &w->also_next;
}

enum imap_watch_state
imap_watch_state(const struct imap_watch *w)
{
	if (w->engine == NULL || w->step < STEP_IDLE)
		return IMAP_WATCH_OPENING;
	if (w->step == STEP_ALSO && may_idle(w))
		return IMAP_WATCH_IDLE;
	return w->step == STEP_IDLE ? IMAP_WATCH_IDLE : IMAP_WATCH_POLLING;
}
