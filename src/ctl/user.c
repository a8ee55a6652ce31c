/* letterrackctl user: the people of an application. */
#include <stdio.h>
#include <string.h>

#include "ctl/people.h"
#include "domain/setup-sql.h"

struct user_args {
	struct operation op;
	const char *name, *username;
	int64_t account;
	const char *role;
	const char *issuer, *subject;
	bool admin, from_stdin;
};

enum {
	NAME = 256,
	USERNAME,
	ACCOUNT,
	ROLE,
	ADMIN,
	STDIN,
	ISSUER,
	SUBJECT,
	APPLICATION
};

static const struct argp_option options[] = {
	{ "name", NAME, "TEXT", 0, "how the user is called", 0 },
	{ "username", USERNAME, "TEXT", 0,
	    "to sign in with, beside the address", 0 },
	{ "account", ACCOUNT, "ID", 0, "account to be a member of", 0 },
	{ "role", ROLE, "ROLE", 0, "there: owner, member (default) or viewer",
	    0 },
	{ "admin", ADMIN, NULL, 0, "administrator of the application", 0 },
	{ "password-stdin", STDIN, NULL, 0,
	    "read the password from standard input", 0 },
	{ "issuer", ISSUER, "URL", 0, "an external issuer, for link", 0 },
	{ "subject", SUBJECT, "TEXT", 0, "the user's `sub` there", 0 },
	{ "application", APPLICATION, "ID", 0, "default: the oldest", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct user_args *in = state->input;

	switch (key) {
	case NAME: in->name = arg; return 0;
	case USERNAME: in->username = arg; return 0;
	case ACCOUNT: in->account = ctl_id(state, arg); return 0;
	case ROLE: in->role = arg; return 0;
	case ADMIN: in->admin = true; return 0;
	case STDIN: in->from_stdin = true; return 0;
	case ISSUER: in->issuer = arg; return 0;
	case SUBJECT: in->subject = arg; return 0;
	case APPLICATION: in->op.application = ctl_id(state, arg); return 0;
	case ARGP_KEY_ARG: return ctl_word(state, &in->op, arg);
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { options, parse,
	"add EMAIL\npasswd EMAIL\ndisable EMAIL\nenable EMAIL\n"
	"link EMAIL\nunlink EMAIL\nremove-factor EMAIL\nlist",
	"The password is asked for on the terminal, or read from standard "
	"input.",
	NULL, NULL, NULL };

static enum rc
email_needed(const struct user_args *in)
{
	const char *at = in->op.n > 1 ? strchr(in->op.words[1], '@') : NULL;

	if (at == NULL || at == in->op.words[1] || at[1] == '\0')
		return fail(RC_INVALID, "say whose, by mail address");
	return RC_OK;
}

static enum rc
user_note(
    struct db *db, const struct user_args *in, const char *action, int64_t user)
{
	char subject[ID_PRINT_SIZE];

	id_print(ID_USER, user, subject);
	return ctl_note(db, &in->op, 0, action, subject);
}

struct adding {
	const struct user_args *in;
	const char *hash;
	int64_t id;
};

static enum rc
add_body(struct db *db, void *ctx)
{
	struct adding *a = ctx;
	const struct user_args *in = a->in;
	int64_t member;

	TRY(user_add(db, in->op.application, in->op.words[1], in->username,
	    in->name != NULL ? in->name : "", in->admin ? "admin" : "user",
	    a->hash, &a->id));
	TRY(user_note(db, in, "user.create", a->id));
	if (in->account == 0)
		return RC_OK;
	return member_add(db, in->op.application, in->account, a->id,
	    in->role != NULL ? in->role : "member", &member);
}

static enum rc
add_one(struct ctl *ctl, struct user_args *in)
{
	char hash[PASSWORD_HASH_MAX];
	struct adding a = { .in = in, .hash = hash };
	struct secret password;

	TRY(email_needed(in));
	if (!in->admin && in->account == 0)
		return fail(RC_INVALID,
		    "say --account (and --role), or "
		    "--admin: else the user may do nothing");
	TRY(ctl_password(in->from_stdin, in->op.arena, &password));
	TRY(ctl_hash(ctl, &password, in->username, in->op.words[1], hash));
	TRY(db_tx(in->op.db, add_body, &a));
	printf("uid_%lld\n", (long long)a.id);
	return RC_OK;
}

static int
add(struct ctl *ctl, void *arg)
{
	return ctl_ended(ctl, add_one(ctl, arg));
}

static enum rc
passwd_body(struct db *db, void *ctx)
{
	const struct adding *a = ctx;

	TRY(user_password_set(db, a->id, a->hash));
	TRY(user_note(db, a->in, "user.password", a->id));
	return user_sessions_end(db, a->id, NULL);
}

static enum rc
user_found(const struct user_args *in, struct setup_user **out)
{
	TRY(email_needed(in));
	TRY(user_named(
	    in->op.db, in->op.application, in->op.words[1], in->op.arena, out));
	return *out != NULL ? RC_OK
			    : fail(RC_NOT_FOUND, "there is no such user");
}

static enum rc
passwd_one(struct ctl *ctl, struct user_args *in)
{
	char hash[PASSWORD_HASH_MAX];
	struct adding a = { .in = in, .hash = hash };
	struct setup_user *user;
	struct secret password;

	TRY(user_found(in, &user));
	a.id = user->id;
	TRY(ctl_password(in->from_stdin, in->op.arena, &password));
	TRY(ctl_hash(ctl, &password, user->username, user->email, hash));
	return db_tx(in->op.db, passwd_body, &a);
}

static int
passwd(struct ctl *ctl, void *arg)
{
	return ctl_ended(ctl, passwd_one(ctl, arg));
}

/* ---- what is done to one ---- */

/* A change of a user who is there. */
struct change {
	const struct user_args *in;
	enum rc (*run)(struct db *, const struct user_args *, int64_t user);
	const char *action;
	int64_t user;
};

static enum rc
change_body(struct db *db, void *ctx)
{
	const struct change *c = ctx;

	TRY(c->run(db, c->in, c->user));
	return user_note(db, c->in, c->action, c->user);
}

static int
change(struct ctl *ctl, struct change c)
{
	struct setup_user *user;
	enum rc rc = user_found(c.in, &user);

	if (rc == RC_OK) {
		c.user = user->id;
		rc = db_tx(c.in->op.db, change_body, &c);
	}
	return ctl_ended(ctl, rc);
}

static enum rc
switch_off(struct db *db, const struct user_args *in, int64_t user)
{
	(void)in;
	TRY(setup_user_active(db, user, false));
	return user_sessions_end(db, user, NULL);
}

static enum rc
switch_on(struct db *db, const struct user_args *in, int64_t user)
{
	(void)in;
	return setup_user_active(db, user, true);
}

static enum rc
link_make(struct db *db, const struct user_args *in, int64_t user)
{
	return setup_identity_link(
	    db, in->issuer, in->subject, in->op.application, user, NULL);
}

static enum rc
link_remove(struct db *db, const struct user_args *in, int64_t user)
{
	(void)user;
	return setup_identity_unlink(db, in->issuer, in->subject);
}

/* Whoever is signed in may be who took it. */
static enum rc
factor_remove(struct db *db, const struct user_args *in, int64_t user)
{
	enum rc rc = user_factor_remove(db, user);

	(void)in;
	if (rc == RC_NOT_FOUND)
		return fail(rc, "there is no second factor");
	TRY(rc);
	return user_sessions_end(db, user, NULL);
}

static int
remove_factor(struct ctl *ctl, void *arg)
{
	return change(
	    ctl, (struct change){ arg, factor_remove, "factor.remove", 0 });
}

static int
disable(struct ctl *ctl, void *arg)
{
	return change(
	    ctl, (struct change){ arg, switch_off, "user.disable", 0 });
}

static int
enable(struct ctl *ctl, void *arg)
{
	return change(ctl, (struct change){ arg, switch_on, "user.enable", 0 });
}

static int
linked(struct ctl *ctl, struct user_args *in, struct change c)
{
	if (in->issuer == NULL || in->subject == NULL)
		return ctl_ended(
		    ctl, fail(RC_INVALID, "say --issuer and --subject"));
	return change(ctl, c);
}

static int
link_user(struct ctl *ctl, void *arg)
{
	return linked(
	    ctl, arg, (struct change){ arg, link_make, "user.link", 0 });
}

static int
unlink_user(struct ctl *ctl, void *arg)
{
	return linked(
	    ctl, arg, (struct change){ arg, link_remove, "user.unlink", 0 });
}

static int
list(struct ctl *ctl, void *arg)
{
	struct user_args *in = arg;
	struct setup_user_list l;
	enum rc rc = user_all(in->op.db, in->op.application, in->op.arena, &l);

	for (size_t i = 0; rc == RC_OK && i < l.n; i++)
		printf("uid_%lld\t%s\t%s\t%s\t%s\n", (long long)l.v[i].id,
		    l.v[i].email, l.v[i].role,
		    l.v[i].is_active ? "active" : "disabled",
		    l.v[i].memberships != NULL ? l.v[i].memberships : "-");
	return ctl_ended(ctl, rc);
}

int
ctl_user(struct ctl *ctl)
{
	static const struct subverb verbs[] = { { "add", add },
		{ "passwd", passwd }, { "disable", disable },
		{ "enable", enable }, { "link", link_user },
		{ "unlink", unlink_user }, { "remove-factor", remove_factor },
		{ "list", list }, { NULL, NULL } };
	struct user_args in = { .admin = false };

	return ctl_operate(ctl, &argp, verbs, &in.op);
}
