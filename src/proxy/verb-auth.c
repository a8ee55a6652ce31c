/* Signing in: PLAIN and LOGIN (RFC 4954), and what is said of who may not. */
#include "proxy/verb.h"

#include "mail/smtp-command.h"

#define REFUSALS 3

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

void
verb_auth(struct talk *t, struct str args)
{
	struct str initial, name = smtp_verb_read(args, &initial);
	const struct mechanism *m = mechanism_find(name);

	if (t->who != NULL) {
		talk_fault(t, 503, "5.5.1", "You have signed in");
	} else if (!verb_may_plain(t)) {
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
