#include "web/mail-secret.h"

#include "web/body.h"

#define SECRET_MOST 16384

const struct field mail_secret_body[] = { F_TEXT(struct mail_secret, username,
					      1, 320, REQUIRED),
	F_SECRET(struct mail_secret, password, 1, SECRET_MOST, OPTIONAL,
	    .about = "Of auth_kind password."),
	F_SECRET(struct mail_secret, access_token, 1, SECRET_MOST, OPTIONAL,
	    .about = "Of auth_kind oauth2."),
	F_END };

enum rc
mail_secret_read(struct request *rq, const struct mail_secret *in,
    const char *auth_kind, struct credential_secret *out)
{
	bool oauth2 = strcmp(auth_kind, "oauth2") == 0;

	out->username = in->username;
	out->secret = oauth2 ? in->access_token : in->password;
	if (secret_is(&out->secret))
		return RC_OK;
	return fault_add(rq, oauth2 ? "secret.access_token" : "secret.password",
	    "required", "This auth_kind needs it.");
}
