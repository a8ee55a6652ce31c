#include "mail/post.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"

#define HEAD_MOST ((size_t)32 << 10)
#define BODY_MOST ((size_t)64 << 10)
#define KEPT_OPEN 64 /* connections to receivers that were told before */

struct posts {
	const struct egress *egress; /* borrowed */
	CURLM *multi;                /* owned */
	size_t n;                    /* under way */
	int running;                 /* of them, not ended yet */
	struct post_use *first;
};

/* What one needs while it is under way. */
struct post_use {
	struct post *post;
	CURL *h;
	struct curl_slist *headers;
	struct egress_use egress;
	size_t head, body; /* bytes that came */
	bool sated;        /* enough of the answer was read */
	struct post_use *next, **at;
};

/* ---- addresses ---- */

static char *
part(CURLU *u, CURLUPart which)
{
	char *text = NULL;

	return curl_url_get(u, which, &text, 0) == CURLUE_OK ? text : NULL;
}

static bool
has_part(CURLU *u, CURLUPart which)
{
	char *text = part(u, which);
	bool has = text != NULL;

	curl_free(text);
	return has;
}

/* An address instead of a name is looked at here and now. */
static const char *
address_refusal(const struct egress *egress, char *host)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	size_t n = strlen(host);

	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		host++;
	}
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
		return egress_refusal(egress, (const struct sockaddr *)&v4);
	if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
		return egress_refusal(egress, (const struct sockaddr *)&v6);
	return egress_host_ok(str_of(host)) ? NULL : "no host";
}

static const char *
fault_of(const struct egress *egress, CURLU *u)
{
	char *scheme = part(u, CURLUPART_SCHEME);
	char *host = part(u, CURLUPART_HOST);
	const char *fault = NULL;

	if (scheme == NULL ||
	    (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0))
		fault = "It does not begin with https:// or http://.";
	else if (has_part(u, CURLUPART_USER) || has_part(u, CURLUPART_PASSWORD))
		fault = "It names a user.";
	else if (has_part(u, CURLUPART_FRAGMENT))
		fault = "It has a fragment.";
	else if (host == NULL || address_refusal(egress, host) != NULL)
		fault = "Its host cannot be reached from here.";
	curl_free(scheme);
	curl_free(host);
	return fault;
}

enum rc
post_url_check(const struct egress *egress, const char *url)
{
	CURLU *u = curl_url();
	const char *fault = "It is no address.";

	if (u == NULL)
		die("out of memory");
	for (const char *p = url; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~') {
			curl_url_cleanup(u);
			return fail(RC_INVALID, "It holds what no URL may.");
		}
	if (curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK)
		fault = fault_of(egress, u);
	curl_url_cleanup(u);
	return fault == NULL ? RC_OK : fail(RC_INVALID, "%s", fault);
}

/* ---- answers ---- */

/* Interim answers (RFC 9110 15.2) count, too: they could go on for ever. */
static size_t
take_head(char *p, size_t size, size_t n, void *arg)
{
	struct post_use *u = arg;

	(void)p;
	u->head += size * n;
	return u->head <= HEAD_MOST ? size * n : 0;
}

/* Behind what is kept a little more is read, so that the connection can be
 * used again; then it is enough. */
static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct post_use *u = arg;
	struct post *post = u->post;
	size_t room = sizeof post->answer - post->answer_n;

	n *= size;
	memcpy(post->answer + post->answer_n, p, n < room ? n : room);
	post->answer_n += n < room ? n : room;
	u->body += n;
	u->sated = u->body > BODY_MOST;
	return u->sated ? 0 : n;
}

static void
tell(struct post *post, enum rc rc, const char *detail)
{
	post->rc = rc;
	snprintf(post->detail, sizeof post->detail, "%s", detail);
}

/* Who is refused, and who does not exist, is told alike. */
static void
ended(struct post_use *u, CURLcode code)
{
	struct post *post = u->post;
	curl_off_t after = 0;
	long status = 0;

	(void)curl_easy_getinfo(u->h, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(u->h, CURLINFO_RETRY_AFTER, &after);
	post->status = (int)status;
	post->retry_after_s = after > 0 ? after : 0;
	post->detail[0] = '\0';
	post->rc = RC_OK;
	if (code == CURLE_OK || (u->sated && status != 0))
		return;
	if (u->egress.refused != NULL || code == CURLE_COULDNT_RESOLVE_HOST)
		tell(post, RC_CONFIG_HOST, EGRESS_NOWHERE);
	else if (code == CURLE_OPERATION_TIMEDOUT)
		tell(post, RC_TIMEOUT, "no whole answer within ten seconds");
	else if (u->head > HEAD_MOST)
		tell(post, RC_PAYLOAD, "the answer's head is too long");
	else
		tell(post, RC_CONNECTION, curl_easy_strerror(code));
}

/* ---- under way ---- */

struct posts *
posts_new(const struct egress *egress)
{
	struct posts *p = calloc(1, sizeof *p);

	if (p == NULL || (p->multi = curl_multi_init()) == NULL)
		die("out of memory");
	p->egress = egress;
	(void)curl_multi_setopt(
	    p->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_OPEN);
	return p;
}

static void
use_end(struct posts *p, struct post_use *u)
{
	if (u->h != NULL) {
		(void)curl_multi_remove_handle(p->multi, u->h);
		curl_easy_cleanup(u->h);
	}
	curl_slist_free_all(u->headers);
	*u->at = u->next;
	if (u->next != NULL)
		u->next->at = u->at;
	u->post->use = NULL;
	p->n--;
	free(u);
}

void
posts_free(struct posts **pp)
{
	if (*pp == NULL)
		return;
	for (struct post_use *u = (*pp)->first, *next; u != NULL; u = next) {
		next = u->next;
		use_end(*pp, u);
	}
	curl_multi_cleanup((*pp)->multi);
	free(*pp);
	*pp = NULL;
}

static struct curl_slist *
head_list(const char *const *headers)
{
	struct curl_slist *list = NULL, *longer;

	for (; *headers != NULL; headers++, list = longer)
		if ((longer = curl_slist_append(list, *headers)) == NULL)
			die("out of memory");
	return list;
}

#define SET(option, value)                                                     \
	(bad |= curl_easy_setopt(u->h, (option), (value)) != CURLE_OK)

static enum rc
prepare(struct post_use *u)
{
	static const struct egress_how how = { .protocols = "http,https",
		.connect_ms = POST_MS,
		.total_ms = POST_MS };
	const struct post *post = u->post;
	bool bad = false;

	TRY(egress_apply(u->h, &u->egress, &how));
	SET(CURLOPT_URL, post->url);
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body.n);
	SET(CURLOPT_POSTFIELDS, post->body.p);
	SET(CURLOPT_HTTPHEADER, u->headers);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_HEADERFUNCTION, take_head);
	SET(CURLOPT_HEADERDATA, u);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, u);
	SET(CURLOPT_PRIVATE, u);
	/* A name server that hangs would hold up all the others at the end of
	 * one: libcurl waits for its thread otherwise. */
	SET(CURLOPT_QUICK_EXIT, 1L);
	return bad ? fail(RC_INTERNAL, "libcurl refuses an option") : RC_OK;
}

enum rc
posts_add(struct posts *p, struct post *post)
{
	struct post_use *u = calloc(1, sizeof *u);
	enum rc rc;

	if (u == NULL || (u->h = curl_easy_init()) == NULL)
		die("out of memory");
	u->post = post;
	u->headers = head_list(post->headers);
	u->egress.egress = p->egress;
	u->next = p->first;
	u->at = &p->first;
	if (u->next != NULL)
		u->next->at = &u->next;
	p->first = u;
	p->n++;
	post->use = u;
	post->answer_n = 0;
	rc = prepare(u);
	if (rc == RC_OK && curl_multi_add_handle(p->multi, u->h) != CURLM_OK)
		rc = fail(RC_INTERNAL, "libcurl takes no more");
	if (rc != RC_OK)
		use_end(p, u);
	return rc;
}

size_t
posts_under_way(const struct posts *p)
{
	return p->n;
}

size_t
posts_running(const struct posts *p)
{
	return (size_t)p->running;
}

void
posts_wait(struct posts *p, int ms)
{
	(void)curl_multi_poll(p->multi, NULL, 0, ms, NULL);
	(void)curl_multi_perform(p->multi, &p->running);
}

struct post *
posts_take(struct posts *p)
{
	struct post_use *u;
	struct post *post;
	CURLMsg *m;
	int left;

	do
		if ((m = curl_multi_info_read(p->multi, &left)) == NULL)
			return NULL;
	while (m->msg != CURLMSG_DONE);
	(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &u);
	post = u->post;
	ended(u, m->data.result);
	use_end(p, u);
	return post;
}
