#include "mail/date.h"

#include <stdio.h>

#define DATE_LONGEST  256
#define COMMENT_DEPTH 16
#define SECOND_US     1000000LL

static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
static const char month_names[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char day_names[][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue",
	"Wed" }; /* 1970-01-01 was a Thursday */

/* RFC 5322 4.3; one-letter military zones count as UTC there, and so does
 * every name that is not listed. */
static const struct {
	const char *name;
	int minutes;
} zones[] = {
	{ "EST", -300 },
	{ "EDT", -240 },
	{ "CST", -360 },
	{ "CDT", -300 },
	{ "MST", -420 },
	{ "MDT", -360 },
	{ "PST", -480 },
	{ "PDT", -420 },
	{ "CET", 60 },
	{ "CEST", 120 },
	{ "MET", 60 },
	{ "MEST", 120 },
	{ "BST", 60 },
	{ "JST", 540 },
};

/* -1: not seen yet. */
struct fields {
	int year, month, day, hour, minute, second, zone;
	bool has_zone, afternoon, morning;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A run of digits, at most `most` of them; -1 when there is none or more. */
static int
take_digits(struct str *s, size_t most)
{
	int value = 0;
	size_t i = 0;

	for (; i < s->n && is_digit(s->p[i]); i++) {
		if (i == most)
			return -1;
		value = value * 10 + (s->p[i] - '0');
	}
	if (i == 0)
		return -1;
	*s = (struct str){ s->p + i, s->n - i };
	return value;
}

static int
month_number(struct str s)
{
	char low[3];

	if (s.n < 3)
		return -1;
	for (int i = 0; i < 3; i++)
		low[i] = (char)(s.p[i] | 0x20);
	for (int m = 0; m < 12; m++) {
		if (memcmp(months + m * 3, low, 3) == 0)
			return m + 1;
	}
	return -1;
}

static bool
is_day_name(struct str s)
{
	for (size_t i = 0; i < 7; i++) {
		if (s.n >= 3 && strncasecmp(s.p, day_names[i], 3) == 0)
			return true;
	}
	return false;
}

static void
take_zone_name(struct fields *f, struct str word)
{
	if (f->has_zone || f->hour < 0)
		return;
	f->has_zone = true;
	f->zone = 0;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		if (str_ieq(word, str_of(zones[i].name)))
			f->zone = zones[i].minutes;
	}
}

static void
take_word(struct fields *f, struct str *s)
{
	struct str word = { s->p, 0 };
	int month;

	while (word.n < s->n && is_letter(s->p[word.n]))
		word.n++;
	*s = (struct str){ s->p + word.n, s->n - word.n };
	month = month_number(word);
	if (str_ieq(word, STR("PM")))
		f->afternoon = true;
	else if (str_ieq(word, STR("AM")))
		f->morning = true;
	else if (month > 0 && f->month < 0)
		f->month = month;
	else if (!is_day_name(word))
		take_zone_name(f, word);
	/* "GMT+0200" means the number */
	if (f->has_zone && f->zone == 0 && s->n > 0 &&
	    (s->p[0] == '+' || s->p[0] == '-'))
		f->has_zone = false;
}

/* "+0200", "+02:00", "+2". */
static bool
take_offset(struct fields *f, struct str *s)
{
	int sign = s->p[0] == '-' ? -1 : 1;
	size_t before;
	int value, minutes = 0;

	*s = (struct str){ s->p + 1, s->n - 1 };
	before = s->n;
	value = take_digits(s, 4);
	if (value < 0)
		return false;
	if (before - s->n > 2) {
		minutes = value % 100;
		value /= 100;
	} else if (s->n > 1 && s->p[0] == ':') {
		*s = (struct str){ s->p + 1, s->n - 1 };
		minutes = take_digits(s, 2);
	}
	if (value > 23 || minutes < 0 || minutes > 59)
		return false;
	f->zone = sign * (value * 60 + minutes);
	f->has_zone = true;
	return true;
}

static bool
take_time(struct fields *f, struct str *s, int hour)
{
	if (f->hour >= 0)
		return false;
	f->hour = hour;
	*s = (struct str){ s->p + 1, s->n - 1 };
	f->minute = take_digits(s, 2);
	f->second = 0;
	if (f->minute < 0)
		return false;
	if (s->n > 1 && (s->p[0] == ':' || s->p[0] == '.') &&
	    is_digit(s->p[1])) {
		*s = (struct str){ s->p + 1, s->n - 1 };
		f->second = take_digits(s, 2);
		if (f->second < 0)
			return false;
	}
	while (s->n > 1 && s->p[0] == '.' && is_digit(s->p[1])) {
		*s = (struct str){ s->p + 1, s->n - 1 }; /* fractions */
		(void)take_digits(s, 9);
	}
	return true;
}

static bool
take_number(struct fields *f, struct str *s)
{
	size_t before = s->n;
	int value = take_digits(s, 4);
	size_t width = before - s->n;

	if (value < 0)
		return false;
	if (width <= 2 && s->n > 0 && s->p[0] == ':')
		return take_time(f, s, value);
	if (width <= 2 && f->day < 0) {
		f->day = value;
		return true;
	}
	if (f->year >= 0)
		return false;
	f->year = value;
	if (width <= 2) /* RFC 5322 4.3 */
		f->year += value < 50 ? 2000 : 1900;
	else if (width == 3)
		f->year += 1900;
	return true;
}

static void
skip_comment(struct str *s)
{
	int depth = 0;
	size_t i = 0;

	for (; i < s->n; i++) {
		if (s->p[i] == '\\')
			i++;
		else if (s->p[i] == '(' && ++depth > COMMENT_DEPTH)
			break;
		else if (s->p[i] == ')' && --depth == 0)
			break;
	}
	i = i < s->n ? i + 1 : s->n;
	*s = (struct str){ s->p + i, s->n - i };
}

static bool
take_token(struct fields *f, struct str *s)
{
	char c = s->p[0];

	if (c == '(') {
		skip_comment(s);
		return true;
	}
	if (is_digit(c))
		return take_number(f, s);
	if (is_letter(c)) {
		take_word(f, s);
		return true;
	}
	if ((c == '+' || c == '-') && f->hour >= 0 && !f->has_zone &&
	    s->n > 1 && is_digit(s->p[1]))
		return take_offset(f, s);
	*s = (struct str){ s->p + 1, s->n - 1 }; /* comma, blank, dash */
	return true;
}

static unsigned
month_days(int year, int month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31,
		30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (unsigned)(month == 2 && leap);
}

static bool
fields_instant(struct fields *f, instant *out)
{
	int64_t days;

	if (f->afternoon && f->hour >= 0 && f->hour < 12)
		f->hour += 12;
	if (f->morning && f->hour == 12)
		f->hour = 0;
	if (f->year < 1900 || f->year > 9999 || f->month < 1 || f->month > 12)
		return false;
	if (f->day < 1 || (unsigned)f->day > month_days(f->year, f->month))
		return false;
	if (f->hour < 0 || f->hour > 23 || f->minute < 0 || f->minute > 59 ||
	    f->second < 0 || f->second > 60)
		return false;
	days = days_from_civil(f->year, (unsigned)f->month, (unsigned)f->day);
	out->us = (days * 86400 + f->hour * 3600 + f->minute * 60 + f->second -
		      f->zone * 60) *
	    SECOND_US;
	return true;
}

bool
date_parse(struct str s, instant *out)
{
	struct fields f = { -1, -1, -1, -1, -1, -1, 0, false, false, false };

	if (s.n > DATE_LONGEST)
		s.n = DATE_LONGEST;
	s = str_trim(s);
	if (s.n > 5 && is_digit(s.p[3]) && s.p[4] == '-')
		return instant_parse(s, out);
	while (s.n > 0) {
		if (!take_token(&f, &s))
			return false;
	}
	return fields_instant(&f, out);
}

static bool
at_char(struct str *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = (struct str){ s->p + 1, s->n - 1 };
	return true;
}

bool
date_internal_parse(struct str s, instant *out)
{
	struct fields f = { -1, -1, -1, -1, -1, -1, 0, false, false, false };

	(void)at_char(&s, ' ');
	f.day = take_digits(&s, 2);
	if (!at_char(&s, '-'))
		return false;
	f.month = month_number(s);
	if (f.month < 0)
		return false;
	s = (struct str){ s.p + 3, s.n - 3 };
	if (!at_char(&s, '-'))
		return false;
	f.year = take_digits(&s, 4);
	if (!at_char(&s, ' '))
		return false;
	f.hour = take_digits(&s, 2);
	if (!at_char(&s, ':'))
		return false;
	f.minute = take_digits(&s, 2);
	if (!at_char(&s, ':'))
		return false;
	f.second = take_digits(&s, 2);
	if (!at_char(&s, ' ') || s.n != 5 || (s.p[0] != '+' && s.p[0] != '-') ||
	    !take_offset(&f, &s) || s.n != 0)
		return false;
	return fields_instant(&f, out);
}

/* A day of the proleptic Gregorian calendar from days since 1970. */
static struct fields
civil(instant t)
{
	struct fields f = { 0, 0, 0, 0, 0, 0, 0, true, false, false };
	int64_t seconds = t.us / SECOND_US - (t.us % SECOND_US < 0);
	int64_t days = seconds / 86400 - (seconds % 86400 < 0);
	int64_t rest = seconds - days * 86400;
	int64_t year = 1970 + days / (days < 0 ? 365 : 366) - 1;

	while (days_from_civil(year + 1, 1, 1) <= days)
		year++;
	f.year = (int)year;
	f.month = 1;
	while (f.month < 12 &&
	    days_from_civil(year, (unsigned)f.month + 1, 1) <= days)
		f.month++;
	f.day = (int)(days - days_from_civil(year, (unsigned)f.month, 1)) + 1;
	f.hour = (int)(rest / 3600);
	f.minute = (int)(rest / 60 % 60);
	f.second = (int)(rest % 60);
	f.zone = (int)(((days % 7) + 7) % 7); /* the weekday, from Thursday */
	return f;
}

int
date_print(instant t, char out[DATE_TEXT])
{
	struct fields f = civil(t);

	return snprintf(out, DATE_TEXT, "%s, %d %s %04d %02d:%02d:%02d +0000",
	    day_names[f.zone], f.day, month_names[f.month - 1], f.year, f.hour,
	    f.minute, f.second);
}

int
date_internal_print(instant t, char out[DATE_TEXT])
{
	struct fields f = civil(t);

	return snprintf(out, DATE_TEXT, "%2d-%s-%04d %02d:%02d:%02d +0000",
	    f.day, month_names[f.month - 1], f.year, f.hour, f.minute,
	    f.second);
}
