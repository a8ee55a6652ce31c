/* Labels that lists of threads show. They are few, change seldom and are needed
 * each time, so they are kept, by account, with the number of changes that they
 * were read at. Each list's own statement brings that number along; it grows in
 * the transaction that changes a label (0200-labels-seen.sql), so what is kept
 * is never older than the rows beside it. */
#include "cgi-bin/threads.h"

#define KEPT 32 /* accounts; a power of two */

struct kept {
	int64_t account, at;
	struct arena *arena; /* owned */
	struct label_list list;
};

static struct kept *
kept_of(int64_t account)
{
	static struct kept all[KEPT];

	return &all[account & (KEPT - 1)];
}

/* Out of the request's arena into one that stays. */
static void
keep(struct kept *k, const struct label_list *read)
{
	struct label *v;

	if (k->arena == NULL)
		k->arena = arena_new((size_t)1 << 20);
	arena_reset(k->arena);
	v = ARENA_ARRAY(k->arena, struct label, read->n + 1);
	for (size_t i = 0; i < read->n; i++) {
		v[i].id = read->v[i].id;
		v[i].name = arena_str(k->arena, read->v[i].name);
		v[i].color = arena_str(k->arena, read->v[i].color);
	}
	k->list.v = v;
	k->list.n = read->n;
}

enum rc
labels_kept(struct request *rq, int64_t at, struct label_list *list)
{
	int64_t account = rq->actor.account;
	struct kept *k = kept_of(account);

	if (k->account != account || k->at != at || at == 0) {
		TRY(label_list(rq->db, account, false, rq->arena, list));
		keep(k, list);
		k->account = account;
		k->at = at;
	}
	*list = k->list;
	return RC_OK;
}
