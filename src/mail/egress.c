#include "mail/egress.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/log.h"

#define NETWORKS_MOST 64
#define NETWORK_TEXT  64
#define HOST_LONGEST  253

/* An address of either family in 16 bytes; IPv4 as ::ffff:a.b.c.d, which is
 * told from a socket that really says so by `v4`. */
struct address {
	unsigned char b[16];
	bool v4;
};

struct network {
	struct address address;
	unsigned bits;
};

struct egress {
	struct network allow[NETWORKS_MOST];
	size_t n;
	char *ca_file; /* owned */
	CURLM *multi;  /* owned */
};

struct refused {
	const char *network;
	unsigned bits;
	const char *why;
};

/* RFC 6890 and later entries of the IANA registry, multicast, reserved. */
static const struct refused refused_v4[] = {
	{ "0.0.0.0", 8, "unspecified" },
	{ "10.0.0.0", 8, "private" },
	{ "100.64.0.0", 10, "carrier-grade NAT" },
	{ "127.0.0.0", 8, "loopback" },
	{ "169.254.0.0", 16, "link-local" },
	{ "172.16.0.0", 12, "private" },
	{ "192.0.0.0", 24, "protocol assignments" },
	{ "192.0.2.0", 24, "documentation" },
	{ "192.31.196.0", 24, "anycast sink" },
	{ "192.52.193.0", 24, "multicast relay" },
	{ "192.88.99.0", 24, "6to4 relay" },
	{ "192.168.0.0", 16, "private" },
	{ "192.175.48.0", 24, "anycast sink" },
	{ "198.18.0.0", 15, "benchmarking" },
	{ "198.51.100.0", 24, "documentation" },
	{ "203.0.113.0", 24, "documentation" },
	{ "224.0.0.0", 4, "multicast" },
	{ "255.255.255.255", 32, "broadcast" },
	{ "240.0.0.0", 4, "reserved" },
};

/* Read from top to bottom; the last row is everything outside of 2000::/3,
 * the only space that is handed out. */
static const struct refused refused_v6[] = {
	{ "::", 128, "unspecified" },
	{ "::1", 128, "loopback" },
	{ "::ffff:0:0", 96, "IPv4-mapped" },
	{ "::ffff:0:0:0", 96, "IPv4-translated" },
	{ "::", 96, "IPv4-compatible" },
	{ "64:ff9b::", 96, "NAT64" },
	{ "64:ff9b:1::", 48, "NAT64" },
	{ "100::", 64, "discard" },
	{ "2001::", 32, "Teredo" },
	{ "2001:2::", 48, "benchmarking" },
	{ "2001::", 23, "protocol assignments" },
	{ "2001:db8::", 32, "documentation" },
	{ "2002::", 16, "6to4" },
	{ "2620:4f:8000::", 48, "anycast sink" },
	{ "3fff::", 20, "documentation" },
	{ "5f00::", 16, "segment routing" },
	{ "fc00::", 7, "private" },
	{ "fe80::", 10, "link-local" },
	{ "fec0::", 10, "site-local" },
	{ "ff00::", 8, "multicast" },
};

/* Where such a network keeps the IPv4 address; `flip`: inverted (Teredo,
 * RFC 4380 4). NAT64 per RFC 6052 2.2 for /96 and /48, the latter split
 * around byte 8. */
static const struct {
	const char *network;
	unsigned bits;
	unsigned char at[4];
	bool flip;
} wrapped[] = {
	{ "::ffff:0:0", 96, { 12, 13, 14, 15 }, false },
	{ "::ffff:0:0:0", 96, { 12, 13, 14, 15 }, false },
	{ "64:ff9b::", 96, { 12, 13, 14, 15 }, false },
	{ "64:ff9b:1::", 48, { 6, 7, 9, 10 }, false },
	{ "2002::", 16, { 2, 3, 4, 5 }, false },
	{ "2001::", 32, { 12, 13, 14, 15 }, true },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct address
from_v4(const void *four)
{
	struct address a = { .v4 = true };

	a.b[10] = a.b[11] = 0xff;
	memcpy(a.b + 12, four, 4);
	return a;
}

static bool
address_read(const char *text, struct address *out)
{
	unsigned char four[4];

	if (inet_pton(AF_INET, text, four) == 1) {
		*out = from_v4(four);
		return true;
	}
	out->v4 = false;
	return inet_pton(AF_INET6, text, out->b) == 1;
}

static bool
same_bits(const unsigned char *x, const unsigned char *y, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(x, y, whole) != 0)
		return false;
	return rest == 0 || ((x[whole] ^ y[whole]) >> (8 - rest)) == 0;
}

/* `bits` as written for the family of the network. */
static bool
inside(const struct address *a, const struct address *net, unsigned bits)
{
	if (a->v4 != net->v4)
		return false;
	return same_bits(a->b, net->b, bits + (net->v4 ? 96 : 0));
}

static bool
inside_text(const struct address *a, const char *network, unsigned bits)
{
	struct address net;

	return address_read(network, &net) && inside(a, &net, bits);
}

static bool
is_allowed(const struct egress *e, const struct address *a)
{
	for (size_t i = 0; i < e->n; i++) {
		if (inside(a, &e->allow[i].address, e->allow[i].bits))
			return true;
	}
	return false;
}

static const char *
refusal_v4(const struct egress *e, const struct address *a)
{
	if (is_allowed(e, a))
		return NULL;
	for (size_t i = 0; i < COUNT(refused_v4); i++) {
		if (inside_text(a, refused_v4[i].network, refused_v4[i].bits))
			return refused_v4[i].why;
	}
	return NULL;
}

static bool
unwrap(const struct address *a, struct address *inner)
{
	static const unsigned char isatap[3] = { 0x00, 0x5e, 0xfe };
	unsigned char four[4];

	for (size_t i = 0; i < COUNT(wrapped); i++) {
		if (!inside_text(a, wrapped[i].network, wrapped[i].bits))
			continue;
		for (int k = 0; k < 4; k++)
			four[k] = (unsigned char)(a->b[wrapped[i].at[k]] ^
			    (wrapped[i].flip ? 0xff : 0));
		*inner = from_v4(four);
		return true;
	}
	/* RFC 5214 6.1: 0000:5efe or 0200:5efe before the IPv4 address */
	if ((a->b[8] & 0xfd) == 0 && memcmp(a->b + 9, isatap, 3) == 0) {
		*inner = from_v4(a->b + 12);
		return true;
	}
	return false;
}

static const char *
refusal_v6(const struct egress *e, const struct address *a)
{
	struct address inner;
	const char *why;
	bool wraps = unwrap(a, &inner);

	/* A mapped address is dialled as IPv4: the list's IPv4 rows name it. */
	if (inside_text(a, "::ffff:0:0", 96) && is_allowed(e, &inner))
		return NULL;
	/* Naming 64:ff9b::/96 does not open what hides behind it. */
	if (wraps && (why = refusal_v4(e, &inner)) != NULL)
		return why;
	if (is_allowed(e, a))
		return NULL;
	for (size_t i = 0; i < COUNT(refused_v6); i++) {
		if (inside_text(a, refused_v6[i].network, refused_v6[i].bits))
			return refused_v6[i].why;
	}
	return (a->b[0] & 0xe0) == 0x20 ? NULL : "not global unicast";
}

static const char *
address_refusal(const struct egress *e, const struct address *a)
{
	return a->v4 ? refusal_v4(e, a) : refusal_v6(e, a);
}

static bool
address_of(const struct sockaddr *sa, struct address *out)
{
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		*out = from_v4(&in.sin_addr);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		*out = (struct address){ .v4 = false };
		memcpy(out->b, &in6.sin6_addr, 16);
		return true;
	}
	return false;
}

const char *
egress_refusal(const struct egress *e, const struct sockaddr *sa)
{
	struct address a;

	return address_of(sa, &a) ? address_refusal(e, &a) : "no IP address";
}

static bool
is_loopback(const struct sockaddr *sa)
{
	struct address a;

	return address_of(sa, &a) &&
	    (inside_text(&a, "127.0.0.0", 8) || inside_text(&a, "::1", 128));
}

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct egress_use *use = arg;

	(void)purpose;
	use->refused = egress_refusal(use->egress, &to->addr);
	if (use->refused == NULL && use->loopback_only &&
	    !is_loopback(&to->addr))
		use->refused = "plain text is for loopback only";
	if (use->refused != NULL) {
		log_info(NULL, "connection refused: %s", use->refused);
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static bool
network_bits(struct str s, unsigned most, unsigned *bits)
{
	uint64_t value = most;

	if (s.p != NULL && !str_uint(s, most, &value))
		return false;
	*bits = (unsigned)value;
	return true;
}

static bool
network_read(struct str s, struct network *out)
{
	char text[NETWORK_TEXT];
	const char *slash = memchr(s.p, '/', s.n);
	size_t n = slash != NULL ? (size_t)(slash - s.p) : s.n;
	struct str bits = { NULL, 0 };

	if (n == 0 || n >= sizeof(text))
		return false;
	memcpy(text, s.p, n);
	text[n] = '\0';
	if (slash != NULL)
		bits = (struct str){ slash + 1, s.n - n - 1 };
	return address_read(text, &out->address) &&
	    network_bits(bits, out->address.v4 ? 32 : 128, &out->bits);
}

static enum rc
allow_read(struct egress *e, const char *s)
{
	for (;;) {
		struct str word;

		s += strspn(s, " \t,");
		word = (struct str){ s, strcspn(s, " \t,") };
		if (word.n == 0)
			return RC_OK;
		if (e->n == NETWORKS_MOST)
			return fail(
			    RC_INVALID, "more than %d networks", NETWORKS_MOST);
		if (!network_read(word, &e->allow[e->n]))
			return fail(RC_INVALID, "\"%.*s\" is not a network",
			    STR_FMT(word));
		e->n++;
		s += word.n;
	}
}

enum rc
egress_new(const char *allow, const char *ca_file, struct egress **out)
{
	struct egress *e = calloc(1, sizeof(*e));
	enum rc rc;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || e == NULL ||
	    (e->ca_file = strdup(ca_file)) == NULL ||
	    (e->multi = curl_multi_init()) == NULL)
		die("out of memory");
	*out = e;
	rc = allow_read(e, allow != NULL ? allow : "");
	if (rc != RC_OK)
		egress_free(out);
	return rc;
}

void
egress_free(struct egress **ep)
{
	if (*ep == NULL)
		return;
	curl_multi_cleanup((*ep)->multi);
	free((*ep)->ca_file);
	free(*ep);
	*ep = NULL;
}

CURLM *
egress_multi(const struct egress *e)
{
	return e->multi;
}

#define SET(option, value)                                                     \
	(bad |= curl_easy_setopt(h, (option), (value)) != CURLE_OK)

enum rc
egress_apply(CURL *h, struct egress_use *use, const struct egress_how *how)
{
	bool bad = false;

	use->refused = NULL;
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, use);
	SET(CURLOPT_PROTOCOLS_STR, how->protocols);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, ""); /* not even the environment's */
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_CAINFO, use->egress->ca_file);
	/* Debian's default directory costs 800 kB a connection. */
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, how->connect_ms);
	SET(CURLOPT_TIMEOUT_MS, how->total_ms);
	if (how->reply_s > 0)
		SET(CURLOPT_SERVER_RESPONSE_TIMEOUT, how->reply_s);
	return bad ? fail(RC_INTERNAL, "libcurl refuses an option") : RC_OK;
}

bool
egress_host_ok(struct str s)
{
	char text[NETWORK_TEXT];
	unsigned char sixteen[16];

	if (s.n == 0 || s.n > HOST_LONGEST)
		return false;
	if (memchr(s.p, ':', s.n) != NULL) {
		if (s.n >= sizeof(text))
			return false;
		memcpy(text, s.p, s.n);
		text[s.n] = '\0';
		return strlen(text) == s.n &&
		    inet_pton(AF_INET6, text, sixteen) == 1;
	}
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '_';

		if (!word && (i == 0 || (c != '-' && c != '.')))
			return false;
	}
	return true;
}

bool
egress_text_ok(struct str s, size_t max)
{
	if (s.n == 0 || s.n > max || !utf8_valid(s.p, s.n))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		unsigned char next =
		    i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0;

		if (c < 0x20 || c == 0x7f || (c == 0xc2 && next < 0xa0))
			return false;
		if (c == 0xe2 && next == 0x80 && i + 2 < s.n &&
		    ((unsigned char)s.p[i + 2] & 0xfe) == 0xa8)
			return false;
	}
	return true;
}
