#include "mail/imap-link.h"

#include <stdlib.h>

#include "core/log.h"
#include "mail/echo.h"
#include "mail/imap-code.h"

#define WORDS_MOST 600
#define USUAL_MS   20000

struct imap_link {
	const struct imap_login *login; /* borrowed */
	struct egress_use use;
	CURLM *multi;
	CURL *handle;
	curl_socket_t fd;
	bool own_multi, in_multi, second;
	bool sasl;              /* the server offers AUTH=PLAIN or AUTH=LOGIN */
	bool disabled;          /* LOGINDISABLED */
	bool unasked;           /* PREAUTH came */
	char words[WORDS_MOST]; /* the last line that says how it went */
	size_t words_n;
	char error[CURL_ERROR_SIZE];
};

enum imap_security
imap_security_of(const char *mode)
{
	if (strcmp(mode, "ssl_tls") == 0)
		return IMAP_TLS;
	return strcmp(mode, "starttls") == 0 ? IMAP_STARTTLS : IMAP_PLAIN;
}

static bool
holds_word(struct str line, const char *word)
{
	return memmem(line.p, line.n, word, strlen(word)) != NULL;
}

static void
line_note(struct imap_link *l, struct str line)
{
	line = str_trim(line);
	if (holds_word(line, "CAPABILITY ")) {
		l->sasl |= holds_word(line, "AUTH=PLAIN") ||
		    holds_word(line, "AUTH=LOGIN");
		l->disabled |= holds_word(line, "LOGINDISABLED");
		if (line.p[0] == '*' && !holds_word(line, "["))
			return;
	}
	if (line.n >= 9 && strncasecmp(line.p, "* PREAUTH", 9) == 0)
		l->unasked = true;
	/* "+ " with nothing behind it only asks for more. */
	if (line.n <= 2)
		return;
	l->words_n = utf8_cut(line.p, line.n, WORDS_MOST);
	memcpy(l->words, line.p, l->words_n);
}

static size_t
header(char *p, size_t size, size_t n, void *arg)
{
	line_note(arg, (struct str){ p, size * n });
	return size * n;
}

static enum rc
login_check(const struct imap_login *login)
{
	if (!egress_host_ok(str_of(login->host)))
		return fail(RC_CONFIG_HOST, "this is not a host name");
	if (login->port == 0 || login->port > 65535)
		return fail(RC_CONFIG_HOST, "the port is out of range");
	if (!egress_text_ok(str_of(login->user), 512) ||
	    !egress_text_ok((struct str){ (const char *)login->secret->p,
				login->secret->n },
		8192))
		return fail(RC_INVALID,
		    "the user name or secret holds characters that no mail "
		    "server takes");
	return RC_OK;
}

#define SET(option, value)                                                     \
	(bad |= curl_easy_setopt(h, (option), (value)) != CURLE_OK)

static bool
url_set(CURL *h, const struct imap_login *login)
{
	bool ipv6 = strchr(login->host, ':') != NULL;
	char url[400];
	bool bad = false;

	/* egress_host_ok has left nothing that could end the host. */
	snprintf(url, sizeof(url), "%s://%s%s%s:%u/",
	    login->security == IMAP_TLS ? "imaps" : "imap", ipv6 ? "[" : "",
	    login->host, ipv6 ? "]" : "", login->port);
	SET(CURLOPT_URL, url);
	return bad;
}

static enum rc
handle_set(struct imap_link *l)
{
	const struct imap_login *login = l->login;
	const char *secret = (const char *)login->secret->p;
	struct egress_how how = {
		.protocols = login->security == IMAP_TLS ? "imaps" : "imap",
		.connect_ms =
		    login->connect_ms > 0 ? login->connect_ms : USUAL_MS,
		.reply_s =
		    login->reply_s > 0 ? login->reply_s : USUAL_MS / 1000,
	};
	CURL *h = l->handle;
	bool bad = false;

	TRY(egress_apply(h, &l->use, &how));
	bad |= url_set(h, login);
	SET(CURLOPT_CONNECT_ONLY, 1L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_USERNAME, login->user);
	if (login->oauth2)
		SET(CURLOPT_XOAUTH2_BEARER, secret);
	else
		SET(CURLOPT_PASSWORD, secret);
	/* Else libcurl may choose GSSAPI or NTLM, which need more than a
	 * password. */
	if (!login->oauth2 && !l->second)
		SET(CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
	else
		SET(CURLOPT_LOGIN_OPTIONS, NULL);
	SET(CURLOPT_USE_SSL,
	    login->security == IMAP_PLAIN ? (long)CURLUSESSL_NONE
					  : (long)CURLUSESSL_ALL);
	SET(CURLOPT_BUFFERSIZE, IMAP_LINK_PIECE); /* a read takes no more */
	SET(CURLOPT_HEADERFUNCTION, header);
	SET(CURLOPT_HEADERDATA, l);
	SET(CURLOPT_ERRORBUFFER, l->error);
	return bad ? fail(RC_INTERNAL, "libcurl refuses an option") : RC_OK;
}

static enum rc
start(struct imap_link *l)
{
	CURLMcode added;

	TRY(handle_set(l));
	l->error[0] = '\0';
	l->words_n = 0;
	dial_enter();
	added = curl_multi_add_handle(l->multi, l->handle);
	dial_leave();
	if (added != CURLM_OK)
		return fail(RC_INTERNAL, "libcurl refuses a connection");
	l->in_multi = true;
	return RC_OK;
}

enum rc
imap_link_new(const struct imap_login *login, struct imap_link **out)
{
	struct imap_link *l;

	*out = NULL;
	TRY(login_check(login));
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		die("out of memory");
	*out = l;
	l->login = login;
	l->fd = CURL_SOCKET_BAD;
	l->own_multi = login->multi == NULL;
	l->use = (struct egress_use){ .egress = login->egress,
		.loopback_only =
		    login->loopback_only && login->security == IMAP_PLAIN };
	l->handle = curl_easy_init();
	l->multi = l->own_multi ? curl_multi_init() : login->multi;
	if (l->handle == NULL || l->multi == NULL)
		die("out of memory");
	return start(l);
}

void
imap_link_free(struct imap_link **lp)
{
	struct imap_link *l = *lp;

	if (l == NULL)
		return;
	dial_enter();
	if (l->in_multi)
		curl_multi_remove_handle(l->multi, l->handle);
	curl_easy_cleanup(l->handle);
	dial_leave();
	if (l->own_multi)
		curl_multi_cleanup(l->multi);
	free(l);
	*lp = NULL;
}

CURL *
imap_link_handle(struct imap_link *l)
{
	return l->handle;
}

int
imap_link_fd(const struct imap_link *l)
{
	return l->fd;
}

static int64_t
time_us(const struct imap_link *l, CURLINFO what)
{
	curl_off_t us = 0;

	return curl_easy_getinfo(l->handle, what, &us) == CURLE_OK ? (int64_t)us
								   : 0;
}

enum dial_reach
imap_link_reach(const struct imap_link *l)
{
	return dial_reach(l->handle);
}

bool
imap_link_is_open_to_all(const struct imap_link *l)
{
	return l->unasked;
}

int64_t
imap_link_round_trip_us(const struct imap_link *l)
{
	int64_t named = time_us(l, CURLINFO_NAMELOOKUP_TIME_T);
	int64_t connected = time_us(l, CURLINFO_CONNECT_TIME_T);

	return connected > named ? connected - named : 0;
}

/* "A002 NO [X] words" and "* BYE words" without what stands in front. */
static struct str
plain_words(struct str line)
{
	static const char *const words[] = { "OK", "NO", "BAD", "BYE" };
	const char *blank = line.n > 0 ? memchr(line.p, ' ', line.n) : NULL;
	struct str rest;

	if (blank == NULL)
		return line;
	rest = (struct str){ blank + 1, line.n - (size_t)(blank + 1 - line.p) };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i]);

		if (rest.n > n && rest.p[n] == ' ' &&
		    strncasecmp(rest.p, words[i], n) == 0)
			return (struct str){ rest.p + n + 1, rest.n - n - 1 };
	}
	return rest;
}

/* What the codes of RFC 5530 mean when a login fails. */
static const struct {
	enum imap_code_id code;
	enum rc rc;
} login_codes[] = {
	{ IMAP_CODE_UNAVAILABLE, RC_CONNECTION },
	{ IMAP_CODE_INUSE, RC_CONNECTION },
	{ IMAP_CODE_LIMIT, RC_CONNECTION },
	{ IMAP_CODE_THROTTLED, RC_CONNECTION },
	{ IMAP_CODE_SERVERBUG, RC_CONNECTION },
	{ IMAP_CODE_EXPIRED, RC_AUTH_EXPIRED },
	{ IMAP_CODE_AUTHORIZATIONFAILED, RC_DENIED },
	{ IMAP_CODE_CONTACTADMIN, RC_DENIED },
	{ IMAP_CODE_PRIVACYREQUIRED, RC_CONFIG_TLS },
};

static enum rc
login_refused(struct str words, bool oauth2)
{
	struct arena *a = arena_new(1 << 16);
	enum rc rc = oauth2 ? RC_AUTH_EXPIRED : RC_AUTH_FAILED;
	struct str text = plain_words(words);
	struct imap_code code = { .id = IMAP_CODE_NONE };
	struct str json;

	imap_code_parse(a, &text, &code);
	for (size_t i = 0; i < sizeof(login_codes) / sizeof(login_codes[0]);
	     i++) {
		if (login_codes[i].code == code.id)
			rc = login_codes[i].rc;
	}
	/* OAuth: "+ " and base64 of JSON that says why (RFC 7628 3.2.2). */
	if (words.n > 2 && words.p[0] == '+' &&
	    base64_decode(a, plain_words(words), &json))
		text = json;
	(void)fail(rc, "%.*s", STR_FMT(text));
	arena_free(&a);
	return rc;
}

enum rc
imap_link_failure(CURLcode code, struct str words, bool oauth2)
{
	struct str said = plain_words(words);

	if (code == CURLE_LOGIN_DENIED || code == CURLE_AUTH_ERROR)
		return login_refused(words, oauth2);
	if (code == CURLE_WEIRD_SERVER_REPLY && said.n > 0)
		return fail(RC_CONNECTION, "%.*s", STR_FMT(said));
	return dial_failure(code);
}

static enum rc
failed(struct imap_link *l, CURLcode code)
{
	struct str words = { l->words, l->words_n };

	if (echo_of(words, l->login->secret))
		words = STR("NO the server says the secret back");
	/* Behind a wall and not there look alike to whoever gave the host. */
	if (l->use.refused != NULL && code == CURLE_COULDNT_CONNECT)
		return fail(RC_CONFIG_HOST, EGRESS_NOWHERE);
	if (code == CURLE_LOGIN_DENIED && l->disabled)
		return fail(
		    RC_CONFIG_TLS, "the server takes no password without TLS");
	return imap_link_failure(code, words, l->login->oauth2);
}

enum rc
imap_link_finish(struct imap_link *l, CURLcode code, bool *again)
{
	*again = false;
	if (code == CURLE_OK) {
		if (curl_easy_getinfo(
			l->handle, CURLINFO_ACTIVESOCKET, &l->fd) != CURLE_OK ||
		    l->fd == CURL_SOCKET_BAD)
			return fail(RC_CONNECTION, "the connection is gone");
		return RC_OK;
	}
	if (code == CURLE_LOGIN_DENIED && !l->login->oauth2 && !l->second &&
	    !l->sasl && !l->disabled) {
		dial_enter();
		curl_multi_remove_handle(l->multi, l->handle);
		dial_leave();
		l->in_multi = false;
		l->second = true;
		TRY(start(l));
		*again = true;
		return RC_OK;
	}
	return failed(l, code);
}

enum rc
imap_link_connect(struct imap_link *l, int64_t until)
{
	bool again = true;

	while (again) {
		bool done = false;
		CURLcode code = CURLE_OK;

		while (!done)
			TRY(dial_turn(
			    l->multi, l->handle, until, &done, &code));
		TRY(imap_link_finish(l, code, &again));
	}
	return RC_OK;
}

enum rc
imap_link_open(
    const struct imap_login *login, int64_t until, struct imap_link **out)
{
	enum rc rc = imap_link_new(login, out);

	if (rc == RC_OK)
		rc = imap_link_connect(*out, until);
	if (rc != RC_OK)
		imap_link_free(out);
	return rc;
}

enum rc
imap_link_receive(struct imap_link *l, char *p, size_t room, size_t *n)
{
	enum rc rc;

	dial_enter();
	rc = dial_receive(l->handle, p, room, n);
	dial_leave();
	return rc;
}

enum rc
imap_link_send(struct imap_link *l, const char *p, size_t n, size_t *sent)
{
	enum rc rc;

	dial_enter();
	rc = dial_send(l->handle, p, n, sent);
	dial_leave();
	return rc;
}
