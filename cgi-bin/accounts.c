/* Accounts: which there are for the caller, and who belongs to them. */
#include "domain/account-sql.h"
#include "domain/client.h"
#include "domain/membership-sql.h"
#include "web/listing.h"
#include "web/route.h"

#include "accounts.h"

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

struct account_page {
	struct page page;
};
static const struct field account_page_params[] = {
	F_PAGE(struct account_page, 50), F_END
};

static enum rc
account_show_children(struct request *rq)
{
	const struct account_page *in = rq->params;
	const struct actor *a = &rq->actor;
	struct account_list list;
	struct listing ask;
	struct list_end end;
	int64_t total;

	TRY(listing_ask(rq, &in->page, &ask));
	db_pipe_begin(rq->db);
	TRY(account_children(rq->db, a->account, a->application, a->user,
	    ask.after, ask.skip, ask.most, rq->arena, &list));
	TRY(account_children_count(rq->db, a->account, a->application, &total));
	TRY(db_pipe_end(rq->db));
	end = listing_end(
	    &in->page, &list.n, total, LISTING_LAST(list, &in->page));
	return reply_rows(
	    rq, account_cols, list.v, list.n, sizeof list.v[0], &end);
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
#define MEMBER  ACCOUNT "/members/:member_id"
#define CLIENT  "/api/clients/:client_id"

static const struct route routes[] = {
	{ GET, "/api/accounts", account_list, NEED_READ, .flags = ASK_ADMIN,
	    PARAMS(account_list_in), .row = account_cols, .many = true,
	    .summary = "List the accounts I can reach" },
	{ GET, "/api/accounts", review_accounts, NEED_READ, ENV_OK,
	    .flags = BARE | TIMES_SPACED, .door = DOOR_REVIEW,
	    .summary = "List mail accounts",
	    .about = "At the review door; at the others this path lists the "
		     "accounts I can reach." },
	{ POST, "/api/accounts/search", account_find, NEED_READ,
	    .flags = ASK_ADMIN, BODY(account_search), .row = account_cols,
	    .many = true, .summary = "Search the accounts I can reach" },
	{ GET, ACCOUNT, account_show, NEED_READ, .flags = ANY_ACCOUNT,
	    .row = account_cols, .summary = "Show an account",
	    .about = "The token's own, or as owner a child of it." },
	{ POST, "/api/accounts", account_create, NEED_OWNER, .status = 201,
	    .flags = IDEMPOTENT, BODY(account_new), .row = account_cols,
	    .fails = { RC_NOT_FOUND }, .summary = "Make an account",
	    .about = "Who makes it owns it; what a machine client makes has "
		     "no members." },
	{ PATCH, ACCOUNT, account_change, NEED_OWNER, BODY(account_patch),
	    .row = account_cols, .summary = "Rename an account" },
	{ DELETE, ACCOUNT, account_delete, NEED_OWNER, .status = 202,
	    PARAMS(account_removal), .row = account_cols,
	    .fails = { RC_CONFLICT },
	    .summary = "Remove an account and all that is in it",
	    .about = "Nobody gets in any more; a job removes the rows." },
	{ GET, ACCOUNT "/accounts", account_show_children, NEED_READ,
	    PARAMS(account_page), .row = account_cols, .many = true,
	    .summary = "List the child accounts that I may see" },
	{ POST, ACCOUNT "/accounts", account_create_child, NEED_OWNER,
	    .status = 201, .flags = IDEMPOTENT, BODY(account_child),
	    .row = account_cols, .summary = "Make a child account" },
	{ GET, ACCOUNT "/members", member_list, NEED_READ,
	    PARAMS(account_list_in), .row = membership_cols, .many = true,
	    .summary = "List the members of an account" },
	{ POST, ACCOUNT "/members/search", member_find, NEED_READ,
	    BODY(account_search), .row = membership_cols, .many = true,
	    .summary = "Search the members of an account" },
	{ POST, ACCOUNT "/members", member_create, NEED_OWNER, .status = 201,
	    .flags = IDEMPOTENT | PLANNED, BODY(member_new),
	    .row = membership_cols, .fails = { RC_NOT_FOUND, RC_CONFLICT },
	    .summary = "Take a user in as a member" },
	{ PATCH, MEMBER, member_change, NEED_OWNER, BODY(member_patch),
	    .row = membership_cols, .fails = { RC_CONFLICT },
	    .summary = "Give a member another role",
	    .about = "The last owner stays one." },
	{ DELETE, MEMBER, member_delete, NEED_OWNER, .status = 204,
	    .fails = { RC_CONFLICT }, .summary = "Send a member away",
	    .about = "The last owner stays." },

	{ GET, ACCOUNT "/clients", client_show_all, NEED_OWNER,
	    PARAMS(client_page), .row = client_cols, .many = true,
	    .summary = "List OAuth clients" },
	{ POST, ACCOUNT "/clients", client_create, NEED_OWNER, .status = 201,
	    .flags = IDEMPOTENT | ASK_ADMIN, BODY(client_new),
	    .answer = client_secret_answer, .summary = "Make an OAuth client",
	    .about = "Its secret is shown this once." },
	{ PATCH, CLIENT, client_patch_one, NEED_OWNER, .flags = ASK_ADMIN,
	    BODY(client_patch), .row = client_cols,
	    .summary = "Change an OAuth client" },
	{ DELETE, CLIENT, client_delete, NEED_OWNER, .flags = ASK_ADMIN,
	    .status = 204, .summary = "Remove an OAuth client" },
	{ POST, CLIENT "/secret/rotate", client_rotate, NEED_OWNER,
	    .flags = ASK_ADMIN, .answer = client_secret_answer,
	    .fails = { RC_CONFLICT },
	    .summary = "Give an OAuth client another secret",
	    .about = "The old one is void; the new one is shown this once." },
};

FAMILY(accounts, QUIET);
