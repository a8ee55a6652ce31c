#include "domain/credential.h"

#include <string.h>

#include "domain/credential-sql.h"

const struct col credential_access_cols[] = {
	COL(struct credential_access, id),
	COL(struct credential_access, application_id),
	COL(struct credential_access, user_id),
	COL(struct credential_access, provider_kind),
	COL(struct credential_access, email_address),
	COL(struct credential_access, host),
	COL(struct credential_access, port),
	COL(struct credential_access, security_mode),
	COL(struct credential_access, auth_kind),
	COL(struct credential_access, is_active),
	COL(struct credential_access, sync_mode),
	COL(struct credential_access, hold_policy),
	COL(struct credential_access, quarantine_folder),
	COL(struct credential_access, body_policy),
	COL(struct credential_access, texts_due),
	COL(struct credential_access, capabilities, .hidden = true),
	COL_BYTES(struct credential_access, sealed, .hidden = true),
	COL(struct credential_access, secret_key_id, .hidden = true),
	COL(struct credential_access, secret_version, .hidden = true),
	COL_BYTES(struct credential_access, wrapped, .hidden = true),
	COL_END,
};

static struct envelope_place
place_of(int64_t application, int64_t account, int64_t id)
{
	return (struct envelope_place){ .table = "credential",
		.application = application,
		.account = account,
		.id = id,
		.field = "secret" };
}

/* ---- user name and secret ---- */

/* One text: user name, NUL, secret. */
static enum rc
join(const struct credential_secret *s, struct arena *a, struct secret *out)
{
	size_t name = strlen(s->username);
	char *p;

	if (name + 1 + s->secret.n > ENVELOPE_MAX)
		return fail(RC_TOO_LARGE, "the secret is too large");
	p = arena_alloc(a, name + 1 + s->secret.n);
	memcpy(p, s->username, name);
	if (s->secret.n > 0)
		memcpy(p + name + 1, s->secret.p, s->secret.n);
	*out = secret_new(a, p, name + 1 + s->secret.n);
	explicit_bzero(p, name + 1 + s->secret.n);
	return RC_OK;
}

enum rc
credential_secret_seal(struct db *db, const struct envelope_keks *keks,
    int64_t application, int64_t account, int64_t id,
    const struct credential_secret *s, struct arena *a, struct sealed *out)
{
	const struct envelope_place place = place_of(application, account, id);
	struct secret plain;
	enum rc rc;

	TRY(join(s, a, &plain));
	rc = sealed_make(db, keks, &place,
	    (struct str){ (const char *)plain.p, plain.n }, a, out);
	secret_wipe(&plain);
	return rc;
}

static enum rc
split(
    const struct secret *plain, struct arena *a, struct credential_secret *out)
{
	const unsigned char *nul = memchr(plain->p, '\0', plain->n);

	if (nul == NULL)
		return fail(RC_INTERNAL, "the sealed secret has no user name");
	out->username = (const char *)plain->p;
	out->secret =
	    secret_new(a, nul + 1, plain->n - (size_t)(nul + 1 - plain->p));
	return RC_OK;
}

enum rc
credential_secret_open(const struct envelope_keks *keks, int64_t account,
    const struct credential_access *c, struct arena *a,
    struct credential_secret *out)
{
	const struct envelope_place place =
	    place_of(c->application_id, account, c->id);
	const struct sealed sealed = { c->sealed, c->secret_key_id };
	struct secret plain;

	if (c->sealed.n == 0)
		return fail(RC_AUTH_FAILED, "the credential has no secret");
	TRY(sealed_open(keks, &place, &sealed, c->wrapped, a, &plain));
	return split(&plain, a, out);
}

/* ---- what a failure says ---- */

const char *
credential_status_of(enum rc rc)
{
	switch (rc) {
	case RC_AUTH_FAILED: return "invalid";
	case RC_AUTH_EXPIRED: return "expired";
	default: return NULL;
	}
}
