#include "proxy/letter.h"

#include <string.h>

#include "core/failpoint.h"
#include "core/log.h"
#include "domain/raw-store.h"
#include "mail/address.h"

/* What judging a message of the largest size may take. */
#define MEMORY      ((size_t)512 << 20)
#define BYTES_SPARE ((size_t)4096) /* for what a header gets added */

/* ---- memory ---- */

struct letter *
letter_new(struct talk *talk, const struct conf *conf, const struct caller *who,
    const char *peer)
{
	struct arena *a = arena_new(MEMORY);
	struct letter *l = ARENA_NEW(a, struct letter);

	*l =
	    (struct letter){ .work = { .run = letter_run, .group = who->group },
		    .talk = talk,
		    .arena = a,
		    .conf = conf,
		    .who = who,
		    .peer = peer };
	l->to = ARENA_ARRAY(a, struct str, (size_t)conf->smtp_recipients);
	buf_init(&l->header, GIVEN_HEADER_MOST);
	buf_init(&l->bytes, GIVEN_HEADER_MOST + GIVEN_ROW_MOST + BYTES_SPARE);
	return l;
}

void
letter_free(struct letter **pl)
{
	struct letter *l = *pl;
	struct arena *a;

	*pl = NULL;
	if (l == NULL)
		return;
	buf_clear(&l->header);
	buf_clear(&l->bytes);
	a = l->arena;
	arena_free(&a);
}

void
letter_to(struct letter *l, struct str address)
{
	for (size_t i = 0; i < l->to_n; i++)
		if (str_ieq(l->to[i], address))
			return;
	l->to[l->to_n++] =
	    (struct str){ arena_dup(l->arena, address.p, address.n),
		    address.n };
}

/* ---- the text ---- */

static void
spoil(struct letter *l, enum rc rc)
{
	if (l->rc != RC_OK)
		return;
	l->rc = rc;
	l->why = arena_str(l->arena, fail_detail());
	buf_clear(&l->header);
	buf_clear(&l->bytes);
}

/* Too large for a row of the database. */
static enum rc
file_begin(struct letter *l)
{
	TRY(raw_store_open(l->conf, l->who->account, l->arena, &l->raws));
	TRY(raw_file_new(l->raws, l->arena, &l->file));
	TRY(raw_file_write(l->file, l->bytes.p, l->bytes.n));
	buf_clear(&l->bytes);
	return RC_OK;
}

static enum rc
body_add(struct letter *l, const char *p, size_t n)
{
	if (l->file != NULL)
		return raw_file_write(l->file, p, n);
	buf_add(&l->bytes, p, n);
	return l->bytes.n > GIVEN_ROW_MOST ? file_begin(l) : RC_OK;
}

/* The length of a header with its empty line; 0: it has not come. */
static size_t
header_length(struct letter *l)
{
	const struct buf *h = &l->header;
	size_t from = l->looked > 3 ? l->looked - 3 : 0;
	const char *end;

	if (h->n >= 2 && memcmp(h->p, "\r\n", 2) == 0)
		return 2;
	end = memmem(h->p + from, h->n - from, "\r\n\r\n", 4);
	l->looked = h->n;
	return end != NULL ? (size_t)(end - h->p) + 4 : 0;
}

static enum rc
header_read(struct letter *l, size_t n)
{
	/* What is made of it borrows from it. */
	struct str header = { arena_dup(l->arena, l->header.p, n), n };

	l->body = true;
	TRY(given_head_read(l->arena, header, l->sender, &l->head, &l->bytes));
	TRY(body_add(l, l->header.p + n, l->header.n - n));
	buf_clear(&l->header);
	return RC_OK;
}

static enum rc
header_add(struct letter *l, const char *p, size_t n)
{
	size_t length;

	buf_add(&l->header, p, n);
	length = l->header.n > 0 ? header_length(l) : 0;
	if (length > 0)
		return header_read(l, length);
	return l->header.full ? fail(RC_INVALID, "Its header is too long.")
			      : RC_OK;
}

static enum rc
text_add(struct letter *l, const char *p, size_t n)
{
	l->size += n;
	if (l->rc != RC_OK)
		return RC_OK;
	if (l->text.bare)
		return fail(RC_INVALID, "A CR or LF stands alone in it.");
	if (l->size > (uint64_t)l->conf->smtp_message_most)
		return fail(RC_TOO_LARGE, "It is too large.");
	return l->body ? body_add(l, p, n) : header_add(l, p, n);
}

/* A header alone is a message, too. */
static enum rc
text_end(struct letter *l)
{
	if (l->body || l->rc != RC_OK)
		return RC_OK;
	buf_add(&l->header, "\r\n", 2);
	return header_read(l, l->header.n);
}

size_t
letter_take(struct letter *l, struct str in, char *scratch)
{
	size_t n, used = smtp_text_take(&l->text, in, scratch, &n);
	enum rc rc = text_add(l, scratch, n);

	if (rc == RC_OK && l->text.ended)
		rc = text_end(l);
	if (rc != RC_OK)
		spoil(l, rc);
	return used;
}

/* ---- taking it ---- */

struct taking {
	struct letter *letter;
	struct given given;
	struct caller_right right; /* of the one whose session is the guard */
	enum rc rc;
	const char *why;
};

/* As many as go into one transaction; the first one's session guards it. */
struct batch {
	struct taking v[WORKS_TOGETHER];
	size_t n;
};

static enum rc
bytes_settle(struct letter *l, struct given *g)
{
	if (l->file != NULL) {
		g->kept = true;
		TRY(raw_file_read(l->file, g->hash, &g->bytes));
		return raw_file_keep(l->file,
		    (struct str){ (const char *)g->hash, SHA256_SIZE });
	}
	g->bytes = (struct str){ l->bytes.p, l->bytes.n };
	sha256(l->bytes.p, l->bytes.n, g->hash);
	return RC_OK;
}

/* An address of the envelope that only some servers take. */
static bool
needs_utf8(const struct letter *l)
{
	if (address_is_utf8(str_of(l->sender)))
		return true;
	for (size_t i = 0; i < l->to_n; i++)
		if (address_is_utf8(l->to[i]))
			return true;
	return false;
}

static void
taking_fill(struct taking *t, struct letter *l)
{
	const struct caller *c = l->who;

	*t = (struct taking){ .letter = l,
		.given = { .conf = l->conf,
		    .who = { .application = c->application,
			.account = c->account,
			.user = c->user > 0 ? c->user : 0,
			.client = c->client,
			.address = l->peer },
		    .sender = l->sender,
		    .recipients = { l->to, l->to_n },
		    .head = &l->head,
		    .utf8 = l->utf8 && (l->head.utf8 || needs_utf8(l)),
		    .told = l->told } };
}

/* May this one go on? What is refused is no other's fault. */
static enum rc
may(struct db *db, struct batch *b, struct taking *t)
{
	const struct letter *first = b->v[0].letter, *l = t->letter;
	enum rc rc = caller_may_send(first->who, &b->v[0].right)
	    ? caller_also(db, l->who, first->who, l->arena)
	    : fail(RC_FORBIDDEN, "Your role does not allow this.");

	t->rc = rc;
	if (rc != RC_FORBIDDEN)
		return rc;
	t->why = arena_str(l->arena, fail_detail());
	return RC_OK;
}

static void
items_back(struct batch *b, const struct given_item *items)
{
	for (size_t i = 0, n = 0; i < b->n; i++) {
		struct taking *t = &b->v[i];

		if (t->rc != RC_OK)
			continue;
		t->rc = items[n].rc;
		t->why = items[n].why;
		t->letter->taken = items[n++].out;
	}
}

static enum rc
take_all(struct db *db, void *arg)
{
	struct batch *b = arg;
	struct given_item items[WORKS_TOGETHER];
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		struct taking *t = &b->v[i];

		TRY(may(db, b, t));
		if (t->rc == RC_OK)
			items[n++] = (struct given_item){ .in = &t->given,
				.arena = t->letter->arena };
	}
	if (n > 0)
		TRY(given_take(db, items, n));
	items_back(b, items);
	return RC_OK;
}

static enum rc
batch_run(struct batch *b, struct hand *h)
{
	struct letter *first = b->v[0].letter;

	FAILPOINT("smtpd-take-before");
	caller_guard(h->db, first->who, first->arena, &b->v[0].right);
	TRY(db_tx(h->db, take_all, b));
	FAILPOINT("smtpd-take-after");
	return RC_OK;
}

static void
log_end(const struct letter *l)
{
	const struct log log = { .who = "smtpd", .account = l->who->account };

	if (l->rc != RC_OK)
		log_info(&log, "message refused code=%s: %s",
		    result_code(l->rc), l->why);
	else
		log_info(&log,
		    "message taken email=%lld held=%d recipients=%zu "
		    "bytes=%llu again=%d",
		    (long long)l->taken.email_id, l->taken.held, l->to_n,
		    (unsigned long long)l->size, l->taken.email_id == 0);
}

static void
batch_end(struct batch *b, enum rc rc)
{
	const char *why = rc != RC_OK
	    ? arena_str(b->v[0].letter->arena, fail_detail())
	    : NULL;

	for (size_t i = 0; i < b->n; i++) {
		struct taking *t = &b->v[i];
		enum rc its = rc != RC_OK ? rc : t->rc;

		if (its != RC_OK) {
			(void)fail(its, "%s", rc != RC_OK ? why : t->why);
			spoil(t->letter, its);
		}
		log_end(t->letter);
	}
	b->n = 0;
}

/* Where one of them ended it all, each is tried alone; not where it may have
 * been committed, which nobody must do twice. */
static void
batch_take(struct batch *b, struct hand *h)
{
	enum rc rc = b->n > 0 ? batch_run(b, h) : RC_OK;
	struct batch one = { .n = 1 };

	if (rc == RC_OK || b->n == 1 || db_outcome_unknown(rc)) {
		batch_end(b, rc);
		return;
	}
	for (size_t i = 0; i < b->n; i++) {
		one.n = 1;
		one.v[0] = b->v[i];
		batch_end(&one, batch_run(&one, h));
	}
}

static void
batch_add(struct batch *b, struct letter *l)
{
	struct taking *t = &b->v[b->n];
	enum rc rc;

	taking_fill(t, l);
	rc = bytes_settle(l, &t->given);
	if (rc == RC_OK) {
		b->n++;
		return;
	}
	spoil(l, rc);
	log_end(l);
}

static bool
has_room(const struct batch *b, const struct letter *l)
{
	return b->n < WORKS_TOGETHER &&
	    (b->n == 0 || caller_alike(b->v[0].letter->who, l->who));
}

void
letter_run(struct work *w, struct hand *h)
{
	struct batch b = { .n = 0 };

	for (; w != NULL; w = w->next) {
		struct letter *l = (struct letter *)w;

		if (!has_room(&b, l))
			batch_take(&b, h);
		batch_add(&b, l);
	}
	batch_take(&b, h);
	db_guard_none(h->db);
}
