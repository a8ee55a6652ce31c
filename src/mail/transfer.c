#include "mail/transfer.h"

/* A line of uuencode carries at most 63 bytes in 84 characters. */
#define UU_LINE_MOST 86
#define FOREIGN      0xff
#define PAD          0xfe

_Static_assert(UU_LINE_MOST < sizeof(((struct transfer_decoder *)0)->held),
    "a line of uuencode fits");

enum transfer
transfer_of(struct str name)
{
	static const struct {
		struct str name;
		enum transfer kind;
	} rows[] = {
		{ STR("base64"), TRANSFER_BASE64 },
		{ STR("quoted-printable"), TRANSFER_QUOTED },
		{ STR("x-uuencode"), TRANSFER_UU },
		{ STR("uuencode"), TRANSFER_UU },
		{ STR("x-uue"), TRANSFER_UU },
		{ STR("uue"), TRANSFER_UU },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (str_ieq(str_trim(name), rows[i].name))
			return rows[i].kind;
	}
	return TRANSFER_PLAIN;
}

void
transfer_begin(struct transfer_decoder *d, enum transfer kind,
    transfer_sink *sink, void *ctx)
{
	d->kind = kind;
	d->sink = sink;
	d->ctx = ctx;
	d->total = 0;
	d->bits = 0;
	d->held_n = 0;
	d->inside = d->cut = false;
	d->out_n = 0;
}

static enum rc
give(struct transfer_decoder *d, const char *p, size_t n)
{
	d->total += n;
	return d->sink != NULL && n > 0 ? d->sink(d->ctx, p, n) : RC_OK;
}

static enum rc
flush(struct transfer_decoder *d)
{
	size_t n = d->out_n;

	d->out_n = 0;
	return give(d, d->out, n);
}

static inline enum rc
put(struct transfer_decoder *d, char c)
{
	d->out[d->out_n++] = c;
	return d->out_n == sizeof(d->out) ? flush(d) : RC_OK;
}

/* Base64 */

static unsigned
sextet(char c)
{
	int value = base64_value(c, "+/");

	if (value >= 0)
		return (unsigned)value;
	return c == '=' ? PAD : FOREIGN;
}

/* What is collected of an unfinished four: two characters are a byte, three
 * are two, one is nothing. */
static enum rc
base64_rest(struct transfer_decoder *d)
{
	unsigned n = d->held_n;
	uint32_t bits = d->bits << 6 * (4 - n);

	d->held_n = 0;
	d->bits = 0;
	if (n > 1)
		TRY(put(d, (char)(bits >> 16)));
	if (n > 2)
		TRY(put(d, (char)(bits >> 8)));
	return RC_OK;
}

static enum rc
base64_take(struct transfer_decoder *d, unsigned value)
{
	uint32_t bits = d->bits = d->bits << 6 | value;

	if (++d->held_n < 4)
		return RC_OK;
	d->held_n = 0;
	d->bits = 0;
	TRY(put(d, (char)(bits >> 16)));
	TRY(put(d, (char)(bits >> 8)));
	return put(d, (char)bits);
}

static enum rc
base64_feed(struct transfer_decoder *d, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned value = sextet(p[i]);

		if (value == PAD)
			TRY(base64_rest(d)); /* more may follow: some join
					      * several runs */
		else if (value != FOREIGN)
			TRY(base64_take(d, value));
	}
	return RC_OK;
}

/* Quoted-printable */

static enum rc
quoted_as_is(struct transfer_decoder *d)
{
	unsigned n = d->held_n;

	d->held_n = 0;
	for (unsigned i = 0; i < n; i++)
		TRY(put(d, d->held[i]));
	return RC_OK;
}

static enum rc quoted_take(struct transfer_decoder *d, char c);

/* `held` begins with "=": what may follow is two digits, or blanks and the
 * end of the line. */
static enum rc
quoted_escape(struct transfer_decoder *d, char c)
{
	const char *held = d->held;
	bool digit = d->held_n == 2 && hex_value(held[1]) >= 0;

	if (c == '\n') {
		if (!digit) {
			d->held_n = 0; /* a soft line break */
			return RC_OK;
		}
	} else if (digit && hex_value(c) >= 0) {
		d->held_n = 0;
		return put(d, (char)(hex_value(held[1]) << 4 | hex_value(c)));
	} else if (!digit && d->held_n < sizeof(d->held) &&
	    (c == ' ' || c == '\t' || c == '\r' ||
		(d->held_n == 1 && hex_value(c) >= 0))) {
		d->held[d->held_n++] = c;
		return RC_OK;
	}
	TRY(quoted_as_is(d));
	return quoted_take(d, c);
}

/* Blanks at the end of a line are not content (RFC 2045 6.7, rule 3); a CR
 * that is held with them is. */
static enum rc
quoted_line_end(struct transfer_decoder *d)
{
	bool cr = d->held_n > 0 && d->held[d->held_n - 1] == '\r';

	d->held_n = 0;
	if (cr)
		TRY(put(d, '\r'));
	return put(d, '\n');
}

static enum rc
quoted_take(struct transfer_decoder *d, char c)
{
	bool cr = d->held_n > 0 && d->held[d->held_n - 1] == '\r';

	if (d->held_n > 0 && d->held[0] == '=')
		return quoted_escape(d, c);
	if (c == '\n')
		return quoted_line_end(d);
	if (c == ' ' || c == '\t' || c == '\r') {
		if (cr || d->held_n == sizeof(d->held))
			TRY(quoted_as_is(d));
		d->held[d->held_n++] = c;
		return RC_OK;
	}
	if (d->held_n > 0)
		TRY(quoted_as_is(d));
	if (c != '=')
		return put(d, c);
	d->held[d->held_n++] = c;
	return RC_OK;
}

static enum rc
quoted_feed(struct transfer_decoder *d, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		TRY(quoted_take(d, p[i]));
	return RC_OK;
}

/* At the end: blanks go, a "=" that ends the text was a soft break. */
static enum rc
quoted_rest(struct transfer_decoder *d)
{
	bool escape = d->held_n > 0 && d->held[0] == '=';

	if (escape && d->held_n == 2 && hex_value(d->held[1]) >= 0)
		return quoted_as_is(d);
	d->held_n = 0;
	return RC_OK;
}

/* Uuencode */

static enum rc
uu_line(struct transfer_decoder *d, const char *line, size_t n)
{
	size_t want = n > 0 ? (size_t)(line[0] - ' ') & 63 : 0;

	for (size_t i = 1; want > 0; i += 4) {
		uint32_t bits = 0;

		for (size_t k = i; k < i + 4; k++)
			bits = bits << 6 |
			    (k < n ? (uint32_t)(line[k] - ' ') & 63 : 0);
		for (int shift = 16; shift >= 0 && want > 0; shift -= 8) {
			TRY(put(d, (char)(bits >> shift)));
			want--;
		}
	}
	return RC_OK;
}

static enum rc
uu_line_end(struct transfer_decoder *d)
{
	struct str line = { d->held, d->held_n };
	bool cut = d->cut;

	d->held_n = 0;
	d->cut = false;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (!d->inside) {
		d->inside = str_starts(line, STR("begin "));
		return RC_OK;
	}
	if (str_eq(line, STR("end")))
		d->inside = false;
	else if (!cut)
		return uu_line(d, line.p, line.n);
	return RC_OK;
}

static enum rc
uu_feed(struct transfer_decoder *d, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n')
			TRY(uu_line_end(d));
		else if (d->held_n < UU_LINE_MOST)
			d->held[d->held_n++] = p[i];
		else
			d->cut = true;
	}
	return RC_OK;
}

enum rc
transfer_feed(struct transfer_decoder *d, const char *p, size_t n)
{
	switch (d->kind) {
	case TRANSFER_BASE64: return base64_feed(d, p, n);
	case TRANSFER_QUOTED: return quoted_feed(d, p, n);
	case TRANSFER_UU: return uu_feed(d, p, n);
	default: return give(d, p, n);
	}
}

enum rc
transfer_end(struct transfer_decoder *d)
{
	switch (d->kind) {
	case TRANSFER_BASE64: TRY(base64_rest(d)); break;
	case TRANSFER_QUOTED: TRY(quoted_rest(d)); break;
	case TRANSFER_UU: TRY(uu_line_end(d)); break;
	default: break;
	}
	return flush(d);
}

enum rc
transfer_decode(
    enum transfer kind, struct str in, transfer_sink *sink, void *ctx)
{
	struct transfer_decoder d;

	transfer_begin(&d, kind, sink, ctx);
	TRY(transfer_feed(&d, in.p, in.n));
	return transfer_end(&d);
}

uint64_t
transfer_size(enum transfer kind, struct str in)
{
	struct transfer_decoder d;
	enum rc rc;

	transfer_begin(&d, kind, NULL, NULL);
	rc = transfer_feed(&d, in.p, in.n);
	if (rc == RC_OK)
		rc = transfer_end(&d);
	return rc == RC_OK ? d.total : 0; /* without a sink nothing fails */
}

enum rc
transfer_to_buf(void *ctx, const char *p, size_t n)
{
	struct buf *b = ctx;
	size_t room = b->max - b->n;

	buf_add(b, p, n < room ? n : room);
	return n <= room ? RC_OK : RC_TOO_LARGE;
}

/* ---- writing ---- */

#define QUOTED_LINE 76

/* A blank at a line's end would be lost on the way. */
static bool
needs_quoting(struct str s, size_t at)
{
	unsigned char c = (unsigned char)s.p[at];
	bool last = at + 1 == s.n || s.p[at + 1] == '\n';

	return c == '=' || c > 0x7e || (c < 0x20 && c != '\t') ||
	    (last && (c == ' ' || c == '\t'));
}

void
transfer_quote(struct buf *out, struct str s)
{
	size_t column = 0;

	for (size_t i = 0; i < s.n; i++) {
		bool quoted = needs_quoting(s, i);
		size_t width = quoted ? 3 : 1;

		if (s.p[i] == '\n') {
			BUF_LIT(out, "\r\n");
			column = 0;
			continue;
		}
		/* one column is the soft line end's own */
		if (column + width > QUOTED_LINE - 1) {
			BUF_LIT(out, "=\r\n");
			column = 0;
		}
		if (quoted)
			buf_fmt(out, "=%02X", (unsigned)(unsigned char)s.p[i]);
		else
			buf_putc(out, s.p[i]);
		column += width;
	}
	if (column > 0)
		BUF_LIT(out, "\r\n");
}

#define BASE64_BYTES 57 /* in a line of 76 */

static size_t
base64_line(struct str s, char *out)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *to = out;

	for (size_t i = 0; i < s.n; i += 3) {
		size_t left = s.n - i;
		uint32_t bits = (uint32_t)(unsigned char)s.p[i] << 16;

		if (left > 1)
			bits |= (uint32_t)(unsigned char)s.p[i + 1] << 8;
		if (left > 2)
			bits |= (uint32_t)(unsigned char)s.p[i + 2];
		*to++ = alphabet[bits >> 18];
		*to++ = alphabet[bits >> 12 & 63];
		*to++ = (char)(left > 1 ? alphabet[bits >> 6 & 63] : '=');
		*to++ = (char)(left > 2 ? alphabet[bits & 63] : '=');
	}
	*to++ = '\r';
	*to++ = '\n';
	return (size_t)(to - out);
}

void
transfer_base64(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n && !out->full; i += BASE64_BYTES) {
		size_t n = s.n - i < BASE64_BYTES ? s.n - i : BASE64_BYTES;
		char *room = buf_room(out, BASE64_BYTES / 3 * 4 + 2);

		if (room != NULL)
			buf_wrote(
			    out, base64_line((struct str){ s.p + i, n }, room));
	}
}
