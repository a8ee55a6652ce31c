/* Clients of the OAuth server: how they prove who they are, and the words that
 * they are answered with. */
#include "oauth.h"

#include "domain/oauth-sql.h"
#include "web/issuer.h"

#undef oauth_fail

enum rc
oauth_fail(struct request *rq, const char *word, const char *why)
{
	rq->word = word;
	return fail(RC_INVALID, "%s", why);
}

/* ---- scopes and audiences ---- */

static const char *const scopes[] = { "openid", "profile", "email",
	"offline_access" };

bool
oauth_has(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; p != NULL && *p != '\0';) {
		size_t k = strcspn(p, " ");

		if (k == n && memcmp(p, word, n) == 0)
			return true;
		p += k;
		p += strspn(p, " ");
	}
	return false;
}

const char *
oauth_scope(struct request *rq, const char *asked)
{
	const char *known = "";

	for (const char *p = asked != NULL ? asked : ""; *p != '\0'; p++)
		if (*p < ' ' || *p > '~' || *p == '"' || *p == '\\')
			return NULL;
	for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++)
		if (oauth_has(asked, scopes[i]))
			known = arena_fmt(rq->arena, "%s%s%s", known,
			    known[0] != '\0' ? " " : "", scopes[i]);
	return known;
}

enum rc
oauth_audience(struct request *rq, const char *audience)
{
	if (!oauth_given(audience) ||
	    issuer_audience_ok(rq->conf, str_of(audience)))
		return RC_OK;
	return oauth_fail(rq, "invalid_target",
	    "This installation makes no tokens for this audience.");
}

/* ---- proof ---- */

struct proof {
	const char *id;
	struct secret secret;
};

/* "Basic" and base64 of name and secret, both as forms encode them (RFC 6749
 * 2.3.1). False: that it is not. */
static bool
basic_read(struct request *rq, struct str text, struct proof *out)
{
	struct str plain, id, secret;
	const char *colon;

	if (!base64_decode(rq->arena, text, &plain) || plain.n == 0)
		return false;
	colon = memchr(plain.p, ':', plain.n);
	if (colon == NULL)
		return false;
	id = (struct str){ plain.p, (size_t)(colon - plain.p) };
	secret = (struct str){ colon + 1, plain.n - id.n - 1 };
	if (!percent_decode(rq->arena, id, true, &id) ||
	    !percent_decode(rq->arena, secret, true, &secret))
		return false;
	out->id = arena_dup(rq->arena, id.p, id.n);
	out->secret = secret_new(rq->arena, secret.p, secret.n);
	return utf8_valid(id.p, id.n) && strlen(out->id) == id.n;
}

/* One way of proving it a request (RFC 6749 2.3). */
static enum rc
proof_read(struct request *rq, const char *id, const struct secret *secret,
    struct proof *out)
{
	struct str header = str_of(request_var(rq, "HTTP_AUTHORIZATION"));

	*out = (struct proof){ .id = id, .secret = *secret };
	if (header.n < 5 || strncasecmp(header.p, "Basic", 5) != 0 ||
	    (header.n > 5 && header.p[5] != ' '))
		return RC_OK;
	header = str_trim((struct str){ header.p + 5, header.n - 5 });
	if (!basic_read(rq, header, out))
		return RC_UNAUTHORIZED;
	if (oauth_secret_given(secret))
		return oauth_fail(rq, "invalid_request",
		    "The client proves itself in two ways at once.");
	if (oauth_given(id) && strcmp(id, out->id) != 0)
		return oauth_fail(rq, "invalid_request",
		    "client_id is not the one of the Authorization header.");
	return RC_OK;
}

static bool
secret_right(const struct oauth_client *c, const struct secret *sent)
{
	unsigned char hash[SHA256_SIZE];
	struct secret have = { hash, sizeof hash };

	if (c->secret_hash.p == NULL)
		return !oauth_secret_given(sent);
	sha256(sent->p != NULL ? (const char *)sent->p : "", sent->n, hash);
	return oauth_secret_given(sent) &&
	    secret_eq(&have, c->secret_hash.p, c->secret_hash.n);
}

enum rc
oauth_client_prove(struct request *rq, const char *id,
    const struct secret *secret, struct oauth_client **out)
{
	struct proof proof;

	*out = NULL;
	TRY(proof_read(rq, id, secret, &proof));
	if (!oauth_given(proof.id))
		return RC_UNAUTHORIZED;
	TRY(oauth_client_find(rq->db, proof.id, rq->arena, out));
	if (*out != NULL && secret_right(*out, &proof.secret))
		return RC_OK;
	log_warn(&rq->log, "client refused address=%s", rq->peer);
	return RC_UNAUTHORIZED;
}
