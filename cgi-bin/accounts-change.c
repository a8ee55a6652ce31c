/* Accounts that are made, renamed and removed. */
#include "domain/account-sql.h"
#include "domain/subscription-sql.h"
#include "domain/task.h"
#include "web/audit.h"
#include "web/body.h"
#include "web/idempotency.h"
#include "web/reply.h"

#include "accounts.h"

#define NAME_MOST 200

/* ---- make ---- */

const struct field account_new_body[] = { F_TEXT(struct account_new, name, 1,
					      NAME_MOST, REQUIRED),
	F_ID(struct account_new, parent_account_id, ID_ACCOUNT, NULLABLE,
	    .about = "Mine, or as admin any; without: a root account."),
	F_END };

const struct field account_child_body[] = {
	F_TEXT(struct account_child, name, 1, NAME_MOST, REQUIRED), F_END
};

struct creation {
	struct request *rq;
	int64_t parent; /* 0: none */
	const char *name;
};

static enum rc
make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	const struct creation *c = ctx;

	TRY(account_make(db, c->parent, c->name, &made[0]));
	return audit(c->rq, "account.make",
	    audit_id(c->rq, ID_ACCOUNT, made[0]),
	    c->parent == 0 ? "root" : audit_id(c->rq, ID_ACCOUNT, c->parent));
}

static enum rc
create(struct request *rq, int64_t parent, const char *name)
{
	struct creation c = { rq, parent, name };
	int64_t made[ONCE_MADE];
	struct account *row;

	TRY(once(rq, make, &c, made));
	TRY(account_made(rq->db, rq->actor.application, made[0], rq->actor.user,
	    rq->arena, &row));
	return reply_row(rq, 0, account_cols, row);
}

enum rc
account_create(struct request *rq)
{
	const struct account_new *in = rq->body;

	return create(rq, in->parent_account_id, in->name);
}

enum rc
account_create_child(struct request *rq)
{
	const struct account_child *in = rq->body;

	return create(rq, rq->actor.account, in->name);
}

/* ---- change ---- */

const struct field account_patch_body[] = {
	F_TEXT(struct account_patch, name, 1, NAME_MOST, OPTIONAL), F_END
};

static enum rc
own_read(struct request *rq, struct account **row)
{
	const struct actor *a = &rq->actor;

	return account_get(rq->db, a->account, a->application, a->user,
	    role_name(a->role), rq->arena, row);
}

static enum rc
rename_body(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	const struct account_patch *in = rq->body;
	int64_t account = rq->actor.account;

	TRY(account_rename(db, account, in->name));
	return audit(
	    rq, "account.rename", audit_id(rq, ID_ACCOUNT, account), NULL);
}

enum rc
account_change(struct request *rq)
{
	const struct account_patch *in = rq->body;
	struct account *row;

	if (in->name != NULL)
		TRY(db_tx(rq->db, rename_body, rq));
	TRY(own_read(rq, &row));
	return reply_row(rq, 0, account_cols, row);
}

/* ---- remove ---- */

const struct field account_removal_params[] = {
	F_TEXT(struct account_removal, confirm, 0, NAME_MOST,
	    OPTIONAL | BLANK_OK, .about = "The account's name, as it is."),
	F_END
};

struct removal {
	struct request *rq;
	struct account *row;
};

static enum rc
remove_start(struct request *rq)
{
	const struct task_new task = {
		.application_id = rq->actor.application,
		.action = "account_remove",
		.run_at = INSTANT_NONE,
	};
	struct task_started *started;

	return task_start(
	    rq->db, rq->actor.account, &task, rq->arena, &started);
}

/* Who is charged would go on to be, by a service that nobody here asks any
 * more. */
static enum rc
charge_check(struct request *rq, struct db *db)
{
	bool charged;

	if (rq->conf->stripe_secret_key_file[0] == '\0')
		return RC_OK;
	TRY(subscription_goes_on(db, rq->actor.account, &charged));
	if (charged)
		return fail(RC_CONFLICT,
		    "The account is charged for; cancel its subscription.");
	return RC_OK;
}

/* Nobody gets in from the commit on, so what is answered is read before. */
static enum rc
remove_body(struct db *db, void *ctx)
{
	struct removal *r = ctx;
	struct request *rq = r->rq;
	const struct account_removal *in = rq->params;
	int64_t account = rq->actor.account;

	TRY(own_read(rq, &r->row));
	if (in->confirm == NULL || strcmp(in->confirm, r->row->name) != 0)
		return fail(RC_CONFLICT,
		    "Say the account's name in ?confirm=; all of it goes.");
	TRY(charge_check(rq, db));
	TRY(account_close(db, account, NULL));
	TRY(remove_start(rq));
	TRY(audit(
	    rq, "account.remove", audit_id(rq, ID_ACCOUNT, account), NULL));
	return own_read(rq, &r->row);
}

enum rc
account_delete(struct request *rq)
{
	struct removal r = { .rq = rq };

	TRY(db_tx(rq->db, remove_body, &r));
	return reply_row(rq, 0, account_cols, r.row);
}
