#include "mail/imap-set.h"

#include <assert.h>
#include <stdlib.h>

/* Two numbers, a colon and a comma. */
#define RANGE_TEXT 22

void
imap_set_init(struct imap_set *s, struct arena *a)
{
	*s = (struct imap_set){ .arena = a };
}

/* Old arrays stay in the arena until it ends; doubling keeps that below the
 * size of the last one. */
static void
set_room(struct imap_set *s)
{
	struct imap_range *bigger;
	size_t cap;

	if (s->n < s->cap)
		return;
	cap = s->cap == 0 ? 8 : s->cap * 2;
	bigger = ARENA_ARRAY(s->arena, struct imap_range, cap);
	if (s->n > 0)
		memcpy(bigger, s->range, s->n * sizeof(*bigger));
	s->range = bigger;
	s->cap = cap;
}

static void
set_push(struct imap_set *s, uint32_t first, uint32_t last)
{
	set_room(s);
	s->range[s->n++] = (struct imap_range){ first, last };
}

/* Puts a range behind all others, joining it with the last one. */
static void
set_append(struct imap_set *s, uint32_t first, uint32_t last)
{
	struct imap_range *end = s->n > 0 ? &s->range[s->n - 1] : NULL;

	if (end != NULL &&
	    (end->last == UINT32_MAX || first <= end->last + 1)) {
		if (last > end->last)
			end->last = last;
		return;
	}
	set_push(s, first, last);
}

/* The first range that ends at or behind `uid`; n when there is none. */
static size_t
set_search(const struct imap_set *s, uint32_t uid)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->range[mid].last < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Somewhere in the middle: swallow the ranges it touches, move the rest. */
static void
set_insert(struct imap_set *s, uint32_t first, uint32_t last)
{
	size_t from = set_search(s, first > 1 ? first - 1 : 1);
	size_t to = from;

	while (to < s->n &&
	    (last == UINT32_MAX || s->range[to].first <= last + 1)) {
		if (s->range[to].first < first)
			first = s->range[to].first;
		if (s->range[to].last > last)
			last = s->range[to].last;
		to++;
	}
	if (to == from) {
		set_room(s);
		memmove(&s->range[from + 1], &s->range[from],
		    (s->n - from) * sizeof(*s->range));
		s->n++;
	} else {
		memmove(&s->range[from + 1], &s->range[to],
		    (s->n - to) * sizeof(*s->range));
		s->n -= to - from - 1;
	}
	s->range[from] = (struct imap_range){ first, last };
}

void
imap_set_add(struct imap_set *s, uint32_t first, uint32_t last)
{
	assert(first > 0 && first <= last);
	if (s->n == 0 || first >= s->range[s->n - 1].first)
		set_append(s, first, last);
	else
		set_insert(s, first, last);
}

static bool
take_number(struct str *in, uint32_t star, uint32_t *out)
{
	uint64_t value = 0;
	size_t i = 0;

	if (in->n > 0 && in->p[0] == '*' && star > 0) {
		*out = star;
		*in = (struct str){ in->p + 1, in->n - 1 };
		return true;
	}
	for (; i < in->n && in->p[i] >= '0' && in->p[i] <= '9'; i++) {
		value = value * 10 + (uint64_t)(in->p[i] - '0');
		if (value > UINT32_MAX)
			return false;
	}
	if (i == 0 || value == 0 || in->p[0] == '0')
		return false;
	*out = (uint32_t)value;
	*in = (struct str){ in->p + i, in->n - i };
	return true;
}

static bool
take_range(struct str *in, uint32_t star, struct imap_range *out)
{
	if (!take_number(in, star, &out->first))
		return false;
	out->last = out->first;
	if (in->n > 0 && in->p[0] == ':') {
		*in = (struct str){ in->p + 1, in->n - 1 };
		if (!take_number(in, star, &out->last))
			return false;
	}
	if (out->first > out->last) /* 9:2 is 2:9 (RFC 9051 9, seq-range) */
		*out = (struct imap_range){ out->last, out->first };
	return true;
}

static bool
set_read(struct imap_set *s, struct str in, uint32_t star)
{
	s->n = 0;
	for (;;) {
		struct imap_range r;

		if (!take_range(&in, star, &r))
			break;
		set_push(s, r.first, r.last);
		if (in.n == 0)
			return true;
		if (in.p[0] != ',')
			break;
		in = (struct str){ in.p + 1, in.n - 1 };
	}
	s->n = 0;
	return false;
}

static int
by_first(const void *a, const void *b)
{
	uint32_t x = ((const struct imap_range *)a)->first;
	uint32_t y = ((const struct imap_range *)b)->first;

	return x < y ? -1 : x > y;
}

static bool
is_rising(const struct imap_set *s)
{
	for (size_t i = 1; i < s->n; i++) {
		if (s->range[i].first < s->range[i - 1].first)
			return false;
	}
	return true;
}

void
imap_set_gather(struct imap_set *s, uint32_t first, uint32_t last)
{
	set_push(s, first, last);
}

/* Joins in place: what is written never passes what is read. */
void
imap_set_settle(struct imap_set *s)
{
	size_t n = s->n;

	if (!is_rising(s))
		qsort(s->range, n, sizeof(*s->range), by_first);
	s->n = 0;
	for (size_t i = 0; i < n; i++) {
		struct imap_range r = s->range[i];

		set_append(s, r.first, r.last);
	}
}

bool
imap_set_parse(struct imap_set *s, struct str in, uint32_t star)
{
	if (!set_read(s, in, star))
		return false;
	imap_set_settle(s);
	return true;
}

bool
imap_set_parse_list(struct imap_set *s, struct str in)
{
	return set_read(s, in, 0);
}

bool
imap_set_has(const struct imap_set *s, uint32_t uid)
{
	size_t i = set_search(s, uid);

	return i < s->n && s->range[i].first <= uid;
}

static uint64_t
range_count(struct imap_range r)
{
	return (uint64_t)r.last - r.first + 1;
}

uint64_t
imap_set_count(const struct imap_set *s)
{
	uint64_t count = 0;

	for (size_t i = 0; i < s->n; i++)
		count += range_count(s->range[i]);
	return count;
}

/* 64 bits, so that the number behind the highest UID exists. */
struct open_range {
	uint64_t first, last;
};

void
imap_set_difference(
    const struct imap_set *a, const struct imap_set *b, struct imap_set *out)
{
	size_t j = 0;

	out->n = 0;
	for (size_t i = 0; i < a->n; i++) {
		struct open_range r = { a->range[i].first, a->range[i].last };

		while (j < b->n && b->range[j].last < r.first)
			j++;
		for (size_t k = j; k < b->n && b->range[k].first <= r.last;
		     k++) {
			if (b->range[k].first > r.first)
				set_push(out, (uint32_t)r.first,
				    b->range[k].first - 1);
			r.first = (uint64_t)b->range[k].last + 1;
			j = k;
		}
		if (r.first <= r.last)
			set_push(out, (uint32_t)r.first, (uint32_t)r.last);
	}
}

void
imap_set_union(
    const struct imap_set *a, const struct imap_set *b, struct imap_set *out)
{
	size_t i = 0, j = 0;

	out->n = 0;
	while (i < a->n || j < b->n) {
		struct imap_range r;

		if (j >= b->n ||
		    (i < a->n && a->range[i].first <= b->range[j].first))
			r = a->range[i++];
		else
			r = b->range[j++];
		set_append(out, r.first, r.last);
	}
}

void
imap_set_intersection(
    const struct imap_set *a, const struct imap_set *b, struct imap_set *out)
{
	size_t i = 0, j = 0;

	out->n = 0;
	while (i < a->n && j < b->n) {
		struct imap_range x = a->range[i], y = b->range[j];
		uint32_t first = x.first > y.first ? x.first : y.first;
		uint32_t last = x.last < y.last ? x.last : y.last;

		if (first <= last)
			set_push(out, first, last);
		if (x.last < y.last)
			i++;
		else
			j++;
	}
}

void
imap_set_take_newest(struct imap_set *s, uint64_t most, struct imap_set *out)
{
	size_t from = s->n;

	out->n = 0;
	if (most == 0)
		return;
	while (from > 0 && range_count(s->range[from - 1]) <= most)
		most -= range_count(s->range[--from]);
	if (from > 0 && most > 0) { /* the upper piece of one range */
		struct imap_range *r = &s->range[from - 1];
		uint32_t first = r->last - (uint32_t)most + 1;

		set_push(out, first, r->last);
		r->last = first - 1;
	}
	for (size_t i = from; i < s->n; i++)
		set_append(out, s->range[i].first, s->range[i].last);
	s->n = from;
}

bool
imap_set_nth(const struct imap_set *s, uint64_t place, uint32_t *uid)
{
	for (size_t i = 0; i < s->n; i++) {
		uint64_t count = range_count(s->range[i]);

		if (place < count) {
			*uid = s->range[i].first + (uint32_t)place;
			return true;
		}
		place -= count;
	}
	return false;
}

bool
imap_set_index(const struct imap_set *s, uint32_t uid, uint64_t *place)
{
	uint64_t before = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct imap_range r = s->range[i];

		if (uid >= r.first && uid <= r.last) {
			*place = before + (uid - r.first);
			return true;
		}
		before += range_count(r);
	}
	return false;
}

bool
imap_set_next(struct imap_walk *w, uint32_t *uid)
{
	const struct imap_range *r;

	if (w->at >= w->set->n)
		return false;
	r = &w->set->range[w->at];
	*uid = r->first + w->done;
	if (*uid == r->last) {
		w->at++;
		w->done = 0;
	} else {
		w->done++;
	}
	return true;
}

size_t
imap_set_print_some(
    const struct imap_set *s, size_t from, size_t max, struct buf *b)
{
	size_t start = b->n, i;

	for (i = from; i < s->n && b->n - start + RANGE_TEXT <= max; i++) {
		if (i > from)
			buf_putc(b, ',');
		buf_int(b, s->range[i].first);
		if (s->range[i].last != s->range[i].first) {
			buf_putc(b, ':');
			buf_int(b, s->range[i].last);
		}
	}
	return i - from;
}

void
imap_set_print(const struct imap_set *s, struct buf *b)
{
	imap_set_print_some(s, 0, SIZE_MAX, b);
}
