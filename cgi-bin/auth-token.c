/* Access tokens for an account, and the keys that they are checked by. */
#include "auth.h"

#include "core/token-key.h"
#include "domain/account-sql.h"
#include "web/audit.h"
#include "web/body.h"
#include "web/issuer.h"
#include "web/reply.h"

#define KEYS_MOST ((size_t)64 * 1024)

const struct field token_new_body[] = {
	F_TEXT(struct token_new, audience, 1, 512, NULLABLE,
	    .about = "For whom the token is; one of the configured ones."),
	F_END
};
static const struct field account_token_data[] = { A_TEXT("access_token", 0),
	A_TEXT("token_type", 0), A_INT("expires_in", 0),
	A_ID("account_id", ID_ACCOUNT, 0), A_TEXT("role", 0), F_END };
const struct field account_token_answer[] = {
	A_OBJECT("data", account_token_data, 0), A_TEXT("access_token", 0),
	A_TEXT("token_type", 0), A_INT("expires_in", 0), F_END
};

/* The first document's guide reads the token bare, its API speaks in `data`:
 * both find it. */
static enum rc
account_token_reply(struct request *rq, const char *token, const char *role)
{
	char account[ID_PRINT_SIZE];
	struct jw *w = reply_bare(rq, 0);

	id_print(ID_ACCOUNT, arg_id(rq, 0), account);
	jw_object(w);
	jw_key(w, "data");
	jw_object(w);
	auth_token_members(rq, w, token, NULL);
	JW_TEXT(w, "account_id", account);
	JW_TEXT(w, "role", role);
	jw_object_end(w);
	auth_token_members(rq, w, token, NULL);
	jw_object_end(w);
	return reply_bare_close(rq);
}

/* In the account that the token is for. */
static enum rc
token_note(struct request *rq, const struct grant *g)
{
	const struct audit_actor who = {
		.application = g->application,
		.account = g->account,
		.user = g->user,
		.client = g->client[0] != '\0' ? g->client : NULL,
	};

	return audit_as(rq, &who, "token.mint",
	    audit_id(rq, ID_ACCOUNT, g->account), g->role);
}

enum rc
auth_account_token(struct request *rq)
{
	const struct token_new *in = rq->body;
	const struct actor *a = &rq->actor;
	struct grant g = {
		.application = a->application,
		.user = a->user,
		.session = a->session,
		.account = arg_id(rq, 0),
		.client = arena_dup(rq->arena, a->client.p, a->client.n),
		.scope = arena_dup(rq->arena, a->scope.p, a->scope.n),
		.audience = in->audience,
	};
	struct rights *rights;
	const char *token;

	if (a->session == 0)
		return fail(RC_FORBIDDEN,
		    "Only a person who signed in here "
		    "can have a token for an account.");
	if (in->audience != NULL &&
	    !issuer_audience_ok(rq->conf, str_of(in->audience)))
		return fault_add(rq, "audience", "unknown",
		    "This installation makes no tokens for it.");
	TRY(rights_in(
	    rq->db, g.application, g.account, g.user, rq->arena, &rights));
	if (rights == NULL)
		return RC_NOT_FOUND;
	g.role = rights->role;
	g.version = rights->version;
	TRY(issuer_grant(rq, &g, &token));
	TRY(token_note(rq, &g));
	return account_token_reply(rq, token, g.role);
}

enum rc
auth_jwks(struct request *rq)
{
	const struct token_keys *keys;
	struct buf out;
	enum rc rc;

	TRY(issuer_keys(rq->conf, &keys));
	buf_init(&out, KEYS_MOST);
	jwk_set_print(&keys->set, &out);
	rq->reply.cache = "public, max-age=600";
	rc =
	    reply_text(rq, 0, "application/json", (struct str){ out.p, out.n });
	buf_clear(&out);
	return rc;
}

const struct field jwks_answer[] = { A_JSON("keys", 0), F_END };
