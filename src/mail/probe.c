#include "mail/probe.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "mail/imap-link.h"
#include "mail/smtp-link.h"

static const char *const step_names[PROBE_STEPS] = {
	[PROBE_CONNECT] = "connect",
	[PROBE_TLS] = "tls",
	[PROBE_LOGIN] = "login",
};

const char *
probe_step_name(enum probe_step s)
{
	return step_names[s];
}

static bool
is_mode(const struct probe *p, const char *mode)
{
	return strcmp(p->security_mode, mode) == 0;
}

static void
failed(struct probe_report *out, enum rc rc, enum probe_step step,
    const char *detail)
{
	out->rc = rc;
	out->step = step;
	snprintf(out->detail, sizeof out->detail, "%s", detail);
}

/* ---- IMAP: as the sync does it ---- */

static enum probe_step
step_of(enum dial_reach reach, bool tls)
{
	if (reach == DIAL_NOWHERE)
		return PROBE_CONNECT;
	return tls && reach == DIAL_REACHED ? PROBE_TLS : PROBE_LOGIN;
}

static void
imap_try(
    const struct imap_login *login, int64_t until, struct probe_report *out)
{
	struct imap_link *link;
	enum rc rc = imap_link_new(login, &link);

	if (link == NULL) {
		failed(out, RC_CONFIG_HOST, PROBE_CONNECT, fail_detail());
		return;
	}
	if (rc == RC_OK)
		rc = imap_link_connect(link, until);
	if (rc != RC_OK)
		failed(out, rc, step_of(imap_link_reach(link), out->tls),
		    fail_detail());
	else if (imap_link_is_open_to_all(link))
		failed(out, RC_AUTH_FAILED, PROBE_LOGIN,
		    "The server lets everybody in, with any secret.");
	imap_link_free(&link);
}

static void
imap_probe(const struct egress *egress, const struct probe *p, int64_t begun,
    struct probe_report *out)
{
	const struct imap_login login = {
		.host = p->host,
		.port = (unsigned)p->port,
		.security = imap_security_of(p->security_mode),
		.user = p->username,
		.secret = &p->secret,
		.oauth2 = p->oauth2,
		.egress = egress,
		.loopback_only = !p->allow_plaintext,
		.connect_ms = PROBE_MS,
		.reply_s = PROBE_MS / 1000,
	};

	imap_try(&login, begun + PROBE_MS, out);
}

/* ---- SMTP: as mail is sent ---- */

static void
smtp_probe(const struct egress *egress, const struct probe *p,
    struct probe_report *out)
{
	const struct smtp_server server = {
		.host = p->host,
		.port = (unsigned)p->port,
		.security = p->security_mode,
		.allow_plaintext = p->allow_plaintext,
		.user = p->username,
		.secret = p->secret,
		.oauth2 = p->oauth2,
		.egress = egress,
		.times = { .connect_ms = PROBE_MS },
	};
	struct smtp_link *link;
	enum rc rc = smtp_link_new(&server, &link);

	if (rc != RC_OK) {
		failed(out, rc, PROBE_CONNECT, fail_detail());
		return;
	}
	rc = smtp_link_connect(link, NULL, NULL);
	if (rc != RC_OK)
		failed(out, rc, step_of(smtp_link_reach(link), out->tls),
		    fail_detail());
	smtp_link_free(&link);
}

void
probe_run(const struct egress *egress, const struct probe *p,
    struct probe_report *out)
{
	int64_t begun = clock_steady_ms();

	*out = (struct probe_report){
		.rc = RC_OK, .step = PROBE_LOGIN, .tls = !is_mode(p, "none")
	};
	if (p->smtp)
		smtp_probe(egress, p, out);
	else
		imap_probe(egress, p, begun, out);
	out->ms = clock_steady_ms() - begun;
}
