/* Mail that new messages are alike to, and whose hash nobody knows. Another
 * message may look the same: whoever sends two within a second chooses all that
 * is compared but their time. So what still lies where it lay gets its hash,
 * by which it is told apart (move.c); what lies there no longer can only have
 * moved. */
#include "domain/sync/run.h"

#include "domain/move-sql.h"

/* Fetched whole in one run; a mailbox full of messages that look alike must not
 * be read at each poll. What is beyond is new mail. */
#define HASHED_MOST       2000
#define HASHED_MOST_BYTES ((uint64_t)256 << 20)

/* ---- bytes ---- */

static enum rc
take_bytes(void *arg, const void *p, size_t n)
{
	sha256_add(arg, p, n);
	return RC_OK;
}

bool
sync_may_hash(const struct sync *s, int64_t size)
{
	return s->moves.hashed < HASHED_MOST &&
	    s->moves.bytes + (uint64_t)size <= HASHED_MOST_BYTES;
}

enum rc
sync_hash(struct sync *s, int64_t uid, int64_t size, struct sync_hashed *out)
{
	unsigned char *hash;
	struct sha256 *sum;
	enum rc rc;

	*out = (struct sync_hashed){ .hash = { NULL, 0 } };
	if (!sync_may_hash(s, size))
		return RC_OK;
	hash = arena_alloc(s->batch->arena, SHA256_SIZE);
	sum = sha256_new();
	rc = imap_body(s->imap, (uint32_t)uid, "", 0, HASHED_MOST_BYTES,
	    take_bytes, sum, &out->size);
	sha256_end(&sum, hash);
	s->moves.hashed++;
	s->moves.bytes += out->size;
	if (rc == RC_NO_MESSAGE)
		return RC_OK;
	TRY(rc);
	out->hash = (struct str){ (const char *)hash, SHA256_SIZE };
	return RC_OK;
}

/* ---- where it lies ---- */

enum whereabouts {
	UNKNOWN, /* its folder cannot be looked into now */
	THERE,
	GONE,
};

struct proving {
	struct sync *s;
	const struct sync_place *place; /* of the new mail */
	const struct move_lying_list *list;
	enum whereabouts *is; /* a row of the list each */
	size_t from, n;       /* the group at hand: one folder */
	/* hashes of what is there, side by side */
	int64_t *email;
	struct str *hash;
	size_t hashes;
};

static void
group_measure(struct proving *p)
{
	const struct move_lying *r = p->list->v + p->from;

	p->n = 1;
	while (p->from + p->n < p->list->n &&
	    r[p->n].mailbox_id == r->mailbox_id &&
	    r[p->n].uidvalidity == r->uidvalidity)
		p->n++;
}

static enum rc
folder_open(struct proving *p, const struct move_lying *r)
{
	struct sync *s = p->s;
	struct imap_mailbox open;
	bool qresync;

	if (r->mailbox_id == p->place->mailbox)
		return sync_come_back(s, p->place);
	s->moves.away = true;
	return imap_select(s->imap, mailbox_wire(s->folder, r->wire_name), true,
	    NULL, NULL, &open, &qresync);
}

/* *known: its UIDs are those of the table. What is gone or may not be opened
 * says nothing. */
static enum rc
group_open(struct proving *p, bool *known)
{
	const struct move_lying *r = p->list->v + p->from;
	enum rc rc;

	*known = false;
	if (r->wire_name.p == NULL)
		return RC_OK;
	rc = folder_open(p, r);
	if (rc == RC_NO_FOLDER || rc == RC_DENIED)
		return RC_OK;
	TRY(rc);
	*known =
	    imap_mailbox(p->s->imap)->uidvalidity == (uint32_t)r->uidvalidity;
	return RC_OK;
}

static enum rc
take_there(void *arg, const struct imap_message *m)
{
	if (m->uid != 0)
		imap_set_gather(arg, m->uid, m->uid);
	return RC_OK;
}

static enum rc
group_look(struct proving *p)
{
	const struct move_lying *r = p->list->v + p->from;
	struct imap_set uids, there;
	const struct imap_fetch how = { .message = take_there, .arg = &there };

	imap_set_init(&uids, p->s->folder);
	imap_set_init(&there, p->s->folder);
	for (size_t i = 0; i < p->n; i++)
		imap_set_gather(&uids, (uint32_t)r[i].uid, (uint32_t)r[i].uid);
	imap_set_settle(&uids);
	TRY(imap_fetch(p->s->imap, &uids, IMAP_ITEMS_FLAGS, &how));
	imap_set_settle(&there);
	for (size_t i = 0; i < p->n; i++)
		p->is[p->from + i] =
		    imap_set_has(&there, (uint32_t)r[i].uid) ? THERE : GONE;
	return RC_OK;
}

/* A hash stays for good: only of what was shown as long as it was listed. */
static enum rc
group_hash(struct proving *p)
{
	struct sync_hashed h;

	for (size_t i = p->from; i < p->from + p->n; i++) {
		const struct move_lying *r = &p->list->v[i];

		if (p->is[i] != THERE || sync_stopped(p->s))
			continue;
		TRY(sync_hash(p->s, r->uid, r->size_bytes, &h));
		TRY(sync_beat(p->s));
		if (h.hash.p == NULL || (int64_t)h.size != r->size_bytes)
			continue;
		p->email[p->hashes] = r->email_id;
		p->hash[p->hashes++] = h.hash;
	}
	return RC_OK;
}

static enum rc
group_prove(struct proving *p)
{
	bool known;

	TRY(group_open(p, &known));
	if (!known)
		return RC_OK;
	TRY(group_look(p));
	return group_hash(p);
}

/* ---- the whole ---- */

static bool
is_gone(const struct proving *p, int64_t email)
{
	for (size_t i = 0; i < p->list->n; i++)
		if (p->list->v[i].email_id == email && p->is[i] != GONE)
			return false;
	return true;
}

/* Those that are in none of their places; one that had several comes twice, and
 * does no harm. */
static void
pick_gone(const struct proving *p, struct ids *gone)
{
	int64_t *id = ARENA_ARRAY(p->s->batch->arena, int64_t, p->list->n);
	size_t n = 0;

	for (size_t i = 0; i < p->list->n; i++)
		if (is_gone(p, p->list->v[i].email_id))
			id[n++] = p->list->v[i].email_id;
	*gone = (struct ids){ id, n };
}

static enum rc
store_hashes(const struct proving *p)
{
	if (p->hashes == 0)
		return RC_OK;
	return move_hash(p->s->db, p->s->account,
	    (struct ids){ p->email, p->hashes },
	    (struct texts){ p->hash, p->hashes }, NULL);
}

enum rc
sync_come_back(struct sync *s, const struct sync_place *place)
{
	if (!s->moves.away)
		return RC_OK;
	TRY(sync_reopen(s, place));
	s->moves.away = false;
	return RC_OK;
}

enum rc
sync_prove(struct sync *s, const struct sync_place *place,
    const struct move_lying_list *list, struct ids *gone)
{
	struct arena *a = s->batch->arena;
	struct proving p = { .s = s,
		.place = place,
		.list = list,
		.is = ARENA_ARRAY(a, enum whereabouts, list->n),
		.email = ARENA_ARRAY(a, int64_t, list->n),
		.hash = ARENA_ARRAY(a, struct str, list->n) };

	for (; p.from < list->n; p.from += p.n) {
		group_measure(&p);
		TRY(group_prove(&p));
	}
	TRY(sync_come_back(s, place));
	pick_gone(&p, gone);
	return store_hashes(&p);
}
