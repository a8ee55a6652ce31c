#include "mail/parameter.h"

#include <stdbool.h>

#include "core/buffer.h"
#include "mail/charset.h"
#include "mail/rfc2047.h"

/* A name as RFC 2231 3 and 4 take it apart: name*section* */
struct piece {
	struct str name;
	int section; /* -1: none */
	bool extended;
	struct str value;
	bool used;
};

static bool
section_number(struct str s, int *out)
{
	uint64_t value;

	if (!str_uint(s, PARAMETER_MOST - 1, &value))
		return false;
	*out = (int)value;
	return true;
}

static struct piece
piece_read(const struct parameter *in)
{
	struct piece p = { in->name, -1, false, in->value, false };
	struct str rest;
	const char *star;

	if (p.name.n > 1 && p.name.p[p.name.n - 1] == '*') {
		p.extended = true;
		p.name.n--;
	}
	star = p.name.n > 1 ? memchr(p.name.p, '*', p.name.n) : NULL;
	if (star == NULL)
		return p;
	rest =
	    (struct str){ star + 1, p.name.n - (size_t)(star - p.name.p) - 1 };
	if (section_number(rest, &p.section))
		p.name.n = (size_t)(star - p.name.p);
	else /* "a*b": a name of its own */
		p = (struct piece){ in->name, -1, false, in->value, false };
	return p;
}

static void
put_percent(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		int high = -1, low = -1;

		if (s.p[i] == '%' && i + 2 < s.n) {
			high = hex_value(s.p[i + 1]);
			low = hex_value(s.p[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			buf_putc(out, (char)(high << 4 | low));
			i += 2;
		} else {
			buf_putc(out, s.p[i]);
		}
	}
}

/* charset'language'text; without the quotes it is all text. */
static struct str
take_charset(struct str *value)
{
	const char *first =
	    value->n > 0 ? memchr(value->p, '\'', value->n) : NULL;
	const char *second;
	struct str charset;

	if (first == NULL)
		return (struct str){ NULL, 0 };
	charset = (struct str){ value->p, (size_t)(first - value->p) };
	second = memchr(first + 1, '\'', value->n - charset.n - 1);
	if (second == NULL)
		return (struct str){ NULL, 0 };
	*value = (struct str){ second + 1,
		value->n - (size_t)(second + 1 - value->p) };
	return charset;
}

struct pieces {
	struct arena *arena;
	struct piece *piece;
	size_t n;
};

/* The extended or sectioned form of a name, from its piece 0 on. */
static bool
join(struct pieces *all, struct str name, struct str *out)
{
	struct str charset = { NULL, 0 };
	struct buf b;
	int want = -1;
	bool found = false;

	buf_init(&b, PARAMETER_LONGEST * 4);
	for (size_t round = 0; round <= PARAMETER_MOST; round++) {
		struct piece *next = NULL;

		for (size_t i = 0; i < all->n && next == NULL; i++) {
			struct piece *p = &all->piece[i];

			if (!p->used && p->section == want &&
			    (p->extended || want >= 0) &&
			    str_ieq(p->name, name))
				next = p;
		}
		if (next == NULL && want == -1) {
			want = 0; /* no name*=, perhaps name*0= */
			continue;
		}
		if (next == NULL)
			break;
		next->used = true;
		if (next->extended && want <= 0)
			charset = take_charset(&next->value);
		if (next->extended)
			put_percent(&b, next->value);
		else
			buf_add(&b, next->value.p, next->value.n);
		found = true;
		if (want == -1)
			break;
		want++;
	}
	if (found)
		*out = charset_to_utf8(all->arena, charset,
		    (struct str){ b.n > 0 ? b.p : "", b.n }, NULL);
	buf_clear(&b);
	return found;
}

static struct str
value_of(struct pieces *all, const struct piece *p)
{
	struct str value;

	if (!join(all, p->name, &value))
		return rfc2047_decode(all->arena, p->value, PARAMETER_LONGEST);
	value.n = utf8_cut(value.p, value.n, PARAMETER_LONGEST);
	return value;
}

static bool
already(const struct parameter *out, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_ieq(out[i].name, name))
			return true;
	}
	return false;
}

static struct pieces
pieces_read(struct arena *a, const struct parameter *in, size_t n)
{
	struct pieces all = { a, NULL,
		n < PARAMETER_MOST ? n : PARAMETER_MOST };

	all.piece = ARENA_ARRAY(a, struct piece, all.n);
	for (size_t i = 0; i < all.n; i++)
		all.piece[i] = piece_read(&in[i]);
	return all;
}

size_t
parameter_decode(struct arena *a, const struct parameter *in, size_t n,
    struct parameter **out)
{
	struct pieces all = pieces_read(a, in, n);
	size_t count = 0;

	*out = ARENA_ARRAY(a, struct parameter, all.n);
	for (size_t i = 0; i < all.n; i++) {
		struct piece *p = &all.piece[i];

		if (p->used || already(*out, count, p->name))
			continue;
		(*out)[count++] =
		    (struct parameter){ p->name, value_of(&all, p) };
	}
	return count;
}

struct str
parameter_get(
    struct arena *a, const struct parameter *in, size_t n, const char *name)
{
	const struct str wanted = { name, strlen(name) };
	struct pieces all = pieces_read(a, in, n);

	for (size_t i = 0; i < all.n; i++)
		if (str_ieq(all.piece[i].name, wanted))
			return value_of(&all, &all.piece[i]);
	return (struct str){ NULL, 0 };
}

struct str
parameter_find(const struct parameter *p, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_ieq(p[i].name, str_of(name)))
			return p[i].value;
	}
	return (struct str){ NULL, 0 };
}
