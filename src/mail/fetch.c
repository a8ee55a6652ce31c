#include "mail/fetch.h"

#include <string.h>

#include "core/buffer.h"
#include "core/log.h"
#include "mail/egress.h"

/* What a transfer brings; full where there is more than may be. */
static size_t
take(char *p, size_t size, size_t n, void *into)
{
	struct buf *b = into;

	buf_add(b, p, size * n);
	return b->full ? 0 : size * n;
}

static enum rc
prepare(CURL *h, const struct fetch *f, struct egress_use *use, struct buf *b)
{
	bool plain = strncmp(f->url, "http:", 5) == 0;
	const struct egress_how how = { .protocols = plain ? "http" : "https",
		.connect_ms = f->ms,
		.total_ms = f->ms };

	use->loopback_only = plain;
	TRY(egress_apply(h, use, &how));
	if (curl_easy_setopt(h, CURLOPT_URL, f->url) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_WRITEDATA, b) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_FORBID_REUSE, 1L) != CURLE_OK)
		return fail(RC_INTERNAL, "libcurl refuses an option");
	if (f->form.p != NULL &&
	    (curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE, (long)f->form.n) !=
		    CURLE_OK ||
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, f->form.p) != CURLE_OK))
		return fail(RC_INTERNAL, "libcurl refuses an option");
	return RC_OK;
}

/* The caller frees `*list`, which lives as long as the transfer. */
static enum rc
dress(CURL *h, const struct fetch *f, struct curl_slist **list)
{
	for (size_t i = 0; f->headers != NULL && f->headers[i] != NULL; i++) {
		struct curl_slist *longer =
		    curl_slist_append(*list, f->headers[i]);

		if (longer == NULL)
			die("out of memory");
		*list = longer;
	}
	if (curl_easy_setopt(h, CURLOPT_HTTPHEADER, *list) != CURLE_OK ||
	    (f->method != NULL &&
		curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, f->method) !=
		    CURLE_OK))
		return fail(RC_INTERNAL, "libcurl refuses an option");
	return RC_OK;
}

/* A header may have been a secret. */
static void
undress(struct curl_slist *list)
{
	for (struct curl_slist *l = list; l != NULL; l = l->next)
		explicit_bzero(l->data, strlen(l->data));
	curl_slist_free_all(list);
}

static void
told(CURL *h, struct fetch_header *headers)
{
	struct curl_header *found;

	for (; headers != NULL && headers->name != NULL; headers++) {
		size_t n = 0;

		if (curl_easy_header(h, headers->name, 0, CURLH_HEADER, -1,
			&found) == CURLHE_OK &&
		    strlen(found->value) < sizeof headers->value)
			n = strlen(found->value);
		if (n > 0)
			memcpy(headers->value, found->value, n);
		headers->value[n] = '\0';
	}
}

static enum rc
result_of(CURL *h, CURLcode code, const struct fetch *f,
    const struct egress_use *use, const struct buf *b)
{
	long status = 0;

	if (b->full)
		return fail(RC_TOO_LARGE, "longer than allowed");
	if (use->refused != NULL)
		return fail(RC_CONNECTION, "not to be dialled from here: %s",
		    use->refused);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return fail(RC_TIMEOUT, "no answer in time");
	if (code != CURLE_OK)
		return fail(RC_CONNECTION, "%s", curl_easy_strerror(code));
	(void)curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	told(h, f->told);
	if (f->status != NULL)
		*f->status = status;
	else if (status != 200)
		return fail(RC_INVALID, "status %ld", status);
	return RC_OK;
}

enum rc
fetch_text(const struct egress *egress, const struct fetch *f, struct arena *a,
    struct str *out)
{
	struct egress_use use = { .egress = egress };
	CURL *h = curl_easy_init();
	struct curl_slist *list = NULL;
	struct buf b;
	enum rc rc;

	if (h == NULL)
		die("out of memory");
	buf_init(&b, f->most);
	rc = prepare(h, f, &use, &b);
	if (rc == RC_OK)
		rc = dress(h, f, &list);
	if (rc == RC_OK)
		rc = result_of(h, curl_easy_perform(h), f, &use, &b);
	if (rc == RC_OK)
		*out = (struct str){ arena_dup(a, b.p, b.n), b.n };
	curl_easy_cleanup(h);
	undress(list);
	buf_clear(&b);
	return rc;
}
