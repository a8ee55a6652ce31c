#include "mail/charset.h"

#include <errno.h>
#include <iconv.h>

#include "core/buffer.h"

#define REPLACEMENT "\xef\xbf\xbd"
#define GROWTH      4

/* Kinds that need no iconv. */
enum charset_kind { BY_ICONV, IS_UTF8, IS_ASCII, IS_1252 };

/* Latin-1 is read as windows-1252, as every mail program does (WHATWG
 * Encoding 4.2). */
static const struct charset {
	const char *name;
	const char *iconv_name;
	enum charset_kind kind;
} charsets[] = {
	{ "utf-8", NULL, IS_UTF8 },
	{ "utf8", NULL, IS_UTF8 },
	{ "unicode-1-1-utf-8", NULL, IS_UTF8 },
	{ "us-ascii", NULL, IS_ASCII },
	{ "ascii", NULL, IS_ASCII },
	{ "ansi_x3.4-1968", NULL, IS_ASCII },
	{ "iso-8859-1", NULL, IS_1252 },
	{ "iso8859-1", NULL, IS_1252 },
	{ "iso_8859-1", NULL, IS_1252 },
	{ "latin1", NULL, IS_1252 },
	{ "windows-1252", NULL, IS_1252 },
	{ "cp1252", NULL, IS_1252 },
	{ "x-unknown", NULL, IS_ASCII },
	{ "iso-8859-2", "ISO-8859-2", BY_ICONV },
	{ "latin2", "ISO-8859-2", BY_ICONV },
	{ "iso-8859-3", "ISO-8859-3", BY_ICONV },
	{ "iso-8859-4", "ISO-8859-4", BY_ICONV },
	{ "iso-8859-5", "ISO-8859-5", BY_ICONV },
	{ "iso-8859-6", "ISO-8859-6", BY_ICONV },
	{ "iso-8859-7", "ISO-8859-7", BY_ICONV },
	{ "iso-8859-8", "ISO-8859-8", BY_ICONV },
	{ "iso-8859-8-i", "ISO-8859-8", BY_ICONV },
	{ "iso-8859-9", "CP1254", BY_ICONV },
	{ "iso-8859-10", "ISO-8859-10", BY_ICONV },
	{ "iso-8859-11", "TIS-620", BY_ICONV },
	{ "iso-8859-13", "ISO-8859-13", BY_ICONV },
	{ "iso-8859-14", "ISO-8859-14", BY_ICONV },
	{ "iso-8859-15", "ISO-8859-15", BY_ICONV },
	{ "iso-8859-16", "ISO-8859-16", BY_ICONV },
	{ "windows-874", "CP874", BY_ICONV },
	{ "windows-1250", "CP1250", BY_ICONV },
	{ "cp1250", "CP1250", BY_ICONV },
	{ "windows-1251", "CP1251", BY_ICONV },
	{ "cp1251", "CP1251", BY_ICONV },
	{ "windows-1253", "CP1253", BY_ICONV },
	{ "windows-1254", "CP1254", BY_ICONV },
	{ "windows-1255", "CP1255", BY_ICONV },
	{ "windows-1256", "CP1256", BY_ICONV },
	{ "windows-1257", "CP1257", BY_ICONV },
	{ "windows-1258", "CP1258", BY_ICONV },
	{ "ibm850", "CP850", BY_ICONV },
	{ "cp850", "CP850", BY_ICONV },
	{ "cp437", "CP437", BY_ICONV },
	{ "cp866", "CP866", BY_ICONV },
	{ "ibm866", "CP866", BY_ICONV },
	{ "koi8-r", "KOI8-R", BY_ICONV },
	{ "koi8-u", "KOI8-U", BY_ICONV },
	{ "macintosh", "MACINTOSH", BY_ICONV },
	{ "tis-620", "TIS-620", BY_ICONV },
	{ "gb2312", "GB18030", BY_ICONV }, /* a superset; what is meant */
	{ "gb_2312-80", "GB18030", BY_ICONV },
	{ "gbk", "GB18030", BY_ICONV },
	{ "gb18030", "GB18030", BY_ICONV },
	{ "hz-gb-2312", "HZ", BY_ICONV },
	{ "big5", "BIG5-HKSCS", BY_ICONV },
	{ "big5-hkscs", "BIG5-HKSCS", BY_ICONV },
	{ "euc-tw", "EUC-TW", BY_ICONV },
	{ "shift_jis", "CP932", BY_ICONV },
	{ "shift-jis", "CP932", BY_ICONV },
	{ "sjis", "CP932", BY_ICONV },
	{ "windows-31j", "CP932", BY_ICONV },
	{ "cp932", "CP932", BY_ICONV },
	{ "euc-jp", "EUC-JP-MS", BY_ICONV },
	{ "iso-2022-jp", "ISO-2022-JP-2", BY_ICONV },
	{ "iso-2022-jp-2", "ISO-2022-JP-2", BY_ICONV },
	{ "euc-kr", "CP949", BY_ICONV },
	{ "ks_c_5601-1987", "CP949", BY_ICONV },
	{ "cp949", "CP949", BY_ICONV },
	{ "iso-2022-kr", "ISO-2022-KR", BY_ICONV },
	{ "utf-16", "UTF-16", BY_ICONV },
	{ "utf-16le", "UTF-16LE", BY_ICONV },
	{ "utf-16be", "UTF-16BE", BY_ICONV },
	{ "utf-32", "UTF-32", BY_ICONV },
};
#define CHARSETS (sizeof(charsets) / sizeof(charsets[0]))

/* 0x80..0x9f; 0: undefined */
static const uint16_t upper_1252[32] = { 0x20ac, 0, 0x201a, 0x0192, 0x201e,
	0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,
	0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
	0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178 };

static const struct charset *
charset_find(struct str name)
{
	for (size_t i = 0; i < CHARSETS; i++) {
		if (str_ieq(name, str_of(charsets[i].name)))
			return &charsets[i];
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

/* The last converter stays open: words and parts of one message mostly share
 * their charset, and opening costs more than converting. */
static _Thread_local struct {
	const char *name;
	iconv_t handle;
} opened;

static bool
converter(const char *name, iconv_t *out)
{
	if (opened.name != name) {
		if (opened.name != NULL)
			iconv_close(opened.handle);
		opened.name = NULL;
		opened.handle = iconv_open("UTF-8", name);
		if (opened.handle == (iconv_t)-1)
			return false;
		opened.name = name;
	}
	iconv(opened.handle, NULL, NULL, NULL, NULL); /* initial shift state */
	*out = opened.handle;
	return true;
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
		mark(lossy);
		BUF_LIT(out, REPLACEMENT);
		if (errno == EINVAL) /* cut inside a character */
			return;
		from++;
		left--;
	}
}

static struct str
from_iconv(struct arena *a, const char *name, struct str bytes, bool *lossy)
{
	iconv_t handle;
	struct buf b;
	struct str out;

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
