#include "mail/charset.h"

#include <errno.h>
#include <iconv.h>

#include "core/buffer.h"

#define REPLACEMENT "\xef\xbf\xbd"
#define GROWTH      4

/* Kinds that need no iconv. */
enum charset_kind { BY_ICONV, IS_UTF8, IS_ASCII, IS_1252 };

#define NAME(text)                                                             \
	{                                                                      \
		(text), sizeof(text) - 1                                       \
	}

/* Latin-1 is read as windows-1252, as every mail program does (WHATWG
 * Encoding 4.2). */
static const struct charset {
	struct str name;
	const char *iconv_name;
	enum charset_kind kind;
} charsets[] = {
	{ NAME("utf-8"), NULL, IS_UTF8 },
	{ NAME("utf8"), NULL, IS_UTF8 },
	{ NAME("unicode-1-1-utf-8"), NULL, IS_UTF8 },
	{ NAME("us-ascii"), NULL, IS_ASCII },
	{ NAME("ascii"), NULL, IS_ASCII },
	{ NAME("ansi_x3.4-1968"), NULL, IS_ASCII },
	{ NAME("iso-8859-1"), NULL, IS_1252 },
	{ NAME("iso8859-1"), NULL, IS_1252 },
	{ NAME("iso_8859-1"), NULL, IS_1252 },
	{ NAME("latin1"), NULL, IS_1252 },
	{ NAME("windows-1252"), NULL, IS_1252 },
	{ NAME("cp1252"), NULL, IS_1252 },
	{ NAME("x-unknown"), NULL, IS_ASCII },
	{ NAME("iso-8859-2"), "ISO-8859-2", BY_ICONV },
	{ NAME("latin2"), "ISO-8859-2", BY_ICONV },
	{ NAME("iso-8859-3"), "ISO-8859-3", BY_ICONV },
	{ NAME("iso-8859-4"), "ISO-8859-4", BY_ICONV },
	{ NAME("iso-8859-5"), "ISO-8859-5", BY_ICONV },
	{ NAME("iso-8859-6"), "ISO-8859-6", BY_ICONV },
	{ NAME("iso-8859-7"), "ISO-8859-7", BY_ICONV },
	{ NAME("iso-8859-8"), "ISO-8859-8", BY_ICONV },
	{ NAME("iso-8859-8-i"), "ISO-8859-8", BY_ICONV },
	{ NAME("iso-8859-9"), "CP1254", BY_ICONV },
	{ NAME("iso-8859-10"), "ISO-8859-10", BY_ICONV },
	{ NAME("iso-8859-11"), "TIS-620", BY_ICONV },
	{ NAME("iso-8859-13"), "ISO-8859-13", BY_ICONV },
	{ NAME("iso-8859-14"), "ISO-8859-14", BY_ICONV },
	{ NAME("iso-8859-15"), "ISO-8859-15", BY_ICONV },
	{ NAME("iso-8859-16"), "ISO-8859-16", BY_ICONV },
	{ NAME("windows-874"), "CP874", BY_ICONV },
	{ NAME("windows-1250"), "CP1250", BY_ICONV },
	{ NAME("cp1250"), "CP1250", BY_ICONV },
	{ NAME("windows-1251"), "CP1251", BY_ICONV },
	{ NAME("cp1251"), "CP1251", BY_ICONV },
	{ NAME("windows-1253"), "CP1253", BY_ICONV },
	{ NAME("windows-1254"), "CP1254", BY_ICONV },
	{ NAME("windows-1255"), "CP1255", BY_ICONV },
	{ NAME("windows-1256"), "CP1256", BY_ICONV },
	{ NAME("windows-1257"), "CP1257", BY_ICONV },
	{ NAME("windows-1258"), "CP1258", BY_ICONV },
	{ NAME("ibm850"), "CP850", BY_ICONV },
	{ NAME("cp850"), "CP850", BY_ICONV },
	{ NAME("cp437"), "CP437", BY_ICONV },
	{ NAME("cp866"), "CP866", BY_ICONV },
	{ NAME("ibm866"), "CP866", BY_ICONV },
	{ NAME("koi8-r"), "KOI8-R", BY_ICONV },
	{ NAME("koi8-u"), "KOI8-U", BY_ICONV },
	{ NAME("macintosh"), "MACINTOSH", BY_ICONV },
	{ NAME("tis-620"), "TIS-620", BY_ICONV },
	{ NAME("gb2312"), "GB18030", BY_ICONV }, /* a superset; what is meant */
	{ NAME("gb_2312-80"), "GB18030", BY_ICONV },
	{ NAME("gbk"), "GB18030", BY_ICONV },
	{ NAME("gb18030"), "GB18030", BY_ICONV },
	{ NAME("hz-gb-2312"), "HZ", BY_ICONV },
	{ NAME("big5"), "BIG5-HKSCS", BY_ICONV },
	{ NAME("big5-hkscs"), "BIG5-HKSCS", BY_ICONV },
	{ NAME("euc-tw"), "EUC-TW", BY_ICONV },
	{ NAME("shift_jis"), "CP932", BY_ICONV },
	{ NAME("shift-jis"), "CP932", BY_ICONV },
	{ NAME("sjis"), "CP932", BY_ICONV },
	{ NAME("windows-31j"), "CP932", BY_ICONV },
	{ NAME("cp932"), "CP932", BY_ICONV },
	{ NAME("euc-jp"), "EUC-JP-MS", BY_ICONV },
	{ NAME("iso-2022-jp"), "ISO-2022-JP-2", BY_ICONV },
	{ NAME("iso-2022-jp-2"), "ISO-2022-JP-2", BY_ICONV },
	{ NAME("euc-kr"), "CP949", BY_ICONV },
	{ NAME("ks_c_5601-1987"), "CP949", BY_ICONV },
	{ NAME("cp949"), "CP949", BY_ICONV },
	{ NAME("iso-2022-kr"), "ISO-2022-KR", BY_ICONV },
	{ NAME("utf-16"), "UTF-16", BY_ICONV },
	{ NAME("utf-16le"), "UTF-16LE", BY_ICONV },
	{ NAME("utf-16be"), "UTF-16BE", BY_ICONV },
	{ NAME("utf-32"), "UTF-32", BY_ICONV },
};
#define CHARSETS (sizeof(charsets) / sizeof(charsets[0]))

/* 0x80..0x9f; 0: undefined */
static const uint16_t upper_1252[32] = { 0x20ac, 0, 0x201a, 0x0192, 0x201e,
	0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,
	0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
	0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178 };

/* The last one found is looked at first: most are the same again. */
static const struct charset *
charset_find(struct str name)
{
	static _Thread_local size_t last;

	if (str_ieq(name, charsets[last].name))
		return &charsets[last];
	for (size_t i = 0; i < CHARSETS; i++) {
		if (str_ieq(name, charsets[i].name))
			return &charsets[last = i];
	}
	return NULL;
}

bool
charset_known(struct str name)
{
	return charset_find(name) != NULL;
}

static void
mark(bool *lossy)
{
	if (lossy != NULL)
		*lossy = true;
}

static struct str
from_utf8(struct arena *a, struct str bytes, bool *lossy)
{
	if (utf8_valid(bytes.p, bytes.n) &&
	    (bytes.n == 0 || memchr(bytes.p, 0, bytes.n) == NULL))
		return (struct str){ arena_dup(a, bytes.p, bytes.n), bytes.n };
	mark(lossy);
	return utf8_repair(a, bytes);
}

static uint32_t
point_1252(unsigned char c)
{
	if (c == 0)
		return 0xfffd;
	if (c < 0x80 || c >= 0xa0)
		return c;
	return upper_1252[c - 0x80] != 0 ? upper_1252[c - 0x80] : 0xfffd;
}

static struct str
from_1252(struct arena *a, struct str bytes, bool *lossy)
{
	char *out = arena_alloc(a, bytes.n * 3 + 1);
	size_t n = 0;

	for (size_t i = 0; i < bytes.n; i++) {
		uint32_t cp = point_1252((unsigned char)bytes.p[i]);

		if (cp == 0xfffd)
			mark(lossy);
		n += utf8_put(out + n, cp);
	}
	out[n] = '\0';
	return (struct str){ out, n };
}

/* The last few converters stay open: mail of one mailbox comes in a handful of
 * charsets, and opening one, which may load a library, costs thirty times what
 * it costs to convert a subject. */
#define CONVERTERS 8

static _Thread_local struct converter {
	const char *name; /* NULL: free */
	iconv_t handle;
} opened[CONVERTERS];
static _Thread_local size_t oldest;

static struct converter *
converter_find(const char *name)
{
	for (size_t i = 0; i < CONVERTERS; i++)
		if (opened[i].name == name)
			return &opened[i];
	return NULL;
}

/* In the place of the one that was opened first. NULL: not on this system. */
static struct converter *
converter_open(const char *name)
{
	struct converter *c = &opened[oldest];

	if (c->name != NULL)
		iconv_close(c->handle);
	c->name = NULL;
	c->handle = iconv_open("UTF-8", name);
	if (c->handle == (iconv_t)-1)
		return NULL;
	c->name = name;
	oldest = (oldest + 1) % CONVERTERS;
	return c;
}

static bool
converter(const char *name, iconv_t *out)
{
	struct converter *c = converter_find(name);

	if (c == NULL)
		c = converter_open(name);
	if (c == NULL)
		return false;
	iconv(c->handle, NULL, NULL, NULL, NULL); /* initial shift state */
	*out = c->handle;
	return true;
}

/* A letter that the next one might have combined with is held back till the
 * end is told: in windows-1255 most of Hebrew is, in windows-1258 most of
 * ASCII. */
static void
convert_end(iconv_t handle, struct buf *out)
{
	char *to = buf_room(out, 64);
	size_t room = 64;

	if (to != NULL && iconv(handle, NULL, NULL, &to, &room) != (size_t)-1)
		buf_wrote(out, 64 - room);
}

/* Everything of `in` that can be converted; each other byte is replaced. */
static void
convert(iconv_t handle, struct str in, struct buf *out, bool *lossy)
{
	char *from = (char *)(uintptr_t)in.p; /* iconv does not write there */
	size_t left = in.n;

	while (left > 0) {
		char *to = buf_room(out, 4096);
		size_t room = 4096;
		size_t rest;

		if (to == NULL)
			return;
		rest = iconv(handle, &from, &left, &to, &room);
		buf_wrote(out, 4096 - room);
		if (rest != (size_t)-1 || errno == E2BIG)
			continue;
		if (errno == EINVAL) /* cut inside a character */
			break;
		mark(lossy);
		BUF_LIT(out, REPLACEMENT);
		from++;
		left--;
	}
	convert_end(handle, out);
	if (left > 0) {
		mark(lossy);
		BUF_LIT(out, REPLACEMENT);
	}
}

/* glibc keeps the order of bytes that it once found in a mark even where it is
 * reset, and one mail would spoil the next: so the mark is read here. Without
 * one the first byte is the high one (RFC 2781 4.3). */
static const struct byte_order {
	struct str mark;
	const char *of, *name;
} byte_orders[] = {
	{ NAME("\xff\xfe\0\0"), "UTF-32", "UTF-32LE" },
	{ NAME("\0\0\xfe\xff"), "UTF-32", "UTF-32BE" },
	{ NAME("\xff\xfe"), "UTF-16", "UTF-16LE" },
	{ NAME("\xfe\xff"), "UTF-16", "UTF-16BE" },
	{ NAME(""), "UTF-32", "UTF-32BE" },
	{ NAME(""), "UTF-16", "UTF-16BE" },
};

static const char *
by_mark(const char *name, struct str *bytes)
{
	for (size_t i = 0; i < sizeof byte_orders / sizeof *byte_orders; i++) {
		const struct byte_order *o = &byte_orders[i];

		if (strcmp(o->of, name) != 0 || !str_starts(*bytes, o->mark))
			continue;
		bytes->p += o->mark.n;
		bytes->n -= o->mark.n;
		return o->name;
	}
	return name;
}

static struct str
from_iconv(struct arena *a, const char *name, struct str bytes, bool *lossy)
{
	iconv_t handle;
	struct buf b;
	struct str out;

	name = by_mark(name, &bytes);
	if (!converter(name, &handle)) { /* not on this system */
		mark(lossy);
		return from_1252(a, bytes, lossy);
	}
	buf_init(&b, bytes.n * GROWTH + 8192);
	convert(handle, bytes, &b, lossy);
	out = from_utf8(a, (struct str){ b.p != NULL ? b.p : "", b.n }, lossy);
	buf_clear(&b);
	return out;
}

struct str
charset_to_utf8(struct arena *a, struct str name, struct str bytes, bool *lossy)
{
	const struct charset *c = charset_find(str_trim(name));

	if (c == NULL && name.n > 0)
		mark(lossy);
	/* 8-bit text that claims to be ASCII, or claims nothing. */
	if (c == NULL || c->kind == IS_ASCII) {
		if (utf8_valid(bytes.p, bytes.n))
			return from_utf8(a, bytes, lossy);
		return from_1252(a, bytes, lossy);
	}
	if (c->kind == BY_ICONV)
		return from_iconv(a, c->iconv_name, bytes, lossy);
	if (c->kind == IS_UTF8)
		return from_utf8(a, bytes, lossy);
	return from_1252(a, bytes, lossy);
}
