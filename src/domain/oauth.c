#include "domain/oauth.h"

const struct col oauth_client_cols[] = { COL(struct oauth_client, id),
	COL_ID(struct oauth_client, application_id, ID_APPLICATION),
	COL_ID(struct oauth_client, account_id, ID_ACCOUNT),
	COL(struct oauth_client, name),
	COL_BYTES(struct oauth_client, secret_hash),
	COL(struct oauth_client, redirect_uris), COL(struct oauth_client, role),
	COL(struct oauth_client, is_app_admin), COL_END };

const struct col oauth_consent_cols[] = { COL(struct oauth_consent,
					      age_seconds),
	COL(struct oauth_consent, is_given), COL_END };

const struct col oauth_device_cols[] = { COL(struct oauth_device, client),
	COL(struct oauth_device, name), COL(struct oauth_device, scope),
	COL_END };
