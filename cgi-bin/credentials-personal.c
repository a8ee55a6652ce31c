/* Personal mail accounts, as the second document speaks of them: provider
 * credentials with an owner. Nobody else finds one here, an admin neither. */
#include "credentials.h"

#include <string.h>

#include "domain/credential-sql.h"
#include "domain/personal-sql.h"
#include "domain/provider-credential-sql.h"
#include "domain/vault.h"
#include "web/body.h"
#include "web/doer.h"
#include "web/idempotency.h"
#include "web/reply.h"

#define SECRET_MOST 16384

/* clang-format off */
#define SHARED_ROWS(T)                                                         \
	F_INT(T, imap_port, 1, 65535, OPTIONAL),                               \
	F_TEXT(T, imap_username, 1, 320, OPTIONAL,                             \
	    .about = "The address, where it is not given."),                   \
	F_BOOL(T, is_default, OPTIONAL),                                       \
	F_BOOL(T, is_active, OPTIONAL, PRESET(true))

const struct field personal_new_body[] = {
	F_EMAIL(struct personal_new, email, REQUIRED),
	F_SECRET(struct personal_new, password, 1, SECRET_MOST, REQUIRED),
	F_TEXT(struct personal_new, imap_host, 1, 255, REQUIRED),
	F_ENUM(struct personal_new, imap_encryption, personal_encryptions,
	    OPTIONAL, PRESET(0), .about = "ssl: from the first byte; tls: STARTTLS."),
	SHARED_ROWS(struct personal_new),
	F_END,
};

const struct field personal_put_body[] = {
	F_EMAIL(struct personal_put, email, OPTIONAL),
	F_SECRET(struct personal_put, password, 1, SECRET_MOST, OPTIONAL),
	F_TEXT(struct personal_put, imap_host, 1, 255, OPTIONAL,
	    .about = "Only together with the password; so are port, "
		     "encryption and user name."),
	F_ENUM(struct personal_put, imap_encryption, personal_encryptions,
	    OPTIONAL),
	SHARED_ROWS(struct personal_put),
	F_END,
};
/* clang-format on */

static const struct field personal_answer[] = { A_INT("id", 0),
	A_TEXT("email", NULLABLE), A_TEXT("imap_host", 0),
	A_INT("imap_port", 0), A_TEXT("imap_username", NULLABLE),
	A_ENUM("imap_encryption", personal_encryptions, 0),
	A_BOOL("is_default", 0), A_BOOL("is_active", 0),
	A_TIME("last_sync_at", NULLABLE), A_TIME("created_at", 0),
	A_TIME("updated_at", 0), F_END };
const struct field personal_list_answer[] = {
	A_ARRAY("data", personal_answer, 0), A_INT("count", 0), F_END
};
const struct field personal_gone_answer[] = { A_TEXT("message", 0), F_END };

/* ---- reading ---- */

static enum rc
secret_open(struct request *rq, int64_t id, struct credential_secret *out)
{
	const struct envelope_keks *keks;
	struct credential_access *access;

	TRY(vault_keks(rq->conf, &keks));
	TRY(credential_access_get(
	    rq->db, rq->actor.account, id, rq->arena, &access));
	return credential_secret_open(
	    keks, rq->actor.account, access, rq->arena, out);
}

/* The user name lies with the password; where that cannot be opened, it is not
 * shown. */
static void
username_fill(struct request *rq, struct personal_account *row)
{
	struct credential_secret secret;

	if (secret_open(rq, row->id, &secret) == RC_OK)
		row->imap_username = secret.username;
	else
		fail_clear();
}

static enum rc
own(struct request *rq, int64_t id, struct personal_account **row)
{
	return personal_account_get(
	    rq->db, rq->actor.account, rq->actor.user, id, rq->arena, row);
}

static enum rc
reply_own(struct request *rq, int64_t id)
{
	struct personal_account *row;

	TRY(own(rq, id, &row));
	username_fill(rq, row);
	return reply_row(rq, 0, personal_account_cols, row);
}

enum rc
personal_list(struct request *rq)
{
	const struct row_style style = reply_style(rq);
	struct personal_account_list l;
	struct jw *w;

	TRY(personal_account_list(
	    rq->db, rq->actor.account, rq->actor.user, rq->arena, &l));
	for (size_t i = 0; i < l.n; i++)
		username_fill(rq, &l.v[i]);
	w = reply_open(rq, 0);
	jw_key(w, "data");
	rows_write(w, personal_account_cols, l.v, l.n, sizeof l.v[0], &style);
	JW_INT(w, "count", (int64_t)l.n);
	return reply_close(rq);
}

enum rc
personal_show(struct request *rq)
{
	return reply_own(rq, arg_id(rq, 0));
}

/* ---- writing ---- */

/* The rules are those of provider credentials; the fields are called otherwise
 * here. */
static enum rc
told(struct request *rq, const struct provider_write *w, enum rc rc)
{
	static const struct {
		const char *field, *here;
	} names[] = {
		{ "host", "imap_host" },
		{ "port", "imap_port" },
		{ "security_mode", "imap_encryption" },
		{ "secret.username", "imap_username" },
		{ "secret.password", "password" },
		{ "secret", "password" },
	};
	const struct provider_fault *f = &w->fault;

	if (rc != RC_INVALID || f->field == NULL)
		return rc;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i].field, f->field) == 0)
			return fault_add(
			    rq, names[i].here, f->code, f->message);
	return fault_add(rq, f->field, f->code, f->message);
}

static enum rc
email_check(struct request *rq, struct db *db, const char *email, int64_t but)
{
	bool taken;

	if (email == NULL)
		return RC_OK;
	TRY(personal_account_taken(
	    db, rq->actor.account, rq->actor.user, email, but, &taken));
	if (taken)
		return fault_add(rq, "email", "taken",
		    "You have an account of this address already.");
	return RC_OK;
}

struct creation {
	struct request *rq;
	struct provider_write w;
	struct provider_credential want;
};

static enum rc
make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	struct creation *c = ctx;
	struct provider_credential *row;

	TRY(email_check(c->rq, db, c->want.email_address, 0));
	TRY(provider_credential_make(db, &c->w, &c->want, c->rq->arena, &row));
	made[0] = row->id;
	return RC_OK;
}

static struct provider_credential
row_of(const struct request *rq, const struct personal_new *in)
{
	const char *mode = personal_modes[in->imap_encryption];

	return (struct provider_credential){
		.user_id = rq->actor.user,
		.provider_kind = "imap",
		.label = in->email,
		.email_address = in->email,
		.host = in->imap_host,
		.port = in->imap_port != 0 ? (int32_t)in->imap_port
					   : provider_port("imap", mode),
		.security_mode = mode,
		.auth_kind = "password",
		.provider_type = "generic",
		.is_active = in->is_active,
		.is_default = in->is_default,
		.sync_mode = "on_demand",
		.hold_policy = "off",
		.quarantine_folder = "Quarantine",
		.body_policy = "text",
	};
}

static enum rc
write_of(struct request *rq, struct provider_write *w)
{
	*w = (struct provider_write){ .who = doer_of(rq),
		.allow_plaintext = rq->conf->allow_plaintext };
	return vault_keks(rq->conf, &w->keks);
}

enum rc
personal_create(struct request *rq)
{
	const struct personal_new *in = rq->body;
	const struct credential_secret secret = {
		.username =
		    in->imap_username != NULL ? in->imap_username : in->email,
		.secret = in->password,
	};
	struct creation c = { .rq = rq, .want = row_of(rq, in) };
	int64_t made[ONCE_MADE];

	TRY(write_of(rq, &c.w));
	c.w.secret = &secret;
	TRY(told(rq, &c.w, once(rq, make, &c, made)));
	return reply_own(rq, made[0]);
}

#define KEEP(m, to)                                                            \
	do {                                                                   \
		if (GIVEN(rq, struct personal_put, m))                         \
			row->to = in->m;                                       \
	} while (0)

static void
merge(void *ctx, struct provider_credential *row)
{
	const struct request *rq = ctx;
	const struct personal_put *in = rq->body;

	KEEP(email, email_address);
	KEEP(email, label);
	KEEP(imap_host, host);
	KEEP(is_default, is_default);
	KEEP(is_active, is_active);
	if (GIVEN(rq, struct personal_put, imap_port))
		row->port = (int32_t)in->imap_port;
	if (GIVEN(rq, struct personal_put, imap_encryption))
		row->security_mode = personal_modes[in->imap_encryption];
}

/* Another password, or another user name together with it. */
static enum rc
secret_of(struct request *rq, int64_t id, struct credential_secret *secret,
    bool *is_new)
{
	const struct personal_put *in = rq->body;
	const char *known;

	*is_new = secret_is(&in->password);
	if (!*is_new && in->imap_username == NULL)
		return RC_OK;
	TRY(secret_open(rq, id, secret));
	known = secret->username;
	if (!*is_new && strcmp(in->imap_username, known) != 0)
		return fault_add(rq, "password", "required",
		    "Another user name needs the password.");
	if (!*is_new)
		return RC_OK;
	secret->secret = in->password;
	if (in->imap_username != NULL)
		secret->username = in->imap_username;
	return RC_OK;
}

enum rc
personal_change(struct request *rq)
{
	const struct personal_put *in = rq->body;
	int64_t id = arg_id(rq, 0);
	struct provider_credential *changed;
	struct personal_account *row;
	struct credential_secret secret;
	struct provider_write w;
	bool is_new;

	TRY(own(rq, id, &row));
	TRY(email_check(rq, rq->db, in->email, id));
	TRY(secret_of(rq, id, &secret, &is_new));
	TRY(write_of(rq, &w));
	if (is_new)
		w.secret = &secret;
	TRY(told(rq, &w,
	    provider_credential_change(
		rq->db, &w, id, merge, rq, rq->arena, &changed)));
	return reply_own(rq, id);
}

enum rc
personal_remove(struct request *rq)
{
	const struct doer who = doer_of(rq);
	struct personal_account *row;
	struct jw *w;

	TRY(own(rq, arg_id(rq, 0), &row));
	TRY(provider_credential_remove(rq->db, &who, row->id));
	w = reply_open(rq, 0);
	JW_TEXT(w, "message", "Account deleted successfully");
	return reply_close(rq);
}
