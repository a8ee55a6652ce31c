/* letterrackctl demo: the house of the demo instance, the same every time.
 * Its passwords are short and known, so it lives on loopback only. */
#include <argp.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/people.h"
#include "domain/provider-credential.h"
#include "domain/rule-sql.h"
#include "domain/setup-sql.h"
#include "domain/vault.h"

#define MEMORY  ((size_t)4 << 20)
#define MAILBOX "letterrack" /* password of the demo's mailboxes */

struct demo {
	struct ctl *ctl;
	struct db *db;
	struct arena *arena;
	int64_t imaps, submission; /* ports */
	int64_t application, account, other;
};

enum { IMAPS = 256, SUBMISSION };

static const struct argp_option options[] = {
	{ "imaps-port", IMAPS, "PORT", 0, "of the demo's IMAP server", 0 },
	{ "submission-port", SUBMISSION, "PORT", 0, "of its mail server", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct demo *d = state->input;
	uint64_t n = 0;

	if (key != IMAPS && key != SUBMISSION)
		return ARGP_ERR_UNKNOWN;
	if (!str_uint(str_of(arg), 65535, &n) || n == 0)
		argp_error(state, "%s is no port", arg);
	*(key == IMAPS ? &d->imaps : &d->submission) = (int64_t)n;
	return 0;
}

static const struct argp argp = { options, parse, NULL,
	"Fills an empty database with the users, accounts and mail accounts of "
	"the demo instance. Their passwords are known to everybody.",
	NULL, NULL, NULL };

/* ---- people ---- */

static const struct person {
	const char *email, *username, *name, *password, *role;
	const char *member; /* role in the account */
	bool other;         /* the account: Other, else Demo */
} people[] = {
	{ "admin@c-imap.local", "admin", "Admin", "admin123", "admin", "owner",
	    false },
	{ "demo@c-imap.local", "demo", "Demo", "demo123", "user", "member",
	    false },
	{ "viewer@c-imap.local", "viewer", "Viewer", "viewer123", "user",
	    "viewer", false },
	{ "other@c-imap.local", "other", "Other", "other123", "user", "owner",
	    true },
};
#define PEOPLE (sizeof people / sizeof people[0])

static enum rc
person_add(struct demo *d, const struct person *p)
{
	struct secret password =
	    secret_new(d->arena, p->password, strlen(p->password));
	char hash[PASSWORD_HASH_MAX];
	int64_t user, member;

	TRY(ctl_hash_any(d->ctl, &password, hash));
	TRY(user_add(d->db, d->application, p->email, p->username, p->name,
	    p->role, hash, &user));
	if (user != p - people + 1)
		return fail(RC_CONFLICT, "%s would be user %lld", p->email,
		    (long long)user);
	return member_add(d->db, d->application,
	    p->other ? d->other : d->account, user, p->member, &member);
}

static enum rc
clients_add(struct demo *d)
{
	struct str back = str_of(
	    arena_fmt(d->arena, "%s/oauth/callback", d->ctl->conf->base_url));
	static const char secret[] = "backend-secret";
	unsigned char hash[SHA256_SIZE];

	sha256(secret, sizeof secret - 1, hash);
	TRY(client_add(d->db,
	    &(struct client_add_args){ .id = "cid_demo",
		.application = d->application,
		.name = "Demo",
		.redirect_uris = { &back, 1 } },
	    NULL));
	return client_add(d->db,
	    &(struct client_add_args){ .id = "cid_backend",
		.application = d->application,
		.account_of = d->account,
		.name = "Backend",
		.secret_hash = { (char *)hash, sizeof hash },
		.is_app_admin = true },
	    NULL);
}

static enum rc
people_body(struct db *db, void *ctx)
{
	struct demo *d = ctx;

	TRY(numbers_restart(db, NULL));
	TRY(application_add(db, "Letterrack demo", &d->application));
	TRY(account_add(db, d->application, 0, "Demo", &d->account));
	TRY(account_add(db, d->application, 0, "Other", &d->other));
	for (size_t i = 0; i < PEOPLE; i++)
		TRY(person_add(d, &people[i]));
	return clients_add(d);
}

/* ---- mail accounts ---- */

static const struct box {
	const char *name, *kind, *sync_mode, *hold_policy;
	int64_t smtp; /* what it sends through; 0: is SMTP itself */
	bool is_default;
} boxes[] = {
	{ "review", "imap", "idle", "rules", 4, false },
	{ "support", "imap", "poll", "off", 5, true },
	{ "sales", "imap", "poll", "off", 6, false },
	{ "review", "smtp", "off", "off", 0, false },
	{ "support", "smtp", "off", "off", 0, true },
	{ "sales", "smtp", "off", "off", 0, false },
};
#define BOXES (sizeof boxes / sizeof boxes[0])

static enum rc
box_add(struct demo *d, struct provider_write w, const struct box *b)
{
	bool imap = strcmp(b->kind, "imap") == 0;
	const char *address =
	    arena_fmt(d->arena, "%s@letterrack.test", b->name);
	const struct credential_secret secret = { .username = address,
		.secret = secret_new(d->arena, MAILBOX, sizeof MAILBOX - 1) };
	const struct provider_credential want = {
		.provider_kind = b->kind,
		.label = arena_fmt(
		    d->arena, "%s%s", b->name, imap ? "" : " (sending)"),
		.email_address = address,
		.host = "127.0.0.1",
		.port = (int32_t)(imap ? d->imaps : d->submission),
		.security_mode = imap ? "ssl_tls" : "starttls",
		.auth_kind = "password",
		.provider_type = "generic",
		.is_active = true,
		.is_default = b->is_default,
		.sync_mode = b->sync_mode,
		.hold_policy = b->hold_policy,
		.quarantine_folder = "Quarantine",
		.body_policy = "text",
	};
	struct provider_credential *row;

	w.secret = &secret;
	TRY(provider_credential_create(d->db, &w, &want, d->arena, &row));
	if (row->id != b - boxes + 1)
		return fail(RC_CONFLICT, "%s would be mail account %lld",
		    b->name, (long long)row->id);
	return RC_OK;
}

static void
send_through(void *ctx, struct provider_credential *row)
{
	row->smtp_credential_id = *(const int64_t *)ctx;
}

static enum rc
boxes_add(struct demo *d)
{
	struct provider_write w = { .who = { .application = d->application,
					.account = d->account,
					.user = -1 } };
	struct provider_credential *row;

	TRY(vault_keks(d->ctl->conf, &w.keks));
	operator_scope(d->db, d->application, d->account);
	for (size_t i = 0; i < BOXES; i++)
		TRY(box_add(d, w, &boxes[i]));
	for (size_t i = 0; i < BOXES; i++) {
		int64_t smtp = boxes[i].smtp;

		if (smtp != 0)
			TRY(provider_credential_change(d->db, &w,
			    (int64_t)i + 1, send_through, &smtp, d->arena,
			    &row));
	}
	return RC_OK;
}

/* Rule 1, for mail that is to be held. */
static enum rc
rule_add(struct demo *d)
{
	int64_t id;

	TRY(rule_insert(d->db,
	    &(struct rule_insert_args){ .account = d->account,
		.application = d->application,
		.name = "Money, and now",
		.type = "keyword",
		.operator= "contains",
		.value = "urgent,payment",
		.action = "hold",
		.priority = 45,
		.is_active = true },
	    &id));
	return id == 1
	    ? RC_OK
	    : fail(RC_CONFLICT, "the rule would be %lld", (long long)id);
}

/* ---- all ---- */

static bool
on_loopback(const char *url)
{
	return strncmp(url, "http://127.0.0.1:", 17) == 0 ||
	    strncmp(url, "http://localhost:", 17) == 0;
}

static enum rc
fill(struct demo *d)
{
	struct setup_application *there;

	if (!on_loopback(d->ctl->conf->base_url))
		return fail(RC_FORBIDDEN,
		    "the demo's passwords are known: "
		    "only where base_url is loopback");
	TRY(application_find(d->db, 0, d->arena, &there));
	if (there != NULL)
		return fail(RC_CONFLICT, "the database is not empty");
	TRY(ctl_keys_make(d->ctl));
	TRY(db_tx(d->db, people_body, d));
	TRY(boxes_add(d));
	return rule_add(d);
}

int
ctl_demo(struct ctl *ctl)
{
	struct demo d = { .ctl = ctl, .imaps = 10993, .submission = 10587 };
	enum rc rc;

	argp_parse(&argp, ctl->argc, ctl->argv, 0, NULL, &d);
	d.db = ctl_owner_db(ctl);
	if (d.db == NULL)
		return EX_TEMPFAIL;
	d.arena = arena_new(MEMORY);
	rc = fill(&d);
	if (rc != RC_OK)
		ctl_complain(ctl, "%s",
		    fail_detail()[0] != '\0' ? fail_detail()
					     : result_row(rc)->text);
	arena_free(&d.arena);
	db_free(&d.db);
	return ctl_status(rc);
}
