/* Provider credentials: the mail accounts that an account reaches. Nothing
 * here talks to a mail server; see providers.c. */
#include "credentials.h"

#include "domain/personal.h"
#include "domain/provider-credential-sql.h"
#include "domain/vault.h"
#include "web/body.h"
#include "web/doer.h"
#include "web/idempotency.h"
#include "web/listing.h"
#include "web/mail-secret.h"
#include "web/route.h"

/* ---- lists ---- */

struct credential_list {
	int provider_kind;
	const char *q;
	struct page page;
};
static const struct field credential_list_params[] = {
	F_ENUM(struct credential_list, provider_kind, provider_kinds, OPTIONAL),
	F_TEXT(struct credential_list, q, 0, 200, OPTIONAL | BLANK_OK,
	    .about = "Words to look for in label, address and host."),
	F_PAGE(struct credential_list, 50), F_END
};

struct credential_search {
	const char *query;
	int provider_kind;
	struct page page;
};
static const struct field credential_search_body[] = {
	F_TEXT(struct credential_search, query, 0, 200, NULLABLE | BLANK_OK),
	F_ENUM(
	    struct credential_search, provider_kind, provider_kinds, NULLABLE),
	F_PAGE(struct credential_search, 50), F_END
};

/* An enum's word; NULL where it was not given. */
static const char *
word(const char *const *words, int i)
{
	return i < 0 ? NULL : words[i];
}

static enum rc
credentials(
    struct request *rq, int kind, const char *q, const struct page *page)
{
	int64_t account = rq->actor.account, user = rq->actor.user, total;
	const char *of = word(provider_kinds, kind);
	struct provider_credential_list list;
	struct listing ask;
	struct list_end end;

	TRY(listing_ask(rq, page, &ask));
	db_pipe_begin(rq->db);
	TRY(provider_credential_list(rq->db,
	    &(struct provider_credential_list_args){
		account, user, of, q, ask.after, ask.skip, ask.most },
	    rq->arena, &list));
	TRY(provider_credential_count(rq->db, account, user, of, q, &total));
	TRY(db_pipe_end(rq->db));
	end = listing_end(page, &list.n, total, LISTING_LAST(list, page));
	return reply_rows(rq, provider_credential_cols, list.v, list.n,
	    sizeof list.v[0], &end);
}

static enum rc
list(struct request *rq)
{
	const struct credential_list *in = rq->params;

	return credentials(
	    rq, in->provider_kind, listing_words(in->q), &in->page);
}

static enum rc
search(struct request *rq)
{
	const struct credential_search *in = rq->body;

	return credentials(
	    rq, in->provider_kind, listing_words(in->query), &in->page);
}

/* ---- one ---- */

static enum rc
get(struct request *rq)
{
	struct provider_credential *row;

	TRY(provider_credential_get(rq->db, rq->actor.account, rq->actor.user,
	    arg_id(rq, 0), rq->arena, &row));
	return reply_row(rq, 0, provider_credential_cols, row);
}

struct credential_new {
	int provider_kind, security_mode, auth_kind;
	int sync_mode, hold_policy, body_policy;
	const char *label, *email_address, *host, *provider_type;
	const char *quarantine_folder;
	int64_t port, smtp_credential_id;
	bool is_active, is_default;
	struct mail_secret *secret;
};

/* What both bodies may hold. */
#define SHARED_ROWS(T)                                                         \
	F_TEXT(T, label, 0, 200, OPTIONAL | BLANK_OK),                         \
	    F_EMAIL(T, email_address, NULLABLE),                               \
	    F_INT(T, port, 1, 65535, OPTIONAL),                                \
	    F_TEXT(T, provider_type, 1, 64, OPTIONAL),                         \
	    F_BOOL(T, is_default, OPTIONAL,                                    \
		.about = "Sends what names no sender."),                       \
	    F_ENUM(T, sync_mode, sync_modes, OPTIONAL),                        \
	    F_TEXT(T, quarantine_folder, 1, 255, OPTIONAL),                    \
	    F_ID(T, smtp_credential_id, ID_CREDENTIAL, NULLABLE,               \
		.about = "What an IMAP account sends through.")

static const struct field credential_new_body[] = {
	F_ENUM(struct credential_new, provider_kind, provider_kinds, REQUIRED),
	F_TEXT(struct credential_new, host, 1, 255, REQUIRED),
	F_ENUM(struct credential_new, security_mode, security_modes, OPTIONAL,
	    PRESET(0)),
	F_ENUM(
	    struct credential_new, auth_kind, auth_kinds, OPTIONAL, PRESET(0)),
	F_BOOL(struct credential_new, is_active, OPTIONAL, PRESET(true)),
	F_ENUM(struct credential_new, hold_policy, hold_policies, OPTIONAL,
	    PRESET(0)),
	F_ENUM(struct credential_new, body_policy, body_policies, OPTIONAL,
	    PRESET(1)),
	SHARED_ROWS(struct credential_new),
	F_OBJECT(
	    struct credential_new, secret, mail_secret, REQUIRED | WRITE_ONLY),
	F_END
};

static const char *
or_else(const char *given, const char *preset)
{
	return given != NULL ? given : preset;
}

static struct provider_credential
row_of(const struct credential_new *in)
{
	const char *kind = provider_kinds[in->provider_kind];
	const char *mode = security_modes[in->security_mode];
	bool imap = strcmp(kind, "imap") == 0;

	return (struct provider_credential){
		.provider_kind = kind,
		.label = or_else(in->label, ""),
		.email_address = in->email_address,
		.host = in->host,
		.port = in->port != 0 ? (int32_t)in->port
				      : provider_port(kind, mode),
		.security_mode = mode,
		.auth_kind = auth_kinds[in->auth_kind],
		.provider_type = or_else(in->provider_type, "generic"),
		.is_active = in->is_active,
		.is_default = in->is_default,
		.sync_mode = or_else(word(sync_modes, in->sync_mode),
		    imap ? "on_demand" : "off"),
		.hold_policy = hold_policies[in->hold_policy],
		.quarantine_folder =
		    or_else(in->quarantine_folder, "Quarantine"),
		.smtp_credential_id = in->smtp_credential_id,
		.body_policy = body_policies[in->body_policy],
	};
}

/* A rule of the domain that was broken becomes a fault of the field. */
static enum rc
told(struct request *rq, const struct provider_write *w, enum rc rc)
{
	const struct provider_fault *f = &w->fault;

	if (rc != RC_INVALID || f->field == NULL)
		return rc;
	return fault_add(rq, f->field, f->code, f->message);
}

static struct provider_write
write_of(const struct request *rq, const struct envelope_keks *keks)
{
	return (struct provider_write){
		.who = doer_of(rq),
		.keks = keks,
		.allow_plaintext = rq->conf->allow_plaintext,
	};
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

	TRY(provider_credential_make(db, &c->w, &c->want, c->rq->arena, &row));
	made[0] = row->id;
	return RC_OK;
}

static enum rc
create(struct request *rq)
{
	const struct credential_new *in = rq->body;
	struct creation c = { .rq = rq, .want = row_of(in) };
	struct provider_credential *row;
	const struct envelope_keks *keks;
	struct credential_secret secret;
	int64_t made[ONCE_MADE];

	TRY(mail_secret_read(rq, in->secret, c.want.auth_kind, &secret));
	TRY(vault_keks(rq->conf, &keks));
	c.w = write_of(rq, keks);
	c.w.secret = &secret;
	TRY(told(rq, &c.w, once(rq, make, &c, made)));
	TRY(provider_credential_get(rq->db, rq->actor.account, rq->actor.user,
	    made[0], rq->arena, &row));
	return reply_row(rq, 0, provider_credential_cols, row);
}

struct credential_patch {
	const char *label, *email_address, *host, *provider_type;
	const char *quarantine_folder;
	int64_t port, smtp_credential_id;
	int security_mode, sync_mode, hold_policy, body_policy;
	bool is_active, is_default;
	struct mail_secret *secret;
};
static const struct field credential_patch_body[] = {
	F_TEXT(struct credential_patch, host, 1, 255, OPTIONAL,
	    .about = "Only together with the secret; so are port and "
		     "security_mode."),
	F_ENUM(
	    struct credential_patch, security_mode, security_modes, OPTIONAL),
	F_BOOL(struct credential_patch, is_active, OPTIONAL),
	F_ENUM(struct credential_patch, hold_policy, hold_policies, OPTIONAL),
	F_ENUM(struct credential_patch, body_policy, body_policies, OPTIONAL),
	SHARED_ROWS(struct credential_patch),
	F_OBJECT(struct credential_patch, secret, mail_secret,
	    OPTIONAL | WRITE_ONLY),
	F_END
};

#define KEEP(m)                                                                \
	do {                                                                   \
		if (GIVEN(rq, struct credential_patch, m))                     \
			row->m = in->m;                                        \
	} while (0)
#define KEEP_WORD(m, words)                                                    \
	do {                                                                   \
		if (GIVEN(rq, struct credential_patch, m))                     \
			row->m = (words)[in->m];                               \
	} while (0)

static void
merge(void *ctx, struct provider_credential *row)
{
	const struct request *rq = ctx;
	const struct credential_patch *in = rq->body;

	KEEP(label);
	KEEP(email_address);
	KEEP(host);
	KEEP(provider_type);
	KEEP(is_active);
	KEEP(is_default);
	KEEP(quarantine_folder);
	KEEP(smtp_credential_id);
	KEEP_WORD(security_mode, security_modes);
	KEEP_WORD(sync_mode, sync_modes);
	KEEP_WORD(hold_policy, hold_policies);
	KEEP_WORD(body_policy, body_policies);
	if (GIVEN(rq, struct credential_patch, port))
		row->port = (int32_t)in->port;
}

static enum rc
patch(struct request *rq)
{
	const struct credential_patch *in = rq->body;
	struct provider_credential *row;
	const struct envelope_keks *keks;
	struct credential_secret secret;
	struct provider_write w;

	TRY(vault_keks(rq->conf, &keks));
	w = write_of(rq, keks);
	if (in->secret != NULL) {
		TRY(provider_credential_get(rq->db, rq->actor.account,
		    rq->actor.user, arg_id(rq, 0), rq->arena, &row));
		TRY(mail_secret_read(rq, in->secret, row->auth_kind, &secret));
		w.secret = &secret;
	}
	TRY(told(rq, &w,
	    provider_credential_change(
		rq->db, &w, arg_id(rq, 0), merge, rq, rq->arena, &row)));
	return reply_row(rq, 0, provider_credential_cols, row);
}

static enum rc delete (struct request *rq) {
	const struct doer who = doer_of(rq);

	TRY(provider_credential_remove(rq->db, &who, arg_id(rq, 0)));
	return reply_empty(rq, 0);
}

#define ALL      "/api/accounts/:account_id/provider-credentials"
#define PERSONAL "/api/user/imap-accounts"
#define OWN                                                                    \
	.row = personal_account_cols, .key = "data",                           \
	.missing = "ACCOUNT_NOT_FOUND"
#define ONE "/api/provider-credentials/:provider_credential_id"

static const struct route routes[] = {
	{ GET, ALL, list, NEED_READ, PARAMS(credential_list),
	    .row = provider_credential_cols, .many = true,
	    .summary = "List provider credentials" },
	{ POST, ALL, create, NEED_WRITE, BODY(credential_new), .status = 201,
	    .row = provider_credential_cols, .flags = IDEMPOTENT | PLANNED,
	    .summary = "Store how a mail account is reached",
	    .about = "The secret is kept sealed and never shown again. Test "
		     "the credential next." },
	{ POST, ALL "/search", search, NEED_READ, BODY(credential_search),
	    .row = provider_credential_cols, .many = true,
	    .summary = "Search provider credentials" },
	{ GET, ONE, get, NEED_READ, .row = provider_credential_cols,
	    .summary = "Show a provider credential" },
	{ PATCH, ONE, patch, NEED_WRITE, BODY(credential_patch),
	    .row = provider_credential_cols, .flags = PLANNED,
	    .summary = "Change a provider credential",
	    .about = "Host, port, security mode and user name change only "
		     "together with the secret." },
	{ DELETE, ONE, delete, NEED_WRITE, .status = 204,
	    .summary = "Remove a provider credential and its mail records" },
	{ GET, PERSONAL, personal_list, NEED_USER, ENV_SUCCESS,
	    .flags = TIMES_Z, .answer = personal_list_answer,
	    .summary = "List one's own mail accounts" },
	{ POST, PERSONAL, personal_create, NEED_USER, ENV_SUCCESS,
	    .flags = TIMES_Z | IDEMPOTENT | PLANNED, BODY(personal_new), OWN,
	    .summary = "Store a mail account of one's own",
	    .about = "Nobody else sees it, and no poll touches it." },
	{ GET, PERSONAL "/:imap_account_id", personal_show, NEED_USER,
	    ENV_SUCCESS, .flags = TIMES_Z, OWN,
	    .summary = "Show a mail account of one's own" },
	{ PUT, PERSONAL "/:imap_account_id", personal_change, NEED_USER,
	    ENV_SUCCESS, .flags = TIMES_Z | PLANNED, BODY(personal_put), OWN,
	    .summary = "Change a mail account of one's own" },
	{ DELETE, PERSONAL "/:imap_account_id", personal_remove, NEED_USER,
	    ENV_SUCCESS, .missing = "ACCOUNT_NOT_FOUND",
	    .answer = personal_gone_answer,
	    .summary = "Remove a mail account of one's own" },
};

FAMILY(credentials, QUIET);
