/* What the files of a watched mail account share; nobody else includes this. */
#ifndef WATCH_WATCHED_H
#define WATCH_WATCHED_H

#include "domain/credential.h"
#include "mail/imap-watch.h"
#include "watch/watch.h"

/* LENT: a hand has the session, to take what was told of. */
enum phase { RESTING, ASKING, WAITING, DIALLING, ON, LENT };

/* What is to be told to the database. */
struct report {
	bool mail, other;
	int64_t mail_ms; /* steady: when the server told of it */
	bool has_state;
	enum imap_watch_state state;
	bool works;      /* the server has taken the credential */
	enum rc failure; /* RC_OK: none */
	bool refused;    /* it was the credential's */
	char detail[256];
	const char *event; /* the state that programs are told of; or NULL */
};

/* How a session is to be had; in an arena of its own, with the secret. */
struct opening {
	struct arena *arena;
	struct credential_access *access;
	struct credential_secret secret;
	struct imap_watch_how how;
	struct watcher_inbox *inbox;           /* NULL: not known yet */
	struct watcher_quarantine *quarantine; /* NULL: nothing is held */
};

struct watched {
	struct watch *watch;
	struct watcher_own own;
	struct log log;
	enum phase phase;
	struct opening *open; /* owned */
	struct imap_watch *session;
	struct dials_end dialled;
	struct source source;
	struct alarm alarm;
	int64_t next_ms;  /* steady: of the phase */
	int64_t other_ms; /* steady: when deletions and flags are told */
	int64_t away_ms;  /* steady: no errand before */
	int64_t on_ms;    /* since when there is a session */
	unsigned tries;
	bool over;    /* refused: whoever changes the secret begins anew */
	bool again;   /* begin anew when the errand is done */
	bool leaving; /* not ours any more */
	bool left;    /* what is told of is for a worker to see to */
	const char *shown;
	struct report report; /* what waits to be told */
	/* The errand's, while it is under way. */
	bool busy;
	struct errand errand;
	int64_t version; /* of the secret */
	struct report told;
	struct opening *opened;
	enum rc rc;
	struct taking { /* of new mail; see news.c */
		bool began, other;
		int64_t told_ms;
	} taking;
	struct watched *next;
};

/* ---- watched.c ---- */

struct watched *watched_of(struct errand *);
/* Gives the errand away; one at a time. */
void watched_errand(struct watched *, struct hands *,
    void (*run)(struct errand *, struct db *), void (*done)(struct errand *));
/* A turn of the session, and whatever there is to do next. */
void watched_turn(struct watched *);
void watched_step(struct watched *);

/* ---- news.c ---- */

/* New mail has been told of. Is it taken on this session, by a hand that is
 * free? false: whoever does the job of it is to be told. */
bool news_take(struct watched *);

#endif
