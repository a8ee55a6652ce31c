#include "mail/people.h"

#include "mail/address.h"
#include "mail/rfc2047.h"

#define COMMENT_DEPTH_MOST 16

struct reading {
	struct arena *arena;
	struct str in;
	size_t at;
	char *phrase; /* of the person at hand: quotes and comments undone */
	size_t n;
	bool quoted; /* some of it was in quotes */
	struct compose_person *v;
	size_t count, most;
	bool whole;
};

static bool
left(const struct reading *r)
{
	return r->at < r->in.n;
}

static void
keep(struct reading *r, char c)
{
	r->phrase[r->n++] = c;
}

/* Behind "(", up to its ")". */
static void
comment_skip(struct reading *r)
{
	int depth = 1;

	for (; left(r) && depth > 0; r->at++) {
		char c = r->in.p[r->at];

		if (c == '\\')
			r->at++;
		else if (c == '(')
			depth++;
		else if (c == ')')
			depth--;
		if (depth > COMMENT_DEPTH_MOST)
			break;
	}
	r->whole &= depth == 0;
	if (r->at > r->in.n)
		r->at = r->in.n;
}

/* Behind the first quote. */
static void
quoted_keep(struct reading *r)
{
	r->quoted = true;
	for (; left(r); r->at++) {
		char c = r->in.p[r->at];

		if (c == '"') {
			r->at++;
			return;
		}
		if (c == '\\' && r->at + 1 < r->in.n)
			c = r->in.p[++r->at];
		if (c != '\r' && c != '\n')
			keep(r, c);
	}
	r->whole = false;
}

static struct str
phrase_take(struct reading *r)
{
	struct str s = str_trim((struct str){ r->phrase, r->n });

	s = (struct str){ arena_dup(r->arena, s.p, s.n), s.n };
	r->n = 0;
	return s;
}

static void
add(struct reading *r, struct str name, struct str address)
{
	if (!address_ok(address)) {
		r->whole = false;
		return;
	}
	if (r->count == r->most) {
		r->whole = false;
		return;
	}
	r->v[r->count++] = (struct compose_person){
		.name = rfc2047_decode(r->arena, name, COMPOSE_NAME_MOST),
		.address = address,
	};
}

/* "<a@b>", at its "<"; the name is what stands before. */
static void
angle(struct reading *r)
{
	const char *open = r->in.p + r->at + 1;
	const char *close = memchr(open, '>', r->in.n - r->at - 1);
	struct str name = phrase_take(r), address;

	r->quoted = false;
	if (close == NULL) {
		r->whole = false;
		r->at = r->in.n;
		return;
	}
	address = str_trim((struct str){ open, (size_t)(close - open) });
	r->at = (size_t)(close - r->in.p) + 1;
	add(r, name,
	    (struct str){
		arena_dup(r->arena, address.p, address.n), address.n });
}

/* At the end of a person: what is left of a phrase is an address alone. A name
 * behind "<a@b>" is none. */
static void
person_end(struct reading *r, size_t before)
{
	struct str rest = phrase_take(r);

	if (rest.n > 0) {
		if (r->count != before || r->quoted)
			r->whole = false;
		else
			add(r, (struct str){ NULL, 0 }, rest);
	}
	r->quoted = false;
}

static void
person(struct reading *r)
{
	size_t before = r->count;

	while (left(r)) {
		char c = r->in.p[r->at];

		if (c == '<') {
			r->whole &= r->count == before;
			angle(r);
			continue;
		}
		r->at++;
		if (c == ',' || c == ';')
			break;
		if (c == '(')
			comment_skip(r);
		else if (c == '"')
			quoted_keep(r);
		else if (c == ':') /* a group's name */
			r->n = 0;
		else if (c != '\r' && c != '\n')
			keep(r, c == '\t' ? ' ' : c);
	}
	person_end(r, before);
}

bool
people_read(
    struct arena *a, struct str value, size_t most, struct compose_people *out)
{
	struct reading r = { .arena = a,
		.in = value,
		.phrase = arena_alloc(a, value.n + 1),
		.v = ARENA_ARRAY(a, struct compose_person, most + 1),
		.most = most,
		.whole = true };

	while (left(&r))
		person(&r);
	*out = (struct compose_people){ r.v, r.count };
	return r.whole;
}
