/* A watched folder (mail/imap-watch.h) against a scripted server: what it says,
 * what it makes of answers, and when it gives up. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/buffer.h"
#include "core/clock.h"
#include "core/secret.h"
#include "lib/unit.h"
#include "mail/imap-watch.h"
#include "scripted-server.h"

#define LINES_MOST  40
#define SECONDS     20
#define REPORT_MOST 4096

#define LOGIN                                                                  \
	"S: * OK ready", "C: A001 CAPABILITY",                                 \
	    "S: * CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN", "S: A001 OK done", \
	    "C: A002 AUTHENTICATE PLAIN AHVzZXIAc2VjcmV0", "S: A002 OK in",    \
	    "C: L1 CAPABILITY"
#define OPEN(caps)                                                             \
	LOGIN, "S: * CAPABILITY IMAP4rev1 " caps, "S: L1 OK done",             \
	    "C: L2 EXAMINE \"INBOX\"", "S: * 3 EXISTS",                        \
	    "S: * OK [UIDVALIDITY 5] x", "S: * OK [UIDNEXT 9] x",              \
	    "S: L2 OK [READ-ONLY] open"

/* What a watch is to do with a server, until it ends. */
struct play {
	const char *name;
	struct imap_watch_how how;
	const char *line[LINES_MOST];
	const char *report; /* news and states, in their order */
	enum rc rc;
};

static const struct play plays[] = {
	{ "news in IDLE", { .silence_ms = 9000, .answer_ms = 9000 },
	    { OPEN("IDLE"), "C: L3 IDLE", "S: + idling", "S: * 3 EXISTS",
		"S: * OK Still here", "S: * 4 EXISTS", "S: * BYE closing",
		"W:" },
	    "open idle mail", RC_CONNECTION },
	{ "who says nothing is asked, and idled with again",
	    { .silence_ms = 50, .answer_ms = 9000 },
	    { OPEN("IDLE"), "C: L3 IDLE", "S: + idling", "C: DONE",
		"S: L3 OK done", "C: L4 IDLE", "S: + idling", "S: * BYE now",
		"W:" },
	    "open idle", RC_CONNECTION },
	{ "who does not answer is left", { .silence_ms = 50, .answer_ms = 100 },
	    { OPEN("IDLE"), "C: L3 IDLE", "S: + idling", "C: DONE", "W:" },
	    "open idle", RC_TIMEOUT },
	{ "one that comes and one that goes",
	    { .silence_ms = 9000, .answer_ms = 9000 },
	    { OPEN("IDLE"), "C: L3 IDLE", "S: + idling", "S: * 2 EXPUNGE",
		"S: * 3 EXISTS", "X:" },
	    "open idle mail other", RC_CONNECTION },
	{ "flags are other news", { .silence_ms = 9000, .answer_ms = 9000 },
	    { OPEN("IDLE"), "C: L3 IDLE", "S: + idling",
		"S: * 1 FETCH (FLAGS (\\Seen))", "X:" },
	    "open idle other", RC_CONNECTION },
	{ "without IDLE", { .poll_ms = 30, .answer_ms = 9000 },
	    { OPEN(""), "C: L3 NOOP", "S: L3 OK nothing", "C: L4 NOOP",
		"S: * 5 EXISTS", "S: L4 OK there is", "C: L5 NOOP", "X:" },
	    "open polling mail", RC_CONNECTION },
	{ "IDLE that is refused",
	    { .poll_ms = 30, .silence_ms = 9000, .answer_ms = 9000 },
	    { OPEN("IDLE"), "C: L3 IDLE", "S: L3 NO not now", "C: L4 NOOP",
		"X:" },
	    "open idle polling", RC_CONNECTION },
	{ "asked at a pace, though it has IDLE",
	    { .pace_ms = 30, .answer_ms = 9000 },
	    { OPEN("IDLE"), "C: L3 NOOP", "S: L3 OK", "C: L4 NOOP", "X:" },
	    "open polling", RC_CONNECTION },
	{ "an INBOX that was made anew",
	    { .silence_ms = 9000, .answer_ms = 9000 },
	    { OPEN("IDLE"), "C: L3 IDLE", "S: + idling",
		"S: * OK [UIDVALIDITY 6] another", "W:" },
	    "open idle", RC_CONNECTION },
	{ "no INBOX", { .answer_ms = 9000 },
	    { LOGIN, "S: * CAPABILITY IMAP4rev1 IDLE", "S: L1 OK done",
		"C: L2 EXAMINE \"INBOX\"", "S: L2 NO [NONEXISTENT] none",
		"W:" },
	    "", RC_NO_FOLDER },
	{ "an answer to the first command that does not come",
	    { .answer_ms = 100 }, { LOGIN, "W:" }, "", RC_TIMEOUT },
};

/* ---- a loop for one ---- */

static void
note(struct buf *b, const char *word)
{
	buf_fmt(b, "%s%s", b->n > 0 ? " " : "", word);
}

static void
note_state(struct buf *b, struct imap_watch *w, enum imap_watch_state *last)
{
	static const char *const words[] = {
		[IMAP_WATCH_IDLE] = "idle",
		[IMAP_WATCH_POLLING] = "polling",
	};
	enum imap_watch_state now = imap_watch_state(w);

	if (now != *last && now != IMAP_WATCH_OPENING)
		note(b, words[now]);
	*last = now;
}

static void
wait_for(struct imap_watch *w)
{
	struct pollfd p = { .fd = imap_watch_fd(w), .events = POLLIN };
	int64_t ms = imap_watch_due(w) - clock_steady_ms();

	if (imap_watch_writes(w))
		p.events |= POLLOUT;
	(void)poll(&p, 1, ms < 0 ? 0 : ms < 1000 ? (int)ms : 1000);
}

/* Kinds of news once a kind, since they may come in one piece or in several. */
static enum rc
drive(struct imap_watch *w, struct buf *b)
{
	struct imap_watch_news news, seen = { .open = false };
	enum imap_watch_state last = IMAP_WATCH_OPENING;
	int64_t end = clock_steady_ms() + SECONDS * 1000;
	enum rc rc = RC_OK;

	while (rc == RC_OK && clock_steady_ms() < end) {
		rc = imap_watch_turn(w, &news);
		if (news.open && !seen.open)
			note(b, "open");
		if (rc == RC_OK)
			note_state(b, w, &last);
		if (news.mail && !seen.mail)
			note(b, "mail");
		if (news.other && !seen.other)
			note(b, "other");
		seen.open |= news.open;
		seen.mail |= news.mail;
		seen.other |= news.other;
		if (rc == RC_OK)
			wait_for(w);
	}
	return rc;
}

static enum rc
dial(struct imap_watch *w, CURLM *multi)
{
	bool again = true, done;
	CURLcode code;

	while (again) {
		for (done = false; !done;)
			TRY(dial_turn(multi, imap_watch_handle(w),
			    clock_steady_ms() + SECONDS * 1000, &done, &code));
		TRY(imap_watch_dialled(w, code, &again));
	}
	return RC_OK;
}

static size_t
lines(const struct play *p)
{
	size_t n = 0;

	while (n < LINES_MOST && p->line[n] != NULL)
		n++;
	return n;
}

static enum rc
run(const struct imap_watch_how *how, CURLM *multi, struct buf *b)
{
	struct imap_watch *w;
	enum rc rc = imap_watch_new(how, &w);

	if (rc == RC_OK)
		rc = dial(w, multi);
	if (rc == RC_OK)
		rc = drive(w, b);
	imap_watch_free(&w);
	return rc;
}

/* Each with a multi handle of its own: libcurl counts its tags over all. */
static void
play(const struct play *p, struct secret *secret)
{
	struct imap_watch_how how = p->how;
	struct egress *egress;
	struct scripted_server *server;
	unsigned port;
	struct buf b;
	char *fault;
	enum rc rc;

	ck_assert_int_eq(egress_new("127.0.0.0/8",
			     "/etc/ssl/certs/ca-certificates.crt", &egress),
	    RC_OK);
	server = scripted_server_start(p->line, lines(p), &port);
	how.folder = STR("INBOX");
	how.login = (struct imap_login){ .host = "127.0.0.1",
		.port = port,
		.security = IMAP_PLAIN,
		.user = "user",
		.secret = secret,
		.egress = egress,
		.multi = egress_multi(egress) };
	buf_init(&b, REPORT_MOST);
	rc = run(&how, egress_multi(egress), &b);
	fault = scripted_server_stop(&server);
	ck_assert_msg(*fault == '\0', "%s: %s", p->name, fault);
	ck_assert_msg(strcmp(buf_text(&b), p->report) == 0, "%s: %s", p->name,
	    buf_text(&b));
	ck_assert_msg(rc == p->rc, "%s: ended with %s: %s", p->name,
	    result_code(rc), fail_detail());
	free(fault);
	buf_clear(&b);
	egress_free(&egress);
}

START_TEST(conversations)
{
	struct arena *a = arena_new((size_t)1 << 16);
	struct secret secret = secret_new(a, "secret", 6);

	ARRAY_EACH (p, plays)
		play(p, &secret);
	arena_free(&a);
}
END_TEST

UNIT_MAIN("wire/watch", UNIT(conversations))
