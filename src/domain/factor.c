#include "domain/factor.h"

#include "core/totp.h"
#include "domain/factor-sql.h"
#include "domain/vault.h"

#define CODE_BYTES 10 /* 80 bits, typed by hand: 16 letters and digits */

const struct col factor_cols[] = {
	COL(struct factor, is_admin, .hidden = true),
	COL(struct factor, is_owner, .hidden = true),
	COL(struct factor, email, .hidden = true),
	COL(struct factor, is_active, .hidden = true),
	COL(struct factor, is_begun, .hidden = true),
	COL(struct factor, created_at, .hidden = true),
	COL(struct factor, codes_left, .hidden = true),
	COL_END,
};

const struct col factor_try_cols[] = {
	COL(struct factor_try, user_id, .hidden = true),
	COL(struct factor_try, application_id, .hidden = true),
	COL_BYTES(struct factor_try, sealed, .hidden = true),
	COL_BYTES(struct factor_try, wrapped, .hidden = true),
	COL(struct factor_try, last_step, .hidden = true),
	COL(struct factor_try, is_active, .hidden = true),
	COL(struct factor_try, locked_seconds, .hidden = true),
	COL_END,
};

bool
factor_is_required(const struct conf *conf, const struct factor *f)
{
	const char *whom = conf->second_factor;

	return strcmp(whom, "everybody") == 0 ||
	    (strcmp(whom, "owners") == 0 && (f->is_owner || f->is_admin)) ||
	    (strcmp(whom, "admins") == 0 && f->is_admin);
}

/* ---- the secret ---- */

/* A user belongs to no account: the data key is the factor's own. */
static struct envelope_place
place_of(int64_t application, int64_t user)
{
	return (struct envelope_place){ .table = "factor",
		.application = application,
		.id = user,
		.field = "secret" };
}

static enum rc
secret_open(const struct conf *conf, const struct factor_try *f,
    struct arena *a, struct secret *out)
{
	const struct envelope_place place =
	    place_of(f->application_id, f->user_id);
	const struct envelope_keks *keks;
	struct envelope_key key;
	enum rc rc;

	TRY(vault_keks(conf, &keks));
	TRY(envelope_data_key_open(
	    keks, f->application_id, 0, f->user_id, f->wrapped, &key));
	rc = envelope_open(&key, &place, f->sealed, a, out);
	envelope_key_wipe(&key);
	return rc;
}

enum rc
factor_new(struct db *db, const struct conf *conf, int64_t application,
    int64_t user, struct arena *a, const char **secret)
{
	const struct envelope_place place = place_of(application, user);
	unsigned char raw[TOTP_SECRET];
	const struct envelope_keks *keks;
	struct envelope_key key;
	struct str sealed, wrapped;
	enum rc rc;

	TRY(vault_keks(conf, &keks));
	random_bytes(raw, sizeof raw);
	*secret = base32_encode(a, raw, sizeof raw);
	envelope_data_key_new(keks, application, 0, user, a, &key, &wrapped);
	rc = envelope_seal(&key, &place,
	    (struct str){ (const char *)raw, sizeof raw }, a, &sealed);
	envelope_key_wipe(&key);
	explicit_bzero(raw, sizeof raw);
	TRY(rc);
	return factor_begin(db, sealed, wrapped, NULL);
}

/* ---- written codes ---- */

/* As typed: blanks, hyphens and the case of letters do not matter. */
static struct str
code_hash(int64_t user, const char *code, struct arena *a)
{
	char *text = arena_fmt(a, "recovery:%lld:", (long long)user);
	size_t n = strlen(text);
	unsigned char *hash = arena_alloc(a, SHA256_SIZE);
	char *all = arena_alloc(a, n + strlen(code) + 1);

	memcpy(all, text, n);
	for (; *code != '\0'; code++)
		if (*code != '-' && *code != ' ')
			all[n++] = *code >= 'a' && *code <= 'z'
			    ? (char)(*code - 'a' + 'A')
			    : *code;
	sha256(all, n, hash);
	return (struct str){ (const char *)hash, SHA256_SIZE };
}

static const char *
code_new(struct arena *a)
{
	unsigned char raw[CODE_BYTES];
	const char *s;

	random_bytes(raw, sizeof raw);
	s = base32_encode(a, raw, sizeof raw);
	return arena_fmt(a, "%.4s-%.4s-%.4s-%.4s", s, s + 4, s + 8, s + 12);
}

void
factor_codes_make(int64_t user, struct arena *a,
    const char *codes[FACTOR_CODES], struct str hashes[FACTOR_CODES])
{
	for (int i = 0; i < FACTOR_CODES; i++) {
		codes[i] = code_new(a);
		hashes[i] = code_hash(user, codes[i], a);
	}
}

/* ---- a code ---- */

/* Authenticators show the digits in two groups, and so they are typed. */
static struct str
digits_of(const char *code, struct arena *a)
{
	char *out = arena_alloc(a, strlen(code) + 1);
	size_t n = 0;

	for (; *code != '\0'; code++)
		if (*code != ' ')
			out[n++] = *code;
	out[n] = '\0';
	return (struct str){ out, n };
}

static bool
is_by_time(struct str code)
{
	return code.n == TOTP_DIGITS &&
	    strspn(code.p, "0123456789") == TOTP_DIGITS;
}

enum rc
factor_read(const struct conf *conf, const struct factor_try *f,
    const char *code, struct arena *a, struct factor_proof *out)
{
	struct str digits = digits_of(code, a);
	struct secret secret;

	*out = (struct factor_proof){ .step = 0 };
	if (f->locked_seconds > 0)
		return fail(
		    RC_RATE_LIMIT, "Too many codes were wrong; wait a while.");
	if (!is_by_time(digits)) {
		out->code = code_hash(f->user_id, code, a);
		return RC_OK;
	}
	TRY(secret_open(conf, f, a, &secret));
	out->step =
	    totp_step(&secret, digits, clock_now().us / 1000000, f->last_step);
	return out->step != 0 ? RC_OK : RC_BAD_CODE;
}

/* ---- signing in ---- */

struct passing {
	const struct sign_in *in;
	struct login user;
	struct str step; /* hash of its token */
	struct factor_proof proof;
	struct str cookie; /* likewise */
};

/* Of two with the same code at once the database lets one pass. */
static enum rc
pass_body(struct db *db, void *ctx)
{
	const struct passing *p = ctx;
	const struct sign_in *in = p->in;
	int64_t session;

	TRY(step_pass(db,
	    &(struct step_pass_args){ p->step, p->proof.step, p->proof.code,
		p->cookie, (int32_t)in->idle, (int32_t)in->life, in->address },
	    &session));
	if (session == 0)
		return RC_BAD_CODE;
	return in->note(db, in, &p->user,
	    p->proof.code.p != NULL ? SIGN_IN_RECOVERED : SIGN_IN_DONE);
}

static struct str
hash_of(const void *p, size_t n, struct arena *a)
{
	unsigned char *hash = arena_alloc(a, SHA256_SIZE);

	sha256(p, n, hash);
	return (struct str){ (const char *)hash, SHA256_SIZE };
}

static enum rc
pass(struct db *db, const struct conf *conf, const struct sign_in *in,
    struct passing *p, const struct factor_try *f, const char *code,
    struct arena *a)
{
	enum rc rc = factor_read(conf, f, code, a, &p->proof);

	p->user.user_id = f->user_id;
	p->user.application_id = f->application_id;
	if (rc == RC_OK)
		rc = db_tx(db, pass_body, p);
	if (rc == RC_BAD_CODE)
		TRY(in->note(db, in, &p->user, SIGN_IN_BAD_CODE));
	return rc;
}

enum rc
factor_sign_in(struct db *db, const struct conf *conf, const struct sign_in *in,
    struct str step, const char *code, struct arena *a, struct secret *cookie,
    struct session **out, int64_t *left)
{
	struct passing p = { .in = in, .step = hash_of(step.p, step.n, a) };
	struct factor_try *f;

	db_guard_none(db);
	*left = 0;
	TRY(step_try(db, p.step, in->client, a, &f));
	if (f == NULL)
		return RC_STEP_OVER;
	*left = f->locked_seconds;
	*cookie = secret_token(a);
	p.cookie = hash_of(cookie->p, cookie->n, a);
	TRY(pass(db, conf, in, &p, f, code, a));
	return session_follow(db, cookie, a, out);
}
