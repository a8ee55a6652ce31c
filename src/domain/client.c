#include "domain/client.h"

#include <string.h>

#include "core/text.h"

const struct col client_cols[] = {
	COL(struct client, number, .hidden = true),
	COL(struct client, id),
	COL_ID(struct client, application_id, ID_APPLICATION),
	COL_ID(struct client, account_id, ID_ACCOUNT, .zero_null = true),
	COL(struct client, name),
	COL(struct client, redirect_uris),
	COL(struct client, role),
	COL(struct client, is_public, .note = "It has no secret."),
	COL(struct client, is_app_admin),
	COL(struct client, is_active),
	COL(struct client, created_at),
	COL_END,
};

/* ---- names and secrets ---- */

const char *
client_id_new(struct arena *arena)
{
	unsigned char raw[16];

	random_bytes(raw, sizeof raw);
	return arena_fmt(
	    arena, "cid_%s", base64url_encode(arena, raw, sizeof raw));
}

struct secret
client_secret_new(struct arena *arena, unsigned char hash[SHA256_SIZE])
{
	struct secret secret = secret_token(arena);

	sha256(secret.p, secret.n, hash);
	return secret;
}

/* ---- where codes are sent ---- */

/* What RFC 3986 lets stand in a URI, unescaped; `<`, `"`, blanks and backslash,
 * which readers take for different things, are not among it. */
static bool
is_uri_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("-._~:/?#[]@!$&'()*+,;=%", c) != NULL);
}

static bool
is_uri_text(struct str uri)
{
	for (size_t i = 0; i < uri.n; i++)
		if (!is_uri_byte(uri.p[i]))
			return false;
	return true;
}

/* Behind the scheme, up to the path or query. */
static struct str
authority(struct str uri, size_t scheme)
{
	struct str s = { uri.p + scheme, uri.n - scheme };

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '/' || s.p[i] == '?') {
			s.n = i;
			break;
		}
	return s;
}

/* Cuts ":port" off; false: it is no port. */
static bool
port_cut(struct str *host)
{
	const char *colon =
	    host->n == 0 ? NULL : memrchr(host->p, ':', host->n);
	uint64_t port;
	struct str digits;

	if (colon == NULL ||
	    memchr(colon, ']', host->n - (size_t)(colon - host->p)) != NULL)
		return true;
	digits =
	    (struct str){ colon + 1, host->n - (size_t)(colon - host->p) - 1 };
	host->n = (size_t)(colon - host->p);
	return str_uint(digits, 65535, &port) && port > 0;
}

static bool
is_loopback(struct str host)
{
	return str_eq(host, STR("127.0.0.1")) || str_eq(host, STR("[::1]")) ||
	    str_ieq(host, STR("localhost"));
}

/* A name or IPv4 address; or IPv6 in brackets, and these nowhere else. */
static bool
is_host(struct str host)
{
	struct str in = host;
	const char *may = "-._0123456789abcdefghijklmnopqrstuvwxyz"
			  "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
		in = (struct str){ host.p + 1, host.n - 2 };
		may = ":.0123456789abcdefABCDEF";
	}
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] == '\0' || strchr(may, in.p[i]) == NULL)
			return false;
	return in.n > 0 && in.p[0] != '.';
}

enum rc
client_redirect_check(struct str uri)
{
	static const char http[] = "http://", https[] = "https://";
	bool safe = str_starts(uri, STR(https));
	struct str host;

	if (!is_uri_text(uri))
		return fail(RC_INVALID, "It holds what no URI may.");
	if (memchr(uri.p, '#', uri.n) != NULL)
		return fail(RC_INVALID, "It has a fragment.");
	if (!safe && !str_starts(uri, STR(http)))
		return fail(RC_INVALID, "It does not begin with https://.");
	host = authority(uri, safe ? sizeof https - 1 : sizeof http - 1);
	if (memchr(host.p, '@', host.n) != NULL)
		return fail(RC_INVALID, "It names a user.");
	if (!port_cut(&host) || !is_host(host))
		return fail(RC_INVALID, "Its host is none.");
	if (!safe && !is_loopback(host))
		return fail(RC_INVALID, "http is for this machine only.");
	return RC_OK;
}
