/* From a credential to a session. */
#include "domain/sync/run.h"

#include <string.h>

#include "domain/credential-sql.h"
#include "domain/credential-token.h"
#include "domain/reach.h"

#define IDLE_MS         30000
#define COMMAND_MS      100000 /* well within the lease */
#define RATE_LEAST      100    /* bytes a second */
#define RECONNECTS_MOST 12

/* A server that takes its time must not cost the lease, nor keep the program
 * from its end. */
static enum rc
waiting(void *arg)
{
	struct sync *s = arg;

	if (s->looking)
		return RC_OK;
	if (sync_interrupted(s))
		return sync_stop(s);
	return sync_beat(s);
}

void
sync_params_wait(struct sync *s)
{
	s->params.idle_ms = IDLE_MS;
	s->params.command_ms = COMMAND_MS;
	s->params.rate_least = RATE_LEAST;
	s->params.waiting = waiting;
	s->params.waiting_arg = s;
}

static enum rc
params_make(struct sync *s)
{
	const struct job_host *h = s->host;

	TRY(credential_secret_ready(
	    &(struct token_host){ s->db, h->conf, h->keks, h->egress },
	    s->account, &s->access, s->arena, &s->secret));
	reach_params(h->conf, h->egress, s->access, &s->secret, &s->params);
	s->params.login.multi = h->multi;
	s->params.compress = !s->bodies;
	s->params.compress_ms = h->conf->compress_rtt;
	sync_params_wait(s);
	return RC_OK;
}

/* The reason stays the failure at hand. */
static enum rc
note_failure(struct sync *s, enum rc why)
{
	char *detail = arena_str(s->arena, fail_detail());

	if (s->looking || s->run->stopping || why == RC_STALE)
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
sync_credential(struct sync *s)
{
	return credential_access_get(
	    s->db, s->account, s->lease->credential_id, s->arena, &s->access);
}

enum rc
sync_access(struct sync *s)
{
	TRY(sync_credential(s));
	if (strcmp(s->access->provider_kind, "imap") != 0)
		return fail(RC_INVALID, "the credential is not an IMAP one");
	if (!s->access->is_active)
		return fail(RC_DENIED, "the credential is switched off");
	return RC_OK;
}

enum rc
sync_dial(struct sync *s)
{
	TRY(params_make(s));
	return dial(s);
}

enum rc
sync_connect(struct sync *s)
{
	TRY(sync_access(s));
	return sync_dial(s);
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
	if (!same_caps(s->access->capabilities, caps)) {
		changed = arena_dup(s->arena, caps.p, caps.n);
		log_info(&s->log, "mail server credential=%lld id=\"%s\"",
		    (long long)s->access->id, imap_server_id(s->imap));
	}
	return credential_works(s->db, s->account, s->access->id,
	    s->access->secret_version, changed, NULL);
}

enum rc
sync_reconnect(struct sync *s)
{
	if (s->standing)
		return fail(RC_CONNECTION, "the session has ended");
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
