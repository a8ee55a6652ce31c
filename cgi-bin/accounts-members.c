/* Members of an account: taken in, given another role, sent away. */
#include "domain/membership-sql.h"
#include "domain/thread.h"
#include "web/audit.h"
#include "web/body.h"
#include "web/idempotency.h"
#include "web/reply.h"

#include "accounts.h"

const char *const account_roles[] = { [WORD_OWNER] = "owner",
	[WORD_MEMBER] = "member",
	[WORD_VIEWER] = "viewer",
	NULL };

/* ---- take in ---- */

const struct field member_new_body[] = { F_ID(struct member_new, user_id,
					     ID_USER, OPTIONAL),
	F_EMAIL(struct member_new, email, OPTIONAL,
	    .about = "In place of user_id."),
	F_ENUM(struct member_new, role, account_roles, REQUIRED), F_END };

static enum rc
join(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	struct request *rq = ctx;
	const struct member_new *in = rq->body;
	const char *role = account_roles[in->role];
	int64_t user;
	enum rc rc;

	TRY(member_to_be(db, in->user_id, in->email, &user));
	if (user == 0)
		return RC_NOT_FOUND;
	rc = membership_add(
	    db, rq->actor.account, rq->actor.application, user, role, &made[0]);
	if (rc == RC_CONFLICT)
		return fail(RC_CONFLICT, "They are a member already.");
	TRY(rc);
	return audit(rq, "member.add", audit_id(rq, ID_MEMBER, made[0]),
	    arena_fmt(rq->arena, "%s %s", audit_id(rq, ID_USER, user), role));
}

enum rc
member_create(struct request *rq)
{
	const struct member_new *in = rq->body;
	int64_t made[ONCE_MADE];
	struct membership *row;

	if (in->user_id == 0 && in->email == NULL)
		return fault_add(
		    rq, "user_id", "required", "Say user_id or email.");
	if (in->user_id != 0 && in->email != NULL)
		return fault_add(
		    rq, "email", "surplus", "Say user_id or email, not both.");
	TRY(once(rq, join, rq, made));
	TRY(membership_get(
	    rq->db, rq->actor.account, made[0], rq->arena, &row));
	return reply_row(rq, 0, membership_cols, row);
}

/* ---- change ---- */

const struct field member_patch_body[] = {
	F_ENUM(struct member_patch, role, account_roles, OPTIONAL), F_END
};

/* A member who may be one no more, or in a lower role: not the last owner who
 * can act. The owners and the member are held from here on, in this order, so
 * that nobody becomes the last one meanwhile. */
static enum rc
member_spare(struct request *rq, bool stays_owner, struct membership **row)
{
	int64_t account = rq->actor.account, id = arg_id(rq, 1);
	struct membership_list owners;

	TRY(membership_owners(rq->db, account, rq->arena, &owners));
	TRY(membership_lock(rq->db, account, id, rq->arena, row));
	if (stays_owner || strcmp((*row)->role, "owner") != 0)
		return RC_OK;
	for (size_t i = 0; i < owners.n; i++)
		if (owners.v[i].id != id)
			return RC_OK;
	return fail(RC_CONFLICT, "The last owner of an account stays.");
}

struct change {
	struct request *rq;
	struct membership *row; /* as it is then */
};

static enum rc
set_role(struct request *rq, const struct membership *row, const char *role)
{
	if (strcmp(row->role, role) == 0)
		return RC_OK;
	TRY(membership_set_role(rq->db, rq->actor.account, row->id, role));
	return audit(rq, "member.role", audit_id(rq, ID_MEMBER, row->id),
	    arena_fmt(rq->arena, "%s -> %s", row->role, role));
}

/* What is answered is read before the commit: whoever lowers themselves has
 * another token to ask for then. */
static enum rc
change(struct db *db, void *ctx)
{
	struct change *c = ctx;
	struct request *rq = c->rq;
	const struct member_patch *in = rq->body;
	struct membership *row;

	if (GIVEN(rq, struct member_patch, role)) {
		TRY(member_spare(rq, in->role == WORD_OWNER, &row));
		TRY(set_role(rq, row, account_roles[in->role]));
	}
	return membership_get(
	    db, rq->actor.account, arg_id(rq, 1), rq->arena, &c->row);
}

enum rc
member_change(struct request *rq)
{
	struct change c = { .rq = rq };

	TRY(db_tx(rq->db, change, &c));
	return reply_row(rq, 0, membership_cols, c.row);
}

/* ---- send away ---- */

static enum rc
leave(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	int64_t id = arg_id(rq, 1);
	struct membership *row;

	TRY(member_spare(rq, false, &row));
	TRY(membership_remove(db, rq->actor.account, id));
	TRY(thread_leave(db, rq->actor.account, rq->actor.application,
	    row->user_id, rq->actor.user, rq->arena));
	return audit(rq, "member.remove", audit_id(rq, ID_MEMBER, id),
	    arena_fmt(rq->arena, "%s %s", audit_id(rq, ID_USER, row->user_id),
		row->role));
}

enum rc
member_delete(struct request *rq)
{
	TRY(db_tx(rq->db, leave, rq));
	return reply_empty(rq, 0);
}
