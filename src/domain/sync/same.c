/* Is a message there already? By its bytes: a Message-ID is a hint only. */
#include "domain/sync/run.h"

#include "core/secret.h"

#define ALIKE_MOST 20 /* of one size that are read */

struct alike {
	int64_t size;
	struct imap_set uids; /* of that size */
};

static enum rc
take_size(void *arg, const struct imap_message *m)
{
	struct alike *a = arg;

	if (m->has & IMAP_HAS_SIZE && (int64_t)m->size == a->size)
		imap_set_gather(&a->uids, m->uid, m->uid);
	return RC_OK;
}

static enum rc
take_bytes(void *arg, const void *p, size_t n)
{
	sha256_add(arg, p, n);
	return RC_OK;
}

static enum rc
is_same(struct sync *s, uint32_t uid, const struct sync_bytes *what, bool *same)
{
	unsigned char hash[SHA256_SIZE];
	struct sha256 *sum = sha256_new();
	uint64_t size;
	enum rc rc = imap_body(
	    s->imap, uid, "", 0, (uint64_t)what->size, take_bytes, sum, &size);

	sha256_end(&sum, hash);
	*same = rc == RC_OK && what->sha256.n == SHA256_SIZE &&
	    memcmp(hash, what->sha256.p, SHA256_SIZE) == 0;
	return rc == RC_NO_MESSAGE ? RC_OK : rc;
}

enum rc
sync_find_same(struct sync *s, const struct imap_set *among,
    const struct sync_bytes *what, uint32_t *uid)
{
	struct alike a = { .size = what->size };
	const struct imap_fetch how = { .message = take_size, .arg = &a };
	struct imap_set few;
	struct imap_walk w = { .set = &few };
	uint32_t at;
	bool same = false;

	*uid = 0;
	if (among->n == 0)
		return RC_OK;
	imap_set_init(&few, s->folder);
	imap_set_init(&a.uids, s->folder);
	TRY(imap_fetch(s->imap, among, "UID RFC822.SIZE", &how));
	imap_set_settle(&a.uids);
	imap_set_take_newest(&a.uids, ALIKE_MOST, &few);
	while (!same && imap_set_next(&w, &at)) {
		TRY(is_same(s, at, what, &same));
		TRY(sync_beat(s));
	}
	if (same)
		*uid = at;
	return RC_OK;
}
