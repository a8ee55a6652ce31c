/* Mail that accounts send: one way out, whoever asks.
 *
 * A message is finished and written down with its email, its task and its job,
 * in the transaction of the request (submission_add). The job smtp_send_message
 * hands it over, once: what it says in the row before the first byte leaves
 * (the intent) and what it read from the server behind that (the confirmation)
 * are all that is ever believed of it. Who was accepted is never sent it
 * again, who was deferred is tried alone, and where no answer came it is
 * `unknown`: looked for in the Sent folder, and never sent again by itself.
 * The copy in the Sent folder is a job of its own (imap_file_sent). */
#ifndef DOMAIN_SUBMISSION_H
#define DOMAIN_SUBMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/conf.h"
#include "db/db.h"
#include "domain/log.h"
#include "domain/provider-credential.h"
#include "mail/compose.h"

#define SUBMISSION_RECIPIENTS_MOST 1000
#define SUBMISSION_MESSAGE_MOST    ((size_t)48 << 20)

/* X(name, as in the database) */
#define SUBMISSION_STATES(X)                                                   \
	X(QUEUED, "queued")                                                    \
	X(SENDING, "sending")                                                  \
	X(ACCEPTED, "accepted")                                                \
	X(FILED, "filed")                                                      \
	X(FAILED, "failed")                                                    \
	X(UNKNOWN, "unknown")

enum submission_state {
#define SUBMISSION_STATE_ENUM(name, word) SUBMISSION_##name,
	SUBMISSION_STATES(SUBMISSION_STATE_ENUM)
#undef SUBMISSION_STATE_ENUM
	    SUBMISSION_STATE_COUNT
};
const char *submission_word(enum submission_state);
bool submission_is(const char *state, enum submission_state);

/* One that a job has taken. */
struct submission {
	int64_t id;
	int64_t credential_id;
	int64_t email_id;
	const char *message_id;
	struct str message;
	struct str raw_sha256; /* of a large one, in the raw store */
	bool is_utf8;
	const char *sender;
	const char *state;
	instant first_at;
	int32_t attempt_count;
	int32_t look_count;
	const char *last_error_code, *last_error_detail;
	int64_t file_task_id;
	instant filed_at;
};
extern const struct col submission_cols[];

struct submission_recipient {
	int32_t n;
	const char *address;
	const char *kind;  /* to, cc, bcc */
	const char *state; /* queued, accepted, failed, unknown */
	int32_t code;      /* the server's; 0: none */
	const char *detail;
	const char *report; /* what came back later (report.h), or NULL */
	instant reported_at;
};
extern const struct col submission_recipient_cols[];

/* One whose copy is to be filed. */
struct submission_filing {
	int64_t id;
	int64_t email_id;
	const char *message_id;
	struct str message;
	struct str raw_sha256;
	const char *sender;
	const char *state;
	instant filed_at;
	int64_t size_bytes;
	struct str sha256;
};
extern const struct col submission_filing_cols[];

/* One of which an operator knows what became of it. */
struct submission_settled {
	int64_t id;
	int64_t credential_id;
	int64_t email_id;
	const char *message_id;
	const char *sender;
	const char *state;
	int64_t file_job_id;   /* 0: nobody looks for a copy */
	struct str recipients; /* JSON: of whom it was not known */
};
extern const struct col submission_settled_cols[];

/* As it is shown to who sent it. */
struct submission_seen {
	int64_t id;
	int64_t email_id;
	int64_t task_id;
	int64_t job_id;
	const char *job_state;
	const char *state;
	int32_t attempt_count;
	const char *last_error_code, *last_error_detail;
	const char *subject;
	struct str to_json, cc_json;
	instant sent_at;
	int64_t thread_id;
	const char *message_id;
};
extern const struct col submission_seen_cols[];

/* ---- making ---- */

struct submission_new {
	const struct provider_credential *from; /* what sends it */
	struct compose letter; /* message_id, seed and date are made here */
	struct compose_people bcc;
	instant send_at; /* INSTANT_NONE: now */
	int32_t priority;
};

struct submission_made {
	int64_t email_id, task_id, job_id;
};

/* Finishes the message. RC_INVALID: fail_detail begins with the field at fault
 * (compose.h), "to: …" where nobody would get it. */
struct submission_draft;
enum rc submission_draft(const struct submission_new *, struct arena *,
    struct submission_draft **) MUST_CHECK;

/* Writes it down with all that will send it, in the transaction at hand. */
enum rc submission_add(struct db *, const struct doer *,
    const struct submission_draft *, struct arena *,
    struct submission_made *) MUST_CHECK;

/* The same of rows that are filled already, but for who and the task: these are
 * made here, as are email and owner where they are 0. */
struct submission_insert_args;
struct submission_writing {
	const struct doer *who;
	struct submission_insert_args *row;
	struct arena *arena;
	struct submission_made made;
	/* on the way */
	struct task_started *started;
	int64_t filer, id;
};
enum rc submission_write(struct db *, int32_t priority,
    struct submission_writing *, size_t n) MUST_CHECK;

/* [{"name", "address"}], as the sync writes it; nobody: NULL. */
struct str submission_people(const struct compose_people *, struct arena *);

/* The bytes of one that a job has taken; RC_PAYLOAD: they are no longer kept.
 */
enum rc
submission_bytes(const struct conf *, int64_t account, struct str message,
    struct str raw_sha256, struct arena *, struct str *out) MUST_CHECK;

/* ---- what is not known ---- */

/* A person knows what became of the message that this job left unknown: it was
 * sent, or nobody has got it, and then may be tried again. In the transaction
 * at hand. RC_CONFLICT: it is not unknown. */
enum rc submission_settle(struct db *, const struct doer *, int64_t job,
    bool sent, struct arena *) MUST_CHECK;

/* ---- what is told of it ---- */

struct submission_told {
	int64_t application, account;
	int64_t credential;  /* whose mail it is */
	int64_t email, task; /* 0: no task */
	const char *message_id, *from, *status;
	struct str recipients; /* JSON: those it is about; n 0: none named */
};
enum rc submission_tell(
    struct db *, bool sent, const struct submission_told *) MUST_CHECK;

#endif
