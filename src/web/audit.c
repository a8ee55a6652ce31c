#include "web/audit.h"

#include "domain/audit-sql.h"

enum rc
audit_as(struct request *rq, const struct audit_actor *who, const char *action,
    const char *subject, const char *detail)
{
	const struct audit_add_args row = { who->application, who->account,
		who->user, who->client, action, subject, detail, rq->peer,
		rq->id };

	return audit_add(rq->db, &row, NULL);
}

enum rc
audit(struct request *rq, const char *action, const char *subject,
    const char *detail)
{
	const struct actor *a = &rq->actor;
	const struct audit_actor who = {
		.application = a->application,
		.account = a->account,
		.user = a->user,
		.client = arena_dup(rq->arena, a->client.p, a->client.n),
	};

	return audit_as(rq, &who, action, subject, detail);
}

const char *
audit_id(struct request *rq, enum id_kind kind, int64_t id)
{
	char *out = arena_alloc(rq->arena, ID_PRINT_SIZE);

	id_print(kind, id, out);
	return out;
}
