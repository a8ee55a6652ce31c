/* Dates in mail: the Date field with its obsolete forms (RFC 5322 3.3, 4.3)
 * and IMAP's INTERNALDATE (RFC 9051 9, date-time). */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include <stdbool.h>

#include "core/clock.h"
#include "core/text.h"

/* Lenient, as mail is: comments, missing day or seconds, two-digit years,
 * named zones, asctime's order. A zone that nobody knows is UTC (RFC 5322
 * 4.3). False when day, month, year or time are missing or out of range
 * (years 1900..9999). Linear; reads at most 256 bytes. */
bool date_parse(struct str, instant *);

/* " 1-Jul-2019 06:00:17 +0000" */
bool date_internal_parse(struct str, instant *);

/* Both write in UTC, NUL-terminated, and return the length. */
#define DATE_TEXT 40
int date_print(instant, char out[DATE_TEXT]);          /* Date field */
int date_internal_print(instant, char out[DATE_TEXT]); /* without quotes */

#endif
