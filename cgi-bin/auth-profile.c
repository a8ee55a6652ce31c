/* Who somebody is. */
#include "auth.h"

#include "domain/membership-sql.h"
#include "domain/user-sql.h"
#include "web/reply.h"

static const struct membership *
member_of(const struct membership_list *list, int64_t account)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].account_id == account)
			return &list->v[i];
	return NULL;
}

/* An admin acts as owner in accounts that they are no member of. */
static struct membership
active_of(const struct auth_profile *p, int64_t account, const char *role)
{
	const struct membership *m = member_of(&p->memberships, account);
	struct membership out = { .account_id = account,
		.user_id = p->user->id };

	if (m != NULL)
		out = *m;
	out.role = role;
	return out;
}

enum rc
auth_profile(
    struct request *rq, const struct session *s, struct auth_profile *p)
{
	db_pipe_begin(rq->db);
	TRY(user_get(
	    rq->db, s->application_id, s->user_id, rq->arena, &p->user));
	TRY(membership_of_user(
	    rq->db, s->application_id, s->user_id, rq->arena, &p->memberships));
	TRY(db_pipe_end(rq->db));
	p->active = active_of(p, s->account_id, s->role);
	return RC_OK;
}

void
auth_profile_members(
    struct request *rq, struct jw *w, const struct auth_profile *p)
{
	struct row_style style = reply_style(rq);

	row_members(w, user_cols, p->user, &style);
	jw_key(w, "memberships");
	rows_write(w, membership_own_cols, p->memberships.v, p->memberships.n,
	    sizeof p->memberships.v[0], &style);
	jw_key(w, "active_membership");
	row_write(w, membership_own_cols, &p->active, &style);
}

static const struct field membership_answer[] = { A_ID("id", ID_MEMBER,
						      NULLABLE),
	A_ID("account_id", ID_ACCOUNT, 0), A_TEXT("account_name", NULLABLE),
	A_ID("user_id", ID_USER, 0), A_TEXT("role", 0), F_END };
const struct field auth_profile_answer[] = { A_ID("id", ID_USER, 0),
	A_ID("application_id", ID_APPLICATION, 0), A_TEXT("email", 0),
	A_TEXT("username", NULLABLE), A_TEXT("name", 0), A_TEXT("role", 0),
	A_TEXT("status", 0), A_BOOL("is_active", 0),
	A_ID("active_account_id", ID_ACCOUNT, NULLABLE),
	A_TIME("last_login_at", NULLABLE), A_TIME("created_at", 0),
	A_TIME("updated_at", 0), A_ARRAY("memberships", membership_answer, 0),
	A_OBJECT("active_membership", membership_answer, 0), F_END };

/* The caller, as a guard would tell them. */
struct session
auth_session(const struct actor *a)
{
	return (struct session){
		.session_id = a->session,
		.application_id = a->application,
		.user_id = a->user,
		.account_id = a->account,
		.role = role_name(a->role),
		.is_admin = a->admin,
		.version = a->version,
	};
}

enum rc
auth_me(struct request *rq)
{
	struct session s = auth_session(&rq->actor);
	struct auth_profile p;
	struct jw *w;

	TRY(auth_profile(rq, &s, &p));
	w = reply_bare(rq, 0);
	jw_object(w);
	auth_profile_members(rq, w, &p);
	jw_object_end(w);
	return reply_bare_close(rq);
}

enum rc
auth_me_ci(struct request *rq)
{
	struct user *user;

	TRY(user_get(
	    rq->db, rq->actor.application, rq->actor.user, rq->arena, &user));
	return reply_row(rq, 0, user_cols, user);
}
