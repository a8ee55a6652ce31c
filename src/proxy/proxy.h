/* letterrack-smtpd: takes mail from programs that sign in (RFC 6409), and hands
 * it to the queue of the account, or to its reviewers.
 *
 * One thread has all connections (loop.c): it reads, writes and decides, and
 * never waits. What would make it wait is given to threads (pool.h) and comes
 * back. A connection that waits for them is not read meanwhile. */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/conf.h"
#include "core/log.h"
#include "core/loop.h"
#include "mail/smtp-text.h"
#include "proxy/listen.h"
#include "proxy/peers.h"
#include "proxy/pool.h"
#include "proxy/tls.h"

#define READ_ONCE ((size_t)64 << 10)

struct talk;

/* Where clients come in. */
struct entry {
	struct proxy *p;
	const struct listener *l;
	struct source source;
};

/* The loop's; read by the thread that tells of them (beat.h). */
struct counts {
	_Atomic int64_t talks;                /* at the moment */
	_Atomic int64_t taken, held, refused; /* messages */
};

struct proxy {
	const struct conf *conf;
	char name[256];         /* what it calls itself */
	struct tls_server *tls; /* NULL: no STARTTLS */
	struct pool *pool;
	struct listeners listeners;
	struct loop loop;
	struct entry entries[LISTENERS_MOST];
	struct source done; /* by the pool */
	struct alarm tick;
	struct talk *first; /* all of them */
	struct talk *gone;  /* freed behind the turn */
	struct peers peers;
	struct counts counts;
	instant started;
	bool ending;
	struct log log;
	/* of whoever is being read */
	char in[READ_ONCE];
	char text[READ_ONCE + SMTP_TEXT_MORE];
};

/* Runs until `*stop`; reads the certificate again when `*again` is set. */
void proxy_loop(struct proxy *, const volatile sig_atomic_t *stop,
    volatile sig_atomic_t *again);

/* RC_INVALID: it cannot be read, and the old one stays. */
enum rc proxy_certificate(struct proxy *) MUST_CHECK;

#endif
