/* Tasks: what was asked for. A job is one run of a task (domain/job.h). */
#ifndef DOMAIN_TASK_H
#define DOMAIN_TASK_H

#include <stdint.h>

#include "db/db.h"

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

/* Makes a task and queues its first job, in the transaction at hand, if there
 * is one. What talks to one IMAP account never runs twice at a time
 * (exclusion "imap:<credential>"). `*out` NULL: `once`, and one waits. Within
 * a pipeline `*out` is filled at its end. */
enum rc task_start(struct db *, int64_t account, const struct task_new *,
    struct arena *, struct task_started **out) MUST_CHECK;

/* The same, joining one that waits: made, or waiting already, `*out` is it. */
enum rc task_start_or_join(struct db *, int64_t account,
    const struct task_new *, struct arena *, struct task_started **) MUST_CHECK;

#endif
