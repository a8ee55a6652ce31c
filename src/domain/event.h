/* Events: what happened, for programs that listen (webhooks, /api/events).
 *
 * One is written in the transaction of the change it tells of, so neither is
 * ever there without the other; what follows from it (deliveries) hangs on the
 * row. Viewers may read events: their data has ids, addresses and subjects,
 * never text of a mail. */
#ifndef DOMAIN_EVENT_H
#define DOMAIN_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"

/* X(name, as subscribers say it) */
#define EVENTS(X)                                                              \
	X(THREAD_CREATED, "thread.created")                                    \
	X(THREAD_UPDATED, "thread.updated")                                    \
	X(THREAD_DELETED, "thread.deleted")                                    \
	X(THREAD_ASSIGNED, "thread.assigned")                                  \
	X(THREAD_MERGED, "thread.merged")                                      \
	X(THREAD_SPLIT, "thread.split")                                        \
	X(THREAD_PRESENCE, "thread.presence")                                  \
	X(NOTE_ADDED, "note.added")                                            \
	X(LABEL_ADDED, "label.added")                                          \
	X(LABEL_REMOVED, "label.removed")                                      \
	X(EMAIL_RECEIVED, "email.received")                                    \
	X(EMAIL_SENT, "email.sent")                                            \
	X(EMAIL_FAILED, "email.failed")                                        \
	X(MESSAGE_HELD, "message.held")                                        \
	X(MESSAGE_RELEASED, "message.released")                                \
	X(MESSAGE_DISCARDED, "message.discarded")                              \
	X(WATCHER_STATE, "watcher.state")                                      \
	X(CREDENTIAL_INVALID, "credential.invalid")                            \
	X(JOB_FAILED, "job.failed")

enum event_name {
#define EVENT_ENUM(name, word) EVENT_##name,
	EVENTS(EVENT_ENUM)
#undef EVENT_ENUM
	    EVENT_COUNT
};
const char *event_word(enum event_name);

/* What it tells. Data may have more than these fields. */
struct event_field {
	const char *name;   /* NULL at the end */
	const char *type;   /* of JSON */
	const char *format; /* of a text; NULL: none */
	bool may_be_null;
};
struct event_about {
	const char *summary;
	const struct event_field *data;
};
extern const struct event_about event_about[EVENT_COUNT];

struct event_new {
	int64_t application;
	int64_t account;
	enum event_name name;
	struct str data;    /* a JSON object */
	int64_t credential; /* what it is about, or hangs on; 0: none */
};

/* As it is told. */
struct event_seen {
	int64_t id;
	const char *event;
	instant created_at;
	int64_t account_id;
	struct str data;
	const char *cursor;
};
extern const struct col event_seen_cols[];

/* In the transaction or pipeline at hand. */
enum rc event_add(struct db *, const struct event_new *) MUST_CHECK;

#endif
