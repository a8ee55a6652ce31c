/* The log that the people of an account read: what was done to their things,
 * by whom, and how it ended. No secret and no body is ever in it. */
#ifndef DOMAIN_LOG_H
#define DOMAIN_LOG_H

#include <stdint.h>

#include "db/db.h"
#include "db/ids.h"

/* Who does something, and in which request. */
struct doer {
	int64_t application;
	int64_t account;
	int64_t user;        /* 0: a machine client, -1: a program of ours */
	const char *request; /* NULL: none */
	const char *client;  /* OAuth client id; NULL: none */
	const char *address; /* NULL: none */
};

struct log_note {
	const char *subject; /* "provider_credential" */
	const char *action;  /* "rotate" */
	enum rc rc;          /* how it ended */
	const char *message;
	/* Shown in `data` as "<id_name>": "pc_7". */
	const char *id_name;
	enum id_kind kind;
	int64_t id;
};

/* Within the transaction of what it tells. */
enum rc
log_write(struct db *, const struct doer *, const struct log_note *) MUST_CHECK;

/* A line of it. */
struct log_row {
	int64_t id;
	int64_t account_id;
	const char *subject;
	const char *action;
	const char *status;
	const char *level;
	const char *message;
	struct str data;
	const char *request_id;
	instant created_at;
};
extern const struct col log_row_cols[];

#endif
