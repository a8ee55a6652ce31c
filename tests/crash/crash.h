/* What the tests of crashes share: how long they go on, how the sync is
 * killed and taken up, and what must hold afterwards.
 *
 *	LETTERRACK_SEED     of the dice (a random one)
 *	LETTERRACK_FROM     number of the first round (0)
 *	LETTERRACK_ROUNDS   how many, where a case has rounds (its own)
 *	LETTERRACK_SECONDS  begin no round after this time (no limit)
 *	LETTERRACK_TALLY    a file that says which round comes next
 *
 * A round depends on seed and number only: SEED=s FROM=n ROUNDS=1 repeats
 * it. */
#ifndef CRASH_CRASH_H
#define CRASH_CRASH_H

#include "domain/house.h"
#include "lib/unit.h"

/* ---- rounds ---- */

struct rounds {
	long n;        /* of the round at hand */
	unsigned dice; /* its own: for rand_r */
	unsigned seed;
	long from, end;
	int64_t until_ms; /* 0: no limit */
};

/* `usual`: how many, unless the environment says. `most`: there are no more
 * than these; 0: any number. */
void rounds_begin(struct rounds *, long usual, long most);
/* for (rounds_begin(&r, 40, 0); rounds_next(&r);) */
bool rounds_next(struct rounds *);
/* Evenly from 0 to most - 1. */
int rounds_roll(struct rounds *, int most);
/* "seed 7 round 12" */
const char *rounds_name(const struct rounds *);

/* ---- failpoints ---- */

#define CRASH_POINTS 128

/* The names of all failpoints a sync may pass, from the sources; the number
 * of them. */
size_t crash_points(const char *names[CRASH_POINTS]);
/* Those whose names begin with one of `starts`. */
size_t crash_points_of(
    const char *const *starts, size_t n, const char *names[CRASH_POINTS]);

/* letterrack-sync, killed at the `pass`th time it comes by. Was it? */
bool crash_at(struct house *, const char *point, int pass);
/* Killed after a time. Was it running still? */
bool crash_after(struct house *, long us);

/* letterrack-watch, which does without workers, killed at the `pass`th time it
 * comes by; told to end when `sql` answers "t". Was it killed? */
bool
crash_watch_at(struct house *, const char *point, int pass, const char *sql);

/* letterrack-sync in the background, `variables` (may be NULL) added to its
 * environment ("A=b"); its standard error goes to `log`, where not NULL. */
pid_t crash_start(struct house *, const char *variable, const char *log);
/* Its wait status. Fails the test when it takes longer. */
int crash_wait(pid_t, int seconds);

/* What the dead one asked of the database is done. */
void crash_quiet(struct house *);
/* And its leases and all pauses are over. */
void crash_settle(struct house *);
/* Takes up what is left; every job must succeed. */
void crash_resume(struct house *);
/* A sync of the house's credential, whole. */
void crash_sync(struct house *);

/* ---- what must hold ---- */

/* What rows say against each other: a line a fault, "" where there is none.
 * Ledger, counters against a recount, emails against their placements, copies,
 * wishes and jobs left over. */
extern const char crash_faults_sql[];
const char *crash_faults(struct house *);

/* The mailbox as the tables have it: folders with their cursors and ledgers,
 * messages by folder and UID with all that was read of them. Neither ids nor
 * times of our own. */
const char *crash_tables(struct house *);

/* The same of a fresh account that syncs this mailbox undisturbed. */
const char *crash_undisturbed(struct house *);

/* Folder, UID and flags of all messages: in the tables, and on the server. */
const char *crash_placed(struct house *);
const char *crash_on_server(struct house *);

/* No faults; tables equal an undisturbed run and the server; a further sync
 * changes nothing. `when` goes into the failure. */
void crash_check(struct house *, const char *when);

/* ---- a mailbox that changes ---- */

/* `n` short messages, numbered from `from`. */
void crash_fill(struct imap *, const char *folder, int from, int n);
/* Some changes of all kinds, by the dice: mail comes and goes, flags, folders;
 * a user's wish in the tables. */
void crash_stir(struct house *, struct imap *, struct rounds *);

#endif
