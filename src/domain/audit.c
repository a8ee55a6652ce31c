#include "domain/audit.h"

#include <string.h>

#include "domain/audit-sql.h"

#define WALK_ROWS   500
#define WALK_MEMORY ((size_t)4 << 20)

const struct col audit_row_cols[] = {
	COL_ID(struct audit_row, id, ID_NUMBER),
	COL_ID(struct audit_row, account_id, ID_ACCOUNT, .zero_null = true),
	COL_ID(struct audit_row, user_id, ID_USER, .zero_null = true),
	COL(struct audit_row, client),
	COL(struct audit_row, action),
	COL(struct audit_row, subject),
	COL(struct audit_row, detail),
	COL(struct audit_row, address),
	COL(struct audit_row, request_id),
	COL(struct audit_row, created_at),
	COL_INT0(struct audit_row, sealed_as,
	    .note = "Its place in the chain; null until it has one."),
	COL(struct audit_row, hash),
	COL_END,
};

const struct col audit_state_cols[] = {
	COL(struct audit_state, sealed),
	COL_BYTES(struct audit_state, hash),
	COL(struct audit_state, removed),
	COL_BYTES(struct audit_state, removed_hash),
	COL(struct audit_state, astray),
	COL(struct audit_state, waiting),
	COL_END,
};

const struct col audit_link_cols[] = {
	COL(struct audit_link, id),
	COL(struct audit_link, sealed_as),
	COL_BYTES(struct audit_link, hash),
	COL(struct audit_link, contents),
	COL_END,
};

enum rc
audit_write(struct db *db, const struct doer *who, const struct audit_note *n)
{
	char subject[ID_PRINT_SIZE];
	const struct audit_add_args row = {
		.application = who->application,
		.account = who->account,
		.user = who->user > 0 ? who->user : 0,
		.client = who->client,
		.action = n->action,
		.subject = subject,
		.detail = n->detail,
		.address = who->address,
		.request = who->request,
	};

	id_print(n->kind, n->id, subject);
	return audit_add(db, &row, NULL);
}

/* ---- the chain ---- */

/* Where a walk has come to. */
struct walk {
	int64_t place;
	unsigned char hash[SHA256_SIZE];
	const struct audit_anchor *kept; /* NULL: none */
};

static bool
is_hash(struct str s, const unsigned char *hash)
{
	return s.n == SHA256_SIZE && memcmp(s.p, hash, SHA256_SIZE) == 0;
}

static enum rc
anchor_met(const struct walk *w)
{
	if (w->kept == NULL || w->kept->sealed != w->place ||
	    memcmp(w->kept->hash, w->hash, SHA256_SIZE) == 0)
		return RC_OK;
	return fail(RC_CONFLICT,
	    "entry %lld is not the one that the anchor was taken of: the log "
	    "was made anew",
	    (long long)w->place);
}

static void
hash_next(struct walk *w, const char *contents)
{
	struct sha256 *s = sha256_new();

	sha256_add(s, w->hash, sizeof w->hash);
	sha256_add(s, contents, strlen(contents));
	sha256_end(&s, w->hash);
}

static enum rc
step(struct walk *w, const struct audit_link *link)
{
	if (link->sealed_as != w->place + 1)
		return fail(RC_CONFLICT, "entry %lld is missing",
		    (long long)(w->place + 1));
	w->place++;
	hash_next(w, link->contents);
	if (!is_hash(link->hash, w->hash))
		return fail(RC_CONFLICT,
		    "entry %lld (id %lld) was changed or put in",
		    (long long)w->place, (long long)link->id);
	return anchor_met(w);
}

static enum rc
walk_to(struct db *db, struct walk *w, int64_t last, struct arena *a)
{
	struct audit_link_list list;

	while (w->place < last) {
		arena_reset(a);
		TRY(audit_walk(db, w->place, last, WALK_ROWS, a, &list));
		if (list.n == 0)
			return fail(RC_CONFLICT,
			    "entries %lld to %lld are missing at the end",
			    (long long)(w->place + 1), (long long)last);
		for (size_t i = 0; i < list.n; i++)
			TRY(step(w, &list.v[i]));
	}
	return RC_OK;
}

static enum rc
front(struct walk *w, const struct audit_state *s)
{
	if (s->removed_hash.n != SHA256_SIZE)
		return fail(RC_CONFLICT, "the chain's front is no hash");
	w->place = s->removed;
	memcpy(w->hash, s->removed_hash.p, SHA256_SIZE);
	if (w->kept != NULL && w->kept->sealed < s->removed)
		return fail(RC_INVALID,
		    "the anchor's entry %lld was cleared away (audit_keep); "
		    "take one of %lld or later",
		    (long long)w->kept->sealed, (long long)s->removed);
	return anchor_met(w);
}

static enum rc
back(const struct walk *w, const struct audit_state *s)
{
	if (!is_hash(s->hash, w->hash))
		return fail(RC_CONFLICT, "entry %lld is not the head",
		    (long long)w->place);
	if (s->astray > 0)
		return fail(RC_CONFLICT, "%lld entries stand outside the chain",
		    (long long)s->astray);
	if (w->kept != NULL && w->kept->sealed > w->place)
		return fail(RC_CONFLICT,
		    "entries %lld to %lld are missing at the end",
		    (long long)(w->place + 1), (long long)w->kept->sealed);
	return RC_OK;
}

/* What is sealed meanwhile does not matter: the state was read first. */
static enum rc
verify(struct db *db, struct walk *w, struct arena *a, struct arena *rows,
    int64_t *waiting)
{
	struct audit_state *s;

	TRY(audit_state(db, a, &s));
	*waiting = s->waiting;
	TRY(front(w, s));
	TRY(walk_to(db, w, s->sealed, rows));
	return back(w, s);
}

enum rc
audit_verify(struct db *db, const struct audit_anchor *kept,
    struct audit_anchor *head, int64_t *waiting)
{
	struct arena *a = arena_new(WALK_MEMORY);
	struct arena *rows = arena_new(WALK_MEMORY);
	struct walk w = { .kept = kept };
	enum rc rc = verify(db, &w, a, rows, waiting);

	head->sealed = w.place;
	memcpy(head->hash, w.hash, sizeof head->hash);
	arena_free(&rows);
	arena_free(&a);
	return rc;
}
