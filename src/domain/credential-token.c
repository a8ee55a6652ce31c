#include "domain/credential-token.h"

#include <string.h>
#include <time.h>

#include "core/effect.h"
#include "core/json-tree.h"
#include "domain/credential-sql.h"
#include "domain/event.h"
#include "domain/job-run.h"
#include "mail/fetch.h"

#define SECOND      INT64_C(1000000)
#define AHEAD_US    (600 * SECOND) /* before its end it is renewed */
#define USABLE_US   (30 * SECOND)  /* with less it is as good as over */
#define NEAR_US     (INT64_C(3) * 86400 * SECOND)
#define LIFE_MOST_S INT64_C(315360000)
#define ASK_MS      10000
#define LEASE_S     30 /* longer than ASK_MS */
#define PAUSE_S     20 /* behind a failure that is nobody's fault */
#define WAIT_TRIES  60
#define WAIT_NS     250000000
#define ANSWER_MOST ((size_t)64 << 10)
#define SECRET_MOST 4096
#define DETAIL_MOST 400
#define EVENT_MOST  ((size_t)4096)

struct giver {
	const char *name; /* provider_type */
	const char *client, *secret_file, *url;
};

struct renewing {
	const struct token_host *h;
	int64_t account;
	struct credential_access **c;
	struct arena *arena;
	struct credential_secret *out;
	struct giver giver;
	char lease[2 * 16 + 1];
	bool daily; /* asked for because it rests */
	/* the answer */
	long status;
	struct str access, refresh, error;
	int64_t life_s, refresh_life_s; /* 0: not said */
};

/* ---- who gives it ---- */

static bool
giver_of(const struct conf *conf, const char *type, struct giver *out)
{
	const struct giver rows[] = {
		{ "google", conf->google_client_id,
		    conf->google_client_secret_file, conf->google_token_url },
		{ "microsoft", conf->microsoft_client_id,
		    conf->microsoft_client_secret_file,
		    conf->microsoft_token_url },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (str_ieq(str_of(type), str_of(rows[i].name))) {
			*out = rows[i];
			return *out->client != '\0';
		}
	return false;
}

/* A public client has none. */
static struct str
client_secret(struct renewing *x)
{
	struct secret s;

	if (secret_read(x->arena, x->giver.secret_file, SECRET_MOST, &s) !=
	    RC_OK)
		return (struct str){ "", 0 };
	return str_trim((struct str){ (const char *)s.p, s.n });
}

/* ---- asking ---- */

static struct str
form_of(struct renewing *x)
{
	struct arena *a = x->arena;
	struct str secret = client_secret(x);
	const char *client = percent_encode(a, str_of(x->giver.client));
	struct str refresh = { (const char *)x->out->refresh.p,
		x->out->refresh.n };
	const char *more = "";

	if (secret.n > 0)
		more = arena_fmt(
		    a, "&client_secret=%s", percent_encode(a, secret));
	return str_of(arena_fmt(a,
	    "grant_type=refresh_token&client_id=%s&refresh_token=%s%s", client,
	    percent_encode(a, refresh), more));
}

static int64_t
seconds_in(struct json_object *o, const char *name)
{
	int64_t n = 0;

	return json_int(o, name, &n) && n > 0 && n <= LIFE_MOST_S ? n : 0;
}

static enum rc
understand(struct renewing *x, struct str text)
{
	struct json_object *o;

	if (json_tree(x->arena, text, 8, &o) != RC_OK)
		return fail(
		    RC_CONNECTION, "status %ld, and no JSON", x->status);
	if (!json_text(o, "error", &x->error))
		x->error = (struct str){ "", 0 };
	if (x->status != 200)
		return RC_OK;
	if (!json_text(o, "access_token", &x->access) || x->access.n == 0 ||
	    !egress_text_ok(x->access, 16384))
		return fail(RC_CONNECTION, "an answer without access_token");
	if (!json_text(o, "refresh_token", &x->refresh) ||
	    !egress_text_ok(x->refresh, 16384))
		x->refresh = (struct str){ NULL, 0 };
	x->life_s = seconds_in(o, "expires_in");
	x->refresh_life_s = seconds_in(o, "refresh_token_expires_in");
	return RC_OK;
}

/* Both sides of the talk hold what opens the mail account. */
static void
wipe(struct str s)
{
	if (s.n > 0)
		explicit_bzero((char *)(uintptr_t)s.p, s.n);
}

static enum rc
ask(void *arg)
{
	struct renewing *x = arg;
	const struct fetch f = { .url = x->giver.url,
		.most = ANSWER_MOST,
		.ms = ASK_MS,
		.form = form_of(x),
		.status = &x->status };
	struct str text = { NULL, 0 };
	enum rc rc = fetch_text(x->h->egress, &f, x->arena, &text);

	wipe(f.form);
	TRY(rc);
	rc = understand(x, text);
	wipe(text);
	return rc;
}

/* ---- what came of it ---- */

static instant
from_now(int64_t seconds)
{
	return seconds > 0 ? (instant){ clock_now().us + seconds * SECOND }
			   : INSTANT_NONE;
}

static enum rc
keep(struct renewing *x)
{
	const struct credential_access *c = *x->c;
	struct credential_secret new = *x->out;
	struct sealed sealed;

	new.secret = secret_new(x->arena, x->access.p, x->access.n);
	if (x->refresh.n > 0)
		new.refresh = secret_new(x->arena, x->refresh.p, x->refresh.n);
	TRY(credential_secret_seal(x->h->db, x->h->keks, c->application_id,
	    x->account, c->id, &new, x->arena, &sealed));
	return credential_renewed(x->h->db,
	    &(struct credential_renewed_args){ .account = x->account,
		.id = c->id,
		.secret_version = c->secret_version,
		.lease = x->lease,
		.secret = sealed.secret,
		.secret_key = sealed.key_id,
		.expires = from_now(x->life_s > 0 ? x->life_s : 3600),
		.refresh_expires = from_now(x->refresh_life_s) },
	    NULL);
}

/* RFC 6749 5.2, and what these two say besides. All else is this side's, or
 * passes. */
static bool
is_refusal(const struct renewing *x)
{
	static const char *const words[] = { "invalid_grant",
		"interaction_required", "consent_required" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (str_eq(x->error, str_of(words[i])))
			return true;
	return false;
}

/* The state raises its event by itself (0087-event-raised.sql). */
static enum rc
refused(struct renewing *x)
{
	const struct credential_access *c = *x->c;

	return credential_renew_refused(x->h->db, x->account, c->id,
	    c->secret_version, x->lease,
	    arena_fmt(x->arena,
		"the token is not renewed any more (%.*s): sign in to the mail "
		"account anew",
		(int)(x->error.n < DETAIL_MOST ? x->error.n : DETAIL_MOST),
		x->error.p),
	    NULL);
}

static enum rc
confirm(void *arg)
{
	struct renewing *x = arg;

	if (x->status == 200)
		return keep(x);
	return is_refusal(x) ? refused(x) : RC_OK;
}

static enum rc
intend(void *arg)
{
	struct renewing *x = arg;
	const struct credential_access *c = *x->c;
	size_t n = 0;

	TRY(credential_renew_take(x->h->db, x->account, c->id,
	    c->secret_version, x->lease, LEASE_S, &n));
	return n > 0 ? RC_OK : fail(RC_CONFLICT, "another renews it");
}

static const struct effect renew = EFFECT("token", intend, ask, confirm);

/* ---- whether ---- */

static bool
ends_within(instant at, int64_t us)
{
	return instant_is(at) && at.us < clock_now().us + us;
}

/* Does it still open the door? One of unknown end may. */
static bool
is_usable(const struct credential_access *c)
{
	return !ends_within(c->token_expires_at, USABLE_US);
}

static enum rc
reread(struct renewing *x)
{
	TRY(credential_access_get(
	    x->h->db, x->account, (*x->c)->id, x->arena, x->c));
	return credential_secret_open(
	    x->h->keks, x->account, *x->c, x->arena, x->out);
}

/* Another is at it: what it gets is ours, too. */
static enum rc
await_other(struct renewing *x)
{
	const struct timespec pause = { .tv_nsec = WAIT_NS };
	int64_t version = (*x->c)->secret_version;

	for (int i = 0; i < WAIT_TRIES; i++) {
		nanosleep(&pause, NULL);
		TRY(reread(x));
		if ((*x->c)->secret_version != version)
			return RC_OK;
		if (instant_is((*x->c)->token_refused_at))
			break;
	}
	return instant_is((*x->c)->token_refused_at)
	    ? fail(RC_AUTH_EXPIRED, "the token is not renewed any more")
	    : fail(RC_RETRY, "the token is being renewed");
}

/* What the giver said, or that it said nothing. */
static enum rc
not_renewed(struct renewing *x, enum rc rc)
{
	const char *why = arena_str(x->arena,
	    rc != RC_OK ? fail_detail()
			: arena_fmt(x->arena, "status %ld: %.*s", x->status,
			      (int)(x->error.n < DETAIL_MOST ? x->error.n
							     : DETAIL_MOST),
			      x->error.p));

	if (rc == RC_OK && is_refusal(x)) {
		TRY(reread(x));
		return fail(RC_AUTH_EXPIRED,
		    "the token is not renewed any more (%s)", why);
	}
	TRY(credential_renew_rest(
	    x->h->db, x->account, (*x->c)->id, x->lease, PAUSE_S, NULL));
	return fail(rc != RC_OK ? rc : RC_CONNECTION,
	    "the token cannot be renewed now: %s", why);
}

static enum rc
renew_now(struct renewing *x)
{
	unsigned char dice[16];
	enum rc rc;

	random_bytes(dice, sizeof dice);
	hex_encode(dice, sizeof dice, x->lease);
	rc = effect_run(&renew, x);
	if (rc == RC_CONFLICT)
		return is_usable(*x->c) ? RC_OK : await_other(x);
	if (rc == RC_OK && x->status == 200)
		return reread(x);
	return not_renewed(x, rc);
}

static enum rc
tell(struct renewing *x)
{
	const struct credential_access *c = *x->c;
	struct event_new e = { .application = c->application_id,
		.account = x->account,
		.name = EVENT_CREDENTIAL_INVALID,
		.credential = c->id };
	struct buf out;
	struct jw w = jw_on(&out);
	enum rc rc;

	buf_init(&out, EVENT_MOST);
	jw_object(&w);
	JW_INT(&w, "credential_id", c->id);
	JW_TEXT(&w, "provider_kind", c->provider_kind);
	JW_TEXT(&w, "email_address", c->email_address);
	JW_TEXT(&w, "reason", "ends");
	jw_key(&w, "ends_at");
	jw_time(&w, c->refresh_expires_at, TIME_Z);
	jw_object_end(&w);
	e.data = (struct str){ out.p, out.n };
	rc = event_add(x->h->db, &e);
	buf_clear(&out);
	return rc;
}

/* The end of what renews it is told of once, while there is time. */
static enum rc
warn_tx(struct db *db, void *arg)
{
	struct renewing *x = arg;
	size_t n = 0;

	TRY(credential_renew_warn(db, x->account, (*x->c)->id, &n));
	return n > 0 ? tell(x) : RC_OK;
}

static enum rc
warn_near(struct renewing *x)
{
	const struct credential_access *c = *x->c;

	if (instant_is(c->token_warned_at) ||
	    !ends_within(c->refresh_expires_at, NEAR_US))
		return RC_OK;
	return db_tx(x->h->db, warn_tx, x);
}

/* As long as the token works, that it cannot be renewed stops no mail. */
static enum rc
ready(struct renewing *x)
{
	const struct credential_access *c = *x->c;
	enum rc rc;

	if (instant_is(c->token_refused_at))
		return is_usable(c) ? RC_OK
				    : fail(RC_AUTH_EXPIRED,
					  "the token is not renewed any more");
	if (!x->daily && instant_is(c->token_expires_at) &&
	    !ends_within(c->token_expires_at, AHEAD_US))
		return warn_near(x);
	if (!giver_of(x->h->conf, c->provider_type, &x->giver))
		return is_usable(c)
		    ? RC_OK
		    : fail(RC_AUTH_EXPIRED,
			  "the token has ended, and there is no OAuth client "
			  "here that renews it");
	rc = renew_now(x);
	if (rc != RC_OK && rc != RC_STALE && !x->daily && is_usable(*x->c))
		rc = RC_OK;
	TRY(rc);
	return warn_near(x);
}

enum rc
credential_secret_ready(const struct token_host *h, int64_t account,
    struct credential_access **c, struct arena *a,
    struct credential_secret *out)
{
	struct renewing x = {
		.h = h, .account = account, .c = c, .arena = a, .out = out
	};

	TRY(credential_secret_open(h->keks, account, *c, a, out));
	if (strcmp((*c)->auth_kind, "oauth2") != 0 || !(*c)->has_refresh)
		return RC_OK;
	return ready(&x);
}

/* ---- the job: one that nobody has used for a day ---- */

enum rc
credential_renew_run(struct job_run *r)
{
	const struct token_host h = { r->db, r->host->conf, r->host->keks,
		r->host->egress };
	struct credential_access *c;
	struct credential_secret secret;
	struct renewing x = { .h = &h,
		.account = r->account,
		.c = &c,
		.arena = r->arena,
		.out = &secret,
		.daily = true };

	TRY(credential_access_get(
	    r->db, r->account, r->lease->credential_id, r->arena, &c));
	if (!c->has_refresh || !c->is_active)
		return RC_OK;
	TRY(credential_secret_open(h.keks, r->account, c, r->arena, &secret));
	return ready(&x);
}
