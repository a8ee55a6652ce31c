/* What the mails of a thread say, as far as it needs no mail server: messages
 * of the body cache, and those that were sent and are not filed yet. */
#include "cgi-bin/threads.h"

#include <string.h>

#include "domain/body-cache.h"
#include "domain/content-sql.h"
#include "domain/content.h"
#include "mail/html.h"
#include "mail/mime.h"

/* Of one answer: bytes of messages that are read, and of text that is shown. */
#define RAW_MOST  ((int64_t)16 << 20)
#define TEXT_MOST ((size_t)6 << 20)
#define MEMORY    ((size_t)64 << 20) /* of one message that is parsed */

struct reading {
	struct request *rq;
	struct body_cache *cache;
	struct arena *scratch;
	int64_t raw;
	size_t text;
};

static enum rc
raw_of(struct reading *r, const struct thread_email *e, struct str *out)
{
	struct content_kept *kept;

	*out = (struct str){ NULL, 0 };
	if (e->sha256.n != SHA256_SIZE || e->size_bytes > r->raw)
		return RC_OK;
	*out = body_cache_find(
	    r->cache, (const unsigned char *)e->sha256.p, r->scratch);
	if (out->p != NULL || !e->is_outgoing)
		return RC_OK;
	TRY(content_kept(
	    r->rq->db, r->rq->actor.account, e->id, r->scratch, &kept));
	if (kept != NULL)
		*out = kept->message;
	return RC_OK;
}

/* Lives as the request. */
static const char *
shown(struct reading *r, struct str text, const char *otherwise)
{
	if (text.p == NULL || text.n > r->text)
		return otherwise;
	r->text -= text.n;
	return arena_dup(r->rq->arena, text.p, text.n);
}

static enum rc
body_of(struct reading *r, struct thread_email *e)
{
	struct mime_body body;
	struct mime mime;
	struct str raw;

	TRY(raw_of(r, e, &raw));
	if (raw.p == NULL)
		return RC_OK;
	r->raw -= (int64_t)raw.n;
	if (mime_parse(r->scratch, raw, MIME_PARTS_SHOWN, &mime) != RC_OK)
		return RC_OK;
	mime_body(r->scratch, &mime, CONTENT_TEXT, &body);
	if (body.text.p == NULL && body.html.p != NULL)
		body.text = html_text(r->scratch, body.html, CONTENT_TEXT);
	e->body_text = shown(r, body.text, e->body_text);
	e->body_html = shown(r, body.html, NULL);
	return RC_OK;
}

/* The latest first: of very much text the oldest is left out. */
static enum rc
bodies(struct reading *r, struct thread_email_list *mails)
{
	for (size_t i = mails->n; i-- > 0 && r->raw > 0;) {
		TRY(body_of(r, &mails->v[i]));
		arena_reset(r->scratch);
	}
	return RC_OK;
}

static void
scratch_end(void *arena)
{
	struct arena *a = arena;

	arena_free(&a);
}

enum rc
thread_bodies(struct request *rq, struct thread_email_list *mails)
{
	struct reading r = { .rq = rq, .raw = RAW_MOST, .text = TEXT_MOST };

	if (mails->n == 0 || !sees_content(rq))
		return RC_OK;
	TRY(body_cache_open(rq->conf, 1, &r.cache));
	r.scratch = arena_new(MEMORY);
	arena_guard(r.scratch, rq->jump);
	arena_defer(rq->arena, scratch_end, r.scratch);
	return bodies(&r, mails);
}
