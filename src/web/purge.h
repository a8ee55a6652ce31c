/* Removing many rows by a search: told first (`dry_run`), then done. */
#ifndef WEB_PURGE_H
#define WEB_PURGE_H

#include "web/reply.h"

#define PURGE_MOST 10000

/* Embed `struct purge purge`; `query` and `older_than` are the family's. */
struct purge {
	bool dry_run;
	int64_t limit;
};
#define F_PURGE(T)                                                             \
	{ .kind = FIELD_BOOL,                                                  \
		.name = "dry_run",                                             \
		.offset = offsetof(T, purge.dry_run),                          \
		PRESET(true) },                                                \
	{                                                                      \
		.kind = FIELD_INT, .name = "limit", .least = 1,                \
		.most = PURGE_MOST, .offset = offsetof(T, purge.limit),        \
		.flags = CLAMP, PRESET(PURGE_MOST)                             \
	}

/* A dry run counts, the other removes. */
extern const struct field purge_answer[];
enum rc
purge_reply(struct request *, const struct purge *, int64_t n) MUST_CHECK;

#endif
