/* The text of each email: of its text part, the first bytes only. What lists
 * show of it, and its words, by which it is found. And the hashes of small
 * messages, by which moves are followed (move.c). Where texts are not to be
 * kept, subject, people and file names alone are put in; no server is asked. */
#include "domain/sync/run.h"

#include <string.h>

#include "core/failpoint.h"
#include "domain/search-sql.h"
#include "domain/search-words.h"
#include "domain/snippet-sql.h"
#include "mail/html.h"
#include "mail/mime.h"

#define CHUNK       500
#define BYTES_MOST  65536 /* fetched of a part */
#define TEXT_MOST   65536
#define CHARS_MOST  200
#define CLEAR_MOST  1000  /* rows that go, in a transaction */
#define RUN_MOST_MS 60000 /* then polls have their turn */
#define BREAKS_MOST 3     /* at one message asked alone */
#define PROOF_MORE  2048

struct reading {
	struct sync *s;
	struct snippet_due_list due;
	struct arena *arena; /* as long as a chunk: s->folder */
	struct str *snippet; /* a row of `due` each; p == NULL: none */
	struct str *words;   /* the same: all of them, for the index */
	struct str *kept;    /* the same: the beginning, for extracts */
	struct str *hash;    /* the same */
	/* what was not to be read for its folder's sake, side by side */
	int64_t *missed_mailbox, *missed;
	size_t missed_n;
	/* the group at hand: one folder, one part number */
	size_t from, n;
	/* after the connection broke */
	size_t alone;      /* rows before this one are read one by one */
	size_t suspect;    /* the last that broke it alone */
	unsigned breaks;   /* how often */
	uint64_t broke_at; /* bytes that had come by then */
};

/* ---- one text ---- */

static struct str
decoded(struct arena *a, struct str encoding, struct str data)
{
	struct buf b;
	struct str out;

	buf_init(&b, TEXT_MOST);
	/* A cut end is no fault: only the beginning was asked for. */
	if (transfer_decode(transfer_of(encoding), data, transfer_to_buf, &b) !=
	    RC_OK)
		fail_clear();
	out = (struct str){ arena_dup(a, b.p, b.n), b.n };
	buf_clear(&b);
	return out;
}

static struct str
copied(struct reading *r, struct str text)
{
	return (struct str){ arena_dup(r->arena, text.p, text.n), text.n };
}

static void
text_take(struct reading *r, size_t row, struct str data)
{
	const struct snippet_due *d = &r->due.v[row];
	struct arena *a = r->s->step;
	struct mime_body body = { .text = { NULL, 0 } };
	bool truncated, lossy = false;
	struct str text = mime_text(a, decoded(a, d->encoding, data),
	    d->charset, TEXT_MOST, &truncated, &lossy);

	if (str_eq(d->content_type, STR("text/html"))) {
		body.html = text;
		text = html_text(a, text, TEXT_MOST);
	} else
		body.text = text;
	r->snippet[row] = copied(r, mime_snippet(a, &body, CHARS_MOST));
	r->words[row] = copied(r, search_words(a, text));
	r->kept[row] = copied(r, search_body(a, text));
}

/* ---- a group ---- */

static size_t
row_of(const struct reading *r, uint32_t uid)
{
	size_t low = r->from, high = r->from + r->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->due.v[mid].uid < (int64_t)uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->from + r->n && r->due.v[low].uid == (int64_t)uid
	    ? low
	    : SIZE_MAX;
}

static enum rc
take(void *arg, const struct imap_message *m)
{
	struct reading *r = arg;
	size_t row = row_of(r, m->uid);

	if (row == SIZE_MAX || m->sections == 0 || m->section[0].data.p == NULL)
		return RC_OK;
	text_take(r, row, m->section[0].data);
	arena_reset(r->s->step);
	return RC_OK;
}

static bool
has_text(const struct snippet_due *d)
{
	return d->part_number.n > 0 && d->part_number.n < 64;
}

static enum rc
group_fetch(struct reading *r)
{
	const struct snippet_due *d = &r->due.v[r->from];
	const struct imap_fetch how = { .message = take, .arg = r };
	struct imap_set uids;

	if (!has_text(d))
		return RC_OK;
	imap_set_init(&uids, r->arena);
	for (size_t i = 0; i < r->n; i++)
		imap_set_gather(&uids, (uint32_t)d[i].uid, (uint32_t)d[i].uid);
	imap_set_settle(&uids);
	return imap_fetch(r->s->imap, &uids,
	    arena_fmt(r->arena, "UID BODY.PEEK[%.*s]<0.%d>",
		STR_FMT(d->part_number), BYTES_MOST),
	    &how);
}

/* ---- hashes ---- */

static enum rc
take_whole(void *arg, const struct imap_message *m)
{
	struct reading *r = arg;
	size_t row = row_of(r, m->uid);
	struct str whole;
	char *hash;

	if (row == SIZE_MAX || m->sections == 0)
		return RC_OK;
	whole = m->section[0].data;
	/* Cut, longer than the reader keeps, or not what was listed: a hash
	 * stays for good. */
	if (whole.p == NULL || whole.n != m->section[0].size ||
	    (int64_t)whole.n != r->due.v[row].size_bytes)
		return RC_OK;
	hash = arena_alloc(r->arena, SHA256_SIZE);
	sha256(whole.p, whole.n, (unsigned char *)hash);
	r->hash[row] = (struct str){ hash, SHA256_SIZE };
	return RC_OK;
}

static bool
wants_hash(const struct reading *r, const struct snippet_due *d)
{
	return !d->is_hashed && d->size_bytes > 0 &&
	    d->size_bytes <= r->s->host->conf->sync_hash_message;
}

static enum rc
group_hash(struct reading *r)
{
	const struct snippet_due *d = &r->due.v[r->from];
	const struct imap_fetch how = { .message = take_whole, .arg = r };
	struct imap_set uids;

	imap_set_init(&uids, r->arena);
	for (size_t i = 0; i < r->n; i++)
		if (wants_hash(r, &d[i]))
			imap_set_gather(
			    &uids, (uint32_t)d[i].uid, (uint32_t)d[i].uid);
	imap_set_settle(&uids);
	if (uids.n == 0)
		return RC_OK;
	return imap_fetch(r->s->imap, &uids, "UID BODY.PEEK[]", &how);
}

/* ---- a chunk ---- */

static void
group_measure(struct reading *r)
{
	const struct snippet_due *d = &r->due.v[r->from];

	r->n = 1;
	while (r->from >= r->alone && r->from + r->n < r->due.n &&
	    d[r->n].mailbox_id == d->mailbox_id &&
	    d[r->n].uidvalidity == d->uidvalidity &&
	    str_eq(d[r->n].part_number, d->part_number))
		r->n++;
}

static enum rc
folder_open(struct reading *r, int64_t *open)
{
	const struct snippet_due *d = &r->due.v[r->from];
	struct imap_mailbox mailbox;
	bool qresync;

	if (*open == d->mailbox_id)
		return RC_OK;
	TRY(imap_select(r->s->imap, mailbox_wire(r->arena, d->wire_name), true,
	    NULL, NULL, &mailbox, &qresync));
	*open = d->mailbox_id;
	return RC_OK;
}

/* Is it the message, and not the network? As in fetch.c. */
static enum rc
prove_first(struct reading *r)
{
	return r->suspect == r->from && r->breaks == BREAKS_MOST - 1
	    ? imap_prove(r->s->imap, r->broke_at + PROOF_MORE)
	    : RC_OK;
}

/* The group is read again, one by one; a message that broke the connection
 * each time goes without its first words, and no other does. */
static enum rc
group_broken(struct reading *r, int64_t *open, enum rc rc)
{
	struct sync *s = r->s;

	if (s->run->stopping || rc == RC_STALE || imap_is_slow(s->imap))
		return rc;
	*open = 0;
	r->broke_at = imap_received(s->imap);
	TRY(sync_reconnect(s));
	if (r->n > 1) {
		r->alone = r->from + r->n;
		r->n = 0;
		return RC_OK;
	}
	r->breaks = r->suspect == r->from ? r->breaks + 1 : 1;
	r->suspect = r->from;
	if (r->breaks < BREAKS_MOST) {
		r->n = 0;
		return RC_OK;
	}
	log_warn(&s->log, "text left out email=%lld: it breaks the connection",
	    (long long)r->due.v[r->from].id);
	s->reconnects = 0;
	return RC_OK;
}

/* Its folder has another name by now, or was made anew, or is refused: these
 * are due again when it is in step. What lies in no folder is not. */
static void
group_miss(struct reading *r)
{
	for (size_t i = r->from; i < r->from + r->n; i++) {
		if (r->due.v[i].mailbox_id == 0)
			continue;
		r->missed_mailbox[r->missed_n] = r->due.v[i].mailbox_id;
		r->missed[r->missed_n++] = r->due.v[i].id;
	}
}

static bool
is_same_folder(const struct reading *r)
{
	return imap_mailbox(r->s->imap)->uidvalidity ==
	    (uint32_t)r->due.v[r->from].uidvalidity;
}

static enum rc
group_texts(struct reading *r)
{
	if (!is_same_folder(r)) {
		group_miss(r);
		return RC_OK;
	}
	TRY(group_fetch(r));
	return group_hash(r);
}

/* What a server does not show of an open folder is left without first words. */
static enum rc
group_read(struct reading *r, int64_t *open)
{
	const struct snippet_due *d = &r->due.v[r->from];
	enum rc rc = folder_open(r, open);
	bool is_open = rc == RC_OK;

	if (is_open)
		TRY(prove_first(r));
	if (rc == RC_OK)
		rc = group_texts(r);
	if (rc == RC_OK)
		return sync_beat(r->s);
	if (!sync_alive(r->s))
		return group_broken(r, open, rc);
	log_info(&r->s->log, "texts refused mailbox=%lld: %s",
	    (long long)d->mailbox_id, fail_detail());
	if (!is_open)
		group_miss(r);
	*open = 0;
	return RC_OK;
}

static bool
are_kept(const struct sync *s)
{
	return strcmp(s->access->body_policy, "text") == 0;
}

static enum rc
chunk_read(struct reading *r)
{
	int64_t open = 0;

	r->snippet = ARENA_ARRAY(r->arena, struct str, r->due.n);
	r->words = ARENA_ARRAY(r->arena, struct str, r->due.n);
	r->kept = ARENA_ARRAY(r->arena, struct str, r->due.n);
	r->hash = ARENA_ARRAY(r->arena, struct str, r->due.n);
	r->missed_mailbox = ARENA_ARRAY(r->arena, int64_t, r->due.n);
	r->missed = ARENA_ARRAY(r->arena, int64_t, r->due.n);
	r->missed_n = 0;
	if (!are_kept(r->s))
		return RC_OK;
	for (r->from = 0; r->from < r->due.n; r->from += r->n) {
		group_measure(r);
		if (r->due.v[r->from].uidvalidity != 0)
			TRY(group_read(r, &open));
		else
			group_miss(r);
	}
	return RC_OK;
}

static int64_t
last_id(const struct reading *r)
{
	int64_t last = 0;

	for (size_t i = 0; i < r->due.n; i++)
		last = r->due.v[i].id > last ? r->due.v[i].id : last;
	return last;
}

static enum rc
rows_store(const struct reading *r)
{
	const struct sync *s = r->s;
	int64_t *id = ARENA_ARRAY(r->arena, int64_t, r->due.n);

	for (size_t i = 0; i < r->due.n; i++)
		id[i] = r->due.v[i].id;
	TRY(snippet_store(s->db, s->account, (struct ids){ id, r->due.n },
	    (struct texts){ r->snippet, r->due.n },
	    (struct texts){ r->hash, r->due.n }, NULL));
	TRY(search_put(s->db, s->account, (struct ids){ id, r->due.n },
	    (struct texts){ r->words, r->due.n },
	    (struct texts){ r->kept, r->due.n }, NULL));
	if (r->missed_n > 0)
		TRY(snippet_miss(s->db, s->account,
		    (struct ids){ r->missed_mailbox, r->missed_n },
		    (struct ids){ r->missed, r->missed_n }, NULL));
	return snippet_done(s->db, s->account, s->access->id, last_id(r));
}

static int64_t
texts_count(const struct reading *r)
{
	int64_t n = 0;

	for (size_t i = 0; i < r->due.n; i++)
		n += r->snippet[i].p != NULL;
	return n;
}

static enum rc
chunk_store(struct reading *r)
{
	struct sync *s = r->s;
	enum rc rc, ended;

	FAILPOINT("texts-before");
	db_pipe_begin(s->db);
	rc = rows_store(r);
	ended = db_pipe_end(s->db);
	FAILPOINT("texts-after");
	s->report->texts += texts_count(r);
	return rc != RC_OK ? rc : ended;
}

/* What may not be kept, or is no longer there, goes. */
static enum rc
clear(struct sync *s)
{
	int64_t n;

	do {
		TRY(search_clear(
		    s->db, s->account, s->access->id, CLEAR_MOST, &n));
		TRY(sync_beat(s));
	} while (n >= CLEAR_MOST && !sync_stopped(s));
	return RC_OK;
}

enum rc
sync_texts(struct sync *s)
{
	int64_t until = clock_steady_ms() + RUN_MOST_MS;

	if (are_kept(s))
		TRY(sync_dial(s));
	TRY(clear(s));
	for (;;) {
		struct reading r = {
			.s = s, .arena = s->folder, .suspect = SIZE_MAX
		};

		arena_reset(s->folder);
		TRY(snippet_due(s->db, s->account, s->access->id, CHUNK,
		    s->folder, &r.due));
		if (r.due.n == 0)
			return search_in_step(
			    s->db, s->account, s->access->id, NULL);
		TRY(chunk_read(&r));
		TRY(chunk_store(&r));
		TRY(sync_beat(s));
		if (sync_stopped(s) || clock_steady_ms() > until)
			return sync_stop(s);
	}
}
