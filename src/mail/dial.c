#include "mail/dial.h"

#include <pthread.h>

#include "core/clock.h"
#include "mail/egress.h"

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

void
dial_enter(void)
{
	pthread_mutex_lock(&one_at_a_time);
}

void
dial_leave(void)
{
	pthread_mutex_unlock(&one_at_a_time);
}

enum rc
dial_turn(CURLM *multi, CURL *h, int64_t until, bool *done, CURLcode *code)
{
	int running, left;
	int64_t wait = until - clock_steady_ms();
	CURLMsg *m;

	*done = false;
	if (wait <= 0)
		return fail(RC_TIMEOUT, "no connection in the time allowed");
	if (curl_multi_perform(multi, &running) != CURLM_OK)
		return fail(RC_CONNECTION, "libcurl gave up");
	while ((m = curl_multi_info_read(multi, &left)) != NULL) {
		if (m->msg == CURLMSG_DONE && m->easy_handle == h) {
			*code = m->data.result;
			*done = true;
			return RC_OK;
		}
	}
	if (curl_multi_poll(multi, NULL, 0, (int)(wait < 1000 ? wait : 1000),
		NULL) != CURLM_OK)
		return fail(RC_CONNECTION, "libcurl gave up");
	return RC_OK;
}

static const struct {
	CURLcode code;
	enum rc rc;
	const char *why;
} failures[] = {
	{ CURLE_PEER_FAILED_VERIFICATION, RC_CONFIG_TLS,
	    "the server's certificate is not trusted" },
	{ CURLE_SSL_CACERT_BADFILE, RC_CONFIG_TLS,
	    "the file of authorities cannot be read" },
	{ CURLE_SSL_CONNECT_ERROR, RC_CONFIG_TLS,
	    "the server does not speak TLS on this port" },
	{ CURLE_USE_SSL_FAILED, RC_CONFIG_TLS,
	    "the server does not offer STARTTLS" },
	{ CURLE_SSL_CERTPROBLEM, RC_CONFIG_TLS, "TLS failed" },
	{ CURLE_SSL_CIPHER, RC_CONFIG_TLS, "TLS failed" },
	{ CURLE_COULDNT_RESOLVE_HOST, RC_CONFIG_HOST, EGRESS_NOWHERE },
	{ CURLE_COULDNT_RESOLVE_PROXY, RC_CONFIG_HOST, EGRESS_NOWHERE },
	{ CURLE_URL_MALFORMAT, RC_CONFIG_HOST, "this is not a host name" },
	{ CURLE_UNSUPPORTED_PROTOCOL, RC_CONFIG_HOST,
	    "this is not a host name" },
	{ CURLE_OPERATION_TIMEDOUT, RC_TIMEOUT,
	    "no answer in the time allowed" },
	{ CURLE_COULDNT_CONNECT, RC_CONNECTION, "no connection" },
	/* a farewell, or data before TLS: curl calls both a weird reply */
	{ CURLE_WEIRD_SERVER_REPLY, RC_CONNECTION,
	    "the server ended the connection" },
	/* our own stop in the middle of its lines */
	{ CURLE_WRITE_ERROR, RC_CONNECTION, "the server's answers do not end" },
};

enum rc
dial_failure(CURLcode code)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		if (failures[i].code == code)
			return fail(failures[i].rc, "%s", failures[i].why);
	}
	return fail(RC_CONNECTION, "%s", curl_easy_strerror(code));
}

static bool
has_time(CURL *h, CURLINFO what)
{
	curl_off_t us = 0;

	return curl_easy_getinfo(h, what, &us) == CURLE_OK && us > 0;
}

enum dial_reach
dial_reach(CURL *h)
{
	if (!has_time(h, CURLINFO_CONNECT_TIME_T))
		return DIAL_NOWHERE;
	return has_time(h, CURLINFO_APPCONNECT_TIME_T) ? DIAL_SECURED
						       : DIAL_REACHED;
}

enum rc
dial_receive(CURL *h, char *p, size_t room, size_t *n)
{
	CURLcode code = curl_easy_recv(h, p, room, n);

	if (code == CURLE_AGAIN) {
		*n = 0;
		return RC_OK;
	}
	if (code != CURLE_OK)
		return fail(RC_CONNECTION, "%s", curl_easy_strerror(code));
	return *n > 0 ? RC_OK
		      : fail(RC_CONNECTION, "the server closed the connection");
}

enum rc
dial_send(CURL *h, const char *p, size_t n, size_t *sent)
{
	CURLcode code = curl_easy_send(h, p, n, sent);

	if (code == CURLE_AGAIN) {
		*sent = 0;
		return RC_OK;
	}
	return code == CURLE_OK
	    ? RC_OK
	    : fail(RC_CONNECTION, "%s", curl_easy_strerror(code));
}
