/* What an event's data holds, for those who read the description. */
#include "domain/event.h"

#define ID_OF(name)                                                            \
	{                                                                      \
		name, "integer", NULL, false                                   \
	}
#define TEXT(name)                                                             \
	{                                                                      \
		name, "string", NULL, true                                     \
	}
#define FIELDS_END                                                             \
	{                                                                      \
		NULL, NULL, NULL, false                                        \
	}

static const struct event_field thread[] = {
	ID_OF("thread_id"),
	TEXT("subject"),
	{ "status", "string", NULL, false },
	{ "assigned_to", "integer", NULL, true },
	{ "email_count", "integer", NULL, false },
	{ "merged_into", "integer", NULL, true },
	{ "by_user_id", "integer", NULL, true },
	FIELDS_END,
};

static const struct event_field of_thread[] = {
	ID_OF("thread_id"),
	{ "by_user_id", "integer", NULL, true },
	FIELDS_END,
};

static const struct event_field presence[] = {
	ID_OF("thread_id"),
	ID_OF("user_id"),
	{ "state", "string", NULL, false },
	{ "expires_at", "string", "date-time", true },
	{ "by_user_id", "integer", NULL, true },
	FIELDS_END,
};

static const struct event_field received[] = {
	ID_OF("email_id"),
	ID_OF("credential_id"),
	ID_OF("mailbox_id"),
	{ "folder", "string", NULL, false },
	{ "uid", "integer", NULL, false },
	TEXT("message_id"),
	TEXT("subject"),
	{ "from", "array", NULL, true },
	{ "received_at", "string", "date-time", true },
	{ "size_bytes", "integer", NULL, true },
	{ "has_attachments", "boolean", NULL, true },
	FIELDS_END,
};

static const struct event_field outgoing[] = {
	ID_OF("email_id"),
	TEXT("message_id"),
	TEXT("from"),
	{ "status", "string", NULL, false },
	FIELDS_END,
};

static const struct event_field held[] = {
	ID_OF("email_id"),
	ID_OF("credential_id"),
	TEXT("subject"),
	{ "from", "array", NULL, true },
	TEXT("status"),
	TEXT("reason"),
	{ "risk_score", "integer", NULL, true },
	{ "edited", "boolean", NULL, false },
	{ "latency_ms", "integer", NULL, true },
	{ "by", "integer", NULL, true },
	FIELDS_END,
};

static const struct event_field credential[] = {
	ID_OF("credential_id"),
	{ "provider_kind", "string", NULL, false },
	TEXT("email_address"),
	{ "status", "string", NULL, false },
	TEXT("last_error_code"),
	FIELDS_END,
};

static const struct event_field job[] = {
	ID_OF("job_id"),
	ID_OF("task_id"),
	{ "action", "string", NULL, false },
	{ "credential_id", "integer", NULL, true },
	{ "attempt_count", "integer", NULL, false },
	TEXT("last_error_code"),
	FIELDS_END,
};

static const struct event_field watcher[] = {
	ID_OF("credential_id"),
	TEXT("email_address"),
	{ "state", "string", NULL, false },
	TEXT("error"),
	FIELDS_END,
};

const struct event_about event_about[EVENT_COUNT] = {
	[EVENT_THREAD_CREATED] = { "A thread begins.", thread },
	[EVENT_THREAD_UPDATED] = { "A thread is changed.", thread },
	[EVENT_THREAD_DELETED] = { "A thread is deleted.", thread },
	[EVENT_THREAD_ASSIGNED] = { "A thread is somebody's, or nobody's.",
	    thread },
	[EVENT_THREAD_MERGED] = { "A thread goes into another.", thread },
	[EVENT_THREAD_SPLIT] = { "Mail of a thread makes another.", thread },
	[EVENT_THREAD_PRESENCE] = { "Somebody looks at a thread, answers it, "
				    "or "
				    "has gone.",
	    presence },
	[EVENT_NOTE_ADDED] = { "A note is written on a thread.", of_thread },
	[EVENT_LABEL_ADDED] = { "A thread gets a label.", of_thread },
	[EVENT_LABEL_REMOVED] = { "A thread loses a label.", of_thread },
	[EVENT_EMAIL_RECEIVED] = { "Mail has come to a folder that was known.",
	    received },
	[EVENT_EMAIL_SENT] = { "A mail server has taken mail.", outgoing },
	[EVENT_EMAIL_FAILED] = { "Mail was refused, or whether it was taken is "
				 "not known.",
	    outgoing },
	[EVENT_MESSAGE_HELD] = { "A message waits for review.", held },
	[EVENT_MESSAGE_RELEASED] = { "A message was let through.", held },
	[EVENT_MESSAGE_DISCARDED] = { "A message was thrown away.", held },
	[EVENT_WATCHER_STATE] = { "A watcher has another state.", watcher },
	[EVENT_CREDENTIAL_INVALID] = { "A server refuses a credential.",
	    credential },
	[EVENT_JOB_FAILED] = { "A job is not tried again by itself.", job },
};
