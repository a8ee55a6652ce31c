/* The sync: brings the folders and messages of one IMAP account into the
 * database and what users changed back to the server.
 *
 * A run belongs to one leased job (job-run.h). It commits often;
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

#include <stdint.h>

#include "domain/job-run.h"

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
	int64_t held;     /* moved into the quarantine */
	int64_t released; /* and out of it */
	int64_t compared; /* folders whose count did not agree at the end */
	int64_t missing;  /* left behind in spite of all; 0 */
};

/* Looks at a mail account and tells for each folder what a sync would do;
 * writes nothing. RC_OK, or why it could not be looked at. */
enum rc sync_preview(const struct job_host *, const struct preview *,
    void (*tell)(void *arg, const char *folder, const char *what),
    void *arg) MUST_CHECK;

#endif
