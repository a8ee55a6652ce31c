/* From a credential to a session. */
#include "domain/sync/run.h"

#include <string.h>

#include "domain/credential-sql.h"

#define IDLE_MS         30000
#define COMMAND_MS      100000 /* well within the lease */
#define RECONNECTS_MOST 12

static enum imap_security
security_of(const char *mode)
{
	static const struct {
		const char *mode;
		enum imap_security security;
	} rows[] = { { "ssl_tls", IMAP_TLS }, { "starttls", IMAP_STARTTLS } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].mode, mode) == 0)
			return rows[i].security;
	return IMAP_PLAIN;
}

static enum rc
params_make(struct sync *s)
{
	const struct credential_access *c = s->access;
	struct credential_secret secret;

	TRY(credential_secret_open(
	    s->host->keks, s->account, c, s->arena, &secret));
	s->secret = secret.secret;
	s->params = (struct imap_params){
		.login = { .host = c->host,
		    .port = (unsigned)c->port,
		    .security = security_of(c->security_mode),
		    .user = secret.username,
		    .secret = &s->secret,
		    .oauth2 = strcmp(c->auth_kind, "oauth2") == 0,
		    .egress = s->host->egress,
		    .loopback_only = !s->host->conf->allow_plaintext,
		    .multi = s->host->multi },
		.known_caps = str_of(c->capabilities),
		.idle_ms = IDLE_MS,
		.command_ms = COMMAND_MS,
	};
	return RC_OK;
}

/* The reason stays the failure at hand. */
static enum rc
note_failure(struct sync *s, enum rc why)
{
	char *detail = arena_str(s->arena, fail_detail());

	if (s->looking)
		return why;
	TRY(credential_fails(s->db, s->account, s->access->id,
	    s->access->secret_version, credential_status_of(why),
	    result_code(why), detail, NULL));
	return fail(why, "%s", detail);
}

static enum rc
dial(struct sync *s)
{
	enum rc rc = imap_open(&s->params, &s->imap);

	return rc == RC_OK ? RC_OK : note_failure(s, rc);
}

enum rc
sync_connect(struct sync *s)
{
	TRY(credential_access_get(
	    s->db, s->account, s->lease->credential_id, s->arena, &s->access));
	if (strcmp(s->access->provider_kind, "imap") != 0)
		return fail(RC_INVALID, "the credential is not an IMAP one");
	if (!s->access->is_active)
		return fail(RC_DENIED, "the credential is switched off");
	TRY(params_make(s));
	return dial(s);
}

static bool
same_caps(const char *remembered, struct str caps)
{
	return remembered != NULL && str_eq(str_of(remembered), caps);
}

enum rc
sync_connected(struct sync *s)
{
	struct str caps;
	const char *changed = NULL;
	enum rc rc = imap_ready(s->imap);

	if (rc != RC_OK)
		return note_failure(s, rc);
	caps = imap_caps_text(s->imap);
	if (!same_caps(s->access->capabilities, caps))
		changed = arena_dup(s->arena, caps.p, caps.n);
	return credential_works(s->db, s->account, s->access->id,
	    s->access->secret_version, changed, NULL);
}

enum rc
sync_reconnect(struct sync *s)
{
	imap_free(&s->imap);
	if (s->reconnects++ >= RECONNECTS_MOST)
		return fail(RC_CONNECTION,
		    "the connection breaks again and "
		    "again");
	TRY(sync_beat(s));
	return dial(s);
}

bool
sync_alive(struct sync *s)
{
	return s->imap != NULL && imap_noop(s->imap) == RC_OK;
}
