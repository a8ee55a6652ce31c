/* One's own second factor: begun, turned on and off, its written codes. */
#include "auth.h"

#include "domain/factor-sql.h"
#include "domain/factor.h"
#include "domain/outgoing.h"
#include "domain/session-sql.h"
#include "web/audit.h"
#include "web/body.h"
#include "web/reply.h"

#define FRESH (15 * 60) /* seconds */

#define NEXT(m)                                                                \
	F_TEXT(struct m, next, 0, 8192, OPTIONAL | BLANK_OK,                   \
	    .about = "Where a page leads to then: a path here.")

const struct field factor_new_body[] = {
	F_SECRET(struct factor_new, password, 1, PASSWORD_MOST, OPTIONAL,
	    .about = "Once more: a stolen session shall not lock its owner "
		     "out. Who has none has signed in just now."),
	NEXT(factor_new), F_END
};
const struct field factor_code_body[] = { F_TEXT(struct factor_code, code, 1,
					      FACTOR_CODE_MOST, REQUIRED),
	NEXT(factor_code), F_END };
const struct field factors_answer[] = { A_TEXT("totp", 0),
	A_TIME("created_at", NULLABLE), A_INT("recovery_codes_left", 0),
	A_BOOL("required", 0), F_END };
const struct field factor_new_answer[] = { A_TEXT("secret", 0),
	A_TEXT("uri", 0), F_END };
static const struct field code_item = { .kind = FIELD_TEXT };
const struct field factor_codes_answer[] = {
	A_LIST("recovery_codes", &code_item, 0), F_END
};

enum rc
auth_factors(struct request *rq)
{
	struct row_style style = reply_style(rq);
	struct factor *f;
	struct jw *w;

	TRY(factor_look(rq->db, rq->arena, &f));
	w = reply_bare(rq, 0);
	jw_object(w);
	JW_TEXT(w, "totp",
	    f->is_active      ? "active"
		: f->is_begun ? "begun"
			      : "none");
	jw_key(w, "created_at");
	if (f->is_begun)
		jw_time(w, f->created_at, style.time);
	else
		jw_null(w);
	JW_INT(w, "recovery_codes_left", f->codes_left);
	JW_BOOL(w, "required", factor_is_required(rq->conf, f));
	jw_object_end(w);
	return reply_bare_close(rq);
}

/* ---- beginning ---- */

/* The key URI that authenticators read from a picture. */
static const char *
uri_of(struct request *rq, const char *secret, const char *email)
{
	return arena_fmt(rq->arena,
	    "otpauth://totp/Letterrack:%s?secret=%s&issuer=Letterrack"
	    "&algorithm=SHA1&digits=6&period=30",
	    percent_encode(rq->arena, str_of(email != NULL ? email : "user")),
	    secret);
}

/* A session that was taken over, or granted to a client, shall not lock its
 * owner out. */
static enum rc
prove(struct request *rq, const struct password_owner *who)
{
	const struct factor_new *in = rq->body;
	int64_t age;

	if (who->password_hash != NULL)
		return auth_password_prove(rq, who, "password", &in->password);
	TRY(factor_session_age(rq->db, rq->actor.session, &age));
	if (age >= 0 && age < FRESH && rq->actor.how == HOW_COOKIE)
		return RC_OK;
	return fault_add(rq, "password", "stale_session",
	    "You have no password to prove that it is you: sign in again, and "
	    "set it up within a quarter of an hour.");
}

static enum rc
begin(struct request *rq, struct factors_done *done)
{
	const struct actor *a = &rq->actor;
	struct password_owner *who;

	TRY(auth_throttle(rq));
	TRY(password_of(rq->db, a->user, rq->arena, &who));
	TRY(prove(rq, who));
	TRY(factor_new(rq->db, rq->conf, a->application, a->user, rq->arena,
	    &done->secret));
	done->uri = uri_of(rq, done->secret, who->email);
	return audit(rq, "factor.begin", audit_id(rq, ID_USER, a->user), NULL);
}

enum rc
auth_factor_new(struct request *rq)
{
	const struct factor_new *in = rq->body;
	struct factors_done done = { .form = FACTORS_NEW, .next = in->next };
	enum rc rc = begin(rq, &done);
	struct jw *w;

	if (link_from_page(rq))
		return auth_factors_done(rq, &done, rc);
	TRY(rc);
	w = reply_bare(rq, 0);
	rq->reply.fresh = true;
	jw_object(w);
	JW_TEXT(w, "secret", done.secret);
	JW_TEXT(w, "uri", done.uri);
	jw_object_end(w);
	return reply_bare_close(rq);
}

/* ---- on, off, anew ---- */

struct change;
/* Uses the code up, and does what it allows. */
typedef enum rc change_fn(struct db *, const struct change *, bool *right);

/* What is done together with its line in the log and a word to the user. */
struct change_row {
	change_fn *run;
	const char *action, *said;
	bool first; /* for a factor that is not on yet; else one that is */
};

struct change {
	struct request *rq;
	const struct change_row *row;
	const char *email;
	struct factor_proof proof;
	const char *codes[FACTOR_CODES];
	struct str hashes[FACTOR_CODES];
};

static enum rc
run_confirm(struct db *db, const struct change *c, bool *right)
{
	return factor_confirm(db, c->proof.step, c->rq->actor.session,
	    (struct texts){ c->hashes, FACTOR_CODES }, right);
}

static enum rc
run_off(struct db *db, const struct change *c, bool *right)
{
	return factor_drop(db, c->proof.step, c->proof.code, right);
}

static enum rc
run_codes(struct db *db, const struct change *c, bool *right)
{
	return factor_codes(db, c->proof.step, c->proof.code,
	    (struct texts){ c->hashes, FACTOR_CODES }, right);
}

static const struct change_row changes[] = {
	[FACTORS_CONFIRM] = { run_confirm, "factor.enable",
	    "A second factor was turned on for your user", true },
	[FACTORS_OFF] = { run_off, "factor.disable",
	    "The second factor of your user was turned off", false },
	[FACTORS_CODES] = { run_codes, "factor.codes",
	    "New recovery codes were made for your user", false },
};

/* An address that cannot be written to stops nobody. */
static enum rc
tell(struct db *db, const struct change *c)
{
	const struct outgoing_new mail = {
		.application = c->rq->actor.application,
		.to = c->email,
		.subject = c->row->said,
		.text = arena_fmt(c->rq->arena,
		    "%s.\n\nIf that was not you, change your password and "
		    "tell your administrator.\n",
		    c->row->said),
		.kind = "factor",
	};
	enum rc rc;

	if (c->email == NULL)
		return RC_OK;
	rc = outgoing_add(db, &mail);
	if (rc == RC_INVALID)
		log_info(&c->rq->log, "no notice: %s", fail_detail());
	return rc == RC_INVALID ? RC_OK : rc;
}

static enum rc
change_body(struct db *db, void *ctx)
{
	const struct change *c = ctx;
	bool right;

	TRY(c->row->run(db, c, &right));
	if (!right)
		return RC_BAD_CODE;
	TRY(audit(c->rq, c->row->action,
	    audit_id(c->rq, ID_USER, c->rq->actor.user), NULL));
	return tell(db, c);
}

static enum rc
allowed(struct request *rq, const struct change *c, enum factors_form form,
    const struct factor *f)
{
	if (c->row->first && f->is_active)
		return fail(RC_CONFLICT, "The second factor is on already.");
	if (!(c->row->first ? f->is_begun : f->is_active))
		return fail(RC_CONFLICT, "There is no second factor.");
	if (form == FACTORS_OFF && factor_is_required(rq->conf, f))
		return fail(RC_FORBIDDEN,
		    "Your role needs a second factor in this installation.");
	return RC_OK;
}

static enum rc
code_read(struct request *rq, struct change *c)
{
	const struct factor_code *in = rq->body;
	struct factor_try *f;
	enum rc rc;

	TRY(factor_try(rq->db, rq->arena, &f));
	if (f == NULL)
		return fail(RC_CONFLICT, "There is no second factor.");
	rc = factor_read(rq->conf, f, in->code, rq->arena, &c->proof);
	if (rc == RC_RATE_LIMIT) {
		rq->retry_after = (int)f->locked_seconds;
		error_int(rq, "retry_after_seconds", f->locked_seconds);
	}
	return rc;
}

static enum rc
change_try(struct request *rq, enum factors_form form, struct change *c)
{
	struct factor *f;

	TRY(factor_look(rq->db, rq->arena, &f));
	TRY(allowed(rq, c, form, f));
	c->email = f->email;
	TRY(code_read(rq, c));
	/* Written codes belong to a factor that is on. */
	if (c->row->first && c->proof.code.p != NULL)
		return RC_BAD_CODE;
	factor_codes_make(rq->actor.user, rq->arena, c->codes, c->hashes);
	return db_tx(rq->db, change_body, c);
}

static enum rc
change(struct request *rq, enum factors_form form, struct change *c)
{
	enum rc rc;

	*c = (struct change){ .rq = rq, .row = &changes[form] };
	rc = change_try(rq, form, c);
	if (rc == RC_BAD_CODE) {
		log_warn(&rq->log, "code refused user=%lld",
		    (long long)rq->actor.user);
		TRY(audit(rq, "factor.refused",
		    audit_id(rq, ID_USER, rq->actor.user), NULL));
	}
	return rc;
}

static enum rc
codes_reply(struct request *rq, const struct change *c)
{
	struct jw *w = reply_bare(rq, 0);

	rq->reply.fresh = true;
	jw_object(w);
	jw_key(w, "recovery_codes");
	jw_array(w);
	for (int i = 0; i < FACTOR_CODES; i++)
		jw_text(w, c->codes[i]);
	jw_array_end(w);
	jw_object_end(w);
	return reply_bare_close(rq);
}

static enum rc
with_codes(struct request *rq, enum factors_form form)
{
	const struct factor_code *in = rq->body;
	struct change c;
	enum rc rc = change(rq, form, &c);
	const struct factors_done done = {
		.form = form, .next = in->next, .codes = c.codes
	};

	if (link_from_page(rq))
		return auth_factors_done(rq, &done, rc);
	TRY(rc);
	return codes_reply(rq, &c);
}

enum rc
auth_factor_confirm(struct request *rq)
{
	return with_codes(rq, FACTORS_CONFIRM);
}

enum rc
auth_factor_codes(struct request *rq)
{
	return with_codes(rq, FACTORS_CODES);
}

enum rc
auth_factor_disable(struct request *rq)
{
	const struct factor_code *in = rq->body;
	const struct factors_done done = { .form = FACTORS_OFF,
		.next = in->next };
	struct change c;
	enum rc rc = change(rq, FACTORS_OFF, &c);

	if (link_from_page(rq))
		return auth_factors_done(rq, &done, rc);
	TRY(rc);
	return reply_empty(rq, 0);
}
