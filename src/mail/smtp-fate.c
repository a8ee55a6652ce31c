#include "mail/smtp-fate.h"

#include <stdio.h>

#include "mail/echo.h"

/* The first that fits counts. */
static const struct smtp_meaning meanings[] = {
	{ SMTP_ANY, 421, NULL, SMTP_LATER, RC_CONNECTION, true },
	/* nobody, or not us (RFC 4954 6): may be mended by who set it up */
	{ SMTP_ANY, 530, NULL, SMTP_LATER, RC_AUTH_FAILED, true },
	{ SMTP_ANY, 535, NULL, SMTP_LATER, RC_AUTH_FAILED, true },
	{ SMTP_ANY, 538, NULL, SMTP_LATER, RC_CONFIG_TLS, true },
	{ SMTP_ANY, 4, NULL, SMTP_LATER, RC_CONNECTION, false },
	/* Gmail: enough for today */
	{ SMTP_ANY, 550, "5.4.5", SMTP_LATER, RC_CONNECTION, true },
	{ SMTP_MAIL, 552, NULL, SMTP_REFUSED, RC_PAYLOAD, false },
	{ SMTP_MAIL, 5, "5.3.4", SMTP_REFUSED, RC_PAYLOAD, false },
	{ SMTP_MAIL, 5, NULL, SMTP_REFUSED, RC_DENIED, false },
	/* too many at a time (RFC 5321 4.5.3.1.10) */
	{ SMTP_RCPT, 552, "5.5.3", SMTP_LATER, RC_CONNECTION, false },
	{ SMTP_RCPT, 5, NULL, SMTP_REFUSED, RC_RECIPIENT, false },
	{ SMTP_DATA | SMTP_DOT, 5, NULL, SMTP_REFUSED, RC_PAYLOAD, false },
};

static bool
fits(const struct smtp_meaning *m, const struct smtp_reply *reply)
{
	return (m->code == reply->code || m->code == reply->code / 100) &&
	    (m->status == NULL || strcmp(m->status, reply->status) == 0);
}

const struct smtp_meaning *
smtp_meaning_of(enum smtp_phase phase, const struct smtp_reply *reply)
{
	for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
		if ((meanings[i].phases & phase) != 0 &&
		    fits(&meanings[i], reply))
			return &meanings[i];
	return NULL;
}

static const char *
kept_text(const struct smtp_fates *f, const char *text)
{
	bool hide = secret_is(f->secret) && echo_of(str_of(text), f->secret);

	return hide ? "" : arena_str(f->arena, text);
}

struct smtp_fate
smtp_fate_said(const struct smtp_fates *f, enum smtp_end end, enum rc rc,
    const struct smtp_reply *reply)
{
	return (struct smtp_fate){ .end = end,
		.rc = rc,
		.code = reply->code,
		.status = arena_str(f->arena, reply->status),
		.text = kept_text(f, reply->text) };
}

void
smtp_fate_set(struct smtp_fates *f, size_t i, const struct smtp_fate *fate)
{
	f->out->to[i] = *fate;
	f->open[i] = false;
}

void
smtp_fate_set_open(struct smtp_fates *f, const struct smtp_fate *fate)
{
	for (size_t i = 0; i < f->out->to_n; i++)
		if (f->open[i])
			f->out->to[i] = *fate;
}

void
smtp_fate_set_ours(
    struct smtp_fates *f, enum smtp_end end, enum rc rc, const char *text)
{
	const struct smtp_fate fate = {
		.end = end, .rc = rc, .status = "", .text = kept_text(f, text)
	};

	smtp_fate_set_open(f, &fate);
}

bool
smtp_fate_any_open(const struct smtp_fates *f)
{
	for (size_t i = 0; i < f->out->to_n; i++)
		if (f->open[i])
			return true;
	return false;
}

void
smtp_fate_conclude(struct smtp_fates *f)
{
	static const int weight[] = { [SMTP_REFUSED] = 0,
		[SMTP_LATER] = 1,
		[SMTP_ACCEPTED] = 2,
		[SMTP_UNKNOWN] = 3 };
	struct smtp_report *out = f->out;
	const struct smtp_fate *most = out->to;

	if (out->to_n == 0)
		return;
	for (size_t i = 1; i < out->to_n; i++)
		if (weight[out->to[i].end] > weight[most->end])
			most = &out->to[i];
	out->end = most->end;
	out->rc = most->rc;
	out->code = most->code;
	snprintf(out->status, sizeof out->status, "%s", most->status);
	snprintf(out->detail, sizeof out->detail, "%.*s",
	    (int)utf8_cut(
		most->text, strlen(most->text), sizeof out->detail - 1),
	    most->text);
}
