/* A new password: one's own for the present one, or another's for an admin. */
#include "domain/session-sql.h"
#include "web/audit.h"
#include "web/body.h"
#include "web/gate.h"
#include "web/reply.h"

#include "auth.h"

const struct field password_change_body[] = {
	F_SECRET(struct password_change, current_password, 0, PASSWORD_MOST,
	    OPTIONAL, .about = "Needed where it is one's own."),
	F_SECRET(
	    struct password_change, new_password, 1, PASSWORD_MOST, REQUIRED),
	F_SECRET(struct password_change, confirm_password, 0, PASSWORD_MOST,
	    OPTIONAL, .about = "The new one again."),
	F_END
};

static bool
is_own(const struct request *rq)
{
	return rq->actor.user == arg_id(rq, 0);
}

/* Whoever has taken over a session has no more tries than at the door. */
enum rc
auth_password_prove(struct request *rq, const struct password_owner *who,
    const char *field, const struct secret *password)
{
	struct password_gate *gate;

	if (who->password_hash == NULL)
		return RC_OK;
	if (!secret_is(password))
		return fault_add(
		    rq, field, "required", "This field is required.");
	if (who->locked_seconds > 0) {
		rq->retry_after = (int)who->locked_seconds;
		return RC_RATE_LIMIT;
	}
	TRY(gate_of(rq->conf, &gate));
	if (password_check(
		gate, password, who->password_hash, rq->conf->password_cost))
		return RC_OK;
	TRY(login_failed(rq->db, who->user_id, who->email, NULL));
	return fault_add(rq, field, "wrong", "This is not your password.");
}

struct change {
	struct request *rq;
	const struct password_owner *who;
	const char *hash;
};

static enum rc
change(struct db *db, void *ctx)
{
	const struct change *c = ctx;
	struct request *rq = c->rq;

	TRY(password_set(db, c->who->user_id, c->who->password_hash, c->hash,
	    rq->actor.session, NULL));
	return audit(rq, "user.password",
	    audit_id(rq, ID_USER, c->who->user_id),
	    is_own(rq) ? "by themselves" : "by an admin");
}

enum rc
auth_password_change(struct request *rq)
{
	const struct password_change *in = rq->body;
	char hash[PASSWORD_HASH_MAX];
	struct password_owner *who;
	struct change c = { .rq = rq, .hash = hash };
	struct jw *w;
	enum rc rc;

	if (secret_is(&in->confirm_password) &&
	    !secret_eq(&in->new_password, in->confirm_password.p,
		in->confirm_password.n))
		return fault_add(rq, "confirm_password", "mismatch",
		    "The two new ones differ.");
	if (is_own(rq))
		TRY(auth_throttle(rq));
	TRY(password_of(rq->db, arg_id(rq, 0), rq->arena, &who));
	if (is_own(rq))
		TRY(auth_password_prove(
		    rq, who, "current_password", &in->current_password));
	TRY(gate_hash(rq,
	    &(struct chosen){
		"new_password", in->new_password, who->username, who->email },
	    hash));
	c.who = who;
	rc = db_tx(rq->db, change, &c);
	explicit_bzero(hash, sizeof hash);
	TRY(rc);
	w = reply_open(rq, 0);
	JW_TEXT(w, "message", "Password changed successfully");
	return reply_close(rq);
}
