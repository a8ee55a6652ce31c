/* The `secret` of a provider credential, as it comes in bodies. */
#ifndef WEB_MAIL_SECRET_H
#define WEB_MAIL_SECRET_H

#include "domain/credential.h"
#include "web/request.h"

struct mail_secret {
	const char *username;
	struct secret password;
	struct secret access_token; /* of auth_kind oauth2 */
	struct secret refresh_token;
	int64_t expires_in; /* of access_token, in seconds */
};
extern const struct field mail_secret_body[];

/* Takes what `auth_kind` wants; a fault where that is missing. */
enum rc mail_secret_read(struct request *, const struct mail_secret *,
    const char *auth_kind, struct credential_secret *) MUST_CHECK;

#endif
