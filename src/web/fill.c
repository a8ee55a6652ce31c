#include "web/fill.h"

#include <inttypes.h>
#include <stdarg.h>

#include "web/body.h"

const char *
place_text(struct arena *arena, const struct place *at)
{
	const char *before;

	if (at == NULL)
		return "";
	before = place_text(arena, at->in);
	if (at->name == NULL)
		return arena_fmt(arena, "%s[%zu]", before, at->index);
	return arena_fmt(
	    arena, "%s%s%s", before, before[0] != '\0' ? "." : "", at->name);
}

bool
fill_fault(struct request *rq, const struct place *at, const char *code,
    const char *fmt, ...)
{
	struct fault **end = &rq->faults;
	struct fault *f;
	size_t n = 0;
	va_list args;

	for (; *end != NULL; end = &(*end)->next)
		n++;
	if (n >= FAULTS_MOST)
		return false;
	f = ARENA_NEW(rq->arena, struct fault);
	f->field = place_text(rq->arena, at);
	f->code = code;
	va_start(args, fmt);
	f->message = arena_vfmt(rq->arena, fmt, args);
	va_end(args);
	*end = f;
	return false;
}

/* ---- presets ---- */

static void
put(const struct field *f, void *into, const void *value, size_t n)
{
	memcpy((char *)into + f->offset, value, n);
}

static void
preset(const struct field *f, void *into)
{
	int word = f->has_preset ? (int)f->preset : -1;
	bool yes = f->preset != 0;

	switch (f->kind) {
	case FIELD_INT: put(f, into, &f->preset, sizeof f->preset); break;
	case FIELD_BOOL: put(f, into, &yes, sizeof yes); break;
	case FIELD_ENUM: put(f, into, &word, sizeof word); break;
	case FIELD_TIME: put(f, into, &INSTANT_NONE, sizeof(instant)); break;
	default: /* arenas give zeroed memory */ break;
	}
}

void
fill_presets(const struct field *rows, void *into)
{
	for (const struct field *f = rows; f->kind != FIELD_END; f++)
		preset(f, into);
}

bool
fill_missing(struct request *rq, const struct field *rows,
    const struct place *in, uint64_t given)
{
	bool whole = true;

	for (size_t i = 0; rows[i].kind != FIELD_END; i++) {
		struct place at = { in, rows[i].name, 0 };

		if ((rows[i].flags & REQUIRED) != 0 && (given >> i & 1) == 0)
			whole = fill_fault(
			    rq, &at, "required", "This field is required.");
	}
	return whole;
}

/* ---- scalars ---- */

static bool
lines_only(struct str s, bool lines_ok)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool line = c == '\n' || c == '\r' || c == '\t';

		if ((c < ' ' && !(line && lines_ok)) || c == 0x7f)
			return false;
	}
	return true;
}

/* local@domain, each part there, without blanks, controls and brackets: what
 * a person types. What a mail header may hold is src/mail's matter. */
static bool
email_ok(struct str s)
{
	const char *at = s.n == 0 ? NULL : memrchr(s.p, '@', s.n);
	size_t local, domain;

	if (at == NULL)
		return false;
	local = (size_t)(at - s.p);
	domain = s.n - local - 1;
	if (local == 0 || local > 64 || domain == 0 || domain > 255 ||
	    at[1] == '.' || at[domain] == '.' || s.p[0] == '.' || at[-1] == '.')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' ||
		    strchr("()<>[]\\,;:\"\x7f", s.p[i]) != NULL ||
		    (s.p[i] == '@' && s.p + i != at))
			return false;
	return true;
}

static bool
text_ok(struct request *rq, const struct field *f, const struct place *at,
    struct str v)
{
	bool lines = (f->flags & LINES_OK) != 0 || f->kind == FIELD_SECRET;
	size_t n;

	if (!utf8_valid(v.p, v.n))
		return fill_fault(
		    rq, at, "not_utf8", "This is not valid UTF-8.");
	n = utf8_count(v.p, v.n);
	if ((int64_t)n > f->most)
		return fill_fault(rq, at, "too_long",
		    "At most %" PRId64 " characters.", f->most);
	if ((int64_t)n < f->least)
		return fill_fault(rq, at, n == 0 ? "empty" : "too_short",
		    "At least %" PRId64 " characters.", f->least);
	if (memchr(v.p, '\0', v.n) != NULL || !lines_only(v, lines))
		return fill_fault(rq, at, "control_character",
		    "Control characters are not allowed.");
	if (f->kind == FIELD_TEXT && f->least > 0 &&
	    (f->flags & BLANK_OK) == 0 && str_trim(v).n == 0)
		return fill_fault(rq, at, "empty", "This must not be blank.");
	if (f->kind == FIELD_EMAIL && !email_ok(v))
		return fill_fault(rq, at, "malformed",
		    "This is not an e-mail address (local@domain).");
	return true;
}

bool
fill_text(struct request *rq, const struct field *f, const struct place *at,
    struct str v, void *into)
{
	struct secret secret;

	if (!text_ok(rq, f, at, v))
		return false;
	if (f->kind == FIELD_SECRET) {
		secret = secret_new(rq->arena, v.p, v.n);
		put(f, into, &secret, sizeof secret);
	} else {
		put(f, into, &v.p, sizeof v.p);
	}
	return true;
}

bool
fill_int(struct request *rq, const struct field *f, const struct place *at,
    int64_t v, void *into)
{
	if (v > f->most && (f->flags & CLAMP) != 0)
		v = f->most;
	if (v < f->least || v > f->most)
		return fill_fault(rq, at, "out_of_range",
		    "A number from %" PRId64 " to %" PRId64 ".", f->least,
		    f->most);
	put(f, into, &v, sizeof v);
	return true;
}

bool
fill_bool(const struct field *f, bool v, void *into)
{
	put(f, into, &v, sizeof v);
	return true;
}

static const char *
words_text(struct arena *arena, const char *const *words)
{
	const char *text = words[0];

	for (size_t i = 1; text != NULL && words[i] != NULL; i++)
		text = arena_fmt(arena, "%s, %s", text, words[i]);
	return text;
}

bool
fill_enum(struct request *rq, const struct field *f, const struct place *at,
    struct str v, void *into)
{
	for (int i = 0; f->words[i] != NULL; i++) {
		if (str_eq(v, str_of(f->words[i]))) {
			put(f, into, &i, sizeof i);
			return true;
		}
	}
	return fill_fault(rq, at, "not_allowed", "One of: %s.",
	    words_text(rq->arena, f->words));
}

bool
fill_time(struct request *rq, const struct field *f, const struct place *at,
    struct str v, void *into)
{
	instant t;

	if (!instant_parse(v, &t))
		return fill_fault(rq, at, "malformed",
		    "A time as 2025-10-18T14:23:45Z, or a date.");
	put(f, into, &t, sizeof t);
	return true;
}

static bool
id_fault(struct request *rq, const struct field *f, const struct place *at)
{
	struct str prefix = id_prefix(f->id);

	if (prefix.n == 0)
		return fill_fault(rq, at, "malformed", "An id: 7.");
	return fill_fault(
	    rq, at, "malformed", "An id: \"%.*s7\" or 7.", STR_FMT(prefix));
}

bool
fill_id(struct request *rq, const struct field *f, const struct place *at,
    struct str v, void *into)
{
	int64_t id;

	if (!id_parse(f->id, v, &id))
		return id_fault(rq, f, at);
	put(f, into, &id, sizeof id);
	return true;
}

bool
fill_id_number(struct request *rq, const struct field *f,
    const struct place *at, int64_t v, void *into)
{
	if (v <= 0)
		return id_fault(rq, f, at);
	put(f, into, &v, sizeof v);
	return true;
}

/* ---- from text ---- */

/* Decimal, with a sign, without leading zeros. */
static bool
int_parse(struct str s, int64_t *v)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t n;

	if (minus) {
		s.p++;
		s.n--;
	}
	if (!str_uint(s, INT64_MAX, &n) || (minus && n == 0))
		return false;
	*v = minus ? -(int64_t)n : (int64_t)n;
	return true;
}

static bool
int_from_text(struct request *rq, const struct field *f, const struct place *at,
    struct str v, void *into)
{
	int64_t n;

	if (!int_parse(v, &n))
		return fill_fault(rq, at, "wrong_type", "A whole number.");
	return fill_int(rq, f, at, n, into);
}

static bool
bool_from_text(struct request *rq, const struct field *f,
    const struct place *at, struct str v, void *into)
{
	if (str_eq(v, STR("true")) || str_eq(v, STR("1")))
		return fill_bool(f, true, into);
	if (str_eq(v, STR("false")) || str_eq(v, STR("0")))
		return fill_bool(f, false, into);
	return fill_fault(rq, at, "wrong_type", "true, false, 1 or 0.");
}

bool
fill_from_text(struct request *rq, const struct field *f,
    const struct place *at, struct str v, void *into)
{
	switch (f->kind) {
	case FIELD_TEXT:
	case FIELD_EMAIL:
	case FIELD_SECRET: return fill_text(rq, f, at, v, into);
	case FIELD_INT: return int_from_text(rq, f, at, v, into);
	case FIELD_BOOL: return bool_from_text(rq, f, at, v, into);
	case FIELD_ENUM: return fill_enum(rq, f, at, v, into);
	case FIELD_TIME: return fill_time(rq, f, at, v, into);
	case FIELD_ID: return fill_id(rq, f, at, v, into);
	default:
		return fill_fault(rq, at, "wrong_type",
		    "This cannot be given as a form field.");
	}
}

size_t
fill_item_size(const struct field *item)
{
	switch (item->kind) {
	case FIELD_INT:
	case FIELD_ID: return sizeof(int64_t);
	case FIELD_TEXT:
	case FIELD_EMAIL: return sizeof(struct str);
	case FIELD_ENUM: return sizeof(int);
	default: die("a list of field kind %d", (int)item->kind);
	}
}

bool
fill_has_secret(const struct field *rows)
{
	for (const struct field *f = rows; f != NULL && f->kind != FIELD_END;
	     f++)
		if ((f->flags & WRITE_ONLY) != 0)
			return true;
	return false;
}
