/* Where the sign-in page leads to: a path of ours, and nothing else. */
#include "auth.h"

#include "web/page.h"
#include "web/params.h"

#define NEXT_MOST 6144

bool
auth_next_ok(const char *next)
{
	size_t n = next != NULL ? strlen(next) : 0;

	/* Browsers read "//host" and "/\host" as another place. */
	if (n == 0 || n > NEXT_MOST || next[0] != '/' || next[1] == '/')
		return false;
	for (const char *p = next; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || *p == '\\')
			return false;
	return true;
}

/* /oauth2/authorize may go on to the client at once, and a browser asks the
 * form's policy for that, too. The address is proven there, not here. */
static const char *
client_address(struct request *rq, const char *next)
{
	const char *query = strchr(next, '?');
	struct pairs *pairs = ARENA_NEW(rq->arena, struct pairs);

	if (query == NULL ||
	    pairs_read(rq->arena, str_of(query + 1), pairs) != RC_OK)
		return NULL;
	for (size_t i = 0; i < pairs->n; i++)
		if (str_eq(pairs->v[i].name, STR("redirect_uri")))
			return arena_dup(rq->arena, pairs->v[i].value.p,
			    pairs->v[i].value.n);
	return NULL;
}

/* The client says whose users may sign in, wherever that leads to. */
void
auth_next_fields(struct page_doc *doc, const char *next, const char *client)
{
	const char *address;

	if (client != NULL && *client != '\0')
		page_hidden(doc, "client_id", client);
	if (!auth_next_ok(next))
		return;
	page_hidden(doc, "next", next);
	address = client_address(doc->rq, next);
	if (address != NULL)
		page_form_to(doc, address);
}

const char *
auth_next_again(struct request *rq, const char *next, const char *client)
{
	return auth_next_to(rq,
	    arena_fmt(rq->arena, "%s?error=1", rq->route->path), next, client);
}

static const char *
with(struct request *rq, const char *to, const char *name, const char *value)
{
	return arena_fmt(rq->arena, "%s%c%s=%s", to,
	    strchr(to, '?') != NULL ? '&' : '?', name,
	    percent_encode(rq->arena, str_of(value)));
}

const char *
auth_next_to(
    struct request *rq, const char *to, const char *next, const char *client)
{
	if (auth_next_ok(next))
		to = with(rq, to, "next", next);
	if (client != NULL && *client != '\0')
		to = with(rq, to, "client_id", client);
	return to;
}
