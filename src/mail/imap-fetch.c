/* UID FETCH in pipelined batches, single bodies, UID SEARCH. */
#include "mail/imap-session.h"

#define DEPTH_MOST  4
#define RING        (DEPTH_MOST + 1) /* one that is flushed, too */
#define DEPTH       2
#define BATCH       2000
#define FIRST_BATCH 200
/* UIDs for which compression is worth its round trip. */
#define COMPRESS_FROM 100

/* One fetch as a whole. */
struct fetching {
	struct imap *im;
	const struct imap_fetch *how;
	const char *items;
	struct arena *arena;  /* of the sets */
	struct imap_set left; /* not asked for yet */
	struct batch *ring;   /* RING of them */
	bool begun;
	enum rc rc; /* a callback's */
};

/* One command of it. */
struct batch {
	struct imap_call call;
	struct fetching *all;
	struct imap_set uids;
	bool used;
};

/* Dovecot works at several FETCHes at once: a message may come before the
 * answer to the command in front of the one that asked for it. */
static bool
is_asked(const struct fetching *f, uint32_t uid)
{
	for (unsigned i = 0; i < RING; i++) {
		if (f->ring[i].used && imap_set_has(&f->ring[i].uids, uid))
			return true;
	}
	return false;
}

static void
batch_message(struct batch *b, const struct imap_response *r)
{
	struct fetching *f = b->all;
	const struct imap_changes *c = &f->im->changes;

	if (f->rc != RC_OK)
		return;
	if (r->message.uid != 0 && is_asked(f, r->message.uid)) {
		f->rc = f->how->message(f->how->arg, &r->message);
	} else if (c->message != NULL) { /* news of another message */
		c->message(c->arg, &r->message);
	}
}

static void
batch_data(void *arg, const struct imap_response *r)
{
	struct batch *b = arg;
	const struct imap_changes *c = &b->all->im->changes;

	if (r->word == IMAP_FETCH)
		batch_message(b, r);
	else if (r->word == IMAP_VANISHED && r->fault == NULL &&
	    c->vanished != NULL)
		c->vanished(c->arg, &r->vanished.set, r->vanished.earlier);
}

/* Puts what was taken back where it was: behind all others. */
static void
batch_untake(struct fetching *f, const struct imap_set *taken)
{
	for (size_t i = 0; i < taken->n; i++)
		imap_set_add(
		    &f->left, taken->range[i].first, taken->range[i].last);
}

/* The next UIDs, newest first, and few enough that the line stays short. */
static void
batch_take(struct fetching *f, struct imap_set *out)
{
	size_t n = f->begun ? f->how->batch : f->how->first_batch;

	if (n == 0)
		n = f->begun ? BATCH : FIRST_BATCH;
	imap_set_init(out, f->arena);
	for (;;) {
		struct buf text;
		bool fits;

		imap_set_take_newest(&f->left, n, out);
		buf_init(&text, IMAP_LINE_SHORT);
		imap_set_print(out, &text);
		fits = !text.full;
		buf_clear(&text);
		if (fits || n == 1)
			break;
		batch_untake(f, out);
		n /= 2;
	}
	f->begun = true;
}

static void
put_fetch(const struct fetching *f, const struct imap_set *uids,
    struct imap_command *cmd)
{
	const struct imap_fetch *how = f->how;
	uint64_t caps = imap_caps(f->im);
	bool modseq = how->modseq && (caps & IMAP_CAP(CONDSTORE)) &&
	    imap_mailbox(f->im)->highestmodseq != 0;

	imap_command_puts(cmd, " ");
	imap_set_print(uids, &cmd->text);
	imap_command_fmt(cmd, " (%s%s)", f->items, modseq ? " MODSEQ" : "");
	if (how->changed_since != 0 && (caps & IMAP_CAP(CONDSTORE)))
		imap_command_fmt(cmd, " (CHANGEDSINCE %llu%s)",
		    (unsigned long long)how->changed_since,
		    how->vanished && (caps & IMAP_CAP(QRESYNC)) ? " VANISHED"
								: "");
}

static enum rc
batch_send(struct fetching *f, struct batch *b)
{
	struct imap_command cmd;

	*b = (struct batch){ .all = f,
		.call = IMAP_CALL(IMAP_DO_FETCH, batch_data, b),
		.used = true };
	batch_take(f, &b->uids);
	TRY(imap_begin(f->im, &cmd));
	put_fetch(f, &b->uids, &cmd);
	return imap_send(f->im, &b->call, &cmd);
}

static enum rc
batch_wait(struct fetching *f, struct batch *b)
{
	enum rc rc = imap_wait(f->im, &b->call);

	b->used = false;
	return f->rc != RC_OK ? f->rc : rc;
}

static enum rc
batch_flush(struct fetching *f, const struct batch *b)
{
	if (f->how->flush != NULL)
		f->rc = f->how->flush(f->how->arg, &b->uids);
	return f->rc;
}

/* The server has its next command before the caller is at work on what has
 * come: it would have nothing to do meanwhile. */
static enum rc
fetch_all(struct fetching *f, struct batch *ring, unsigned depth)
{
	size_t sent = 0, ended = 0, flushed = 0;

	while (f->left.n > 0 || flushed < sent) {
		if (f->left.n > 0 && sent - ended < depth)
			TRY(batch_send(f, &ring[sent++ % RING]));
		else if (flushed < ended)
			TRY(batch_flush(f, &ring[flushed++ % RING]));
		else
			TRY(batch_wait(f, &ring[ended++ % RING]));
	}
	return RC_OK;
}

static struct imap_set
set_copied(struct arena *a, const struct imap_set *from)
{
	struct imap_set to;

	imap_set_init(&to, a);
	for (size_t i = 0; i < from->n; i++)
		imap_set_gather(&to, from->range[i].first, from->range[i].last);
	return to;
}

/* An ENVELOPE names all recipients in its line: 64 KiB of them are some 1,300,
 * and lists have more. What such a line is parsed into, sixteen times its size
 * at worst, still fits the engine's arena. */
static const struct imap_limits fetch_limits = {
	.line = 4 << 20, .literal = 1 << 20, .kept = 4 << 20, .skip = 64 << 20
};

enum rc
imap_fetch(struct imap *im, const struct imap_set *uids, const char *items,
    const struct imap_fetch *how)
{
	struct imap_reader *reader = imap_engine_reader(im->engine);
	struct batch ring[RING] = { { .used = false } };
	unsigned depth = how->depth == 0 ? DEPTH : how->depth;
	struct fetching f = {
		.im = im, .how = how, .items = items, .ring = ring
	};
	enum rc rc;

	if (imap_set_count(uids) >= COMPRESS_FROM)
		TRY(imap_compress(im));
	f.arena = arena_new((size_t)256 << 20);
	f.left = set_copied(f.arena, uids);
	imap_reader_limit(reader, &fetch_limits);
	rc = fetch_all(&f, ring, depth < DEPTH_MOST ? depth : DEPTH_MOST);
	imap_reader_limit(reader, &imap_limits_usual);
	imap_reader_shrink(reader);
	/* Batches may still be in flight, and their calls end with us. */
	for (unsigned i = 0; rc != RC_OK && i < RING; i++) {
		if (ring[i].used)
			imap_break(im, rc);
	}
	if (f.rc != RC_OK)
		imap_break(im, rc);
	arena_free(&f.arena);
	return rc;
}

/* --- one body --- */

struct body {
	enum rc (*data)(void *, const void *, size_t);
	void *arg;
	uint32_t uid;
	uint64_t most, size;
	bool found, streaming;
	enum rc rc;
};

/* "* 5 FETCH (UID 7 BODY[1.2]<0> ": only what was asked for is streamed. */
static bool
body_wants(void *arg, struct str before, uint64_t size)
{
	struct body *b = arg;
	struct str fetch = STR(" FETCH ");

	if (b->streaming || size > b->most || before.n < 10 ||
	    memmem(before.p, before.n < 24 ? before.n : 24, fetch.p, fetch.n) ==
		NULL ||
	    memmem(before.p, before.n, "BODY[", 5) == NULL)
		return false;
	b->streaming = true;
	return true;
}

static enum rc
body_bytes(void *arg, const void *p, size_t n)
{
	struct body *b = arg;

	b->size += n;
	return b->data(b->arg, p, n);
}

static void
body_data(void *arg, const struct imap_response *r)
{
	struct body *b = arg;
	const struct imap_section *s;

	if (r->word != IMAP_FETCH || r->message.uid != b->uid ||
	    r->message.sections == 0 || b->found || b->rc != RC_OK)
		return;
	s = &r->message.section[0];
	if (s->size > b->most) {
		b->rc = RC_TOO_LARGE;
		return;
	}
	b->found = s->taken || s->data.p != NULL;
	if (!s->taken && s->data.n > 0)
		b->rc = body_bytes(b, s->data.p, s->data.n);
}

static enum rc
body_result(struct imap *im, const struct body *b)
{
	if (b->rc == RC_TOO_LARGE)
		return fail(
		    RC_TOO_LARGE, "the server sends more than was asked for");
	if (b->rc != RC_OK)
		return imap_break(im, b->rc);
	/* Streamed, and then it was of another message. */
	if (b->streaming && !b->found)
		return imap_break(
		    im, fail(RC_PAYLOAD, "the server sent another message"));
	return b->found ? RC_OK : fail(RC_NO_MESSAGE, "the message is gone");
}

static bool
section_ok(const char *s)
{
	return strspn(s, "0123456789.ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(s);
}

enum rc
imap_body(struct imap *im, uint32_t uid, const char *section, uint64_t origin,
    uint64_t most, enum rc (*data)(void *, const void *, size_t), void *arg,
    uint64_t *size)
{
	struct body b = { .data = data, .arg = arg, .uid = uid, .most = most };
	struct imap_sink sink = { body_wants, body_bytes, &b };
	struct imap_call c = IMAP_CALL(IMAP_DO_FETCH, body_data, &b);
	struct imap_command cmd;
	enum rc rc;

	if (!section_ok(section) || uid == 0)
		return fail(RC_INVALID, "no such part");
	TRY(imap_begin(im, &cmd));
	imap_command_fmt(&cmd, " %u (UID BODY.PEEK[%s]<%llu.%llu>)", uid,
	    section, (unsigned long long)origin, (unsigned long long)most);
	imap_reader_sink(imap_engine_reader(im->engine), &sink);
	rc = imap_run(im, &c, &cmd);
	imap_reader_sink(imap_engine_reader(im->engine), NULL);
	*size = b.size;
	return rc != RC_OK ? rc : body_result(im, &b);
}

/* --- search --- */

struct search {
	struct arena *arena;
	struct imap_found *out;
	const char *fault;
};

static void
search_data(void *arg, const struct imap_response *r)
{
	struct search *s = arg;
	struct imap_found found = r->found;

	if (r->fault != NULL) {
		s->fault = "the server's search result cannot be read";
		return;
	}
	found.tag = (struct str){ NULL, 0 };
	found.all = set_copied(s->arena, &r->found.all);
	if (s->out->all.n > 0) { /* several SEARCH lines add up */
		struct imap_set both;

		imap_set_init(&both, s->arena);
		imap_set_union(&s->out->all, &found.all, &both);
		found.all = both;
	}
	*s->out = found;
}

/* Two million numbers: SEARCH has them all in one line. */
static const struct imap_limits search_limits = {
	.line = 16 << 20, .literal = 1 << 20, .kept = 4 << 20, .skip = 64 << 20
};

enum rc
imap_search(struct imap *im, struct arena *a, const char *criteria,
    struct str text, struct imap_found *out)
{
	struct search s = { a, out, NULL };
	struct imap_call c = IMAP_CALL(IMAP_DO_SEARCH, search_data, &s);
	struct imap_reader *reader = imap_engine_reader(im->engine);
	struct imap_command cmd;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	imap_set_init(&out->all, a);
	TRY(imap_ready(im));
	TRY(imap_begin(im, &cmd));
	imap_command_fmt(&cmd, "%s %s",
	    imap_caps(im) & IMAP_CAP(ESEARCH) ? " RETURN (ALL)" : "", criteria);
	if (text.p != NULL)
		imap_command_astring(&cmd, text);
	imap_reader_limit(reader, &search_limits);
	rc = imap_run(im, &c, &cmd);
	imap_reader_limit(reader, &imap_limits_usual);
	imap_reader_shrink(reader);
	TRY(rc);
	return s.fault == NULL ? RC_OK : fail(RC_PAYLOAD, "%s", s.fault);
}
