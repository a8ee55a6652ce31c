#include "proxy/verb.h"

#include <stdio.h>

#include "mail/smtp-command.h"

#define COMMAND_MOST 512  /* RFC 5321 4.5.3.1.4 */
#define PATH_MOST    1024 /* ... with what extensions add */
#define ANY          (STAGE_FRESH | STAGE_MET)
#define STAGE_MET    (STAGE_GREETED | STAGE_SENDER | STAGE_RECIPIENT)

/* ---- greeting ---- */

bool
verb_may_plain(const struct talk *t)
{
	return t->wire.tls != NULL ||
	    (t->loopback && t->p->conf->smtp_plain_loopback);
}

/* A name, or an address in brackets; nobody is known by it. */
static bool
greeted(struct talk *t, struct str args)
{
	if (args.n == 0 || args.n > 255 || !smtp_words_ok(args) ||
	    memchr(args.p, ' ', args.n) != NULL) {
		talk_fault(t, 501, "5.5.4", "Say who you are");
		return false;
	}
	talk_letter_forget(t);
	t->stage = STAGE_GREETED;
	return true;
}

static void
ehlo(struct talk *t, struct str args)
{
	char size[40];

	if (!greeted(t, args))
		return;
	snprintf(size, sizeof size, "SIZE %lld",
	    (long long)t->p->conf->smtp_message_most);
	talk_say_more(t, 250, t->p->name);
	talk_say_more(t, 250, size);
	if (t->p->tls != NULL && t->wire.tls == NULL)
		talk_say_more(t, 250, "STARTTLS");
	if (verb_may_plain(t) && t->who == NULL)
		talk_say_more(t, 250, "AUTH PLAIN LOGIN");
	talk_say_more(t, 250, "PIPELINING");
	talk_say_more(t, 250, "8BITMIME");
	talk_say_more(t, 250, "SMTPUTF8");
	talk_say(t, 250, NULL, "ENHANCEDSTATUSCODES");
}

static void
helo(struct talk *t, struct str args)
{
	if (greeted(t, args))
		talk_say(t, 250, NULL, "%s", t->p->name);
}

/* ---- TLS ---- */

/* What stands behind STARTTLS in the buffer was said in the clear by whoever
 * sits in between (CVE-2011-0411). */
static void
starttls(struct talk *t, struct str args)
{
	if (args.n > 0) {
		talk_fault(t, 501, "5.5.4", "STARTTLS takes nothing");
	} else if (t->wire.tls != NULL) {
		talk_fault(t, 503, "5.5.1", "TLS is spoken already");
	} else if (t->p->tls == NULL) {
		talk_fault(t, 502, "5.5.1", "There is no TLS here");
	} else if (t->who != NULL) {
		talk_fault(t, 503, "5.5.1", "Too late");
	} else if (t->in.n > 0) {
		talk_say(t, 421, "4.7.0", "Nothing may follow STARTTLS");
		talk_end(t);
	} else {
		talk_say(t, 220, "2.0.0", "Begin");
		talk_secure(t);
	}
}

/* ---- the rest ---- */

static void
rset(struct talk *t, struct str args)
{
	(void)args;
	talk_letter_forget(t);
	talk_say(t, 250, "2.0.0", "Forgotten");
}

static void
noop(struct talk *t, struct str args)
{
	(void)args;
	talk_say(t, 250, "2.0.0", "As you wish");
}

static void
quit(struct talk *t, struct str args)
{
	(void)args;
	talk_say(t, 221, "2.0.0", "Goodbye");
	talk_end(t);
}

/* Who is here is nobody's business. */
static void
vrfy(struct talk *t, struct str args)
{
	(void)args;
	talk_say(t, 252, "2.1.5", "Send, and see");
}

static void
help(struct talk *t, struct str args)
{
	(void)args;
	talk_say(t, 214, "2.0.0", "RFC 6409; letterrack-smtpd(8)");
}

static void
never(struct talk *t, struct str args)
{
	(void)args;
	talk_fault(t, 502, "5.5.1", "Not here");
}

/* What comes behind it is a message, which nobody asked for. */
static void
chunk(struct talk *t, struct str args)
{
	(void)args;
	talk_say(t, 502, "5.5.1", "There is no CHUNKING here");
	talk_end(t);
}

/* A browser that was led here. */
static void
foreign(struct talk *t, struct str args)
{
	(void)args;
	talk_say(t, 521, "5.5.1", "This is no web server");
	talk_end(t);
}

static const struct verb {
	const char *name;
	size_t most;     /* of its line */
	unsigned stages; /* in which it may come */
	bool signed_on;  /* only from who has signed in */
	void (*run)(struct talk *, struct str args);
} verbs[] = {
	{ "EHLO", COMMAND_MOST, ANY, false, ehlo },
	{ "HELO", COMMAND_MOST, ANY, false, helo },
	{ "STARTTLS", COMMAND_MOST, STAGE_GREETED, false, starttls },
	{ "AUTH", VERB_LINE_MOST, STAGE_GREETED, false, verb_auth },
	{ "MAIL", PATH_MOST, STAGE_GREETED, true, verb_mail },
	{ "RCPT", PATH_MOST, STAGE_SENDER | STAGE_RECIPIENT, true, verb_rcpt },
	{ "DATA", COMMAND_MOST, STAGE_RECIPIENT, true, verb_data },
	{ "RSET", COMMAND_MOST, ANY, false, rset },
	{ "NOOP", COMMAND_MOST, ANY, false, noop },
	{ "QUIT", COMMAND_MOST, ANY, false, quit },
	{ "VRFY", COMMAND_MOST, ANY, true, vrfy },
	{ "HELP", COMMAND_MOST, ANY, false, help },
	{ "EXPN", COMMAND_MOST, ANY, false, never },
	{ "ETRN", COMMAND_MOST, ANY, false, never },
	{ "BDAT", COMMAND_MOST, ANY, false, chunk },
	{ "GET", VERB_LINE_MOST, ANY, false, foreign },
	{ "POST", VERB_LINE_MOST, ANY, false, foreign },
	{ "PUT", VERB_LINE_MOST, ANY, false, foreign },
	{ "CONNECT", VERB_LINE_MOST, ANY, false, foreign },
};

static const struct verb *
verb_find(struct str name)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (str_ieq(name, str_of(verbs[i].name)))
			return &verbs[i];
	return NULL;
}

/* Out of turn: what is missing is said. */
static void
refuse(struct talk *t, const struct verb *v)
{
	if (t->stage == STAGE_FRESH)
		talk_fault(t, 503, "5.5.1", "EHLO first");
	else if (v->run == verb_data)
		talk_fault(t, t->stage == STAGE_SENDER ? 554 : 503, "5.5.1",
		    "Nobody is to get it");
	else
		talk_fault(t, 503, "5.5.1", "Not now");
}

void
verb_run(struct talk *t, struct str line)
{
	struct str args, name = smtp_verb_read(line, &args);
	const struct verb *v = verb_find(name);

	if (v == NULL)
		talk_fault(t, 500, "5.5.2", "That is no command");
	else if (line.n + 2 > v->most)
		talk_fault(t, 500, "5.5.6", "Line too long");
	else if (!smtp_words_ok(line))
		talk_fault(
		    t, 501, "5.5.2", "There are control characters in it");
	else if (v->signed_on && t->who == NULL)
		talk_fault(t, 530, "5.7.0", "Sign in first");
	else if ((v->stages & t->stage) == 0)
		refuse(t, v);
	else
		v->run(t, args);
}
