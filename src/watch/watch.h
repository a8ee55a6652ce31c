/* The whole of letterrack-watch. */
#ifndef WATCH_WATCH_H
#define WATCH_WATCH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/conf.h"
#include "core/envelope.h"
#include "domain/alive.h"
#include "domain/watcher.h"
#include "mail/egress.h"
#include "mail/dials.h"
#include "watch/follow.h"
#include "watch/hands.h"
#include "core/loop.h"
#include "watch/workers.h"

struct watched;

struct watch {
	const char *config;
	bool quiet;
	const volatile sig_atomic_t *stop;
	struct conf *conf;
	struct envelope_keks keks;
	struct egress *egress;
	struct log log;
	char worker[WORKER_NAME];
	struct alive alive;
	struct loop loop;
	struct hands *hands;   /* what they do is short */
	struct hands *openers; /* these may wait for who gives tokens */
	struct hands *holders; /* these wait for mail servers */
	struct follow *follow;
	struct dials dials;
	struct workers workers;
	struct watched **v; /* owned, by account and credential */
	size_t n, dialling;
	struct watched *gone; /* freed behind the turn at hand */
};

/* ---- watched.c: one mail account ---- */

/* What the database says is to be watched: those that are new begin, those
 * that are missing end, and those of another turn or secret begin anew. */
void watched_follow(void *watch, const struct watcher_own_list *);
/* Frees those that have ended. */
void watched_clear(struct watch *);
/* All end, whatever is under way; the hands are still by then. */
void watched_end(struct watch *);

#endif
