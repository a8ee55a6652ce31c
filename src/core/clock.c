#include "core/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/log.h"

#define DAY   86400
#define MICRO 1000000

static const char weekdays[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static struct timespec
read_clock(clockid_t which)
{
	struct timespec ts;

	if (clock_gettime(which, &ts) != 0)
		die("clock cannot be read: %s", strerror(errno));
	return ts;
}

instant
clock_now(void)
{
	struct timespec ts = read_clock(CLOCK_REALTIME);

	return (instant){ (int64_t)ts.tv_sec * MICRO + ts.tv_nsec / 1000 };
}

int64_t
clock_steady_ms(void)
{
	struct timespec ts = read_clock(CLOCK_MONOTONIC);

	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Years begin in March, so that the leap day is the last one; an era is the
 * 400 years after which the calendar repeats, 146,097 days. 719,468 days lie
 * between 0000-03-01 and 1970-01-01. */
int64_t
days_from_civil(int64_t year, unsigned month, unsigned day)
{
	int64_t y = year - (month <= 2);
	int64_t era = floor_div(y, 400);
	int64_t in_era = y - era * 400;
	int64_t in_year = (153 * (int64_t)((month + 9) % 12) + 2) / 5 + day - 1;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 +
	    in_year - 719468;
}

struct civil {
	int64_t year;
	unsigned month, day; /* from 1 */
	unsigned weekday;    /* from Sunday = 0 */
	unsigned hour, minute, second;
};

static void
civil_date(int64_t days, struct civil *c)
{
	int64_t z = days + 719468;
	int64_t era = floor_div(z, 146097);
	unsigned in_era = (unsigned)(z - era * 146097);
	unsigned year =
	    (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	unsigned in_year = in_era - (365 * year + year / 4 - year / 100);
	unsigned march = (5 * in_year + 2) / 153; /* months since March */

	c->day = in_year - (153 * march + 2) / 5 + 1;
	c->month = march < 10 ? march + 3 : march - 9;
	c->year = era * 400 + year + (c->month <= 2);
	c->weekday = (unsigned)(days - floor_div(days + 4, 7) * 7 + 4);
}

/* The days of a list are mostly the same few: the last one stays known. */
static const struct civil *
civil_day(int64_t days)
{
	static _Thread_local int64_t known = INT64_MIN;
	static _Thread_local struct civil day;

	if (days != known)
		civil_date(days, &day);
	known = days;
	return &day;
}

static struct civil
civil_from(instant t)
{
	struct civil c;
	int64_t seconds = floor_div(t.us, MICRO);
	int64_t days = floor_div(seconds, DAY);
	unsigned in_day = (unsigned)(seconds - days * DAY);

	c = *civil_day(days);
	c.hour = in_day / 3600;
	c.minute = in_day / 60 % 60;
	c.second = in_day % 60;
	return c;
}

static char *
put2(char *p, unsigned value)
{
	p[0] = (char)('0' + value / 10 % 10);
	p[1] = (char)('0' + value % 10);
	return p + 2;
}

/* Four digits; more, or a sign, for years that no mail has. */
static char *
put_year(char *p, int64_t year)
{
	if (year < 0 || year > 9999)
		return p + snprintf(p, 12, "%lld", (long long)year);
	return put2(put2(p, (unsigned)year / 100), (unsigned)year % 100);
}

static char *
put_bytes(char *p, const char *from, size_t n)
{
	memcpy(p, from, n);
	return p + n;
}

static char *
put_date(char *p, const struct civil *c)
{
	p = put_year(p, c->year);
	*p++ = '-';
	p = put2(p, c->month);
	*p++ = '-';
	return put2(p, c->day);
}

static char *
put_clock(char *p, const struct civil *c)
{
	p = put2(p, c->hour);
	*p++ = ':';
	p = put2(p, c->minute);
	*p++ = ':';
	return put2(p, c->second);
}

static char *
put_http(char *p, const struct civil *c)
{
	p = put_bytes(p, weekdays + (size_t)c->weekday * 3, 3);
	p = put_bytes(p, ", ", 2);
	p = put2(p, c->day);
	*p++ = ' ';
	p = put_bytes(p, months + (size_t)(c->month - 1) * 3, 3);
	*p++ = ' ';
	p = put_year(p, c->year);
	*p++ = ' ';
	p = put_clock(p, c);
	return put_bytes(p, " GMT", 4);
}

int
instant_print(instant t, enum time_form form, char out[40])
{
	static const struct {
		char between;
		char zone[7];
		unsigned char zone_n;
	} forms[] = {
		[TIME_Z] = { 'T', "Z", 1 },
		[TIME_OFFSET] = { 'T', "+00:00", 6 },
		[TIME_SPACED] = { ' ', "", 0 },
	};
	struct civil c;
	char *p = out;

	out[0] = '\0';
	if (!instant_is(t))
		return 0;
	c = civil_from(t);
	if (form == TIME_HTTP) {
		p = put_http(p, &c);
	} else {
		p = put_date(p, &c);
		*p++ = forms[form].between;
		p = put_clock(p, &c);
		p = put_bytes(p, forms[form].zone, forms[form].zone_n);
	}
	*p = '\0';
	return (int)(p - out);
}

/* Exactly `n` digits, not above `most`. */
static bool
take_digits(struct str *s, size_t n, unsigned most, unsigned *value)
{
	unsigned v = 0;

	if (s->n < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		v = v * 10 + (unsigned)(s->p[i] - '0');
	}
	*s = (struct str){ s->p + n, s->n - n };
	*value = v;
	return v <= most;
}

static bool
take_one_of(struct str *s, const char *set)
{
	if (s->n == 0 || s->p[0] == '\0' || strchr(set, s->p[0]) == NULL)
		return false;
	*s = (struct str){ s->p + 1, s->n - 1 };
	return true;
}

static unsigned
days_of_month(unsigned year, unsigned month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31,
		30, 31, 30, 31 };

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

static bool
take_date(struct str *s, int64_t *days)
{
	unsigned year, month, day;

	if (!take_digits(s, 4, 9999, &year) || !take_one_of(s, "-") ||
	    !take_digits(s, 2, 12, &month) || month == 0 ||
	    !take_one_of(s, "-") ||
	    !take_digits(s, 2, days_of_month(year, month), &day) || day == 0)
		return false;
	*days = days_from_civil(year, month, day);
	return true;
}

/* hh:mm:ss[.fraction]; second 60 is a leap second, the next minute's 0. */
static bool
take_clock(struct str *s, int64_t *us)
{
	unsigned hour, minute, second, digit;
	int64_t unit = MICRO;

	if (!take_digits(s, 2, 23, &hour) || !take_one_of(s, ":") ||
	    !take_digits(s, 2, 59, &minute) || !take_one_of(s, ":") ||
	    !take_digits(s, 2, 60, &second))
		return false;
	*us = (int64_t)(hour * 3600 + minute * 60 + second) * MICRO;
	if (!take_one_of(s, "."))
		return true;
	if (!take_digits(s, 1, 9, &digit))
		return false;
	do {
		unit /= 10; /* 0 from the seventh digit on */
		*us += digit * unit;
	} while (take_digits(s, 1, 9, &digit));
	return true;
}

/* Z, +hh, +hhmm or +hh:mm (RFC 3339; PostgreSQL prints the second). */
static bool
take_zone(struct str *s, int64_t *us)
{
	unsigned hour, minute = 0;
	bool west;

	*us = 0;
	if (take_one_of(s, "Zz"))
		return true;
	west = s->n > 0 && s->p[0] == '-';
	if (!take_one_of(s, "+-") || !take_digits(s, 2, 23, &hour))
		return false;
	if (take_one_of(s, ":") || s->n > 0) {
		if (!take_digits(s, 2, 59, &minute))
			return false;
	}
	*us = (int64_t)(hour * 3600 + minute * 60) * MICRO;
	if (west)
		*us = -*us;
	return true;
}

bool
instant_parse(struct str s, instant *t)
{
	int64_t days, clock = 0, zone = 0;

	if (!take_date(&s, &days))
		return false;
	if (s.n > 0 &&
	    (!take_one_of(&s, "Tt ") || !take_clock(&s, &clock) ||
		!take_zone(&s, &zone)))
		return false;
	if (s.n > 0)
		return false;
	t->us = days * DAY * MICRO + clock - zone;
	return true;
}
