/* Jobs: one run each of a task, leased to a worker.
 *
 * A worker claims a job and from then on does all its writes under the job's
 * guard: the database refuses them (RC_STALE) once the lease has gone to
 * another. An expired lease is claimed again, so a worker that died is
 * replaced; what it had committed stands. */
#ifndef DOMAIN_JOB_H
#define DOMAIN_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"
#include "domain/log.h"
#include "domain/task.h"

/* X(name, as in the database) */
#define JOB_STATES(X)                                                          \
	X(QUEUED, "queued")                                                    \
	X(RUNNING, "running")                                                  \
	X(SUCCEEDED, "succeeded")                                              \
	X(FAILED, "failed")                                                    \
	X(RESOLVED, "resolved")

enum job_state {
#define JOB_STATE_ENUM(name, word) JOB_##name,
	JOB_STATES(JOB_STATE_ENUM)
#undef JOB_STATE_ENUM
	    JOB_STATE_COUNT
};
const char *job_state_word(enum job_state);

/* Which states each may become, a bit a state. */
extern const unsigned job_may[JOB_STATE_COUNT];

struct job {
	int64_t id;
	int64_t account_id;
	int64_t task_id;
	int64_t credential_id;
	const char *action;
	const char *state;
	int32_t priority;
	instant run_at;
	int32_t attempt_count;
	instant created_at;
	instant started_at;
	instant finished_at;
	instant failed_at;
	instant resolved_at;
	const char *note;
	const char *last_error_code;
	const char *last_error_detail;
};
extern const struct col job_cols[];

/* All kinds of jobs. X(name, exclusion, tries in all, pause behind the first
 * in seconds, that doubles up to, function). What talks to one mail account
 * ("imap") is never run twice at a time. The function runs it (job-run.h). */
#define JOB_ACTIONS(X)                                                         \
	/* Polls come again by themselves; the first pause is shorter. */      \
	X(imap_sync_mailboxes, "imap", 8, 15, 1800, sync_mailboxes_run)        \
	X(imap_sync_messages, "imap", 8, 15, 1800, sync_messages_run)          \
	X(imap_store_flags, "imap", 8, 5, 1800, sync_flags_run)                \
	X(imap_hold, "imap", 8, 2, 600, sync_holds_run)                        \
	X(imap_watch, "imap", 8, 2, 600, sync_watch_run)                       \
	X(imap_fetch_text, "imap", 8, 60, 3600, sync_texts_run)                \
	X(imap_fetch_body, "imap", 8, 15, 1800, content_fetch_run)             \
	X(thread_mail, NULL, 8, 5, 600, thread_mail_run)                       \
	/* How long it is tried the message itself says: five days. */         \
	X(smtp_send_message, NULL, 64, 60, 14400, submission_send)             \
	X(imap_transfer, "imap", 8, 15, 1800, sync_transfers_run)              \
	X(imap_file_sent, "imap", 8, 15, 1800, sync_sent_run)                  \
	X(imap_read_reports, "imap", 8, 15, 1800, sync_reports_run)            \
	X(credential_renew, NULL, 8, 60, 3600, credential_renew_run)           \
	/* Five days, too. */                                                  \
	X(billing_event, NULL, 40, 5, 14400, billing_event_run)                \
	/* Nobody could say "try again": the account is out of reach. */       \
	X(account_remove, NULL, 100000, 5, 600, account_remove)

/* What can be run, and how stubbornly. */
struct job_action {
	const char *name;
	const char *exclusion; /* "imap": one a mail account at a time */
	int tries;             /* in all */
	int first_s;           /* pause behind the first try; doubled each */
	int most_s;            /* time, up to this */
};
extern const struct job_action job_actions[];
extern const size_t job_actions_count;
const struct job_action *job_action_find(const char *name); /* or NULL */

/* The pause before try `attempt` + 1, jittered by a quarter either way. */
int job_pause(const struct job_action *, int attempt);

/* A claimed job. */
struct lease {
	int64_t id;
	int64_t application_id;
	int64_t account_id;
	int64_t task_id;
	int64_t credential_id;
	const char *action;
	int32_t attempt_count; /* this one included */
	int64_t lease_token;
	struct str payload;
};
extern const struct col lease_cols[];

/* A mail account that a pass would poll. */
struct preview {
	int64_t application_id;
	int64_t account_id;
	int64_t credential_id;
};
extern const struct col preview_cols[];

/* What became of a dead worker's jobs. */
struct dead_jobs {
	int64_t released;
	/* By a transaction that it had begun, or by a session that has not
	 * ended and may claim more: to be asked again. */
	int64_t held;
};
extern const struct col dead_jobs_cols[];

/* A job of a poll that was asked for, and what became of it. */
struct poll_job {
	int64_t account_id;
	int64_t job_id;
};
extern const struct col poll_job_cols[];
struct poll_result {
	int64_t job_id;
	int64_t credential_id;
	const char *state;
	const char *code; /* NULL: none */
	bool is_over;     /* it has ended, or waits for another try */
	int64_t emails;   /* that are new */
};
extern const struct col poll_result_cols[];

#define JOB_LEASE_S 180 /* renewed at a third of it */

/* Which jobs a worker takes. Accounts take turns, so that one with many jobs
 * keeps another's waiting for no more than one of each worker. */
struct job_wanted {
	const char *worker;   /* host and process; nobody else's, ever */
	struct texts actions; /* those this program runs */
	int64_t account;      /* 0: any */
	int64_t job;          /* 0: any; else this one, even before its time */
	int64_t after;        /* account that was served last; 0: none */
};

/* Claims the next one; NULL: nothing is due. Leaves no guard set. A job whose
 * lease expired over and over is failed instead of being given out again. */
enum rc job_claim_one(struct db *, const struct job_wanted *, struct arena *,
    struct lease **) MUST_CHECK;

/* From now on this worker's writes are fenced by the lease. */
void job_guard_set(struct db *, const struct lease *);

/* Keeps the lease for another JOB_LEASE_S. RC_STALE: it is gone. */
enum rc job_heartbeat(struct db *, const struct lease *) MUST_CHECK;

/* The end of a run: `rc` OK succeeds; a transient failure waits for its next
 * try, if one is left; any other fails. `detail` may be NULL. `data`: a JSON
 * object for the log row. The task follows, the log row is written, in one
 * transaction under the lease. `*state` (may be NULL) says what became of
 * it. */
enum rc job_finish(struct db *, const struct lease *, enum rc,
    const char *detail, struct str data, enum job_state *state) MUST_CHECK;

/* The same of a run that did most of its work: the next try of the rest waits
 * no longer than a first one, however many there were. */
enum rc job_finish_partly(struct db *, const struct lease *, enum rc,
    const char *detail, struct str data, enum job_state *state) MUST_CHECK;

/* The same of a run behind which no other may come by itself, whatever its
 * result. */
enum rc job_finish_last(struct db *, const struct lease *, enum rc,
    const char *detail, struct str data, enum job_state *state) MUST_CHECK;

/* The same of a run whose own last transaction ends the job, too: into the
 * pipeline that is open there. */
enum rc job_finish_queue(struct db *, const struct lease *, enum rc,
    const char *detail, struct str data, bool last, struct arena *) MUST_CHECK;

/* Gives the lease back at once, without counting the try: the program was told
 * to stop, or its time is up, and another goes on where this one was. */
enum rc job_release(struct db *, const struct lease *) MUST_CHECK;

/* ---- what people do with jobs; in the transaction at hand ---- */

/* A failed one waits again, as if it had never been tried. RC_CONFLICT: it has
 * not failed. */
enum rc job_retry(struct db *, const struct doer *, int64_t id, struct arena *,
    struct job **) MUST_CHECK;

/* One that waits runs as soon as a worker is free. RC_JOB_RUNNING, and
 * RC_CONFLICT where it has ended. */
enum rc job_run_now(struct db *, const struct doer *, int64_t id,
    struct arena *, struct job **) MUST_CHECK;

/* A failed one is seen to; the note says how. RC_CONFLICT: it has not
 * failed. */
enum rc job_resolve(struct db *, const struct doer *, int64_t id,
    const char *note, struct arena *) MUST_CHECK;

/* One that waits: what is not NULL, and not INSTANT_NONE. */
struct job_edit {
	const int64_t *priority;
	instant run_at;
};
enum rc job_edit(struct db *, const struct doer *, int64_t id,
    const struct job_edit *, struct arena *) MUST_CHECK;

/* Its task stays. RC_JOB_RUNNING; RC_CONFLICT: something waits for it. */
enum rc job_remove(
    struct db *, const struct doer *, int64_t id, struct arena *) MUST_CHECK;

/* Those that run no more; NULL at the end. */
extern const char *const job_ended_states[];

#endif
