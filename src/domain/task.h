/* Tasks: what was asked for. A job is one run of a task (domain/job.h). */
#ifndef DOMAIN_TASK_H
#define DOMAIN_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"
#include "domain/log.h"

struct task {
	int64_t id;
	int64_t account_id;
	const char *task_type;
	int64_t target_credential_id;
	struct str payload;
	int32_t priority;
	const char
	    *state; /* pending queued running succeeded failed cancelled */
	instant created_at;
	instant started_at;
	instant finished_at;
	int64_t last_job_id;
};
extern const struct col task_cols[];

struct task_started {
	int64_t task_id;
	int64_t job_id;
};
extern const struct col task_started_cols[];

struct task_new {
	int64_t application_id;
	const char *action;    /* of task and job, "imap_sync_messages" */
	int64_t credential_id; /* 0: none */
	struct str payload;    /* JSON object; p == NULL: {} */
	int32_t priority;      /* 0..9, higher first */
	bool once;             /* none is made while one of its kind waits */
	instant run_at;        /* INSTANT_NONE: now */
};

/* NULL at the end. */
extern const char *const task_states[];

/* What people may ask for by itself: it can be done as often as one likes. All
 * other tasks come with what they are of (a message, a delivery), and so do
 * what becomes of them. */
struct task_kind {
	const char *type;
	bool folder; /* payload: which folder; absent: all */
	bool email;  /* payload: which email */
};
extern const char *const task_types[];                    /* NULL at the end */
const struct task_kind *task_kind_find(const char *type); /* or NULL */

/* Makes a task and queues its first job, in the transaction at hand, if there
 * is one. What talks to one IMAP account never runs twice at a time
 * (exclusion "imap:<credential>"). `*out` NULL: `once`, and one waits. Within
 * a pipeline `*out` is filled at its end. */
enum rc task_start(struct db *, int64_t account, const struct task_new *,
    struct arena *, struct task_started **out) MUST_CHECK;

/* The same, joining one that waits: made, or waiting already, `*out` is it. */
enum rc task_start_or_join(struct db *, int64_t account,
    const struct task_new *, struct arena *, struct task_started **) MUST_CHECK;

/* ---- what people do with tasks; in the transaction at hand ---- */

/* Starts it, or starts it again: a job. One that waits is to run now.
 * RC_JOB_RUNNING; RC_CONFLICT: it is no task of a kind for people, and has
 * ended. */
enum rc task_trigger(struct db *, const struct doer *, int64_t id,
    struct arena *, struct task_started *) MUST_CHECK;

/* A task of a kind for people that is not running, to be changed; else
 * RC_JOB_RUNNING and RC_CONFLICT. */
enum rc task_open(struct db *, int64_t account, int64_t id, struct arena *,
    struct task **) MUST_CHECK;

/* What waits waits no longer. RC_CONFLICT: nothing does. */
enum rc task_call_off(struct db *, const struct doer *, const struct task *,
    struct arena *) MUST_CHECK;

/* With its jobs, where it has ended or never begun. */
enum rc task_delete(
    struct db *, const struct doer *, int64_t id, struct arena *) MUST_CHECK;

#endif
