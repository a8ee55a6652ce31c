/* Users of an application: made, shown, changed and removed. Their passwords
 * are changed by the family auth, which alone reads what they are held against.
 */
#include "users.h"

#include "domain/membership-sql.h"
#include "domain/signature.h"
#include "domain/user-sql.h"
#include "web/audit.h"
#include "web/body.h"
#include "web/gate.h"
#include "web/idempotency.h"
#include "web/listing.h"

#define EMAIL_MOST 254
#define NAME_MOST  200

static const char *const roles[] = { "user", "admin", NULL };
enum { ROLE_WORD_USER, ROLE_WORD_ADMIN };
static const char *const statuses[] = { "active", "disabled", NULL };
enum { STATUS_ACTIVE };

/* ---- lists ---- */

struct user_filter {
	int role;
	bool is_active;
	struct page page;
};
static const struct field user_filter_params[] = { F_ENUM(struct user_filter,
						       role, roles, OPTIONAL),
	F_BOOL(struct user_filter, is_active, OPTIONAL),
	F_PAGE(struct user_filter, 50), F_END };

static enum rc
users(struct request *rq, const struct col *cols)
{
	const struct user_filter *in = rq->params;
	const char *role = in->role >= 0 ? roles[in->role] : NULL;
	const bool *active = PARAM_GIVEN(rq, struct user_filter, is_active)
	    ? &in->is_active
	    : NULL;
	int64_t app = rq->actor.application, total;
	struct user_list list;
	struct listing ask;
	struct list_end end;

	TRY(listing_ask(rq, &in->page, &ask));
	db_pipe_begin(rq->db);
	TRY(user_list(rq->db, app, role, active, ask.after, ask.skip, ask.most,
	    rq->arena, &list));
	TRY(user_count(rq->db, app, role, active, &total));
	TRY(db_pipe_end(rq->db));
	end = listing_end(
	    &in->page, &list.n, total, LISTING_LAST(list, &in->page));
	return reply_rows(rq, cols, list.v, list.n, sizeof list.v[0], &end);
}

static enum rc
list(struct request *rq)
{
	return users(rq, user_ci_cols);
}

/* ---- one ---- */

static const struct field imap_answer[] = { A_INT("id", 0),
	A_TEXT("email", NULLABLE), A_TEXT("imap_host", 0), F_END };
static const struct field user_answer[] = { A_INT("id", 0),
	A_TEXT("email", NULLABLE), A_TEXT("name", 0), A_TEXT("role", 0),
	A_BOOL("is_active", 0), A_TIME("last_login_at", NULLABLE),
	A_TIME("created_at", 0), A_TIME("updated_at", 0),
	A_ARRAY("imap_accounts", imap_answer, 0), F_END };
static const struct field show_answer[] = { A_OBJECT("user", user_answer, 0),
	F_END };

static enum rc
show(struct request *rq)
{
	struct row_style style = reply_style(rq);
	const struct actor *a = &rq->actor;
	struct user_imap_list boxes;
	struct user *user;
	struct jw *w;

	db_pipe_begin(rq->db);
	TRY(user_get(rq->db, a->application, arg_id(rq, 0), rq->arena, &user));
	TRY(user_imap_list(
	    rq->db, a->account, arg_id(rq, 0), rq->arena, &boxes));
	TRY(db_pipe_end(rq->db));
	w = reply_open(rq, 0);
	jw_key(w, "user");
	jw_object(w);
	row_members(w, user_ci_cols, user, &style);
	jw_key(w, "imap_accounts");
	rows_write(
	    w, user_imap_cols, boxes.v, boxes.n, sizeof boxes.v[0], &style);
	jw_object_end(w);
	return reply_close(rq);
}

/* ---- make ---- */

struct creation {
	struct request *rq;
	const char *email; /* NULL: none */
	const char *name;
	const char *hash; /* NULL: no password */
	int role;
	bool is_active;
	bool joins; /* the actor's account */
};

static enum rc
email_short(struct request *rq, const char *email)
{
	if (email != NULL && strlen(email) > EMAIL_MOST)
		return fault_add(
		    rq, "email", "too_long", "At most 254 characters.");
	return RC_OK;
}

static enum rc
email_taken(struct request *rq)
{
	return fault_add(
	    rq, "email", "taken", "Another user has this address.");
}

static enum rc
join(struct db *db, const struct creation *c, int64_t user)
{
	const struct actor *a = &c->rq->actor;
	bool owns = c->role == ROLE_WORD_ADMIN;
	int64_t member;

	return membership_add(db, a->account, a->application, user,
	    owns ? "owner" : "member", &member);
}

static enum rc
make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	const struct creation *c = ctx;
	enum rc rc = user_make(db, c->rq->actor.application, c->email, c->name,
	    c->hash, roles[c->role], c->is_active, &made[0]);

	if (rc == RC_CONFLICT)
		return email_taken(c->rq);
	TRY(rc);
	if (c->joins)
		TRY(join(db, c, made[0]));
	return audit(c->rq, "user.make", audit_id(c->rq, ID_USER, made[0]),
	    roles[c->role]);
}

static enum rc
create(struct request *rq, struct creation *c, const struct secret *password,
    const struct col *cols)
{
	char hash[PASSWORD_HASH_MAX] = "";
	int64_t made[ONCE_MADE];
	struct user *row;
	enum rc rc;

	TRY(email_short(rq, c->email));
	if (secret_is(password)) {
		TRY(gate_hash(rq,
		    &(struct chosen){ "password", *password, NULL, c->email },
		    hash));
		c->hash = hash;
	}
	rc = once(rq, make, c, made);
	explicit_bzero(hash, sizeof hash);
	TRY(rc);
	TRY(user_get(rq->db, rq->actor.application, made[0], rq->arena, &row));
	return reply_row(rq, 0, cols, row);
}

/* What stands before the @, where no name was given. */
static const char *
name_of(struct request *rq, const char *name, const char *email)
{
	const char *at = email != NULL ? strchr(email, '@') : NULL;

	if (name != NULL && *name != '\0')
		return name;
	if (at == NULL)
		return "";
	return arena_dup(rq->arena, email, (size_t)(at - email));
}

struct user_new {
	const char *email, *name;
	struct secret password;
	int role;
	bool is_active;
};
static const struct field user_new_body[] = { F_EMAIL(struct user_new, email,
						  REQUIRED),
	F_TEXT(struct user_new, name, 0, NAME_MOST, OPTIONAL | BLANK_OK,
	    .about = "Default: the address up to its @."),
	F_SECRET(struct user_new, password, 1, PASSWORD_MOST, REQUIRED),
	F_ENUM(struct user_new, role, roles, OPTIONAL, PRESET(ROLE_WORD_USER)),
	F_BOOL(struct user_new, is_active, OPTIONAL, PRESET(true)), F_END };

static enum rc
create_ci(struct request *rq)
{
	const struct user_new *in = rq->body;
	struct creation c = {
		.rq = rq,
		.email = in->email,
		.name = name_of(rq, in->name, in->email),
		.role = in->role,
		.is_active = in->is_active,
		.joins = true,
	};

	return create(rq, &c, &in->password, user_ci_cols);
}

/* ---- of an application ---- */

/* Another application is as one that does not exist. */
static bool
is_ours(const struct request *rq)
{
	return arg_id(rq, 0) == rq->actor.application;
}

static enum rc
list_of_application(struct request *rq)
{
	return is_ours(rq) ? users(rq, user_cols) : RC_NOT_FOUND;
}

struct user_made {
	const char *email, *name;
	struct secret password;
	int role, status;
};
static const struct field user_made_body[] = { F_EMAIL(struct user_made, email,
						   NULLABLE),
	F_TEXT(struct user_made, name, 0, NAME_MOST, OPTIONAL | BLANK_OK,
	    .about = "Default: the address up to its @."),
	F_SECRET(struct user_made, password, 1, PASSWORD_MOST, OPTIONAL),
	F_ENUM(struct user_made, role, roles, OPTIONAL, PRESET(ROLE_WORD_USER)),
	F_ENUM(struct user_made, status, statuses, OPTIONAL,
	    PRESET(STATUS_ACTIVE)),
	F_END };

static enum rc
create_in_application(struct request *rq)
{
	const struct user_made *in = rq->body;
	struct creation c = {
		.rq = rq,
		.email = in->email,
		.name = name_of(rq, in->name, in->email),
		.role = in->role,
		.is_active = in->status == STATUS_ACTIVE,
	};

	if (!is_ours(rq))
		return RC_NOT_FOUND;
	return create(rq, &c, &in->password, user_cols);
}

/* ---- change ---- */

struct user_put {
	const char *email, *name;
	int role;
	bool is_active;
};
static const struct field user_put_body[] = { F_EMAIL(struct user_put, email,
						  NULLABLE),
	F_TEXT(struct user_put, name, 0, NAME_MOST, OPTIONAL | BLANK_OK),
	F_ENUM(struct user_put, role, roles, OPTIONAL,
	    .about = "An admin's to change, as is is_active."),
	F_BOOL(struct user_put, is_active, OPTIONAL), F_END };

/* The row as the body wants it. */
static struct user
merged(const struct request *rq, const struct user *row)
{
	const struct user_put *in = rq->body;
	struct user want = *row;

	if (in->email != NULL)
		want.email = in->email;
	if (in->name != NULL)
		want.name = in->name;
	if (GIVEN(rq, struct user_put, role))
		want.role = roles[in->role];
	if (GIVEN(rq, struct user_put, is_active))
		want.is_active = in->is_active;
	return want;
}

static bool
rights_differ(const struct user *a, const struct user *b)
{
	return strcmp(a->role, b->role) != 0 || a->is_active != b->is_active;
}

static bool
email_differs(const struct user *a, const struct user *b)
{
	return b->email != NULL &&
	    (a->email == NULL || strcmp(a->email, b->email) != 0);
}

static enum rc
told(struct request *rq, const struct user *was, const struct user *is)
{
	const char *who = audit_id(rq, ID_USER, is->id);

	if (email_differs(was, is))
		TRY(audit(rq, "user.email", who, NULL));
	if (!rights_differ(was, is))
		return RC_OK;
	return audit(rq, "user.rights", who,
	    arena_fmt(rq->arena, "%s %s -> %s %s", was->role, was->status,
		is->role, is->is_active ? "active" : "disabled"));
}

/* Would the user be no admin who can act, whatever they are now? */
static bool
is_lowered(const struct request *rq)
{
	const struct user_put *in = rq->body;

	return (GIVEN(rq, struct user_put, role) &&
		   in->role != ROLE_WORD_ADMIN) ||
	    (GIVEN(rq, struct user_put, is_active) && !in->is_active);
}

struct change {
	struct request *rq;
	struct user *row; /* as it is then */
};

/* What is answered is read before the commit: whoever lowers themselves may
 * read nothing more behind it. */
static enum rc
change(struct db *db, void *ctx)
{
	struct change *c = ctx;
	struct request *rq = c->rq;
	int64_t app = rq->actor.application;
	struct user *row, want;
	enum rc rc;

	/* first: it waits for others who do the same */
	if (rq->actor.admin && is_lowered(rq))
		TRY(user_spare(db, arg_id(rq, 0), false, NULL));
	TRY(user_lock(db, app, arg_id(rq, 0), rq->arena, &row));
	want = merged(rq, row);
	if (!rq->actor.admin && rights_differ(row, &want))
		return fail(RC_FORBIDDEN,
		    "Role and activity are an admin's to change.");
	rc = user_change(
	    db, app, row->id, want.email, want.name, want.role, want.is_active);
	if (rc == RC_CONFLICT)
		return email_taken(rq);
	TRY(rc);
	TRY(told(rq, row, &want));
	return user_get(db, app, row->id, rq->arena, &c->row);
}

static enum rc
put(struct request *rq)
{
	const struct user_put *in = rq->body;
	struct change c = { .rq = rq };

	TRY(email_short(rq, in->email));
	TRY(db_tx(rq->db, change, &c));
	return reply_row(rq, 0, user_ci_cols, c.row);
}

/* ---- remove ---- */

static enum rc
forget(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	int64_t app = rq->actor.application, id = arg_id(rq, 0);
	struct user *row;

	TRY(user_spare(db, id, true, NULL));
	TRY(user_lock(db, app, id, rq->arena, &row));
	TRY(user_remove(db, app, id));
	return audit(rq, "user.remove", audit_id(rq, ID_USER, id), row->role);
}

static enum rc delete (struct request *rq) {
	struct jw *w;

	TRY(db_tx(rq->db, forget, rq));
	w = reply_open(rq, 0);
	JW_TEXT(w, "message", "User deleted successfully");
	return reply_close(rq);
}

static const struct field message_answer[] = { A_TEXT("message", 0), F_END };

#define ONE            "/api/users/:id"
#define IN_APPLICATION "/api/applications/:application_id/users"
#define SIGNATURES     "/api/user/signatures"
#define SIGNATURE      "/api/user/signatures/:signature_id"
#define UNSIGNED       .missing = "SIGNATURE_NOT_FOUND"
#define MISSING        .id = ID_USER, .missing = "USER_NOT_FOUND"

static const struct route routes[] = {
	{ GET, "/api/users", list, NEED_ADMIN, ENV_SUCCESS, .flags = BARE,
	    PARAMS(user_filter), .row = user_ci_cols, .many = true,
	    .key = "users", .summary = "List users" },
	{ POST, "/api/users", create_ci, NEED_ADMIN, ENV_SUCCESS, .status = 201,
	    .flags = IDEMPOTENT | PLANNED, BODY(user_new), .row = user_ci_cols,
	    .key = "user", .summary = "Make a user",
	    .about = "Who becomes a member of the caller's account, an admin "
		     "an owner." },
	{ GET, ONE, show, NEED_SELF, ENV_SUCCESS, MISSING, .flags = BARE,
	    .answer = show_answer, .summary = "Show a user",
	    .about = "imap_accounts are shown to the user alone." },
	{ PUT, ONE, put, NEED_SELF, ENV_SUCCESS, MISSING, BODY(user_put),
	    .row = user_ci_cols, .key = "user", .fails = { RC_CONFLICT },
	    .summary = "Change a user", .about = "The last admin stays one." },
	{ DELETE, ONE, delete, NEED_ADMIN, ENV_SUCCESS, MISSING,
	    .answer = message_answer, .fails = { RC_CONFLICT },
	    .summary = "Remove a user",
	    .about = "Not the last admin, nor the last owner of an account." },

	{ GET, SIGNATURES, signatures, NEED_USER, ENV_SUCCESS, .flags = BARE,
	    .answer = signature_list_answer,
	    .summary = "List one's own signatures" },
	{ POST, SIGNATURES, signature_create, NEED_USER, ENV_SUCCESS,
	    .status = 201, .flags = IDEMPOTENT, BODY(signature_new),
	    .answer = signature_made_answer, .fails = { RC_CONFLICT },
	    .summary = "Make a signature" },
	{ GET, SIGNATURE, signature_show, NEED_USER, ENV_SUCCESS, .flags = BARE,
	    UNSIGNED, .row = signature_cols, .key = "signature",
	    .summary = "Show a signature of one's own" },
	{ PUT, SIGNATURE, signature_change_one, NEED_USER, ENV_SUCCESS,
	    UNSIGNED,
	    .body = { signature_put_body, sizeof(struct signature_new) },
	    .answer = signature_said_answer,
	    .summary = "Change a signature of one's own" },
	{ POST, SIGNATURE "/set-default", signature_set_default, NEED_USER,
	    ENV_SUCCESS, UNSIGNED, .answer = signature_said_answer,
	    .summary = "Make a signature the default" },
	{ DELETE, SIGNATURE, signature_drop, NEED_USER, ENV_SUCCESS, UNSIGNED,
	    .answer = signature_said_answer,
	    .summary = "Remove a signature of one's own" },

	{ GET, IN_APPLICATION, list_of_application, NEED_APP_ADMIN,
	    PARAMS(user_filter), .row = user_cols, .many = true,
	    .summary = "List the users of an application" },
	{ POST, IN_APPLICATION, create_in_application, NEED_APP_ADMIN,
	    .status = 201, .flags = IDEMPOTENT, BODY(user_made),
	    .row = user_cols, .summary = "Make a user of an application",
	    .about = "Who is a member of no account yet." },
};

FAMILY(users, QUIET);
