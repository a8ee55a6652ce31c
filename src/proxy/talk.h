/* One client's session: what it has said, and what may come next. */
#ifndef PROXY_TALK_H
#define PROXY_TALK_H

#include "core/arena.h"
#include "proxy/caller.h"
#include "proxy/letter.h"
#include "proxy/wire.h"
#include "proxy/proxy.h"

/* Where it stands; a verb says where it may come (verb.c). */
enum stage {
	STAGE_FRESH = 1,   /* nobody has said EHLO */
	STAGE_GREETED = 2, /* no message at hand */
	STAGE_SENDER = 4,
	STAGE_RECIPIENT = 8,
};

struct talk {
	struct talk *next, *prev;
	struct proxy *p;
	struct wire wire;
	struct source source;
	struct buf in; /* what has come and could not be read yet */
	struct arena *arena;
	char peer[INET6_ADDRSTRLEN];
	bool loopback;
	enum {
		TALK_COMMAND,
		TALK_ANSWER, /* to a challenge */
		TALK_TEXT,   /* behind DATA */
		TALK_END,    /* what is to be said yet is said */
		TALK_LINGER, /* the client is to close first */
	} mode;
	enum stage stage;
	/* What does with an answer. */
	void (*answer)(struct talk *, struct str line);
	struct sign_on *sign_on;  /* under way */
	const struct caller *who; /* NULL: nobody yet */
	struct letter *letter;    /* at hand */
	bool busy;                /* a hand has something of it */
	bool dead;                /* its connection is gone */
	bool gone;                /* and so is what it had; the turn ends */
	unsigned events;
	int faults, refusals;
	int64_t began_ms, until_ms;
};

/* `fd` is its own from here on. */
void talk_begin(struct proxy *, int fd, const char *peer, bool loopback);
void talk_event(struct talk *, unsigned events);
/* Once a second. Behind these four it may be gone. */
void talk_tick(struct talk *, int64_t now_ms);
void talk_stop(struct talk *); /* says so */
void talk_drop(struct talk *); /* at once */
/* Behind each turn: frees those that are gone. */
void talks_clear(struct proxy *);

/* ---- for verbs ---- */

/* "250 2.1.0 text"; without a status where that is NULL. */
void talk_say(struct talk *, int code, const char *status, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* The same of a line that is not the last. */
void talk_say_more(struct talk *, int code, const char *text);
/* Says what was wrong; too often, and it ends. */
void talk_fault(struct talk *, int code, const char *status, const char *fmt,
    ...) PRINTF_LIKE(4, 5);
void talk_end(struct talk *);

void talk_letter_forget(struct talk *);
/* Text is to come. */
void talk_text(struct talk *);
/* The next line is an answer. */
void talk_ask(struct talk *, const char *challenge,
    void (*answer)(struct talk *, struct str line));
/* A hand works for it. */
void talk_wait(struct talk *, enum lane, struct work *);
/* TLS begins behind what is said now. */
void talk_secure(struct talk *);

#endif
