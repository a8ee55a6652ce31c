/* The sync: brings the folders and messages of one IMAP account into the
 * database and what users changed back to the server.
 *
 * A run belongs to one leased job and writes under its guard. It commits often;
 * a run that is killed at any moment is taken up by the next where it was.
 *
 * How a folder is brought into step, by what the server can:
 *   QRESYNC    SELECT tells what changed and what vanished since the cursor;
 *   CONDSTORE  FETCH CHANGEDSINCE tells changes, a count tells of losses;
 *   neither    flags are compared every ten minutes, and when the number of
 *              unseen messages has changed.
 * Without ids for messages, what is new in a folder is first held against mail
 * that is known from others (move.c).
 * Whenever the counts do not agree, the sets of UIDs are compared, whatever
 * the reason: that is what every run ends with, so the ledger's `missing` is 0
 * or the run has failed. */
#ifndef DOMAIN_SYNC_SYNC_H
#define DOMAIN_SYNC_SYNC_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/conf.h"
#include "core/envelope.h"
#include "core/log.h"
#include "db/db.h"
#include "domain/job.h"
#include "mail/egress.h"

/* What a program lends to its runs. */
struct sync_host {
	struct db *db;
	const struct conf *conf;
	const struct envelope_keks *keks;
	const struct egress *egress;
	CURLM *multi; /* shares the authorities' certificates; may be NULL */
	struct log log;
	/* Ends the run behind the batch at hand; may be NULL. */
	const volatile sig_atomic_t *stop;
	int64_t deadline_ms; /* the same, by clock_steady_ms(); 0: none */
	/* Told now and then, for a person who watches; may be NULL. */
	void (*progress)(
	    void *arg, const char *folder, int64_t done, int64_t total);
	void *progress_arg;
	int64_t beat_ms; /* between renewals of the lease; 0: a third of it */
};

/* What a run did. */
struct sync_report {
	int64_t folders;  /* seen on the server */
	int64_t changed;  /* folders that were looked into */
	int64_t stored;   /* messages new here */
	int64_t skipped;  /* of them, could not be read whole */
	int64_t moved;    /* messages new in a folder, and known */
	int64_t flags;    /* messages whose flags differed */
	int64_t expunged; /* placements gone */
	int64_t told;     /* messages whose flags the server was told */
	int64_t deleted;  /* messages that were deleted on the server */
	int64_t texts;    /* messages whose first words were read */
	int64_t compared; /* folders whose count did not agree at the end */
	int64_t missing;  /* left behind in spite of all; 0 */
};

/* The actions that a program with this module can run. */
extern const struct texts sync_actions;

/* Runs a claimed job to its end: does the work, then finishes the job or gives
 * it back. The guard of the lease is set from here on. RC_OK whatever became
 * of the work: `*result` says that (RC_COUNT: given back). Else the job could
 * not be finished: the lease or the database is gone. */
enum rc sync_job_run(const struct sync_host *, const struct lease *,
    struct sync_report *, enum rc *result) MUST_CHECK;

/* Looks at a mail account and tells for each folder what a sync would do;
 * writes nothing. RC_OK, or why it could not be looked at. */
enum rc sync_preview(const struct sync_host *, const struct preview *,
    void (*tell)(void *arg, const char *folder, const char *what),
    void *arg) MUST_CHECK;

#endif
