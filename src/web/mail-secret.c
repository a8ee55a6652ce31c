#include "web/mail-secret.h"

#include "web/body.h"

#define SECRET_MOST 16384

const struct field mail_secret_body[] = { F_TEXT(struct mail_secret, username,
					      1, 320, REQUIRED),
	F_SECRET(struct mail_secret, password, 1, SECRET_MOST, OPTIONAL,
	    .about = "Of auth_kind password."),
	F_SECRET(struct mail_secret, access_token, 1, SECRET_MOST, OPTIONAL,
	    .about = "Of auth_kind oauth2."),
	F_SECRET(struct mail_secret, refresh_token, 1, SECRET_MOST, OPTIONAL,
	    .about = "Renews access_token before it ends, where provider_type "
		     "is google or microsoft and the operator has a client "
		     "there; access_token may be left out then."),
	F_INT(struct mail_secret, expires_in, 0, 31536000, OPTIONAL,
	    .about = "Seconds that access_token is good for yet."),
	F_END };

enum rc
mail_secret_read(struct request *rq, const struct mail_secret *in,
    const char *auth_kind, struct credential_secret *out)
{
	bool oauth2 = strcmp(auth_kind, "oauth2") == 0;

	*out = (struct credential_secret){ .username = in->username,
		.secret = oauth2 ? in->access_token : in->password,
		.expires_at = INSTANT_NONE };
	if (oauth2) {
		out->refresh = in->refresh_token;
		if (in->expires_in > 0)
			out->expires_at.us =
			    clock_now().us + in->expires_in * 1000000;
	}
	if (oauth2 && secret_is(&out->refresh) && !secret_is(&out->secret)) {
		/* None that could be used: the first use renews it. */
		out->secret = secret_new(rq->arena, "-", 1);
		out->expires_at = clock_now();
	}
	if (secret_is(&out->secret))
		return RC_OK;
	return fault_add(rq, oauth2 ? "secret.access_token" : "secret.password",
	    "required", "This auth_kind needs it.");
}
