#include "mail/smtp-link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/log.h"
#include "mail/echo.h"
#include "mail/smtp-reply.h"

#define CONNECT_MS  30000
#define SECRET_MOST 16384
#define USER_MOST   512
#define URL_MOST    320
#define TALK_MOST   ((size_t)64 << 10) /* bytes of all replies until then */

struct smtp_link {
	const struct smtp_server *server; /* borrowed */
	struct egress_use use;
	CURLM *multi;
	CURL *handle;
	curl_socket_t fd;
	bool own_multi, in_multi;
	int64_t until;
	struct smtp_features features;
	struct smtp_reader reader;
	struct smtp_reply reply; /* the last one */
	size_t talk;
	bool let_in;              /* 235 was read (RFC 4954 4) */
	char why[SMTP_TEXT_MOST]; /* what an OAuth server says in a challenge */
	char error[CURL_ERROR_SIZE];
};

static bool
is_mode(const struct smtp_server *s, const char *mode)
{
	return strcmp(s->security, mode) == 0;
}

/* ---- what the server says until we are signed in ---- */

static void
feature_note(struct smtp_features *f, struct str line)
{
	const char *blank = line.n > 0 ? memchr(line.p, ' ', line.n) : NULL;
	struct str word = { line.p,
		blank != NULL ? (size_t)(blank - line.p) : line.n };

	if (str_ieq(word, STR("PIPELINING")))
		f->pipelining = true;
	if (str_ieq(word, STR("SMTPUTF8")))
		f->utf8 = true;
	if (str_ieq(word, STR("8BITMIME")))
		f->eight = true;
	if (str_ieq(word, STR("DSN")))
		f->dsn = true;
	if (!str_ieq(word, STR("SIZE")))
		return;
	f->size = true;
	if (blank == NULL ||
	    !str_uint(str_trim((struct str){ blank, line.n - word.n }),
		UINT64_MAX, &f->size_most))
		f->size_most = 0;
}

/* The last EHLO counts: one before TLS may be anybody's (RFC 3207 4.2). */
static void
greeting_note(struct smtp_link *l, struct str line)
{
	if (line.n < 4 || !str_starts(line, STR("250")))
		return;
	if (l->reader.lines == 0 && l->reader.total == 0)
		l->features = (struct smtp_features){ .size = false };
	else
		feature_note(&l->features,
		    str_trim((struct str){ line.p + 4, line.n - 4 }));
}

/* RFC 7628 3.2.2: "334 " and base64 of JSON that says why not. */
static void
challenge_note(struct smtp_link *l, struct str line)
{
	struct arena *a;
	struct str json;

	if (!str_starts(line, STR("334 ")) || !l->server->oauth2)
		return;
	a = arena_new((size_t)256 << 10);
	line = str_trim((struct str){ line.p + 4, line.n - 4 });
	if (line.n < SMTP_TEXT_MOST * 2 && base64_decode(a, line, &json) &&
	    json.n > 0)
		snprintf(l->why, sizeof l->why, "%.*s",
		    (int)utf8_cut(json.p, json.n, sizeof l->why - 1), json.p);
	arena_free(&a);
}

/* Not more than a line comes, but a line may come in pieces. */
static size_t
on_line(char *p, size_t size, size_t n, void *ctx)
{
	struct smtp_link *l = ctx;
	size_t all = size * n, used = 0;

	l->talk += all;
	if (l->talk > TALK_MOST)
		return 0; /* CURLE_WRITE_ERROR */
	greeting_note(l, (struct str){ p, all });
	challenge_note(l, (struct str){ p, all });
	while (used < all) {
		size_t one;
		bool done;

		if (smtp_reader_feed(&l->reader, p + used, all - used, &one,
			&done, &l->reply) != RC_OK) {
			l->reader = (struct smtp_reader){ .lines = 0 };
			break; /* curl judges the line itself */
		}
		l->let_in |= done && l->reply.code == 235;
		used += one;
	}
	return all;
}

/* ---- options ---- */

static enum rc
server_check(const struct smtp_server *s)
{
	struct str secret = { (const char *)s->secret.p, s->secret.n };

	if (!egress_host_ok(str_of(s->host)))
		return fail(RC_CONFIG_HOST, "this is not a host name");
	if (s->port == 0 || s->port > 65535)
		return fail(RC_CONFIG_HOST, "the port is out of range");
	/* CR and LF would become commands: libcurl 7.88 hands them on. */
	if (*s->user != '\0' &&
	    (!egress_text_ok(str_of(s->user), USER_MOST) ||
		!egress_text_ok(secret, SECRET_MOST)))
		return fail(RC_AUTH_FAILED,
		    "the user name or secret holds characters that no mail "
		    "server takes");
	return RC_OK;
}

#define SET(option, value)                                                     \
	(bad |= curl_easy_setopt(l->handle, (option), (value)) != CURLE_OK)

/* "smtps://[::1]:465" */
static bool
url_set(struct smtp_link *l)
{
	const struct smtp_server *s = l->server;
	bool v6 = strchr(s->host, ':') != NULL;
	char url[URL_MOST];
	bool bad = false;

	snprintf(url, sizeof url, "smtp%s://%s%s%s:%u",
	    is_mode(s, "ssl_tls") ? "s" : "", v6 ? "[" : "", s->host,
	    v6 ? "]" : "", s->port);
	SET(CURLOPT_URL, url);
	return bad;
}

/* Without a list libcurl may choose GSSAPI or NTLM, which need more than a
 * password, or send an empty password where it has a token. */
static bool
login_set(struct smtp_link *l)
{
	const struct smtp_server *s = l->server;
	const char *secret = (const char *)s->secret.p;
	bool bad = false;

	if (*s->user == '\0')
		return false;
	SET(CURLOPT_USERNAME, s->user);
	if (s->oauth2)
		SET(CURLOPT_XOAUTH2_BEARER, secret);
	else
		SET(CURLOPT_PASSWORD, secret);
	SET(CURLOPT_LOGIN_OPTIONS,
	    s->oauth2 ? "AUTH=OAUTHBEARER;AUTH=XOAUTH2"
		      : "AUTH=PLAIN;AUTH=LOGIN");
	return bad;
}

static enum rc
options_set(struct smtp_link *l)
{
	long ms = l->server->times.connect_ms > 0 ? l->server->times.connect_ms
						  : CONNECT_MS;
	struct egress_how how = { .protocols = "smtp,smtps",
		.connect_ms = ms,
		.total_ms = ms,
		.reply_s = (ms + 999) / 1000 };
	bool bad = false;

	l->until = clock_steady_ms() + ms;
	TRY(egress_apply(l->handle, &l->use, &how));
	SET(CURLOPT_CONNECT_ONLY, 1L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_USE_SSL,
	    is_mode(l->server, "none") ? (long)CURLUSESSL_NONE
				       : (long)CURLUSESSL_ALL);
	SET(CURLOPT_HEADERFUNCTION, on_line);
	SET(CURLOPT_HEADERDATA, l);
	SET(CURLOPT_ERRORBUFFER, l->error);
	if (bad || url_set(l) || login_set(l))
		return fail(RC_INTERNAL, "libcurl refuses an option");
	return RC_OK;
}

static enum rc
begin(struct smtp_link *l)
{
	TRY(options_set(l));
	if (curl_multi_add_handle(l->multi, l->handle) != CURLM_OK)
		return fail(RC_INTERNAL, "libcurl refuses a connection");
	l->in_multi = true;
	return RC_OK;
}

enum rc
smtp_link_new(const struct smtp_server *server, struct smtp_link **out)
{
	struct smtp_link *l;
	enum rc rc;

	*out = NULL;
	TRY(server_check(server));
	l = calloc(1, sizeof *l);
	if (l == NULL)
		die("out of memory");
	l->server = server;
	l->fd = CURL_SOCKET_BAD;
	l->own_multi = server->multi == NULL;
	l->use = (struct egress_use){ .egress = server->egress,
		.loopback_only =
		    is_mode(server, "none") && !server->allow_plaintext };
	l->handle = curl_easy_init();
	l->multi = l->own_multi ? curl_multi_init() : server->multi;
	if (l->handle == NULL || l->multi == NULL)
		die("out of memory");
	rc = begin(l);
	if (rc != RC_OK)
		smtp_link_free(&l);
	*out = l;
	return rc;
}

void
smtp_link_free(struct smtp_link **lp)
{
	struct smtp_link *l = *lp;

	if (l == NULL)
		return;
	if (l->in_multi)
		curl_multi_remove_handle(l->multi, l->handle);
	curl_easy_cleanup(l->handle);
	if (l->own_multi)
		curl_multi_cleanup(l->multi);
	free(l);
	*lp = NULL;
}

/* ---- how it went ---- */

/* What replies to a login mean (RFC 4954 6, RFC 5248). */
static enum rc
login_refused(struct smtp_link *l)
{
	static const struct {
		int code;
		enum rc rc;
	} rows[] = {
		{ 525, RC_DENIED },     /* the account is disabled */
		{ 538, RC_CONFIG_TLS }, /* only with TLS */
		{ 550, RC_DENIED },
	};
	enum rc rc = l->server->oauth2 ? RC_AUTH_EXPIRED : RC_AUTH_FAILED;

	if (l->reply.code / 100 == 4 && l->reply.code != 432)
		rc = RC_CONNECTION;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].code == l->reply.code)
			rc = rows[i].rc;
	/* An EHLO was the last: it has no word for us. */
	if (l->reply.code / 100 == 2)
		return fail(
		    RC_AUTH_FAILED, "the server offers no way to sign in");
	if (echo_of(str_of(l->reply.text), &l->server->secret) ||
	    echo_of(str_of(l->why), &l->server->secret))
		return fail(rc, "the server says the secret back");
	/* curl leaves behind the challenge that says why. */
	if (l->reply.code == 334 && l->why[0] != '\0')
		return fail(rc, "%s", l->why);
	return fail(rc, "%s", l->reply.text);
}

static enum rc
failed(struct smtp_link *l, CURLcode code)
{
	/* Behind a wall and not there look alike to whoever gave the host. */
	if (l->use.refused != NULL && code == CURLE_COULDNT_CONNECT)
		return fail(RC_CONFIG_HOST, EGRESS_NOWHERE);
	if (code == CURLE_LOGIN_DENIED || code == CURLE_AUTH_ERROR)
		return login_refused(l);
	if (code == CURLE_WEIRD_SERVER_REPLY && l->reply.code >= 400 &&
	    !echo_of(str_of(l->reply.text), &l->server->secret))
		return fail(RC_CONNECTION, "%s", l->reply.text);
	return dial_failure(code);
}

/* Where a server offers no AUTH curl goes on without. */
static enum rc
signed_in(struct smtp_link *l)
{
	if (*l->server->user != '\0' && !l->let_in)
		return fail(
		    RC_AUTH_FAILED, "the server offers no way to sign in");
	if (curl_easy_getinfo(l->handle, CURLINFO_ACTIVESOCKET, &l->fd) !=
		CURLE_OK ||
	    l->fd == CURL_SOCKET_BAD)
		return fail(RC_CONNECTION, "the connection is gone");
	return RC_OK;
}

enum rc
smtp_link_connect(struct smtp_link *l, enum rc (*beat)(void *), void *arg)
{
	CURLcode code = CURLE_OK;

	for (bool done = false; !done;) {
		if (beat != NULL)
			TRY(beat(arg));
		TRY(dial_turn(l->multi, l->handle, l->until, &done, &code));
	}
	return code == CURLE_OK ? signed_in(l) : failed(l, code);
}

enum dial_reach
smtp_link_reach(const struct smtp_link *l)
{
	return dial_reach(l->handle);
}

const struct smtp_features *
smtp_link_features(const struct smtp_link *l)
{
	return &l->features;
}

enum rc
smtp_link_receive(struct smtp_link *l, char *p, size_t room, size_t *n)
{
	return dial_receive(l->handle, p, room, n);
}

enum rc
smtp_link_send(struct smtp_link *l, const char *p, size_t n, size_t *sent)
{
	return dial_send(l->handle, p, n, sent);
}

enum rc
smtp_link_wait(struct smtp_link *l, bool out, int64_t until)
{
	struct pollfd p = { .fd = l->fd,
		.events = (short)(POLLIN | (out ? POLLOUT : 0)) };
	int64_t ms = until - clock_steady_ms();

	if (ms <= 0)
		return fail(RC_TIMEOUT, "no answer in the time allowed");
	if (poll(&p, 1, (int)(ms < 1000 ? ms : 1000)) < 0 && errno != EINTR)
		return fail(RC_CONNECTION, "poll: %m");
	return RC_OK;
}
