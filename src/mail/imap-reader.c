#include "mail/imap-reader.h"

#include <stdlib.h>

#include "core/log.h"

/* "{18446744073709551615+}\r\n" and some. */
#define TAIL       32
#define KEEP_BYTES 8192

struct imap_reader {
	struct imap_limits limit;
	struct imap_sink sink;
	struct buf text;
	struct imap_literal *literal; /* owned */
	size_t literals_cap;
	char tail[TAIL]; /* the last bytes of this line */
	size_t tail_n;
	size_t line;      /* bytes outside of literals so far */
	size_t kept;      /* bytes of literals kept so far */
	uint64_t skipped; /* bytes left out so far */
	uint64_t left;    /* of the literal being read */
	enum { TO_KEEP, TO_SINK, TO_NOTHING } where;
	bool in_literal;
	bool status; /* a status response: it holds no literals */
	bool begun;
	struct imap_frame frame;
};

const struct imap_limits imap_limits_usual = {
	.line = IMAP_LINE_MOST,
	.literal = 1 << 20,
	.kept = 4 << 20,
	.skip = 64 << 20,
};

struct imap_reader *
imap_reader_new(void)
{
	struct imap_reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		die("out of memory");
	buf_init(&r->text, SIZE_MAX / 2); /* bounded by the limits */
	r->limit = imap_limits_usual;
	return r;
}

void
imap_reader_free(struct imap_reader **rp)
{
	if (*rp == NULL)
		return;
	buf_clear(&(*rp)->text);
	free((*rp)->literal);
	free(*rp);
	*rp = NULL;
}

void
imap_reader_limit(struct imap_reader *r, const struct imap_limits *l)
{
	r->limit = *l;
}

void
imap_reader_sink(struct imap_reader *r, const struct imap_sink *s)
{
	r->sink = s != NULL ? *s : (struct imap_sink){ NULL, NULL, NULL };
}

bool
imap_reader_midway(const struct imap_reader *r)
{
	return r->begun;
}

void
imap_reader_shrink(struct imap_reader *r)
{
	if (!r->begun) {
		buf_reset(&r->text);
		buf_shrink(&r->text, KEEP_BYTES);
	}
}

static void
begin(struct imap_reader *r)
{
	buf_reset(&r->text);
	r->frame = (struct imap_frame){ .literals = 0 };
	r->tail_n = r->line = r->kept = 0;
	r->skipped = 0;
	r->status = false;
	r->begun = true;
}

static enum rc
skip(struct imap_reader *r, uint64_t n)
{
	r->frame.cut = true;
	if (n > r->limit.skip || r->skipped > r->limit.skip - n)
		return fail(RC_PAYLOAD,
		    "the mail server's answer is larger than allowed");
	r->skipped += n;
	return RC_OK;
}

static void
tail_add(struct imap_reader *r, const char *p, size_t n)
{
	size_t keep;

	if (n >= TAIL) {
		memcpy(r->tail, p + n - TAIL, TAIL);
		r->tail_n = TAIL;
		return;
	}
	keep = r->tail_n < TAIL - n ? r->tail_n : TAIL - n;
	memmove(r->tail, r->tail + r->tail_n - keep, keep);
	memcpy(r->tail + keep, p, n);
	r->tail_n = keep + n;
}

static enum rc
line_add(struct imap_reader *r, const char *p, size_t n)
{
	size_t room = r->limit.line > r->line ? r->limit.line - r->line : 0;

	if (r->frame.cut)
		room = 0;
	tail_add(r, p, n);
	r->line += n;
	if (n <= room) {
		buf_add(&r->text, p, n);
		return RC_OK;
	}
	buf_add(&r->text, p, room);
	return skip(r, n - room);
}

/* "* OK", "+ ", or a tag: free text follows, in which "{5}" at the end of the
 * line means nothing. */
static bool
is_status(struct str s)
{
	static const char *const words[] = { "OK ", "NO ", "BAD ", "BYE ",
		"PREAUTH " };

	if (s.n < 2 || s.p[0] != '*' || s.p[1] != ' ')
		return true;
	s = (struct str){ s.p + 2, s.n - 2 };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i]);

		if (s.n >= n && strncasecmp(s.p, words[i], n) == 0)
			return true;
	}
	return false;
}

/* Does the line (its tail, CRLF included) end with {n}, {n+}? */
static bool
literal_mark(const struct imap_reader *r, uint64_t *size)
{
	size_t end = r->tail_n - 2, first;

	if (end < 3 || r->tail[end - 1] != '}')
		return false;
	end--;
	if (r->tail[end - 1] == '+')
		end--;
	for (first = end; first > 0 && r->tail[first - 1] >= '0' &&
	     r->tail[first - 1] <= '9';)
		first--;
	if (first == end || first == 0 || r->tail[first - 1] != '{')
		return false;
	*size = 0;
	for (size_t i = first; i < end; i++) {
		unsigned digit = (unsigned)(r->tail[i] - '0');

		if (*size > (UINT64_MAX - digit) / 10) {
			*size = UINT64_MAX; /* never fits, refused by skip */
			break;
		}
		*size = *size * 10 + digit;
	}
	return true;
}

static void
literal_note(struct imap_reader *r, uint64_t size)
{
	struct imap_literal *l;

	if (r->frame.literals == r->literals_cap) {
		r->literals_cap = r->literals_cap * 2 + 8;
		r->literal = reallocarray(
		    r->literal, r->literals_cap, sizeof(*r->literal));
		if (r->literal == NULL)
			die("out of memory");
	}
	l = &r->literal[r->frame.literals++];
	*l = (struct imap_literal){ .at = r->text.n, .size = size };
	l->n = r->where == TO_KEEP ? (size_t)size : 0;
	l->taken = r->where == TO_SINK;
}

static enum rc
literal_begin(struct imap_reader *r, uint64_t size)
{
	struct str before = { r->text.p, r->text.n };

	r->in_literal = true;
	r->left = size;
	r->tail_n = 0;
	if (r->frame.cut) {
		r->where = TO_NOTHING;
		return skip(r, size);
	}
	if (r->sink.wants != NULL && r->sink.wants(r->sink.arg, before, size))
		r->where = TO_SINK;
	else if (size <= r->limit.literal && size <= r->limit.kept - r->kept)
		r->where = TO_KEEP;
	else
		r->where = TO_NOTHING;
	literal_note(r, size);
	if (r->where == TO_NOTHING)
		return skip(r, size);
	if (r->where == TO_KEEP)
		r->kept += (size_t)size;
	return RC_OK;
}

static enum rc
literal_add(struct imap_reader *r, const char *p, size_t n)
{
	r->left -= n;
	if (r->where == TO_KEEP)
		buf_add(&r->text, p, n);
	else if (r->where == TO_SINK && n > 0)
		TRY(r->sink.data(r->sink.arg, p, n));
	if (r->left == 0)
		r->in_literal = false;
	return RC_OK;
}

static void
finish(struct imap_reader *r, const struct imap_frame **out)
{
	r->frame.p = r->text.n > 0 ? r->text.p : "";
	r->frame.n = r->text.n;
	if (!r->frame.cut)
		r->frame.n -= 2;
	r->frame.literal = r->literal;
	r->begun = false;
	*out = &r->frame;
}

/* One piece of a line; *whole when it reached CRLF. */
static enum rc
line_piece(
    struct imap_reader *r, const char *p, size_t n, size_t *used, bool *whole)
{
	size_t from = 0;

	*whole = false;
	while (from < n && !*whole) {
		const char *lf = memchr(p + from, '\n', n - from);

		if (lf == NULL) {
			from = n;
		} else {
			size_t at = (size_t)(lf - p);
			char before = at > 0 ? p[at - 1]
			    : r->tail_n > 0  ? r->tail[r->tail_n - 1]
					     : '\0';

			*whole = before == '\r';
			from = at + 1;
		}
	}
	*used = from;
	return line_add(r, p, from);
}

enum rc
imap_reader_feed(struct imap_reader *r, const char *p, size_t n, size_t *used,
    const struct imap_frame **frame)
{
	*used = 0;
	*frame = NULL;
	if (n > 0 && !r->begun)
		begin(r);
	while (*used < n) {
		size_t step = n - *used;
		uint64_t size;
		bool whole;

		if (r->in_literal) {
			if (step > r->left)
				step = (size_t)r->left;
			TRY(literal_add(r, p + *used, step));
			*used += step;
			continue;
		}
		TRY(line_piece(r, p + *used, step, &step, &whole));
		*used += step;
		if (!whole)
			continue;
		if (r->frame.literals == 0)
			r->status =
			    is_status((struct str){ r->text.p, r->text.n });
		if (r->limit.lines_only || r->status ||
		    !literal_mark(r, &size)) {
			finish(r, frame);
			return RC_OK;
		}
		TRY(literal_begin(r, size));
		if (size == 0)
			r->in_literal = false;
	}
	return RC_OK;
}
