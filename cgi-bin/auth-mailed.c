/* Asking for links that are mailed, and using them.
 *
 * Whoever asks learns nothing about an address: the answer is one and the
 * same, and what a known address costs an unknown one costs, too: all of it is
 * done, and then rolled back.
 *
 * A user is made when the mailbox has been proved, not at the sign-up: nobody
 * can sit on the address of another, and a user of whom nothing is known but
 * an address is of no account until an owner says so. */
#include "auth.h"

#include "domain/one-time-sql.h"
#include "domain/outgoing.h"
#include "web/audit.h"
#include "web/body.h"
#include "web/gate.h"
#include "web/reply.h"

#define F_CLIENT(T)                                                            \
	F_TEXT(T, client_id, 1, 64, NULLABLE,                                  \
	    .about = "The OAuth client whose users are meant; default: "       \
		     "those of the oldest application.")
#define F_CSRF(T)                                                              \
	F_TEXT(T, csrf_token, 0, 256, NULLABLE | BLANK_OK,                     \
	    .about = "Of GET /auth/csrf-token, where a browser asks.")
#define F_TOKEN                                                                \
	F_SECRET(struct link_use_in, token, 1, 128, REQUIRED,                  \
	    .about = "As the mailed link has it.")
#define F_NEW(flags, words)                                                    \
	F_SECRET(struct link_use_in, password, 1, PASSWORD_MOST, flags,        \
	    .about = (words))

const struct field sign_up_body[] = { F_ADDRESS(
					  struct sign_up, email, REQUIRED),
	F_SECRET(struct sign_up, password, 1, PASSWORD_MOST, REQUIRED),
	F_CLIENT(struct sign_up), F_CSRF(struct sign_up), F_END };
const struct field link_ask_body[] = { F_ADDRESS(
					   struct link_ask, email, REQUIRED),
	F_CLIENT(struct link_ask), F_CSRF(struct link_ask), F_END };
const struct field link_use_body[] = { F_TOKEN, F_CLIENT(struct link_use_in),
	F_CSRF(struct link_use_in), F_END };
const struct field link_verify_body[] = { F_TOKEN,
	F_NEW(NULLABLE, "The one of the sign-up; refused where it is not."),
	F_CSRF(struct link_use_in), F_END };
const struct field link_reset_body[] = { F_TOKEN,
	F_NEW(REQUIRED, "The new one."), F_CSRF(struct link_use_in), F_END };
const struct field link_accept_body[] = { F_TOKEN,
	F_NEW(NULLABLE, "For a user who has none yet."),
	F_CLIENT(struct link_use_in), F_CSRF(struct link_use_in), F_END };

const struct field link_sent_answer[] = { A_TEXT("status", 0),
	A_TEXT("message", 0), F_END };
const struct field link_verified_answer[] = { A_TEXT("status", 0),
	A_ID("user_id", ID_USER, 0), A_TEXT("email", 0), F_END };
const struct field link_reset_answer[] = { A_TEXT("status", 0), F_END };
const struct field link_accepted_answer[] = { A_OBJECT("tokens",
						  auth_tokens_answer, 0),
	A_OBJECT("profile", auth_profile_answer, 0), A_BOOL("password_set", 0),
	F_END };
static const struct field method_item = { .kind = FIELD_TEXT };
const struct field check_email_answer[] = { A_LIST("methods", &method_item, 0),
	F_END };

/* ---- asking ---- */

static enum rc
asked(struct request *rq, const char *client, const char *csrf, int64_t *app)
{
	TRY(auth_csrf(rq, csrf));
	TRY(auth_throttle(rq));
	TRY(door_application(rq->db, client, app));
	if (*app != 0)
		return RC_OK;
	return fault_add(
	    rq, "client_id", "unknown", "There is no such client.");
}

static enum rc
sent(struct request *rq)
{
	struct jw *w = reply_bare(rq, 0);

	jw_object(w);
	JW_TEXT(w, "status", "accepted");
	JW_TEXT(w, "message",
	    "If this can be done with the address, a mail is on its way.");
	jw_object_end(w);
	return reply_bare_close(rq);
}

struct asking {
	struct request *rq;
	struct link_new link;
};

/* RC_NOT_FOUND: nothing is to be mailed, and what was done is undone. */
static enum rc
mail_known(struct db *db, void *ctx)
{
	struct asking *a = ctx;
	struct one_time *made;

	TRY(door_user_at(
	    db, a->link.application, a->link.address, &a->link.user));
	TRY(link_mail(a->rq, db, &a->link, &made));
	return made == NULL || a->link.user == 0 ? RC_NOT_FOUND : RC_OK;
}

static enum rc
ask_known(struct request *rq, enum link_kind kind, const char *words)
{
	const struct link_ask *in = rq->body;
	struct asking a = { rq,
		{ .kind = kind, .address = in->email, .words = words } };
	enum rc rc;

	TRY(asked(rq, in->client_id, in->csrf_token, &a.link.application));
	rc = db_tx(rq->db, mail_known, &a);
	if (rc != RC_OK && rc != RC_NOT_FOUND)
		return rc;
	return sent(rq);
}

enum rc
auth_send_magic_link(struct request *rq)
{
	return ask_known(rq, LINK_MAGIC,
	    "Somebody, you we hope, asked for a link to sign in with this "
	    "address.\nTo sign in, open");
}

enum rc
auth_send_password_reset(struct request *rq)
{
	return ask_known(rq, LINK_RESET,
	    "Somebody, you we hope, asked to set a new password for this "
	    "address.\nTo set it, open");
}

/* Whoever has the address already is told so, in the mail only. */
static void
sign_up_words(struct request *rq, struct link_new *new)
{
	new->linkless = new->user != 0;
	new->subject = new->linkless ? "You have signed up already" : NULL;
	new->words = new->linkless
	    ? arena_fmt(rq->arena,
		  "Somebody, you we hope, signed up with this address at\n"
		  "%s\n\nThere is a user with this address already, and "
		  "nothing was changed.\nSign in as before; if the password "
		  "is lost, ask for a new one there.\n",
		  rq->conf->base_url)
	    : "Somebody, you we hope, signed up with this address.\n"
	      "To confirm that it is yours, open";
}

static enum rc
sign_up_mail(struct db *db, void *ctx)
{
	struct asking *a = ctx;
	struct one_time *made;

	TRY(door_user_at(
	    db, a->link.application, a->link.address, &a->link.user));
	sign_up_words(a->rq, &a->link);
	TRY(link_mail(a->rq, db, &a->link, &made));
	return made == NULL ? RC_NOT_FOUND : RC_OK;
}

enum rc
auth_sign_up(struct request *rq)
{
	const struct sign_up *in = rq->body;
	const struct one_time as = { .address = in->email };
	char hash[PASSWORD_HASH_MAX];
	struct asking a = { rq,
		{ .kind = LINK_VERIFY,
		    .address = in->email,
		    .password_hash = hash } };
	enum rc rc;

	TRY(asked(rq, in->client_id, in->csrf_token, &a.link.application));
	TRY(link_password(rq, &in->password, &as, hash));
	rc = db_tx(rq->db, sign_up_mail, &a);
	explicit_bzero(hash, sizeof hash);
	if (rc != RC_OK && rc != RC_NOT_FOUND)
		return rc;
	return sent(rq);
}

/* How users sign in here. Which of them there are is nobody's to ask, so the
 * address is not even looked up. */
enum rc
auth_check_email(struct request *rq)
{
	const struct link_ask *in = rq->body;
	int64_t application;
	struct jw *w;

	TRY(asked(rq, in->client_id, in->csrf_token, &application));
	w = reply_bare(rq, 0);
	jw_object(w);
	jw_key(w, "methods");
	jw_array(w);
	jw_text(w, "password");
	jw_text(w, "magic_link");
	jw_array_end(w);
	jw_object_end(w);
	return reply_bare_close(rq);
}

/* ---- using ---- */

struct using
{
	struct request *rq;
	const struct link_use_in *in;
	const char *password_hash;
	struct one_time *link;
	int64_t user;
	struct secret cookie; /* or the second step's token */
	bool half;
};

static enum rc
use_audit(const struct using *u, const char *action, const char *subject,
    const char *detail)
{
	const struct audit_actor who = {
		.application = u->link->application_id,
		.account = u->link->account_id,
		.user = u->user,
		.client = u->in->client_id,
	};

	return audit_as(u->rq, &who, action, subject, detail);
}

static enum rc
user_make(struct using *u, struct db *db, const char *password_hash)
{
	TRY(door_user_make(db, u->link->application_id, u->link->address,
	    password_hash, &u->user));
	if (u->user == 0) /* made meanwhile, or switched off */
		return RC_BAD_LINK;
	return use_audit(
	    u, "user.create", audit_id(u->rq, ID_USER, u->user), NULL);
}

/* The page asks for the password of the sign-up, since a stranger may have
 * signed up with this address: then the mailbox's owner does not know it, and
 * confirms nothing. */
static enum rc
password_same(struct request *rq, const struct link_use_in *in,
    const struct one_time *link)
{
	struct password_gate *gate;

	if (!secret_is(&in->password))
		return RC_OK;
	TRY(gate_of(rq->conf, &gate));
	if (password_check(gate, &in->password, link->password_hash,
		rq->conf->password_cost))
		return RC_OK;
	return fail(RC_BAD_LOGIN, "This is not the password of the sign-up.");
}

static enum rc
verify_body(struct db *db, void *ctx)
{
	struct using *u = ctx;

	TRY(link_use(u->rq, db, LINK_VERIFY, &u->in->token, NULL, &u->link));
	if (u->link->user_id != 0)
		return RC_BAD_LINK;
	return user_make(u, db, u->link->password_hash);
}

static enum rc
verify_do(struct using *u)
{
	struct request *rq = u->rq;
	char id[ID_PRINT_SIZE];
	struct jw *w;

	TRY(link_look(rq, LINK_VERIFY, &u->in->token, &u->link));
	TRY(password_same(rq, u->in, u->link));
	TRY(db_tx(rq->db, verify_body, u));
	w = reply_bare(rq, 0);
	id_print(ID_USER, u->user, id);
	jw_object(w);
	JW_TEXT(w, "status", "verified");
	JW_TEXT(w, "user_id", id);
	JW_TEXT(w, "email", u->link->address);
	jw_object_end(w);
	return reply_bare_close(rq);
}

static enum rc
signed_in(struct using *u, int password_set)
{
	struct request *rq = u->rq;
	struct session *s;
	struct jw *w;

	if (u->half) {
		auth_step_tell(rq, &u->cookie);
		return RC_SECOND_FACTOR;
	}
	TRY(session_follow(rq->db, &u->cookie, rq->arena, &s));
	w = reply_bare(rq, 0);
	jw_object(w);
	TRY(auth_entered(rq, w, s, &u->cookie, u->in->client_id));
	if (password_set >= 0)
		JW_BOOL(w, "password_set", password_set);
	jw_object_end(w);
	return reply_bare_close(rq);
}

static enum rc
session_for(struct using *u, struct db *db)
{
	const struct sign_in terms = auth_terms(u->rq);

	return session_begin(
	    db, u->user, &terms, u->rq->arena, &u->cookie, &u->half);
}

static enum rc
magic_body(struct db *db, void *ctx)
{
	struct using *u = ctx;

	TRY(link_use(
	    u->rq, db, LINK_MAGIC, &u->in->token, u->in->client_id, &u->link));
	u->user = u->link->user_id;
	TRY(session_for(u, db));
	return use_audit(u, u->half ? "login.half" : "session.open",
	    audit_id(u->rq, ID_USER, u->user), "magic link");
}

static enum rc
magic_do(struct using *u)
{
	enum rc rc = db_tx(u->rq->db, magic_body, u);

	if (rc == RC_UNAUTHORIZED) /* switched off meanwhile */
		return RC_BAD_LINK;
	TRY(rc);
	return signed_in(u, -1);
}

static enum rc
reset_body(struct db *db, void *ctx)
{
	static const char words[] =
	    "The password of this address was changed just now by a link that "
	    "was mailed\nto it, and all its sessions were ended.\n\nIf this "
	    "was not you, somebody reads your mail: ask for a new password "
	    "again.\n";
	struct using *u = ctx;
	struct outgoing_new mail = {
		.subject = "Your password was changed",
		.text = words,
		.kind = "password",
	};

	TRY(link_use(u->rq, db, LINK_RESET, &u->in->token, NULL, &u->link));
	u->user = u->link->user_id;
	TRY(door_password_reset(db, u->user, u->password_hash, NULL));
	mail.application = u->link->application_id;
	mail.to = u->link->address;
	TRY(outgoing_add(db, &mail));
	return use_audit(
	    u, "password.reset", audit_id(u->rq, ID_USER, u->user), NULL);
}

static enum rc
reset_do(struct using *u)
{
	char hash[PASSWORD_HASH_MAX];
	struct request *rq = u->rq;
	struct jw *w;
	enum rc rc;

	TRY(link_look(rq, LINK_RESET, &u->in->token, &u->link));
	TRY(link_password(rq, &u->in->password, u->link, hash));
	u->password_hash = hash;
	rc = db_tx(rq->db, reset_body, u);
	explicit_bzero(hash, sizeof hash);
	if (rc == RC_UNAUTHORIZED)
		return RC_BAD_LINK;
	TRY(rc);
	w = reply_bare(rq, 0);
	jw_object(w);
	JW_TEXT(w, "status", "password_set");
	jw_object_end(w);
	return reply_bare_close(rq);
}

static enum rc
accept_body(struct db *db, void *ctx)
{
	struct using *u = ctx;
	int64_t member;

	TRY(link_use(
	    u->rq, db, LINK_INVITE, &u->in->token, u->in->client_id, &u->link));
	TRY(door_user_at(
	    db, u->link->application_id, u->link->address, &u->user));
	if (u->user == 0)
		TRY(user_make(u, db, u->password_hash));
	TRY(door_invite_accept(db, u->link->id, u->user, &member));
	if (member == 0)
		return RC_BAD_LINK;
	TRY(use_audit(u, "invite.accept", audit_id(u->rq, ID_MEMBER, member),
	    u->link->role));
	return session_for(u, db);
}

/* A password is for who has no user yet: whoever has one keeps the password,
 * which a link that joins an account is not asked to change. */
static enum rc
accept_do(struct using *u)
{
	char hash[PASSWORD_HASH_MAX];
	struct request *rq = u->rq;
	bool has;
	enum rc rc;

	TRY(link_look(rq, LINK_INVITE, &u->in->token, &u->link));
	has = u->link->has_password;
	if (u->link->user_id == 0 && secret_is(&u->in->password)) {
		TRY(link_password(rq, &u->in->password, u->link, hash));
		u->password_hash = hash;
		has = true;
	}
	rc = db_tx(rq->db, accept_body, u);
	explicit_bzero(hash, sizeof hash);
	if (rc == RC_UNAUTHORIZED)
		return RC_BAD_LINK;
	TRY(rc);
	return signed_in(u, has);
}

/* A program gets the answer, a page is led on. Whoever has a second factor is
 * asked for it behind a link, too: a mailbox alone opens nothing of theirs. */
static enum rc
use(struct request *rq, enum link_kind kind, enum rc (*doing)(struct using *))
{
	const struct link_use_in *in = rq->body;
	struct using u = { .rq = rq, .in = in };
	enum rc rc;

	TRY(auth_csrf(rq, in->csrf_token));
	rc = doing(&u);
	if (rc == RC_SECOND_FACTOR && link_from_page(rq))
		return auth_step_go(rq, &u.cookie, NULL, in->client_id);
	return link_from_page(rq) ? link_page_next(rq, kind, &in->token, rc)
				  : rc;
}

enum rc
auth_verify(struct request *rq)
{
	return use(rq, LINK_VERIFY, verify_do);
}

enum rc
auth_sign_in_with_token(struct request *rq)
{
	return use(rq, LINK_MAGIC, magic_do);
}

enum rc
auth_reset_password(struct request *rq)
{
	return use(rq, LINK_RESET, reset_do);
}

enum rc
auth_accept_invite(struct request *rq)
{
	return use(rq, LINK_INVITE, accept_do);
}
