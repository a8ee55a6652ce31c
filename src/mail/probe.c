#include "mail/probe.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "mail/echo.h"
#include "mail/imap-link.h"

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
step_of(enum imap_reach reach, bool tls)
{
	if (reach == IMAP_NOT_DIALLED)
		return PROBE_CONNECT;
	return tls && reach == IMAP_DIALLED ? PROBE_TLS : PROBE_LOGIN;
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

/* ---- SMTP ---- */

/* While it runs. */
struct probing {
	const struct probe *p;
	struct probe_report *out;
	struct egress_use use;
	CURL *curl;
	char url[300];
	char words[512]; /* curl's own */
	char line[256];  /* the server's last */
	bool let_in;     /* 235 was read (RFC 4954 6) */
};

/* What a result of curl means, and how far it had come. Of a result that may
 * come at any step, the times tell. */
static const struct {
	CURLcode code;
	enum rc rc;
	int step; /* -1: ask the times */
} meanings[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, RC_CONFIG_HOST, PROBE_CONNECT },
	{ CURLE_URL_MALFORMAT, RC_CONFIG_HOST, PROBE_CONNECT },
	{ CURLE_COULDNT_CONNECT, RC_CONNECTION, PROBE_CONNECT },
	{ CURLE_PEER_FAILED_VERIFICATION, RC_CONFIG_TLS, PROBE_TLS },
	{ CURLE_SSL_CONNECT_ERROR, RC_CONFIG_TLS, PROBE_TLS },
	{ CURLE_SSL_CIPHER, RC_CONFIG_TLS, PROBE_TLS },
	{ CURLE_SSL_CACERT_BADFILE, RC_CONFIG_TLS, PROBE_TLS },
	{ CURLE_USE_SSL_FAILED, RC_CONFIG_TLS, PROBE_TLS },
	{ CURLE_LOGIN_DENIED, RC_AUTH_FAILED, PROBE_LOGIN },
	{ CURLE_AUTH_ERROR, RC_AUTH_FAILED, PROBE_LOGIN },
	{ CURLE_OPERATION_TIMEDOUT, RC_TIMEOUT, -1 },
	{ CURLE_WEIRD_SERVER_REPLY, RC_PAYLOAD, -1 },
};

static size_t
on_line(char *p, size_t size, size_t n, void *ctx)
{
	struct probing *x = ctx;
	struct str line = str_trim((struct str){ p, size * n });

	snprintf(x->line, sizeof x->line, "%.*s",
	    (int)utf8_cut(line.p, line.n, sizeof x->line - 1), line.p);
	if (str_starts(line, STR("235")))
		x->let_in = true;
	return size * n;
}

/* "smtps://[::1]:465" */
static void
make_url(struct probing *x)
{
	const struct probe *p = x->p;
	bool v6 = strchr(p->host, ':') != NULL;

	snprintf(x->url, sizeof x->url, "smtp%s://%s%s%s:%d",
	    is_mode(p, "ssl_tls") ? "s" : "", v6 ? "[" : "", p->host,
	    v6 ? "]" : "", (int)p->port);
}

static bool
set_secret(struct probing *x)
{
	const struct probe *p = x->p;
	CURLoption what = p->oauth2 ? CURLOPT_XOAUTH2_BEARER : CURLOPT_PASSWORD;

	return curl_easy_setopt(x->curl, CURLOPT_USERNAME, p->username) ==
	    CURLE_OK &&
	    curl_easy_setopt(x->curl, what, (const char *)p->secret.p) ==
	    CURLE_OK;
}

static enum rc
prepare(struct probing *x)
{
	static const struct egress_how how = { "smtp,smtps", PROBE_MS, PROBE_MS,
		PROBE_MS / 1000 };
	long tls = is_mode(x->p, "none") ? CURLUSESSL_NONE : CURLUSESSL_ALL;
	bool ok;

	/* CR and LF in here would become commands. */
	if (!egress_host_ok(str_of(x->p->host)) ||
	    !egress_text_ok(str_of(x->p->username), 320) ||
	    !egress_text_ok(
		(struct str){ (const char *)x->p->secret.p, x->p->secret.n },
		16384))
		return fail(RC_CONFIG_HOST,
		    "host, user name or secret is "
		    "not usable");
	make_url(x);
	TRY(egress_apply(x->curl, &x->use, &how));
	ok = curl_easy_setopt(x->curl, CURLOPT_URL, x->url) == CURLE_OK &&
	    curl_easy_setopt(x->curl, CURLOPT_USE_SSL, tls) == CURLE_OK &&
	    curl_easy_setopt(x->curl, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK &&
	    curl_easy_setopt(x->curl, CURLOPT_HEADERFUNCTION, on_line) ==
		CURLE_OK &&
	    curl_easy_setopt(x->curl, CURLOPT_HEADERDATA, x) == CURLE_OK &&
	    curl_easy_setopt(x->curl, CURLOPT_ERRORBUFFER, x->words) ==
		CURLE_OK &&
	    set_secret(x);
	return ok ? RC_OK : fail(RC_INTERNAL, "curl takes no options");
}

static bool
reached(const struct probing *x, CURLINFO time)
{
	curl_off_t us = 0;

	return curl_easy_getinfo(x->curl, time, &us) == CURLE_OK && us > 0;
}

static enum probe_step
step_by_times(const struct probing *x)
{
	if (!reached(x, CURLINFO_CONNECT_TIME_T))
		return PROBE_CONNECT;
	if (x->out->tls && !reached(x, CURLINFO_APPCONNECT_TIME_T))
		return PROBE_TLS;
	return PROBE_LOGIN;
}

static const char *
words(const struct probing *x)
{
	const char *w = x->out->step == PROBE_LOGIN && x->line[0] != '\0'
	    ? x->line
	    : x->words;

	if (x->out->rc == RC_CONFIG_HOST)
		return EGRESS_NOWHERE;
	return echo_of(str_of(w), &x->p->secret) ? "" : w;
}

static void
judge(struct probing *x, CURLcode code)
{
	struct probe_report *out = x->out;

	out->rc = RC_CONNECTION;
	out->step = step_by_times(x);
	for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
		if (meanings[i].code != code)
			continue;
		out->rc = meanings[i].rc;
		if (meanings[i].step >= 0)
			out->step = (enum probe_step)meanings[i].step;
	}
	if (x->use.refused != NULL) {
		out->rc = RC_CONFIG_HOST;
		out->step = PROBE_CONNECT;
	}
	snprintf(out->detail, sizeof out->detail, "%s", words(x));
}

/* Where a server offers no AUTH curl goes on without, and calls it done. */
static void
judge_done(struct probing *x)
{
	if (!x->let_in)
		failed(x->out, RC_AUTH_FAILED, PROBE_LOGIN,
		    "The server offers no way to sign in.");
}

static void
smtp_try(struct probing *x)
{
	enum rc rc = prepare(x);
	CURLcode code;

	if (rc != RC_OK) {
		failed(x->out, rc, PROBE_CONNECT, fail_detail());
		return;
	}
	code = curl_easy_perform(x->curl);
	if (code == CURLE_OK)
		judge_done(x);
	else
		judge(x, code);
}

static void
smtp_probe(const struct egress *egress, const struct probe *p,
    struct probe_report *out)
{
	struct probing x = { .p = p,
		.out = out,
		.use = { .egress = egress,
		    .loopback_only = !out->tls && !p->allow_plaintext } };

	x.curl = curl_easy_init();
	if (x.curl == NULL)
		die("no memory for curl");
	smtp_try(&x);
	curl_easy_cleanup(x.curl);
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
