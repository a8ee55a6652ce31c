#include "mail/smtp.h"

#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "mail/echo.h"

#define CONNECT_MS   20000
#define REPLY_S      300 /* RFC 5321 4.5.3.2: the last reply may take long */
#define ADDRESS_MOST 320

bool
smtp_address_ok(struct str s)
{
	const char *at = s.n > 0 ? memrchr(s.p, '@', s.n) : NULL;

	if (at == NULL || at == s.p || !egress_text_ok(s, ADDRESS_MOST))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (strchr(" <>()[]\\,;:\"", s.p[i]) != NULL)
			return false;
	return memchr(s.p, '@', (size_t)(at - s.p)) == NULL &&
	    egress_host_ok(
		(struct str){ at + 1, s.n - (size_t)(at + 1 - s.p) });
}

/* While it runs. */
struct sending {
	const struct smtp_server *server;
	const struct smtp_letter *letter;
	struct smtp_report *out;
	struct egress_use use;
	CURL *curl;
	struct curl_slist *to; /* owned */
	size_t given;          /* bytes of the message that curl has taken */
	bool begun, whole;     /* asked for; all of it taken */
	enum rc intent;
	char url[320];
	char words[CURL_ERROR_SIZE]; /* curl's own */
	char line[256];              /* the server's last */
};

/* QUIT's answer comes behind the one that counts. */
static size_t
on_line(char *p, size_t size, size_t n, void *ctx)
{
	struct sending *x = ctx;
	struct str line = str_trim((struct str){ p, size * n });

	if (!str_starts(line, STR("221")))
		snprintf(x->line, sizeof x->line, "%.*s",
		    (int)utf8_cut(line.p, line.n, sizeof x->line - 1), line.p);
	return size * n;
}

/* curl asks for the message when the server has said 354, not before. */
static size_t
on_read(char *to, size_t size, size_t n, void *ctx)
{
	struct sending *x = ctx;
	struct str m = x->letter->message;
	size_t room = size * n;

	if (!x->begun) {
		x->begun = true;
		x->intent = x->letter->intent(x->letter->arg);
	}
	if (x->intent != RC_OK)
		return CURL_READFUNC_ABORT;
	if (room > m.n - x->given)
		room = m.n - x->given;
	memcpy(to, m.p + x->given, room);
	x->given += room;
	x->whole = x->given == m.n;
	return room;
}

static bool
is_mode(const struct sending *x, const char *mode)
{
	return strcmp(x->server->security, mode) == 0;
}

/* CR and LF in here would become commands: libcurl 7.88 hands them on. */
static bool
is_clean(const struct sending *x)
{
	const struct smtp_server *s = x->server;
	struct str secret = { (const char *)s->password.p, s->password.n };

	return egress_host_ok(str_of(s->host)) &&
	    smtp_address_ok(str_of(x->letter->from)) &&
	    smtp_address_ok(str_of(x->letter->to)) &&
	    (*s->user == '\0' ||
		(egress_text_ok(str_of(s->user), ADDRESS_MOST) &&
		    egress_text_ok(secret, 1024)));
}

#define SET(option, value)                                                     \
	(bad |= curl_easy_setopt(x->curl, (option), (value)) != CURLE_OK)

static bool
set_login(struct sending *x)
{
	bool bad = false;

	if (*x->server->user == '\0')
		return true;
	SET(CURLOPT_USERNAME, x->server->user);
	SET(CURLOPT_PASSWORD, (const char *)x->server->password.p);
	return !bad;
}

static bool
set_letter(struct sending *x)
{
	bool bad = false;

	x->to = curl_slist_append(NULL, x->letter->to);
	if (x->to == NULL)
		die("no memory for curl");
	SET(CURLOPT_MAIL_FROM, x->letter->from);
	SET(CURLOPT_MAIL_RCPT, x->to);
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_READFUNCTION, on_read);
	SET(CURLOPT_READDATA, x);
	SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->letter->message.n);
	return !bad;
}

/* "smtps://[::1]:465" */
static void
make_url(struct sending *x)
{
	const char *host = x->server->host;
	bool v6 = strchr(host, ':') != NULL;

	snprintf(x->url, sizeof x->url, "smtp%s://%s%s%s:%u",
	    is_mode(x, "ssl_tls") ? "s" : "", v6 ? "[" : "", host,
	    v6 ? "]" : "", x->server->port);
}

static enum rc
prepare(struct sending *x)
{
	static const struct egress_how how = { "smtp,smtps", CONNECT_MS, 0,
		REPLY_S };
	long tls = is_mode(x, "none") ? CURLUSESSL_NONE : CURLUSESSL_ALL;
	bool bad = false;

	if (!is_clean(x))
		return fail(RC_INVALID,
		    "an address, the host or the login cannot be used");
	make_url(x);
	TRY(egress_apply(x->curl, &x->use, &how));
	SET(CURLOPT_URL, x->url);
	SET(CURLOPT_USE_SSL, tls);
	SET(CURLOPT_HEADERFUNCTION, on_line);
	SET(CURLOPT_HEADERDATA, x);
	SET(CURLOPT_ERRORBUFFER, x->words);
	if (bad || !set_login(x) || !set_letter(x))
		return fail(RC_INTERNAL, "curl takes no options");
	return RC_OK;
}

/* ---- what it means ---- */

/* What keeps a message from leaving and is no reply to it. */
static enum rc
trouble(const struct sending *x, CURLcode code)
{
	static const struct {
		CURLcode code;
		enum rc rc;
	} rows[] = {
		{ CURLE_COULDNT_RESOLVE_HOST, RC_CONFIG_HOST },
		{ CURLE_URL_MALFORMAT, RC_CONFIG_HOST },
		{ CURLE_PEER_FAILED_VERIFICATION, RC_CONFIG_TLS },
		{ CURLE_SSL_CONNECT_ERROR, RC_CONFIG_TLS },
		{ CURLE_SSL_CIPHER, RC_CONFIG_TLS },
		{ CURLE_SSL_CACERT_BADFILE, RC_CONFIG_TLS },
		{ CURLE_USE_SSL_FAILED, RC_CONFIG_TLS },
		{ CURLE_LOGIN_DENIED, RC_AUTH_FAILED },
		{ CURLE_AUTH_ERROR, RC_AUTH_FAILED },
		{ CURLE_OPERATION_TIMEDOUT, RC_TIMEOUT },
	};

	if (x->use.refused != NULL)
		return RC_CONFIG_HOST;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].code == code)
			return rows[i].rc;
	return RC_CONNECTION;
}

static void
ended(struct sending *x, enum smtp_end end, enum rc rc)
{
	x->out->end = end;
	x->out->rc = rc;
}

/* Was the reply one to this message: to MAIL, RCPT or what followed DATA? */
static bool
is_about_it(const struct sending *x, CURLcode code)
{
	return code == CURLE_SEND_ERROR ||
	    (code == CURLE_WEIRD_SERVER_REPLY && x->begun);
}

/* A server that lets nobody send today, or not us (RFC 4954 6: 530, 535), may
 * be mended. */
static bool
is_refusal(const struct sending *x, CURLcode code, long reply)
{
	return is_about_it(x, code) && reply / 100 == 5 && reply != 530 &&
	    reply != 535;
}

/* Behind the whole message: curl leaves the 354 to DATA where nothing came, 0
 * where half a line did. */
static bool
is_verdict(long reply)
{
	return reply / 100 == 4 || reply / 100 == 5;
}

/* `reply`: the server's last code. */
static void
judge(struct sending *x, CURLcode code, long reply)
{
	if (x->whole && reply / 100 == 2)
		ended(x, SMTP_ACCEPTED, RC_OK);
	else if (x->begun && x->intent != RC_OK)
		ended(x, SMTP_LATER, x->intent);
	else if (x->whole && !is_verdict(reply))
		ended(x, SMTP_UNKNOWN,
		    code == CURLE_OPERATION_TIMEDOUT ? RC_TIMEOUT
						     : RC_CONNECTION);
	else if (is_refusal(x, code, reply))
		ended(x, SMTP_REFUSED, x->begun ? RC_PAYLOAD : RC_RECIPIENT);
	else if (is_about_it(x, code) && reply / 100 == 4)
		ended(x, SMTP_LATER, RC_CONNECTION);
	else
		ended(x, SMTP_LATER,
		    reply == 530 ? RC_AUTH_FAILED : trouble(x, code));
	x->out->server = x->out->end == SMTP_UNKNOWN ||
	    (x->out->end == SMTP_LATER && !is_about_it(x, code));
}

static const char *
words(const struct sending *x)
{
	const char *w = x->line[0] != '\0' ? x->line : x->words;

	if (x->out->rc == RC_CONFIG_HOST)
		return EGRESS_NOWHERE;
	if (x->out->end == SMTP_UNKNOWN)
		return "no answer came behind the message";
	if (x->out->end == SMTP_LATER && x->line[0] != '4' && x->line[0] != '5')
		w = x->words;
	return secret_is(&x->server->password) &&
		echo_of(str_of(w), &x->server->password)
	    ? ""
	    : w;
}

static void
try(struct sending *x)
{
	enum rc rc = prepare(x);
	long reply = 0;
	CURLcode code;

	if (rc != RC_OK) {
		ended(x, SMTP_REFUSED, rc);
		snprintf(
		    x->out->detail, sizeof x->out->detail, "%s", fail_detail());
		return;
	}
	code = curl_easy_perform(x->curl);
	(void)curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &reply);
	judge(x, code, reply);
	snprintf(x->out->detail, sizeof x->out->detail, "%s", words(x));
}

void
smtp_send(const struct smtp_server *server, const struct smtp_letter *letter,
    struct smtp_report *out)
{
	struct sending x = { .server = server,
		.letter = letter,
		.out = out,
		.use = { .egress = server->egress,
		    .loopback_only = strcmp(server->security, "none") == 0 },
		.curl = curl_easy_init() };

	if (x.curl == NULL)
		die("no memory for curl");
	*out = (struct smtp_report){ .end = SMTP_LATER };
	try(&x);
	curl_easy_cleanup(x.curl);
	curl_slist_free_all(x.to);
}
