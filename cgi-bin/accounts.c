/* Accounts: which there are for the caller, and who belongs to them. */
#include "domain/account-sql.h"
#include "domain/membership-sql.h"
#include "web/listing.h"
#include "web/route.h"

struct account_list_in {
	const char *q;
	struct page page;
};
static const struct field account_list_in_params[] = {
	F_TEXT(struct account_list_in, q, 0, 200, OPTIONAL | BLANK_OK,
	    .about = "Words to look for."),
	F_PAGE(struct account_list_in, 50), F_END
};

struct account_search {
	const char *query;
	struct page page;
};
static const struct field account_search_body[] = {
	F_TEXT(struct account_search, query, 0, 200, NULLABLE | BLANK_OK),
	F_PAGE(struct account_search, 50), F_END
};

/* ---- accounts ---- */

static enum rc
accounts(struct request *rq, const char *q, const struct page *page)
{
	const struct actor *a = &rq->actor;
	struct account_list list;
	struct listing ask;
	struct list_end end;
	int64_t total;

	TRY(listing_ask(rq, page, &ask));
	db_pipe_begin(rq->db);
	TRY(account_reachable(rq->db,
	    &(struct account_reachable_args){ a->application, a->user, a->admin,
		a->account, q, ask.after, ask.skip, ask.most,
		role_name(a->role) },
	    rq->arena, &list));
	TRY(account_reachable_count(
	    rq->db, a->application, a->user, a->admin, a->account, q, &total));
	TRY(db_pipe_end(rq->db));
	end = listing_end(page, &list.n, total, LISTING_LAST(list, page));
	return reply_rows(
	    rq, account_cols, list.v, list.n, sizeof list.v[0], &end);
}

static enum rc
account_list(struct request *rq)
{
	const struct account_list_in *in = rq->params;

	return accounts(rq, listing_words(in->q), &in->page);
}

static enum rc
account_find(struct request *rq)
{
	const struct account_search *in = rq->body;

	return accounts(rq, listing_words(in->query), &in->page);
}

/* The own account, or as owner a child of it. Any other is refused in the
 * same way whether it exists or not. */
static enum rc
account_show(struct request *rq)
{
	const struct actor *a = &rq->actor;
	int64_t id = arg_id(rq, 0);
	struct account *row = NULL;

	if (id == a->account)
		TRY(account_get(rq->db, id, a->application, a->user,
		    role_name(a->role), rq->arena, &row));
	else if (a->role == ROLE_OWNER)
		TRY(account_child_get(
		    rq->db, a->account, a->application, id, rq->arena, &row));
	if (row == NULL)
		return RC_ACCOUNT_MISMATCH;
	return reply_row(rq, 0, account_cols, row);
}

/* ---- members ---- */

static enum rc
members(struct request *rq, const char *q, const struct page *page)
{
	int64_t account = rq->actor.account, total;
	struct membership_list list;
	struct listing ask;
	struct list_end end;

	TRY(listing_ask(rq, page, &ask));
	db_pipe_begin(rq->db);
	TRY(membership_list(rq->db, account, q, ask.after, ask.skip, ask.most,
	    rq->arena, &list));
	TRY(membership_count(rq->db, account, q, &total));
	TRY(db_pipe_end(rq->db));
	end = listing_end(page, &list.n, total, LISTING_LAST(list, page));
	return reply_rows(
	    rq, membership_cols, list.v, list.n, sizeof list.v[0], &end);
}

static enum rc
member_list(struct request *rq)
{
	const struct account_list_in *in = rq->params;

	return members(rq, listing_words(in->q), &in->page);
}

static enum rc
member_find(struct request *rq)
{
	const struct account_search *in = rq->body;

	return members(rq, listing_words(in->query), &in->page);
}

#define ACCOUNT "/api/accounts/:account_id"

static const struct route routes[] = {
	{ GET, "/api/accounts", account_list, NEED_READ, .flags = ASK_ADMIN,
	    PARAMS(account_list_in), .row = account_cols, .many = true,
	    .summary = "List the accounts I can reach" },
	{ POST, "/api/accounts/search", account_find, NEED_READ,
	    .flags = ASK_ADMIN, BODY(account_search), .row = account_cols,
	    .many = true, .summary = "Search the accounts I can reach" },
	{ GET, ACCOUNT, account_show, NEED_READ, .flags = ANY_ACCOUNT,
	    .row = account_cols, .summary = "Show an account",
	    .about = "The token's own, or as owner a child of it." },
	{ GET, ACCOUNT "/members", member_list, NEED_READ,
	    PARAMS(account_list_in), .row = membership_cols, .many = true,
	    .summary = "List the members of an account" },
	{ POST, ACCOUNT "/members/search", member_find, NEED_READ,
	    BODY(account_search), .row = membership_cols, .many = true,
	    .summary = "Search the members of an account" },
};

FAMILY(accounts, QUIET);
