#include "web/actor.h"

#include "core/token.h"

void
actor_from_claims(struct actor *a, const struct claims *c)
{
	*a = (struct actor){
		.application = c->application,
		.user = c->user,
		.account = c->account,
		.session = c->session,
		.version = c->member_version,
		.role = role_parse(str_of(c->role)),
		.machine = c->user == 0,
		.how = HOW_TOKEN,
		.client = str_of(c->client),
		.scope = str_of(c->scope),
	};
}

void
actor_from_session(struct actor *a, const struct session *s, enum how how)
{
	*a = (struct actor){
		.application = s->application_id,
		.user = s->user_id,
		.account = s->account_id,
		.session = s->session_id,
		.version = s->version,
		.role =
		    s->role == NULL ? ROLE_NONE : role_parse(str_of(s->role)),
		.admin = s->is_admin,
		.how = how,
	};
}

enum rc
actor_ask(struct request *rq, struct session **s)
{
	TRY(db_guard_run(rq->db));
	return *s != NULL ? RC_OK : RC_UNAUTHORIZED;
}
