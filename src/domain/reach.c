#include "domain/reach.h"

#include <string.h>

#include "domain/vault.h"

enum rc
reach_egress(const struct conf *conf, const struct egress **out)
{
	static struct egress *egress;

	if (egress == NULL &&
	    egress_new(conf->egress_allow, conf->ca_file, &egress) != RC_OK)
		return RC_INTERNAL;
	*out = egress;
	return RC_OK;
}

static enum rc
secret_open(const struct conf *conf, int64_t account,
    const struct credential_access *c, struct arena *a,
    struct credential_secret **out)
{
	const struct envelope_keks *keks;

	*out = ARENA_NEW(a, struct credential_secret);
	TRY(vault_keks(conf, &keks));
	return credential_secret_open(keks, account, c, a, *out);
}

void
reach_params(const struct conf *conf, const struct egress *egress,
    const struct credential_access *c, const struct credential_secret *secret,
    struct imap_params *out)
{
	*out = (struct imap_params){
		.login = { .host = c->host,
		    .port = (unsigned)c->port,
		    .security = imap_security_of(c->security_mode),
		    .user = secret->username,
		    .secret = &secret->secret,
		    .oauth2 = strcmp(c->auth_kind, "oauth2") == 0,
		    .egress = egress,
		    .loopback_only = !conf->allow_plaintext,
		    .multi = egress_multi(egress) },
		.known_caps = str_of(c->capabilities),
	};
}

enum rc
reach_imap(const struct conf *conf, int64_t account,
    const struct credential_access *c, struct arena *a, struct imap_params *out)
{
	struct credential_secret *secret;
	const struct egress *egress;

	if (strcmp(c->provider_kind, "imap") != 0)
		return fail(RC_CONFLICT, "The credential is not an IMAP one.");
	if (!c->is_active)
		return fail(RC_CONFLICT, "The credential is switched off.");
	TRY(reach_egress(conf, &egress));
	TRY(secret_open(conf, account, c, a, &secret));
	reach_params(conf, egress, c, secret, out);
	return RC_OK;
}
