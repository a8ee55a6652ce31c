/* Inviting somebody into an account. In the family `auth`, which alone may make
 * links that sign people in. */
#include "auth.h"

#include "domain/account-sql.h"
#include "domain/one-time-sql.h"
#include "domain/user-sql.h"
#include "web/idempotency.h"
#include "web/reply.h"

#define RETRY_AFTER 3600

static const char *const roles[] = { "owner", "member", "viewer", NULL };

const struct field invite_new_body[] = { F_ADDRESS(struct invite_new, email,
					     REQUIRED),
	F_ENUM(struct invite_new, role, roles, OPTIONAL, PRESET(1)), F_END };
const struct field invite_answer[] = { A_ID("id", ID_INVITE, 0),
	A_ID("account_id", ID_ACCOUNT, 0), A_TEXT("email", 0),
	A_ENUM("role", roles, 0), A_TEXT("status", 0),
	A_ID("invited_by", ID_USER, NULLABLE), A_TIME("created_at", 0),
	A_TIME("expires_at", 0), F_END };
/* Names of others are one short line of the mail, whatever is in them. */
static const char *
quoted(struct request *rq, const char *name)
{
	size_t n = utf8_cut(name, strlen(name), 100);
	char *out = arena_dup(rq->arena, name, n);

	for (char *p = out; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	return out;
}

static enum rc
words_of(struct request *rq, struct db *db, const char *role, const char **out)
{
	const struct actor *a = &rq->actor;
	struct account *account;
	struct user *user = NULL;

	TRY(account_get(db, a->account, a->application, a->user,
	    role_name(a->role), rq->arena, &account));
	if (a->user != 0)
		TRY(user_get(db, a->application, a->user, rq->arena, &user));
	*out = arena_fmt(rq->arena,
	    "%s invites you to the account \"%s\", as %s.\n"
	    "To join it, open",
	    user != NULL ? quoted(rq, user->email) : "A program of the owner",
	    quoted(rq, account->name), role);
	return RC_OK;
}

struct inviting {
	struct request *rq;
	const struct invite_new *in;
};

static enum rc
invite_make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	struct inviting *i = ctx;
	struct request *rq = i->rq;
	struct link_new new = {
		.kind = LINK_INVITE,
		.application = rq->actor.application,
		.address = i->in->email,
		.account = rq->actor.account,
		.role = roles[i->in->role],
	};
	struct one_time *row;
	bool member;

	TRY(invite_is_member(db, new.account, new.address, &member));
	if (member)
		return fail(RC_CONFLICT, "They are a member already.");
	TRY(words_of(rq, db, new.role, &new.words));
	TRY(link_mail(rq, db, &new, &row));
	if (row != NULL) {
		made[0] = row->id;
		return RC_OK;
	}
	rq->retry_after = RETRY_AFTER;
	error_int(rq, "retry_after_seconds", RETRY_AFTER);
	return fail(RC_RATE_LIMIT, "This address has had enough mail.");
}

static enum rc
invite_reply(struct request *rq, const struct one_time *row)
{
	const struct row_style style = reply_style(rq);
	char id[ID_PRINT_SIZE];
	struct jw *w = reply_open(rq, 0);

	id_print(ID_INVITE, row->id, id);
	JW_TEXT(w, "id", id);
	id_print(ID_ACCOUNT, row->account_id, id);
	JW_TEXT(w, "account_id", id);
	JW_TEXT(w, "email", row->address);
	JW_TEXT(w, "role", row->role);
	JW_TEXT(w, "status", row->state);
	id_print(ID_USER, row->made_by, id);
	JW_TEXT(w, "invited_by", row->made_by != 0 ? id : NULL);
	jw_key(w, "created_at");
	jw_time(w, row->created_at, style.time);
	jw_key(w, "expires_at");
	jw_time(w, row->expires_at, style.time);
	return reply_close(rq);
}

enum rc
auth_invite(struct request *rq)
{
	struct inviting i = { .rq = rq, .in = rq->body };

	int64_t made[ONCE_MADE] = { 0 };
	struct one_time *row;

	TRY(once(rq, invite_make, &i, made));
	TRY(invite_look(rq->db, rq->actor.account, made[0], rq->arena, &row));
	return invite_reply(rq, row);
}
