#include "proxy/letter.h"

#include <string.h>

#include "core/failpoint.h"
#include "core/log.h"
#include "domain/raw-store.h"

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

	*l = (struct letter){ .work.run = letter_run,
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
	struct caller_right right;
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

static enum rc
take(struct db *db, void *arg)
{
	struct taking *t = arg;
	struct letter *l = t->letter;

	if (!caller_may_send(l->who, &t->right))
		return fail(RC_FORBIDDEN, "Your role does not allow this.");
	return given_take(db, &t->given, l->arena, &l->taken);
}

static bool
has_8bit(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 0x7e)
			return true;
	return false;
}

/* An address of the envelope that only some servers take. */
static bool
needs_utf8(const struct letter *l)
{
	if (has_8bit(str_of(l->sender)))
		return true;
	for (size_t i = 0; i < l->to_n; i++)
		if (has_8bit(l->to[i]))
			return true;
	return false;
}

static enum rc
run(struct letter *l, struct hand *h)
{
	const struct caller *c = l->who;
	struct taking t = { .letter = l,
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

	TRY(bytes_settle(l, &t.given));
	FAILPOINT("smtpd-take-before");
	caller_guard(h->db, c, l->arena, &t.right);
	TRY(db_tx(h->db, take, &t));
	FAILPOINT("smtpd-take-after");
	return RC_OK;
}

void
letter_run(struct work *w, struct hand *h)
{
	struct letter *l = (struct letter *)w;
	const struct log log = { .who = "smtpd", .account = l->who->account };
	enum rc rc = run(l, h);

	db_guard_none(h->db);
	if (rc != RC_OK) {
		spoil(l, rc);
		log_info(&log, "message refused code=%s: %s", result_code(rc),
		    l->why);
		return;
	}
	log_info(&log,
	    "message taken email=%lld held=%d recipients=%zu "
	    "bytes=%llu again=%d",
	    (long long)l->taken.email_id, l->taken.held, l->to_n,
	    (unsigned long long)l->size, l->taken.email_id == 0);
}
