/* Egress: where this program may connect to, decided in one place.
 *
 * The wall stands in CURLOPT_OPENSOCKETFUNCTION, so it sees the address that
 * would really be dialled, after every spelling of it and every answer of the
 * DNS. Refused is all that is not a public unicast address (RFC 6890 and the
 * registries behind it), and what wraps an IPv4 address in IPv6, unless the
 * operator's list names the network. */
#ifndef MAIL_EGRESS_H
#define MAIL_EGRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "core/text.h"

struct egress;

/* `allow`: networks divided by blanks or commas, "127.0.0.0/8 fd00::/8"; a
 * bare address is one host. `ca_file` is copied. RC_INVALID names the network
 * at fault. */
enum rc
egress_new(const char *allow, const char *ca_file, struct egress **) MUST_CHECK;
void egress_free(struct egress **);

/* One for all connections of a program, which then share the authorities'
 * certificates; it lives as long as the egress. */
CURLM *egress_multi(const struct egress *);

/* NULL: may be dialled. Else what is wrong with it ("loopback"). */
const char *egress_refusal(const struct egress *, const struct sockaddr *);

/* Told of a host that is refused and of one that does not exist, so that nobody
 * learns what there is behind the wall. The log has the reason. */
#define EGRESS_NOWHERE "the host is not known, or not to be reached from here"

/* One transfer or connection. It must outlive its CURL handle's use. */
struct egress_use {
	const struct egress *egress; /* borrowed */
	bool loopback_only; /* plain text where the operator forbids it */
	const char
	    *refused; /* out: why the last address was refused; or NULL */
};

struct egress_how {
	const char *protocols; /* "imap,imaps" */
	long connect_ms;       /* name, TCP and TLS */
	long total_ms;         /* 0: no limit, the caller has deadlines */
	long reply_s;          /* IMAP, SMTP: longest wait for one reply */
};

/* Sets what every handle has in common: the wall, protocols, no proxy, no
 * redirects, no signals, TLS 1.2 and verified, the authorities, timeouts. */
enum rc
egress_apply(CURL *, struct egress_use *, const struct egress_how *) MUST_CHECK;

/* A host name or address as a user may give it: letters, digits, dots,
 * hyphens, underscores; or an IPv6 address without brackets and zone. */
bool egress_host_ok(struct str);

/* Text that may go into a protocol line (user name, HELO, address): UTF-8 of
 * 1..max bytes without C0, DEL, C1, U+2028 and U+2029. libcurl 7.88 hands
 * CRLF in such text on to the server. */
bool egress_text_ok(struct str, size_t max);

#endif
