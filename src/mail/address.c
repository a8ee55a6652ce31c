#include "mail/address.h"

#include <idn2.h>

#include "mail/egress.h"

static struct str
domain_of(struct str s)
{
	const char *at = s.n > 0 ? memrchr(s.p, '@', s.n) : NULL;

	return at == NULL
	    ? (struct str){ NULL, 0 }
	    : (struct str){ at + 1, s.n - (size_t)(at + 1 - s.p) };
}

static bool
is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 0x7e)
			return false;
	return true;
}

/* An IPv6 address passes for a host elsewhere; here it would need brackets. */
static bool
is_domain(struct str s)
{
	return s.n > 0 && memchr(s.p, ':', s.n) == NULL &&
	    memmem(s.p, s.n, "..", 2) == NULL && s.p[s.n - 1] != '.' &&
	    (!is_ascii(s) || egress_host_ok(s));
}

bool
address_ok(struct str s)
{
	struct str domain = domain_of(s);
	struct str local = { s.p, s.n - domain.n - 1 };

	if (domain.p == NULL || local.n == 0 ||
	    !egress_text_ok(s, ADDRESS_MOST))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (strchr(" <>()[]\\,;:\"", s.p[i]) != NULL)
			return false;
	return memchr(local.p, '@', local.n) == NULL && is_domain(domain);
}

bool
address_is_utf8(struct str s)
{
	return !is_ascii((struct str){ s.p, s.n - domain_of(s).n });
}

/* libidn2 2.3 leaves out what may not be there (a wide @), and so would write
 * to another domain than the one that was given. */
static bool
is_all_of_it(const char *ascii, struct str domain)
{
	char *back = NULL;
	bool same = idn2_to_unicode_8z8z(ascii, &back, 0) == IDN2_OK &&
	    utf8_count(back, strlen(back)) == utf8_count(domain.p, domain.n);

	idn2_free(back);
	return same;
}

static enum rc
domain_wire(struct arena *a, struct str domain, struct str *out)
{
	const char *text = arena_dup(a, domain.p, domain.n);
	char *ascii = NULL;
	int bad = idn2_to_ascii_8z(text, &ascii,
	    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES);

	if (bad == IDN2_OK && is_all_of_it(ascii, domain))
		*out = str_of(arena_str(a, ascii));
	idn2_free(ascii);
	return bad == IDN2_OK && is_ascii(*out) && is_domain(*out)
	    ? RC_OK
	    : fail(RC_INVALID, "the domain of this address cannot be");
}

enum rc
address_wire(struct arena *a, struct str s, struct str *out)
{
	struct str domain = domain_of(s), ascii = domain;

	if (!address_ok(s))
		return fail(RC_INVALID, "this is no mail address");
	if (!is_ascii(domain))
		TRY(domain_wire(a, domain, &ascii));
	out->p = arena_fmt(
	    a, "%.*s%.*s", (int)(s.n - domain.n), s.p, STR_FMT(ascii));
	out->n = s.n - domain.n + ascii.n;
	if (out->n > ADDRESS_MOST)
		return fail(RC_INVALID, "this address is too long");
	return RC_OK;
}
