#include "proxy/verb.h"

#include <stdio.h>

#include "mail/address.h"
#include "mail/smtp-command.h"

#define COMMAND_MOST 512  /* RFC 5321 4.5.3.1.4 */
#define PATH_MOST    1024 /* ... with what extensions add */
#define ANY          (STAGE_FRESH | STAGE_MET)
#define STAGE_MET    (STAGE_GREETED | STAGE_SENDER | STAGE_RECIPIENT)
#define REFUSALS     3

/* ---- greeting ---- */

static bool
may_plain(const struct talk *t)
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
	if (may_plain(t) && t->who == NULL)
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

/* ---- signing in ---- */

static void
sign_on_refused(struct talk *t, enum rc rc)
{
	switch (rc) {
	case RC_SECOND_FACTOR:
	case RC_FACTOR_MISSING:
		talk_fault(t, 534, "5.7.9",
		    "A second factor is needed: use a machine client");
		break;
	case RC_FORBIDDEN:
		talk_fault(t, 535, "5.7.8", "You may not send");
		break;
	case RC_BAD_LOGIN:
		talk_fault(t, 535, "5.7.8", "Name or password is wrong");
		break;
	case RC_RATE_LIMIT:
		talk_say(t, 454, "4.7.0", "Too many failures; wait a minute");
		talk_end(t);
		return;
	default: talk_say(t, 454, "4.7.0", "Try again later"); return;
	}
	if (++t->refusals < REFUSALS)
		return;
	talk_say(t, 421, "4.7.0", "Too many errors");
	talk_end(t);
}

static void
sign_on_done(struct work *w)
{
	struct sign_on *x = (struct sign_on *)w;
	struct talk *t = x->talk;

	t->busy = false;
	if (x->rc == RC_OK) {
		t->who = caller_keep(&x->caller, t->arena);
		talk_say(t, 235, "2.7.0", "Welcome");
	} else {
		sign_on_refused(t, x->rc);
	}
	sign_on_free(&t->sign_on);
	talk_event(t, 0);
}

static void
sign_on_start(struct talk *t)
{
	t->sign_on->work.done = sign_on_done;
	talk_wait(t, LANE_DOOR, &t->sign_on->work);
}

static void
sign_on_broken(struct talk *t, int code, const char *status, const char *why)
{
	sign_on_free(&t->sign_on);
	talk_fault(t, code, status, "%s", why);
}

/* An answer in base64; NULL where the client has given up, or it is none. */
static const char *
decoded(struct talk *t, struct str line, size_t *n)
{
	struct str out;

	if (str_eq(line, STR("*"))) {
		sign_on_broken(t, 501, "5.7.0", "As you wish");
		return NULL;
	}
	if (str_eq(line, STR("=")))
		line.n = 0;
	if (!base64_decode(t->sign_on->arena, line, &out)) {
		sign_on_broken(t, 501, "5.5.2", "That is no base64");
		return NULL;
	}
	*n = out.n;
	return out.p != NULL ? out.p : "";
}

/* A name is text without NUL, and so is a password. */
static bool
both_take(struct talk *t, struct str name, struct str password)
{
	struct sign_on *x = t->sign_on;

	if (name.n == 0 || name.n > 254 || password.n == 0 ||
	    password.n > PASSWORD_MOST || !smtp_words_ok(name) ||
	    memchr(password.p, '\0', password.n) != NULL) {
		sign_on_broken(t, 535, "5.7.8", "Name or password is wrong");
		return false;
	}
	x->name = arena_dup(x->arena, name.p, name.n);
	x->password = secret_new(x->arena, password.p, password.n);
	return true;
}

/* [who to act for] NUL who NUL password (RFC 4616). */
static bool
plain_read(struct str s, struct str *name, struct str *password)
{
	const char *first = memchr(s.p, '\0', s.n), *second;
	struct str as;

	if (first == NULL)
		return false;
	second = memchr(first + 1, '\0', s.n - (size_t)(first + 1 - s.p));
	if (second == NULL)
		return false;
	as = (struct str){ s.p, (size_t)(first - s.p) };
	*name = (struct str){ first + 1, (size_t)(second - first) - 1 };
	*password =
	    (struct str){ second + 1, s.n - (size_t)(second + 1 - s.p) };
	return as.n == 0 || str_eq(as, *name);
}

static void
plain_answer(struct talk *t, struct str line)
{
	struct str s = { NULL, 0 }, name, password;

	s.p = decoded(t, line, &s.n);
	if (s.p == NULL)
		return;
	if (!plain_read(s, &name, &password))
		sign_on_broken(t, 535, "5.7.8", "Name or password is wrong");
	else if (both_take(t, name, password))
		sign_on_start(t);
	explicit_bzero((char *)(uintptr_t)s.p, s.n);
}

static void
login_password(struct talk *t, struct str line)
{
	struct str s = { NULL, 0 };

	s.p = decoded(t, line, &s.n);
	if (s.p == NULL)
		return;
	if (both_take(t, str_of(t->sign_on->name), s))
		sign_on_start(t);
	explicit_bzero((char *)(uintptr_t)s.p, s.n);
}

static void
login_name(struct talk *t, struct str line)
{
	struct str s = { NULL, 0 };

	s.p = decoded(t, line, &s.n);
	if (s.p == NULL)
		return;
	/* One with a NUL in it is nobody's. */
	if (memchr(s.p, '\0', s.n) != NULL)
		s.n = 0;
	t->sign_on->name = arena_dup(t->sign_on->arena, s.p, s.n);
	talk_ask(t, "UGFzc3dvcmQ6", login_password);
}

static const struct mechanism {
	const char *name, *challenge;
	void (*answer)(struct talk *, struct str line);
} mechanisms[] = {
	{ "PLAIN", "", plain_answer },
	{ "LOGIN", "VXNlcm5hbWU6", login_name },
};

static const struct mechanism *
mechanism_find(struct str name)
{
	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
		if (str_ieq(name, str_of(mechanisms[i].name)))
			return &mechanisms[i];
	return NULL;
}

static void
auth(struct talk *t, struct str args)
{
	struct str initial, name = smtp_verb_read(args, &initial);
	const struct mechanism *m = mechanism_find(name);

	if (t->who != NULL) {
		talk_fault(t, 503, "5.5.1", "You have signed in");
	} else if (!may_plain(t)) {
		talk_fault(t, 538, "5.7.11", "STARTTLS first");
	} else if (m == NULL) {
		talk_fault(t, 504, "5.5.4", "PLAIN or LOGIN");
	} else {
		t->sign_on = sign_on_new(t, t->peer);
		if (initial.n > 0)
			m->answer(t, initial);
		else
			talk_ask(t, m->challenge, m->answer);
	}
}

/* ---- the envelope ---- */

static bool
may_send_as(const struct talk *t, struct str address)
{
	struct texts may = t->who->senders;

	for (size_t i = 0; i < may.n; i++)
		if (str_ieq(may.v[i], address))
			return true;
	return false;
}

struct mail_words {
	uint64_t size;
	bool utf8;
};

static bool
mail_word(
    struct talk *t, struct str name, struct str value, struct mail_words *out)
{
	if (str_ieq(name, STR("SIZE"))) {
		if (value.p == NULL || value.n == 0 ||
		    !str_uint(value, UINT64_MAX / 2, &out->size))
			return false;
		return true;
	}
	if (str_ieq(name, STR("BODY")))
		return str_ieq(value, STR("7BIT")) ||
		    str_ieq(value, STR("8BITMIME"));
	if (str_ieq(name, STR("SMTPUTF8"))) {
		out->utf8 = true;
		return value.p == NULL;
	}
	/* Whom somebody else has taken it from says nothing here (RFC 4954 5).
	 */
	return str_ieq(name, STR("AUTH")) && t->who != NULL && value.n > 0;
}

static bool
mail_words_read(struct talk *t, struct str words, struct mail_words *out)
{
	struct str name, value;

	while (smtp_parameter_next(&words, &name, &value))
		if (!mail_word(t, name, value, out)) {
			talk_fault(
			    t, 555, "5.5.4", "What is %.*s?", STR_FMT(name));
			return false;
		}
	if (words.n > 0)
		talk_fault(t, 501, "5.5.4", "That is no parameter");
	return words.n == 0;
}

/* The address of a path, in the arena; false: it has been said what is wrong.
 */
static bool
path_read(struct talk *t, struct arena *a, const char *keyword, struct str args,
    struct str *address, struct str *words)
{
	switch (smtp_path_read(a, args, keyword, address, words)) {
	case SMTP_PATH_OK: return true;
	case SMTP_PATH_SYNTAX:
		talk_fault(t, 501, "5.5.2", "%s:<address>", keyword);
		return false;
	case SMTP_PATH_ADDRESS:
		talk_fault(t, 553, "5.1.3", "That is no address");
		return false;
	}
	return false;
}

static bool
utf8_said(struct talk *t, struct str address, bool utf8)
{
	if (utf8 || !address_is_utf8(address))
		return true;
	talk_fault(t, 553, "5.6.7", "That needs SMTPUTF8");
	return false;
}

static bool
sender_check(struct talk *t, struct str address, const struct mail_words *said)
{
	if (!utf8_said(t, address, said->utf8))
		return false;
	if (address.n == 0 || !may_send_as(t, address)) {
		talk_fault(t, 550, "5.7.1", "You may not send as this address");
		return false;
	}
	if (said->size > (uint64_t)t->p->conf->smtp_message_most) {
		talk_fault(t, 552, "5.3.4", "That is too large");
		return false;
	}
	return true;
}

static void
mail(struct talk *t, struct str args)
{
	struct mail_words said = { .size = 0 };
	struct letter *l = letter_new(t, t->p->conf, t->who, t->peer);
	struct str from, words;

	if (!path_read(t, l->arena, "FROM", args, &from, &words) ||
	    !mail_words_read(t, words, &said) ||
	    !sender_check(t, from, &said)) {
		letter_free(&l);
		return;
	}
	l->sender = arena_dup(l->arena, from.p, from.n);
	l->utf8 = said.utf8;
	t->letter = l;
	t->stage = STAGE_SENDER;
	talk_say(t, 250, "2.1.0", "Go on");
}

static void
rcpt(struct talk *t, struct str args)
{
	struct letter *l = t->letter;
	struct str to, words;

	if (l->to_n == (size_t)t->p->conf->smtp_recipients) {
		talk_say(t, 452, "4.5.3", "Too many recipients");
		return;
	}
	if (!path_read(t, l->arena, "TO", args, &to, &words) ||
	    !utf8_said(t, to, l->utf8))
		return;
	if (to.n == 0) {
		talk_fault(t, 553, "5.1.3", "That is nobody");
		return;
	}
	if (str_trim(words).n > 0) {
		talk_fault(t, 555, "5.5.4", "RCPT takes no parameters");
		return;
	}
	letter_to(l, to);
	t->stage = STAGE_RECIPIENT;
	talk_say(t, 250, "2.1.5", "Go on");
}

static void
data(struct talk *t, struct str args)
{
	if (args.n > 0) {
		talk_fault(t, 501, "5.5.4", "DATA takes nothing");
		return;
	}
	talk_say(t, 354, NULL, "End with a dot on a line of its own");
	talk_text(t);
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
	{ "AUTH", VERB_LINE_MOST, STAGE_GREETED, false, auth },
	{ "MAIL", PATH_MOST, STAGE_GREETED, true, mail },
	{ "RCPT", PATH_MOST, STAGE_SENDER | STAGE_RECIPIENT, true, rcpt },
	{ "DATA", COMMAND_MOST, STAGE_RECIPIENT, true, data },
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
	else if (v->run == data)
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
