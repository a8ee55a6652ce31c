/* Emails: looked for by their words. */
#include "emails.h"

#include "domain/search-query.h"
#include "domain/search-sql.h"
#include "domain/search.h"
#include "web/body.h"
#include "web/listing.h"
#include "web/reply.h"

#define QUERY_MOST 500

const char *const email_directions[] = { "inbound", "outbound", NULL };

enum { BY_TIME, BY_RANK };
static const char *const sorts[] = { "newest", "relevance", NULL };

#define ABOUT_QUERY                                                            \
	"Words, \"phrases\", from: to: subject: label: is: has: before: "      \
	"after:, each with - before it where it is to be left out."
/* clang-format off */
#define F_SORT(T) F_ENUM(T, sort, sorts, OPTIONAL, PRESET(BY_TIME),            \
	.about = "By relevance: of the newest thousand that match.")

const struct field email_search_body[] = {
	F_PAGE(struct email_search, 50),
	F_TEXT(struct email_search, query, 0, QUERY_MOST, BLANK_OK,
	    .about = ABOUT_QUERY),
	F_SORT(struct email_search),
	F_ID(struct email_search, credential_id, ID_CREDENTIAL, OPTIONAL),
	F_ID(struct email_search, mailbox, ID_MAILBOX, OPTIONAL,
	    .about = "A folder that it lies in."),
	F_BOOL(struct email_search, is_read, OPTIONAL),
	F_BOOL(struct email_search, is_flagged, OPTIONAL),
	F_BOOL(struct email_search, has_attachments, OPTIONAL),
	F_TIME(struct email_search, from, OPTIONAL,
	    .about = "Received at or after."),
	F_TIME(struct email_search, to, OPTIONAL, .about = "Received before."),
	F_ENUM(struct email_search, direction, email_directions, OPTIONAL),
	F_END,
};

const struct field mail_search_params[] = {
	F_PAGE(struct mail_search, 50),
	{ .kind = FIELD_TEXT, .name = "q", .least = 0, .most = QUERY_MOST,
	  .offset = offsetof(struct mail_search, query), .flags = BLANK_OK,
	  .about = ABOUT_QUERY },
	F_SORT(struct mail_search),
	F_END,
};
/* clang-format on */

/* What is asked of the database. */
struct looking {
	struct request *rq;
	const char *field; /* that has the query */
	struct search_query query;
	struct listing ask;
	bool by_rank;
	struct search_emails_args args;
};

/* ---- the query ---- */

static enum rc
query_read(struct looking *l, const char *text)
{
	struct request *rq = l->rq;

	if (search_query_parse(rq->arena, str_of(text != NULL ? text : ""),
		&l->query) != RC_OK)
		return fault_add(rq, l->field, "invalid",
		    arena_str(rq->arena, fail_detail()));
	return RC_OK;
}

static instant
later(instant a, instant b)
{
	return !instant_is(b) || (instant_is(a) && a.us > b.us) ? a : b;
}

static instant
earlier(instant a, instant b)
{
	return !instant_is(b) || (instant_is(a) && a.us < b.us) ? a : b;
}

static enum rc
contradiction(struct looking *l)
{
	return fault_add(l->rq, l->field, "contradictory",
	    "It asks for the contrary of another filter.");
}

/* Beside what the query says stands a filter; NULL: none. */
static enum rc
narrow(struct looking *l, const bool **what, const bool *filter)
{
	if (filter == NULL)
		return RC_OK;
	if (*what != NULL && **what != *filter)
		return contradiction(l);
	*what = filter;
	return RC_OK;
}

static enum rc
filters_add(struct looking *l, const struct email_search *in)
{
#define IF_GIVEN(m) (GIVEN(l->rq, struct email_search, m) ? &in->m : NULL)
	static const bool words[] = { false, true };
	struct search_query *q = &l->query;

	TRY(narrow(l, &q->is_read, IF_GIVEN(is_read)));
	TRY(narrow(l, &q->is_flagged, IF_GIVEN(is_flagged)));
	TRY(narrow(l, &q->attachments, IF_GIVEN(has_attachments)));
	q->since = later(q->since, in->from);
	q->until = earlier(q->until, in->to);
	return narrow(
	    l, &q->outbound, in->direction >= 0 ? &words[in->direction] : NULL);
#undef IF_GIVEN
}

/* ---- the page ---- */

/* By rank a page stands behind so many rows, by time behind a row. */
static enum rc
page_ask(struct looking *l, const struct page *page, int sort)
{
	struct listing *ask = &l->ask;

	TRY(listing_ask(l->rq, page, ask));
	l->by_rank = sort == BY_RANK;
	if (l->by_rank && ask->after != 0) {
		ask->skip = ask->at;
		ask->after = 0;
	}
	return RC_OK;
}

static void
args_fill(struct looking *l)
{
	const struct search_query *q = &l->query;
	bool behind = l->ask.after != 0;

	l->args = (struct search_emails_args){
		.account = l->rq->actor.account,
		.full = sees_content(l->rq),
		.terms = q->terms,
		.kinds = q->kinds,
		.by_rank = l->by_rank,
		.is_read = q->is_read,
		.is_flagged = q->is_flagged,
		.is_answered = q->is_answered,
		.is_draft = q->is_draft,
		.attachments = q->attachments,
		.since = q->since,
		.until = q->until,
		.direction =
		    q->outbound != NULL ? email_directions[*q->outbound] : NULL,
		.labels = q->labels,
		.unlabels = q->unlabels,
		.is_assigned = q->is_assigned,
		.before = behind ? (instant){ l->ask.at } : EMAIL_NEWEST,
		.before_id = l->ask.after,
		.most = l->ask.most,
		.skip = l->ask.skip,
	};
}

/* How many there are is known where they end; before, that there are more. */
static struct list_end
page_end(const struct looking *l, const struct page *page, size_t *n,
    struct cursor last)
{
	int64_t seen = l->ask.skip + (int64_t)*n;
	struct list_end end = listing_end(page, n, seen, 0);

	end.capped = end.more || l->ask.after != 0;
	if (!end.more)
		return end;
	end.next = last;
	if (l->by_rank)
		end.next =
		    (struct cursor){ .at = l->ask.skip + page->limit, .id = 1 };
	end.next.is = true;
	return end;
}
#define LAST_SHOWN(list, page)                                                 \
	((list).n > (size_t)(page)->limit                                      \
		? (struct cursor){ .at = (list)                                \
					     .v[(page)->limit - 1]             \
					     .received_at.us,                  \
		      .id = (list).v[(page)->limit - 1].id }                   \
		: (struct cursor){ .is = false })

/* ---- the two ways ---- */

enum rc
email_search(struct request *rq)
{
	const struct email_search *in = rq->body;
	struct looking l = { .rq = rq, .field = "query" };
	struct email_list rows;
	struct list_end end;

	TRY(page_ask(&l, &in->page, in->sort));
	TRY(query_read(&l, in->query));
	TRY(filters_add(&l, in));
	args_fill(&l);
	l.args.mailbox = in->mailbox;
	l.args.credential = in->credential_id;
	TRY(search_emails(rq->db, &l.args, rq->arena, &rows));
	for (size_t i = 0; i < rows.n; i++)
		rows.v[i].extract =
		    search_extract(rq->arena, rows.v[i].extract);
	end = page_end(&l, &in->page, &rows.n, LAST_SHOWN(rows, &in->page));
	return reply_rows(
	    rq, email_found_cols, rows.v, rows.n, sizeof rows.v[0], &end);
}

enum rc
mail_search(struct request *rq)
{
	const struct mail_search *in = rq->params;
	struct looking l = { .rq = rq, .field = "q" };
	struct search_hits_args args;
	struct search_hit_list rows;
	struct list_end end;

	TRY(page_ask(&l, &in->page, in->sort));
	TRY(query_read(&l, in->query));
	args_fill(&l);
	_Static_assert(sizeof args == sizeof l.args, "the same arguments");
	memcpy(&args, &l.args, sizeof args);
	TRY(search_hits(rq->db, &args, rq->arena, &rows));
	for (size_t i = 0; i < rows.n; i++)
		rows.v[i].extract =
		    search_extract(rq->arena, rows.v[i].extract);
	end = page_end(&l, &in->page, &rows.n, LAST_SHOWN(rows, &in->page));
	return reply_rows(
	    rq, search_hit_cols, rows.v, rows.n, sizeof rows.v[0], &end);
}
