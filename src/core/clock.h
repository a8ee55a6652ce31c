/* Time: instants in microseconds since 1970 UTC, and a steady clock. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/text.h"

/* A point in time; INSTANT_NONE stands for SQL NULL. */
typedef struct instant {
	int64_t us;
} instant;

#define INSTANT_NONE ((instant){ INT64_MIN })
static inline bool
instant_is(instant t)
{
	return t.us != INT64_MIN;
}

instant clock_now(void);
int64_t clock_steady_ms(void); /* never goes back; for deadlines */

enum time_form {
	TIME_Z,      /* 2025-10-18T14:23:45Z */
	TIME_OFFSET, /* 2025-10-18T14:23:45+00:00 */
	TIME_SPACED, /* 2025-10-18 14:23:45 */
	TIME_HTTP,   /* Sat, 18 Oct 2025 14:23:45 GMT (RFC 9110 5.6.7) */
};
/* Writes at most 40 bytes, NUL included; whole seconds; returns the length. */
int instant_print(instant, enum time_form, char out[40]);

/* ISO 8601 with zone (Z or +hh:mm), date alone = midnight UTC. */
bool instant_parse(struct str, instant *);

/* Days since 1970-01-01 of a Gregorian date, proleptic. */
int64_t days_from_civil(int64_t year, unsigned month, unsigned day);

#endif
