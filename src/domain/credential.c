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
	COL(struct credential_access, provider_type, .hidden = true),
	COL(struct credential_access, has_refresh, .hidden = true),
	COL(struct credential_access, token_expires_at, .hidden = true),
	COL(struct credential_access, refresh_expires_at, .hidden = true),
	COL(struct credential_access, token_refused_at, .hidden = true),
	COL(struct credential_access, token_warned_at, .hidden = true),
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

/* One text: user name, NUL, secret; and where it can be renewed, NUL and what
 * renews it. */
static enum rc
join(const struct credential_secret *s, struct arena *a, struct secret *out)
{
	size_t name = strlen(s->username), at = name + 1 + s->secret.n;
	size_t n = at + (secret_is(&s->refresh) ? 1 + s->refresh.n : 0);
	char *p;

	if (n > ENVELOPE_MAX)
		return fail(RC_TOO_LARGE, "the secret is too large");
	p = arena_alloc(a, n + 1);
	memset(p, 0, n + 1);
	memcpy(p, s->username, name);
	if (s->secret.n > 0)
		memcpy(p + name + 1, s->secret.p, s->secret.n);
	if (n > at)
		memcpy(p + at + 1, s->refresh.p, s->refresh.n);
	*out = secret_new(a, p, n);
	explicit_bzero(p, n);
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
	const unsigned char *end = plain->p + plain->n, *more;

	if (nul == NULL)
		return fail(RC_INTERNAL, "the sealed secret has no user name");
	*out = (struct credential_secret){ .username = (const char *)plain->p,
		.expires_at = INSTANT_NONE };
	nul++;
	more = nul < end ? memchr(nul, '\0', (size_t)(end - nul)) : NULL;
	out->secret =
	    secret_new(a, nul, (size_t)((more != NULL ? more : end) - nul));
	if (more != NULL)
		out->refresh =
		    secret_new(a, more + 1, (size_t)(end - (more + 1)));
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
