#include "core/jws.h"

#include <assert.h>

#include "core/json-tree.h"

#define HEADER_DEPTH 2

/* Header members whose presence alone refuses a token. */
static const char *const refused[] = { "crit", "jku", "jwk", "x5u", "x5c",
	"b64", "zip", "enc", "cty" };

struct segments {
	struct str header;
	struct str payload;
	struct str signature;
	struct str input; /* what is signed: header.payload, as it came */
};

static enum rc
refuse(const char *why)
{
	return fail(RC_UNAUTHORIZED, "token: %s", why);
}

static enum rc
split(struct arena *a, struct str token, struct segments *s)
{
	struct str part[3];
	size_t at = 0, n = 0;

	if (token.p == NULL || token.n > JWS_MAX)
		return refuse("too long");
	for (size_t i = 0; i <= token.n; i++) {
		if (i != token.n && token.p[i] != '.')
			continue;
		if (n == 3 || i == at)
			return refuse("not three segments");
		part[n++] = (struct str){ token.p + at, i - at };
		at = i + 1;
	}
	if (n != 3)
		return refuse("not three segments");
	if (!base64url_decode(a, part[0], &s->header) ||
	    !base64url_decode(a, part[1], &s->payload) ||
	    !base64url_decode(a, part[2], &s->signature))
		return refuse("not base64url");
	s->input = (struct str){ token.p, part[0].n + 1 + part[1].n };
	return RC_OK;
}

/* "at+jwt" and "application/at+jwt" are one type (RFC 9068 4). */
static bool
typ_is(struct str got, const char *want)
{
	struct str prefix = STR("application/");

	if (got.n > prefix.n &&
	    str_ieq((struct str){ got.p, prefix.n }, prefix))
		got = (struct str){ got.p + prefix.n, got.n - prefix.n };
	return str_ieq(got, str_of(want));
}

static enum rc
read_header(struct arena *a, struct str text, const char *typ, struct str *kid,
    struct str *alg)
{
	struct json_object *h;
	struct str got = { 0 };

	if (json_tree(a, text, HEADER_DEPTH, &h) != RC_OK)
		return refuse("header is not a JSON object");
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (json_member(h, refused[i]))
			return refuse("header names a key or an extension");
	if (!json_text(h, "typ", &got) || !typ_is(got, typ))
		return refuse("wrong typ");
	if (!json_text(h, "alg", alg))
		return refuse("no alg");
	if (!json_text(h, "kid", kid) || !jwk_kid_ok(*kid))
		return refuse("no usable kid");
	return RC_OK;
}

enum rc
jws_verify(struct arena *a, struct str token, const char *typ, jws_find *find,
    void *ctx, struct str *payload)
{
	const struct jwk *key;
	struct segments s;
	struct str kid = { 0 }, alg = { 0 };

	*payload = (struct str){ NULL, 0 };
	TRY(split(a, token, &s));
	TRY(read_header(a, s.header, typ, &kid, &alg));
	key = find(ctx, kid, s.payload);
	if (key == NULL)
		return refuse("unknown key");
	if (!str_eq(alg, str_of(jwk_alg_name(key->alg))))
		return refuse("alg is not the key's");
	if (!jwk_check(key, s.input, s.signature))
		return refuse("wrong signature");
	*payload = s.payload;
	return RC_OK;
}

const struct jwk *
jws_find_in_set(void *ctx, struct str kid, struct str unproven)
{
	(void)unproven;
	return jwk_set_find(ctx, kid);
}

char *
jws_sign(
    struct arena *a, const struct jwk *key, const char *typ, struct str payload)
{
	unsigned char sig[JWK_SIGNATURE_MAX];
	const char *header;
	char *input;
	size_t n;

	header = arena_fmt(a, "{\"alg\":\"%s\",\"typ\":\"%s\",\"kid\":\"%s\"}",
	    jwk_alg_name(key->alg), typ, key->kid);
	input =
	    arena_fmt(a, "%s.%s", base64url_encode(a, header, strlen(header)),
		base64url_encode(a, payload.p, payload.n));
	n = jwk_sign(key, str_of(input), sig);
	return arena_fmt(a, "%s.%s", input, base64url_encode(a, sig, n));
}
