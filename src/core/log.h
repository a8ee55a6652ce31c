/* The log: one line an event on standard error, plain or JSON.
 *
 * An event in plain words, then key=value. The object that logs adds who it
 * is and for which request. No message bodies and no secrets: struct secret
 * has no format that prints it. Control characters are escaped, so that input
 * cannot forge a line. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "core/result.h"

enum log_level { LOG_ERROR_, LOG_WARN_, LOG_INFO_, LOG_DEBUG_ };

/* Who speaks; embedded in what lives long. All may be NULL or 0. */
struct log {
	const char *who;     /* "sync", "emails" */
	const char *request; /* X-Request-Id */
	int64_t account;
	int64_t object; /* credential, job: what `who` means */
};

/* Once at start; `json` chooses JSON lines, else plain text. */
void log_open(const char *program, enum log_level most, bool json);
bool log_level_parse(const char *, enum log_level *);

/* `log` may be NULL. */
void log_at(enum log_level, const struct log *, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
#define log_error(l, ...) log_at(LOG_ERROR_, (l), __VA_ARGS__)
#define log_warn(l, ...)  log_at(LOG_WARN_, (l), __VA_ARGS__)
#define log_info(l, ...)  log_at(LOG_INFO_, (l), __VA_ARGS__)
#define log_debug(l, ...) log_at(LOG_DEBUG_, (l), __VA_ARGS__)

/* Logs, then abort(): a broken promise of our own, or no memory. */
_Noreturn void die(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
