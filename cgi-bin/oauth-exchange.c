/* Token exchange (RFC 8693): an access token of ours for one of another account
 * that its user may enter, or for another audience. */
#include "oauth.h"

#include "core/clock.h"
#include "domain/account-sql.h"
#include "domain/oauth-sql.h"
#include "web/issuer.h"
#include "web/reply.h"
#include "web/verifier.h"

static bool
type_ok(const char *type)
{
	return strcmp(type, OAUTH_TYPE_ACCESS) == 0 ||
	    strcmp(type, OAUTH_TYPE_JWT) == 0;
}

static enum rc
ask_check(struct request *rq, const struct oauth_token_ask *in)
{
	if (!oauth_secret_given(&in->subject_token))
		return oauth_fail(rq, "invalid_request",
		    "subject_token: This field is required.");
	if (!oauth_given(in->subject_token_type) ||
	    !type_ok(in->subject_token_type))
		return oauth_fail(rq, "invalid_request",
		    "subject_token_type: Only access tokens are exchanged.");
	if (oauth_given(in->requested_token_type) &&
	    !type_ok(in->requested_token_type))
		return oauth_fail(rq, "invalid_request",
		    "requested_token_type: Only access tokens are made.");
	if (oauth_secret_given(&in->actor_token))
		return oauth_fail(rq, "invalid_request",
		    "actor_token: Nobody acts for somebody else here.");
	return oauth_audience(rq, in->audience);
}

/* A client's own token, or one of a sign-in that named no client; good as the
 * guards would find it. Another issuer's has no session that could end what was
 * made of it. */
static enum rc
subject_read(struct request *rq, const struct oauth_token_ask *in,
    const struct oauth_client *c, struct claims *s)
{
	bool alive = false;

	if (verifier_check(rq->verifier, oauth_str(&in->subject_token), s) ==
		RC_OK &&
	    !s->external && s->application == c->application_id &&
	    (s->client[0] == '\0' || strcmp(s->client, c->id) == 0) &&
	    s->expires > clock_now().us / 1000000)
		TRY(oauth_token_alive(rq->db,
		    &(struct oauth_token_alive_args){ s->application,
			s->account, s->user, s->session, s->member_version,
			s->client, s->role },
		    &alive));
	if (alive)
		return RC_OK;
	return oauth_fail(rq, "invalid_grant",
	    "subject_token: It is not, or no longer, a token of this client.");
}

/* Role and version in the account that is wanted, as they are now. */
static enum rc
target(struct request *rq, const struct oauth_token_ask *in,
    const struct claims *s, struct grant *g)
{
	struct rights *rights;

	if (in->account_id == 0 || in->account_id == s->account)
		return RC_OK;
	g->account = in->account_id;
	if (s->user != 0)
		TRY(rights_in(rq->db, s->application, in->account_id, s->user,
		    rq->arena, &rights));
	if (s->user == 0 || rights == NULL)
		return oauth_fail(rq, "invalid_target",
		    "account_id: The token's bearer has no rights in it.");
	g->role = rights->role;
	g->version = rights->version;
	return RC_OK;
}

static enum rc
scope_narrow(
    struct request *rq, const char *asked, const char *have, const char **out)
{
	*out = have;
	if (!oauth_given(asked))
		return RC_OK;
	*out = oauth_scope(rq, asked);
	for (const char *p = *out; p != NULL && *p != '\0';) {
		size_t n = strcspn(p, " ");

		if (!oauth_has(have, arena_dup(rq->arena, p, n)))
			*out = NULL;
		p += n;
		p += strspn(p, " ");
	}
	return *out != NULL ? RC_OK
			    : oauth_fail(rq, "invalid_scope",
				  "scope: More than subject_token has.");
}

/* A person's token ends with the session in any case; a machine's would be
 * renewed for ever without its secret. */
static int64_t
life_of(const struct request *rq, const struct claims *s)
{
	int64_t left = s->expires - clock_now().us / 1000000;
	int64_t life = rq->conf->access_token_life;

	return s->user == 0 && left < life ? left : life;
}

static enum rc
exchange_reply(struct request *rq, const struct grant *g, int64_t life)
{
	const char *token;
	struct jw *w;

	TRY(issuer_grant(rq, g, &token));
	w = reply_bare(rq, 0);
	jw_object(w);
	oauth_token_members(rq, w, token, g->scope, life);
	JW_TEXT(w, "issued_token_type", OAUTH_TYPE_ACCESS);
	jw_object_end(w);
	return reply_bare_close(rq);
}

enum rc
oauth_exchange(struct request *rq, const struct oauth_token_ask *in,
    const struct oauth_client *c)
{
	struct claims *s = ARENA_NEW(rq->arena, struct claims);
	struct grant g;

	TRY(ask_check(rq, in));
	TRY(subject_read(rq, in, c, s));
	g = (struct grant){
		.application = s->application,
		.user = s->user,
		.session = s->session,
		.account = s->account,
		.version = s->member_version,
		.role = s->role,
		.client = c->id,
		.audience = oauth_given(in->audience) ? in->audience : NULL,
		.until = s->user == 0 ? s->expires : 0,
	};
	TRY(target(rq, in, s, &g));
	TRY(scope_narrow(rq, in->scope, s->scope, &g.scope));
	return exchange_reply(rq, &g, life_of(rq, s));
}
