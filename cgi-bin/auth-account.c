/* Going on in another account of one's own. */
#include "domain/account-sql.h"
#include "web/issuer.h"
#include "web/reply.h"

#include "auth.h"

const struct field account_wanted_body[] = {
	F_ID(struct account_wanted, account_id, ID_ACCOUNT, REQUIRED), F_END
};

const struct field account_switched_answer[] = {
	A_ID("account_id", ID_ACCOUNT, 0), A_TEXT("role", 0),
	A_TEXT("access_token", 0), A_INT("expires_in", 0), F_END
};

static enum rc
switched(
    struct request *rq, int64_t account, const char *role, const char *token)
{
	char id[ID_PRINT_SIZE];
	struct jw *w;

	id_print(ID_ACCOUNT, account, id);
	rq->reply.fresh = true;
	w = reply_open(rq, 0);
	JW_TEXT(w, "account_id", id);
	JW_TEXT(w, "role", role);
	JW_TEXT(w, "access_token", token);
	JW_INT(w, "expires_in", rq->conf->access_token_life);
	return reply_close(rq);
}

/* Cookies go where the user goes; tokens stay in the account they are for. */
enum rc
auth_account_switch(struct request *rq)
{
	const struct account_wanted *in = rq->body;
	const struct actor *a = &rq->actor;
	struct grant g = {
		.application = a->application,
		.user = a->user,
		.session = a->session,
		.account = in->account_id,
		.client = arena_dup(rq->arena, a->client.p, a->client.n),
		.scope = arena_dup(rq->arena, a->scope.p, a->scope.n),
	};
	struct rights *rights;
	const char *token;

	if (a->session == 0)
		return fail(RC_FORBIDDEN,
		    "Only a person who signed in here has an active account.");
	TRY(account_switch(rq->db, in->account_id, rq->arena, &rights));
	if (rights == NULL)
		return RC_NOT_FOUND;
	g.role = rights->role;
	g.version = rights->version;
	TRY(issuer_grant(rq, &g, &token));
	return switched(rq, in->account_id, rights->role, token);
}
