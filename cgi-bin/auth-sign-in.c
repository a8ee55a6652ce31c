/* Signing in with a password. */
#include "auth.h"

#include "core/rate.h"
#include "domain/audit-sql.h"
#include "domain/user-sql.h"
#include "web/audit.h"
#include "web/body.h"
#include "web/gate.h"
#include "web/guard.h"
#include "web/issuer.h"
#include "web/reply.h"

enum rc
auth_throttle(struct request *rq)
{
	static struct rate_table *table;
	int64_t now = clock_now().us / 1000000;
	struct rate rate;

	if (table == NULL && rate_open(rq->conf->run_dir, &table) != RC_OK)
		return RC_RETRY;
	rate = rate_take(table, RATE_LOGIN,
	    rate_address(rq->arena, str_of(rq->peer)), rq->conf->login_rate,
	    now);
	return guard_rated(rq, &rate, now);
}

/* Each end's line in the audit log. */
static const struct {
	const char *action, *detail;
} ends[] = {
	[SIGN_IN_HALF] = { "login.half", NULL },
	[SIGN_IN_BAD_CODE] = { "factor.refused", NULL },
	[SIGN_IN_DONE] = { "login.ok", NULL },
	[SIGN_IN_RECOVERED] = { "login.ok", "recovery code" },
};

static enum rc
login_note(struct db *db, const struct sign_in *in, const struct login *user,
    enum sign_in_end end)
{
	struct request *rq = in->note_ctx;
	struct audit_actor who = { .client = in->client };

	if (end == SIGN_IN_REFUSED)
		return audit_login_refused(db, in->client,
		    user != NULL ? user->user_id : 0, rq->peer, rq->id, NULL);
	who.application = user->application_id;
	who.user = user->user_id;
	return audit_as(rq, &who, ends[end].action,
	    audit_id(rq, ID_USER, user->user_id), ends[end].detail);
}

struct sign_in
auth_terms(struct request *rq)
{
	return (struct sign_in){
		.address = rq->peer,
		.idle = rq->conf->session_idle,
		.life = rq->conf->session_life,
		.cost = rq->conf->password_cost,
		.note = login_note,
		.note_ctx = rq,
	};
}

/* The one way in: limit, password, session. What was typed as a name is not
 * logged; people type passwords there. */
enum rc
auth_enter(struct request *rq, const struct auth_entry *e,
    struct secret *cookie, struct session **out)
{
	struct sign_in in = auth_terms(rq);
	struct password_gate *gate;
	enum rc rc;

	in.client = e->client;
	in.name = e->name != NULL ? e->name : "";
	in.password = e->password;
	TRY(auth_throttle(rq));
	TRY(gate_of(rq->conf, &gate));
	if (!secret_is(&in.password))
		in.password = secret_new(rq->arena, "", 0);
	rc = session_sign_in(rq->db, gate, &in, rq->arena, cookie, out);
	if (rc == RC_OK)
		log_info(&rq->log, "signed in user=%lld session=%lld",
		    (long long)(*out)->user_id, (long long)(*out)->session_id);
	else if (rc == RC_BAD_LOGIN)
		log_warn(&rq->log, "sign-in refused address=%s", rq->peer);
	else if (rc == RC_SECOND_FACTOR)
		auth_step_tell(rq, cookie);
	return rc;
}

void
auth_cookie(struct request *rq, const struct secret *cookie)
{
	reply_cookie(rq, AUTH_COOKIE, (const char *)cookie->p,
	    rq->conf->session_life, NULL);
}

static enum rc
grant(struct request *rq, const struct session *s, const char *client,
    const char **token)
{
	const struct grant g = {
		.application = s->application_id,
		.user = s->user_id,
		.session = s->session_id,
		.account = s->account_id,
		.version = s->version,
		.role = s->role,
		.client = client != NULL ? client : "",
		.scope = PEOPLE_SCOPE,
	};

	return issuer_grant(rq, &g, token);
}

const struct field auth_sign_in_body[] = {
	F_TEXT(struct auth_sign_in, client_id, 1, 64, NULLABLE,
	    .about = "The OAuth client that asks; default: none."),
	F_TEXT(struct auth_sign_in, email, 1, 254, REQUIRED,
	    .about = "Address, or user name."),
	F_SECRET(struct auth_sign_in, password, 1, PASSWORD_MOST, REQUIRED),
	F_TEXT(struct auth_sign_in, csrf_token, 0, 256, NULLABLE), F_END
};
const struct field auth_tokens_answer[] = { A_TEXT("access_token", 0),
	A_TEXT("refresh_token", 0), A_TEXT("token_type", 0),
	A_INT("expires_in", 0), F_END };
const struct field auth_sign_in_answer[] = { A_OBJECT("tokens",
						 auth_tokens_answer, 0),
	A_OBJECT("profile", auth_profile_answer, 0), F_END };

enum rc
auth_entered(struct request *rq, struct jw *w, const struct session *s,
    const struct secret *cookie, const char *client)
{
	struct auth_profile p;
	const char *token, *refresh;

	TRY(grant(rq, s, client, &token));
	TRY(auth_profile(rq, s, &p));
	auth_cookie(rq, cookie);
	TRY(auth_refresh_begin(rq, s, client, &refresh));
	jw_key(w, "tokens");
	jw_object(w);
	auth_token_members(rq, w, token, refresh);
	jw_object_end(w);
	jw_key(w, "profile");
	jw_object(w);
	auth_profile_members(rq, w, &p);
	jw_object_end(w);
	return RC_OK;
}

enum rc
auth_entered_reply(struct request *rq, const struct session *s,
    const struct secret *cookie, const char *client)
{
	struct jw *w = reply_bare(rq, 0);

	jw_object(w);
	TRY(auth_entered(rq, w, s, cookie, client));
	jw_object_end(w);
	return reply_bare_close(rq);
}

enum rc
auth_sign_in(struct request *rq)
{
	const struct auth_sign_in *in = rq->body;
	const struct auth_entry e = { in->client_id, in->email, in->password };
	struct secret cookie;
	struct session *s;

	TRY(auth_enter(rq, &e, &cookie, &s));
	return auth_entered_reply(rq, s, &cookie, in->client_id);
}

const struct field login_form_body[] = { F_TEXT(struct login_form, username, 0,
					     254, OPTIONAL | BLANK_OK),
	F_TEXT(struct login_form, email, 0, 254, OPTIONAL | BLANK_OK,
	    .about = "In place of username."),
	F_SECRET(struct login_form, password, 0, PASSWORD_MOST, OPTIONAL),
	F_TEXT(struct login_form, next, 0, 8192, OPTIONAL | BLANK_OK,
	    .about = "Where to go then: a path here. Else the start page."),
	F_TEXT(struct login_form, client_id, 0, 64, OPTIONAL | BLANK_OK,
	    .about = "The OAuth client whose users may sign in."),
	F_END };
static const struct field login_answer[] = { A_TEXT("token", 0),
	A_INT("expires_in", 0), A_JSON("user", 0), F_END };
const struct field login_data_answer[] = { A_OBJECT("data", login_answer, 0),
	F_END };

struct auth_entry
auth_entry_of(const struct login_form *in)
{
	return (struct auth_entry){
		.client = in->client_id != NULL && in->client_id[0] != '\0'
		    ? in->client_id
		    : NULL,
		.name = in->username != NULL ? in->username : in->email,
		.password = in->password,
	};
}

/* For programs: a token, and no cookie. */
enum rc
auth_login_ci(struct request *rq)
{
	const struct auth_entry e = auth_entry_of(rq->body);
	struct row_style style = reply_style(rq);
	struct secret cookie;
	struct session *s;
	struct user *user;
	const char *token;
	struct jw *w;

	TRY(auth_enter(rq, &e, &cookie, &s));
	TRY(grant(rq, s, NULL, &token));
	TRY(user_get(rq->db, s->application_id, s->user_id, rq->arena, &user));
	w = reply_open(rq, 0);
	jw_key(w, "data");
	jw_object(w);
	JW_TEXT(w, "token", token);
	JW_INT(w, "expires_in", rq->conf->access_token_life);
	jw_key(w, "user");
	row_write(w, user_cols, user, &style);
	jw_object_end(w);
	return reply_close(rq);
}
