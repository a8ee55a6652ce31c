#include "domain/provider-credential.h"

#include <stdio.h>
#include <string.h>

#include "domain/audit.h"
#include "domain/credential-sql.h"
#include "domain/job-sql.h"
#include "domain/mailbox-sql.h"
#include "domain/provider-credential-sql.h"
#include "mail/egress.h"

#define USERNAME_MOST 320
#define SECRET_MOST   16384
#define FOLDER_MOST   255
#define ACTION_MOST   64

const struct col provider_credential_cols[] = {
	COL_ID(struct provider_credential, id, ID_CREDENTIAL),
	COL_ID(struct provider_credential, account_id, ID_ACCOUNT),
	COL_ID(struct provider_credential, application_id, ID_APPLICATION),
	COL_ID(struct provider_credential, user_id, ID_USER, .zero_null = true,
	    .note = "The owner of a personal account."),
	COL(struct provider_credential, provider_kind),
	COL(struct provider_credential, label),
	COL(struct provider_credential, email_address),
	COL(struct provider_credential, host),
	COL(struct provider_credential, port),
	COL(struct provider_credential, security_mode),
	COL(struct provider_credential, auth_kind),
	COL(struct provider_credential, username_masked),
	COL(struct provider_credential, provider_type),
	COL(struct provider_credential, is_active),
	COL(struct provider_credential, is_default),
	COL(struct provider_credential, status),
	COL(struct provider_credential, last_tested_at),
	COL(struct provider_credential, last_checked),
	COL(struct provider_credential, last_error_code),
	COL(struct provider_credential, last_error_detail),
	COL(struct provider_credential, sync_mode),
	COL(struct provider_credential, hold_policy),
	COL(struct provider_credential, quarantine_folder),
	COL_ID(struct provider_credential, smtp_credential_id, ID_CREDENTIAL,
	    .zero_null = true),
	COL(struct provider_credential, body_policy),
	COL(struct provider_credential, secret_version, .hidden = true),
	COL(struct provider_credential, created_at),
	COL(struct provider_credential, updated_at), COL_END
};

const char *const provider_kinds[] = { "imap", "smtp", NULL };
const char *const security_modes[] = { "ssl_tls", "starttls", "none", NULL };
const char *const auth_kinds[] = { "password", "oauth2", NULL };
const char *const sync_modes[] = { "off", "on_demand", "poll", "idle", NULL };
const char *const hold_policies[] = { "off", "rules", "all", NULL };
const char *const body_policies[] = { "metadata", "text", NULL };

static bool
is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

int32_t
provider_port(const char *kind, const char *mode)
{
	bool tls = is(mode, "ssl_tls");

	if (is(kind, "imap"))
		return tls ? 993 : 143;
	return tls ? 465 : 587;
}

/* ---- what is allowed ---- */

static bool
is_loopback_name(const char *host)
{
	return is(host, "localhost") || is(host, "::1") ||
	    strncmp(host, "127.", 4) == 0;
}

struct wish {
	const struct provider_write *w;
	const struct provider_credential *row;
	const struct provider_credential *old; /* NULL: it is new */
};

static bool
host_ok(const struct wish *x)
{
	return egress_host_ok(str_of(x->row->host));
}

/* The wall at the socket decides in the end; this says so earlier. */
static bool
plaintext_ok(const struct wish *x)
{
	return !is(x->row->security_mode, "none") || x->w->allow_plaintext ||
	    is_loopback_name(x->row->host);
}

static bool
folder_ok(const struct wish *x)
{
	return egress_text_ok(str_of(x->row->quarantine_folder), FOLDER_MOST);
}

static bool
sync_ok(const struct wish *x)
{
	return is(x->row->provider_kind, "imap") ||
	    (is(x->row->sync_mode, "off") && is(x->row->hold_policy, "off"));
}

static bool
sender_ok(const struct wish *x)
{
	return is(x->row->provider_kind, "imap") ||
	    x->row->smtp_credential_id == 0;
}

static bool
username_ok(const struct wish *x)
{
	return x->w->secret == NULL ||
	    egress_text_ok(str_of(x->w->secret->username), USERNAME_MOST);
}

static bool
secret_ok(const struct wish *x)
{
	const struct credential_secret *s = x->w->secret;

	return s == NULL ||
	    (egress_text_ok(
		 (struct str){ (const char *)s->secret.p, s->secret.n },
		 SECRET_MOST) &&
		(!secret_is(&s->refresh) ||
		    egress_text_ok((struct str){ (const char *)s->refresh.p,
				       s->refresh.n },
			SECRET_MOST)));
}

static bool
led_elsewhere(const struct wish *x)
{
	const struct provider_credential *a = x->old, *b = x->row;

	return a != NULL &&
	    (!is(a->host, b->host) || a->port != b->port ||
		!is(a->security_mode, b->security_mode));
}

static bool
stays_or_secret(const struct wish *x)
{
	return x->w->secret != NULL || !led_elsewhere(x);
}

static const struct {
	bool (*ok)(const struct wish *);
	struct provider_fault fault;
} rules[] = {
	{ host_ok, { "host", "invalid", "Not a host name or IP address." } },
	{ plaintext_ok,
	    { "security_mode", "plaintext_refused",
		"Without TLS only to this host itself." } },
	{ folder_ok, { "quarantine_folder", "invalid", "Not a folder name." } },
	{ sync_ok,
	    { "sync_mode", "invalid",
		"An SMTP credential is neither synced nor held." } },
	{ sender_ok,
	    { "smtp_credential_id", "invalid",
		"Only an IMAP credential sends through another." } },
	{ username_ok,
	    { "secret.username", "invalid",
		"Empty, too long, or with control characters." } },
	{ secret_ok,
	    { "secret.password", "invalid",
		"Empty, too long, or with control characters." } },
	{ stays_or_secret,
	    { "secret", "required",
		"Another host, port or security mode needs the secret." } },
};

static enum rc
check(struct provider_write *w, const struct provider_credential *row,
    const struct provider_credential *old)
{
	const struct wish wish = { w, row, old };

	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		if (rules[i].ok(&wish))
			continue;
		w->fault = rules[i].fault;
		return RC_INVALID;
	}
	return RC_OK;
}

/* What it sends through must be there, be SMTP, and be the caller's to use. */
static enum rc
check_sender(struct db *db, struct provider_write *w,
    const struct provider_credential *row, struct arena *arena)
{
	struct provider_credential *smtp = NULL;
	enum rc rc;

	if (row->smtp_credential_id == 0)
		return RC_OK;
	rc = provider_credential_get(db, w->who.account, w->who.user,
	    row->smtp_credential_id, arena, &smtp);
	if (rc == RC_OK && is(smtp->provider_kind, "smtp"))
		return RC_OK;
	if (rc != RC_OK && rc != RC_NOT_FOUND)
		return rc;
	w->fault = (struct provider_fault){ "smtp_credential_id", "unknown",
		"There is no such SMTP credential." };
	return RC_INVALID;
}

/* "anna@example.org" -> "a***@example.org" */
static const char *
mask(struct arena *arena, const char *name)
{
	size_t at = strcspn(name, "@"), first = at > 0;

	/* One character: the lead byte and what continues it. */
	while (first < at && ((unsigned char)name[first] & 0xc0) == 0x80)
		first++;
	return arena_fmt(arena, "%.*s***%s", (int)first, name, name + at);
}

/* ---- changing ---- */

/* One write: everything a transaction may run again with. */
struct job_of {
	struct provider_write *w;
	struct arena *arena;
	int64_t id;
	int64_t version;
	const struct provider_credential *want;
	provider_merge *merge;
	void *merge_ctx;
	struct provider_credential **out;
};

enum rc
provider_credential_audit(struct db *db, const struct doer *who,
    const char *action, int64_t id, enum rc rc)
{
	char name[ACTION_MOST];
	const struct audit_note n = { name, ID_CREDENTIAL, id,
		rc == RC_OK ? NULL : result_code(rc) };

	snprintf(name, sizeof name, "credential.%s", action);
	return audit_write(db, who, &n);
}

static enum rc
note(struct db *db, const struct doer *who, const char *action, int64_t id,
    enum rc rc, const char *message)
{
	const struct log_note n = { "provider_credential", action, rc, message,
		"credential_id", ID_CREDENTIAL, id };

	TRY(provider_credential_audit(db, who, action, id, rc));
	return log_write(db, who, &n);
}

static enum rc
only_default(struct db *db, const struct doer *who,
    const struct provider_credential *row)
{
	if (!row->is_default)
		return RC_OK;
	return provider_credential_default_clear(
	    db, who->account, row->id, row->provider_kind, row->user_id, NULL);
}

static enum rc
insert(struct db *db, const struct job_of *j)
{
	const struct provider_credential *r = j->want;
	const struct doer *who = &j->w->who;
	const struct credential_secret *s = j->w->secret;
	struct provider_credential_insert_args in = {
		.account = who->account,
		.application = who->application,
		.user = r->user_id,
		.kind = r->provider_kind,
		.label = r->label,
		.email_address = r->email_address,
		.host = r->host,
		.port = r->port,
		.security_mode = r->security_mode,
		.auth_kind = r->auth_kind,
		.username_masked = "",
		.provider_type = r->provider_type,
		.is_active = r->is_active,
		.is_default = r->is_default,
		.sync_mode = r->sync_mode,
		.hold_policy = r->hold_policy,
		.quarantine_folder = r->quarantine_folder,
		.smtp_credential = r->smtp_credential_id,
		.body_policy = r->body_policy,
	};
	struct sealed sealed = { .key_id = 0 };

	TRY(provider_credential_id_take(db, &in.id));
	if (s != NULL) {
		TRY(credential_secret_seal(db, j->w->keks, who->application,
		    who->account, in.id, s, j->arena, &sealed));
		in.username_masked = mask(j->arena, s->username);
	}
	in.secret = sealed.secret;
	in.secret_key = sealed.key_id;
	in.has_refresh = s != NULL && secret_is(&s->refresh);
	in.token_expires = in.has_refresh ? s->expires_at : INSTANT_NONE;
	TRY(provider_credential_insert(db, &in));
	return provider_credential_get(
	    db, who->account, who->user, in.id, j->arena, j->out);
}

enum rc
provider_credential_make(struct db *db, struct provider_write *w,
    const struct provider_credential *want, struct arena *arena,
    struct provider_credential **out)
{
	const struct job_of j = {
		.w = w, .arena = arena, .want = want, .out = out
	};

	TRY(check(w, want, NULL));
	TRY(check_sender(db, w, want, arena));
	TRY(insert(db, &j));
	TRY(only_default(db, &w->who, *out));
	return note(db, &w->who, "create", (*out)->id, RC_OK,
	    "Provider credential created");
}

static enum rc
create_body(struct db *db, void *ctx)
{
	const struct job_of *j = ctx;

	return provider_credential_make(db, j->w, j->want, j->arena, j->out);
}

enum rc
provider_credential_create(struct db *db, struct provider_write *w,
    const struct provider_credential *want, struct arena *arena,
    struct provider_credential **out)
{
	struct job_of j = { .w = w, .arena = arena, .want = want, .out = out };

	return db_tx(db, create_body, &j);
}

static enum rc
update(
    struct db *db, const struct job_of *j, const struct provider_credential *r)
{
	const struct provider_credential_update_args in = {
		.account = j->w->who.account,
		.id = j->id,
		.label = r->label,
		.email_address = r->email_address,
		.host = r->host,
		.port = r->port,
		.security_mode = r->security_mode,
		.provider_type = r->provider_type,
		.is_active = r->is_active,
		.is_default = r->is_default,
		.sync_mode = r->sync_mode,
		.hold_policy = r->hold_policy,
		.quarantine_folder = r->quarantine_folder,
		.smtp_credential = r->smtp_credential_id,
		.body_policy = r->body_policy,
	};

	TRY(provider_credential_update(db, &in));
	return provider_credential_get(
	    db, j->w->who.account, j->w->who.user, j->id, j->arena, j->out);
}

static enum rc
secret_set(struct db *db, const struct job_of *j)
{
	const struct provider_write *w = j->w;
	struct sealed sealed;

	TRY(credential_secret_seal(db, w->keks, w->who.application,
	    w->who.account, j->id, w->secret, j->arena, &sealed));
	return provider_credential_secret_set(db,
	    &(struct provider_credential_secret_set_args){
		.account = w->who.account,
		.id = j->id,
		.username_masked = mask(j->arena, w->secret->username),
		.secret = sealed.secret,
		.secret_key = sealed.key_id,
		.has_refresh = secret_is(&w->secret->refresh),
		.token_expires = secret_is(&w->secret->refresh)
		    ? w->secret->expires_at
		    : INSTANT_NONE });
}

/* Another host or user name: UIDs and UIDVALIDITYs of the old one mean nothing
 * there, though the numbers may well be the same. */
static bool
is_another_mailbox(struct db *db, const struct job_of *j,
    const struct provider_credential *old,
    const struct provider_credential *row)
{
	struct credential_access *access;
	struct credential_secret before;

	if (!is(old->host, row->host) || old->port != row->port)
		return true;
	if (j->w->secret == NULL)
		return false;
	if (credential_access_get(
		db, j->w->who.account, j->id, j->arena, &access) != RC_OK ||
	    credential_secret_open(j->w->keks, j->w->who.account, access,
		j->arena, &before) != RC_OK)
		return true;
	return !is(before.username, j->w->secret->username);
}

/* A run that is still with the old one ends; the next matches anew. */
static enum rc
part_from(struct db *db, const struct job_of *j,
    const struct provider_credential *old,
    const struct provider_credential *row)
{
	if (!is(old->provider_kind, "imap") ||
	    !is_another_mailbox(db, j, old, row))
		return RC_OK;
	TRY(job_fence(db, j->w->who.account, j->id, NULL));
	return mailbox_set_apart(db, j->w->who.account, j->id, 0, NULL);
}

static enum rc
lock(struct db *db, const struct job_of *j, struct provider_credential **old)
{
	const struct doer *who = &j->w->who;

	TRY(provider_credential_lock(db, who->account, who->user, j->id));
	return provider_credential_get(
	    db, who->account, who->user, j->id, j->arena, old);
}

static enum rc
change_body(struct db *db, void *ctx)
{
	const struct job_of *j = ctx;
	const struct doer *who = &j->w->who;
	struct provider_credential *old, row;

	TRY(lock(db, j, &old));
	row = *old;
	j->merge(j->merge_ctx, &row);
	TRY(check(j->w, &row, old));
	TRY(check_sender(db, j->w, &row, j->arena));
	TRY(part_from(db, j, old, &row));
	if (j->w->secret != NULL)
		TRY(secret_set(db, j));
	TRY(only_default(db, who, &row));
	TRY(update(db, j, &row));
	return note(
	    db, who, "update", j->id, RC_OK, "Provider credential changed");
}

enum rc
provider_credential_change(struct db *db, struct provider_write *w, int64_t id,
    provider_merge *merge, void *ctx, struct arena *arena,
    struct provider_credential **out)
{
	struct job_of j = { .w = w,
		.arena = arena,
		.id = id,
		.merge = merge,
		.merge_ctx = ctx,
		.out = out };

	return db_tx(db, change_body, &j);
}

static enum rc
rotate_body(struct db *db, void *ctx)
{
	const struct job_of *j = ctx;
	const struct doer *who = &j->w->who;
	struct provider_credential *old;

	TRY(lock(db, j, &old));
	if (old->secret_version != j->version)
		return fail(RC_CONFLICT, "It was changed meanwhile.");
	TRY(check(j->w, old, old));
	TRY(part_from(db, j, old, old));
	TRY(secret_set(db, j));
	TRY(provider_credential_tested(db, who->account, j->id, j->version + 1,
	    "valid", NULL, NULL, NULL));
	TRY(note(db, who, "rotate", j->id, RC_OK, "Secret replaced"));
	return provider_credential_get(
	    db, who->account, who->user, j->id, j->arena, j->out);
}

enum rc
provider_credential_rotate(struct db *db, struct provider_write *w, int64_t id,
    int64_t version, struct arena *arena, struct provider_credential **out)
{
	struct job_of j = {
		.w = w, .arena = arena, .id = id, .version = version, .out = out
	};

	return db_tx(db, rotate_body, &j);
}

struct removal {
	const struct doer *who;
	int64_t id;
};

static enum rc
remove_body(struct db *db, void *ctx)
{
	const struct removal *r = ctx;

	/* First, while it can be told whose alone the line is. */
	TRY(note(
	    db, r->who, "delete", r->id, RC_OK, "Provider credential removed"));
	return provider_credential_delete(
	    db, r->who->account, r->who->user, r->id);
}

enum rc
provider_credential_remove(struct db *db, const struct doer *who, int64_t id)
{
	struct removal r = { who, id };

	return db_tx(db, remove_body, &r);
}

/* ---- tests ---- */

const char *
provider_status(enum rc rc)
{
	return rc == RC_OK ? "valid" : credential_status_of(rc);
}

struct tested {
	const struct doer *who;
	int64_t id, version;
	enum rc result;
	const char *detail;
};

static enum rc
tested_body(struct db *db, void *ctx)
{
	const struct tested *t = ctx;
	bool ok = t->result == RC_OK;

	TRY(provider_credential_tested(db, t->who->account, t->id, t->version,
	    provider_status(t->result), ok ? NULL : result_code(t->result),
	    ok ? NULL : t->detail, NULL));
	return note(db, t->who, "test", t->id, t->result,
	    ok ? "Connection test succeeded" : "Connection test failed");
}

enum rc
provider_credential_note_test(struct db *db, const struct doer *who, int64_t id,
    int64_t version, enum rc result, const char *detail)
{
	struct tested t = { who, id, version, result, detail };

	return db_tx(db, tested_body, &t);
}
