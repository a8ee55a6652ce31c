#include "mail/probe.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "mail/echo.h"

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

/* While it runs. */
struct probing {
	const struct probe *p;
	struct probe_report *out;
	struct egress_use use;
	CURL *curl;
	char url[300];
	char words[512]; /* curl's own */
	char line[256];  /* the server's last */
	bool let_in;     /* SMTP: 235 was read (RFC 4954 6) */
	bool unasked;    /* IMAP: PREAUTH came (RFC 9051 7.1.4) */
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
	if (x->p->smtp && str_starts(line, STR("235")))
		x->let_in = true;
	if (!x->p->smtp && line.n >= 9 &&
	    strncasecmp(line.p, "* PREAUTH", 9) == 0)
		x->unasked = true;
	return size * n;
}

static bool
is_mode(const struct probe *p, const char *mode)
{
	return strcmp(p->security_mode, mode) == 0;
}

/* "imaps://[::1]:993" */
static void
make_url(struct probing *x)
{
	const struct probe *p = x->p;
	bool v6 = strchr(p->host, ':') != NULL;

	snprintf(x->url, sizeof x->url, "%s%s://%s%s%s:%d",
	    p->smtp ? "smtp" : "imap", is_mode(p, "ssl_tls") ? "s" : "",
	    v6 ? "[" : "", p->host, v6 ? "]" : "", (int)p->port);
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
	static const struct egress_how how = { "imap,imaps,smtp,smtps",
		PROBE_MS, PROBE_MS, PROBE_MS / 1000 };
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

/* Where a server offers no AUTH, or wants none, curl goes on without, and calls
 * it done. */
static void
judge_done(struct probing *x)
{
	x->out->step = PROBE_LOGIN;
	if (x->p->smtp ? x->let_in : !x->unasked)
		return;
	x->out->rc = RC_AUTH_FAILED;
	snprintf(x->out->detail, sizeof x->out->detail, "%s",
	    x->p->smtp ? "The server offers no way to sign in."
		       : "The server lets everybody in, with any secret.");
}

void
probe_run(const struct egress *egress, const struct probe *p,
    struct probe_report *out)
{
	struct probing x = { .p = p, .out = out };
	int64_t begun = clock_steady_ms();
	CURLcode code;

	memset(out, 0, sizeof *out);
	out->tls = !is_mode(p, "none");
	x.use.egress = egress;
	x.use.loopback_only = !out->tls && !p->allow_plaintext;
	x.curl = curl_easy_init();
	if (x.curl == NULL)
		die("no memory for curl");
	out->rc = prepare(&x);
	if (out->rc != RC_OK) {
		snprintf(out->detail, sizeof out->detail, "%s", fail_detail());
	} else {
		code = curl_easy_perform(x.curl);
		if (code == CURLE_OK)
			judge_done(&x);
		else
			judge(&x, code);
	}
	curl_easy_cleanup(x.curl);
	out->ms = clock_steady_ms() - begun;
}
