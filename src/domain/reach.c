#include "domain/reach.h"

#include <string.h>

#include "domain/credential-token.h"
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

enum rc
reach_secret(struct db *db, const struct conf *conf, int64_t account,
    struct credential_access **c, struct arena *a,
    struct credential_secret *out)
{
	struct token_host h = { .db = db, .conf = conf };

	TRY(reach_egress(conf, &h.egress));
	TRY(vault_keks(conf, &h.keks));
	return credential_secret_ready(&h, account, c, a, out);
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
reach_imap(struct db *db, const struct conf *conf, int64_t account,
    struct credential_access **c, struct arena *a, struct imap_params *out)
{
	struct credential_secret *secret =
	    ARENA_NEW(a, struct credential_secret);
	const struct egress *egress;

	if (strcmp((*c)->provider_kind, "imap") != 0)
		return fail(RC_CONFLICT, "The credential is not an IMAP one.");
	if (!(*c)->is_active)
		return fail(RC_CONFLICT, "The credential is switched off.");
	TRY(reach_egress(conf, &egress));
	TRY(reach_secret(db, conf, account, c, a, secret));
	reach_params(conf, egress, *c, secret, out);
	return RC_OK;
}
