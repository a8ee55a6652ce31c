#include "mail/egress.h"

#include <arpa/inet.h>
#include <netdb.h>

#include "rows.h"

/* As getaddrinfo reads hosts: decimal, octal and hex forms too. */
static const struct {
	const char *host;
	bool open;
} hosts[] = {
	{ "8.8.8.8", true },
	{ "1.1.1.1", true },
	{ "9.255.255.255", true },
	{ "11.0.0.0", true },
	{ "100.63.255.255", true },
	{ "100.128.0.0", true },
	{ "126.255.255.255", true },
	{ "128.0.0.1", true },
	{ "169.253.255.255", true },
	{ "172.15.255.255", true },
	{ "172.32.0.0", true },
	{ "192.167.255.255", true },
	{ "198.17.255.255", true },
	{ "198.20.0.0", true },
	{ "223.255.255.255", true },
	{ "2606:4700:4700::1111", true },
	{ "2a00:1450:4001:82a::200e", true },
	{ "2001:4860:4860::8888", true },
	{ "2003::1", true },
	{ "127.0.0.1", false },
	{ "127.1", false },
	{ "127.255.255.254", false },
	{ "2130706433", false },
	{ "0x7f000001", false },
	{ "0x7f.1", false },
	{ "0177.0.0.1", false },
	{ "017700000001", false },
	{ "0", false },
	{ "0.0.0.0", false },
	{ "0.1.2.3", false },
	{ "10.0.0.1", false },
	{ "10.255.255.255", false },
	{ "100.64.0.1", false },
	{ "100.127.255.255", false },
	{ "169.254.169.254", false },
	{ "172.16.0.1", false },
	{ "172.31.255.255", false },
	{ "192.168.0.1", false },
	{ "3232235521", false },
	{ "192.0.0.170", false },
	{ "192.0.2.1", false },
	{ "192.31.196.1", false },
	{ "192.52.193.1", false },
	{ "192.88.99.1", false },
	{ "192.175.48.1", false },
	{ "198.18.0.1", false },
	{ "198.19.255.255", false },
	{ "198.51.100.7", false },
	{ "203.0.113.7", false },
	{ "224.0.0.1", false },
	{ "239.255.255.250", false },
	{ "240.0.0.1", false },
	{ "255.255.255.255", false },
	{ "::", false },
	{ "::1", false },
	{ "::2", false },
	{ "::127.0.0.1", false },
	{ "::8.8.8.8", false },
	{ "::ffff:127.0.0.1", false },
	{ "::ffff:7f00:1", false },
	{ "::ffff:10.0.0.1", false },
	{ "::ffff:8.8.8.8", false },
	{ "::ffff:0:127.0.0.1", false },
	{ "::ffff:0:8.8.8.8", false },
	{ "64:ff9b::127.0.0.1", false },
	{ "64:ff9b::10.0.0.1", false },
	{ "64:ff9b::8.8.8.8", false },
	{ "64:ff9b:1::127.0.0.1", false },
	{ "64:ff9b:1:7f00:0:100::", false },
	{ "64:ff9b:1:808:8:800::", false },
	{ "100::1", false },
	{ "2001::1", false },
	{ "2001:0:4136:e378:8000:63bf:80ff:fffe", false },
	{ "2001:2::1", false },
	{ "2001:10::1", false },
	{ "2001:20::1", false },
	{ "2001:db8::1", false },
	{ "2002:7f00:1::", false },
	{ "2002:a00:1::1", false },
	{ "2002:808:808::1", false },
	{ "2620:4f:8000::1", false },
	{ "3fff::1", false },
	{ "5f00::1", false },
	{ "4000::1", false },
	{ "fc00::1", false },
	{ "fd12:3456:789a::1", false },
	{ "fe80::1", false },
	{ "febf::1", false },
	{ "fec0::1", false },
	{ "ff02::1", false },
	{ "ff0e::1", false },
	{ "2606:4700::5efe:127.0.0.1", false },
	{ "2606:4700::200:5efe:10.0.0.1", false },
	{ "2606:4700::5efe:8.8.8.8", true },
};

static const char *
refusal(const struct egress *e, const char *host)
{
	const struct addrinfo want = { .ai_flags = AI_NUMERICHOST,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	const char *why;

	ck_assert_msg(getaddrinfo(host, "1", &want, &found) == 0, "%s", host);
	why = egress_refusal(e, found->ai_addr);
	freeaddrinfo(found);
	return why;
}

START_TEST(addresses)
{
	struct egress *e;

	ck_assert_int_eq(egress_new("", "/none", &e), RC_OK);
	for (size_t i = 0; i < ROWS(hosts); i++) {
		const char *why = refusal(e, hosts[i].host);

		ck_assert_msg((why == NULL) == hosts[i].open, "row %zu %s: %s",
		    i, hosts[i].host, why != NULL ? why : "open");
	}
	egress_free(&e);
	ck_assert_ptr_null(e);
}
END_TEST

static const struct {
	const char *allow, *host;
	bool open;
} allowed[] = {
	{ "127.0.0.0/8", "127.0.0.1", true },
	{ "127.0.0.0/8", "127.255.0.1", true },
	{ "127.0.0.0/8", "10.0.0.1", false },
	{ "127.0.0.0/8", "::1", false },
	{ "127.0.0.0/8", "::ffff:127.0.0.1", true },
	{ "127.0.0.0/8", "64:ff9b::127.0.0.1", false },
	{ "127.0.0.0/8", "2002:7f00:1::", false },
	{ "::1", "::1", true },
	{ "::1", "::2", false },
	{ "10.1.2.3", "10.1.2.3", true },
	{ "10.1.2.3", "10.1.2.4", false },
	{ "10.1.0.0/16,fd00::/8 192.168.0.0/16", "192.168.9.9", true },
	{ "10.1.0.0/16,fd00::/8 192.168.0.0/16", "fd00::5", true },
	{ "10.1.0.0/16", "10.2.0.0", false },
	{ "0.0.0.0/0", "127.0.0.1", true },
	{ "0.0.0.0/0", "fe80::1", false },
	{ "::/0", "fe80::1", true },
	{ "::/0", "127.0.0.1", false },
	{ "64:ff9b::/96", "64:ff9b::8.8.8.8", true },
	{ "64:ff9b::/96", "64:ff9b::10.0.0.1", false },
	{ "64:ff9b::/96 10.0.0.0/8", "64:ff9b::10.0.0.1", true },
	{ "2002::/16", "2002:7f00:1::", false },
	{ "172.16.0.0/31", "172.16.0.1", true },
	{ "172.16.0.0/31", "172.16.0.2", false },
};

START_TEST(allow_list)
{
	for (size_t i = 0; i < ROWS(allowed); i++) {
		struct egress *e;
		const char *why;

		ck_assert_int_eq(
		    egress_new(allowed[i].allow, "/none", &e), RC_OK);
		why = refusal(e, allowed[i].host);
		ck_assert_msg((why == NULL) == allowed[i].open, "row %zu: %s",
		    i, why != NULL ? why : "open");
		egress_free(&e);
	}
}
END_TEST

START_TEST(bad_lists)
{
	static const char *const bad[] = { "localhost", "127.0.0.0/33",
		"127.0.0.0/", "127.0.0.0/-1", "/8", "127.1/8", "::/129", "a",
		"10.0.0.0/8;11.0.0.0/8", "10.0.0.0/08" };

	for (size_t i = 0; i < ROWS(bad); i++) {
		struct egress *e = NULL;

		ck_assert_msg(egress_new(bad[i], "/none", &e) == RC_INVALID,
		    "row %zu", i);
		ck_assert_ptr_null(e);
	}
}
END_TEST

START_TEST(other_families)
{
	struct sockaddr sa = { .sa_family = AF_UNIX };
	struct egress *e;

	ck_assert_int_eq(egress_new("0.0.0.0/0 ::/0", "/none", &e), RC_OK);
	ck_assert_ptr_nonnull(egress_refusal(e, &sa));
	egress_free(&e);
}
END_TEST

static const struct {
	struct str text;
	bool ok;
} names[] = {
	{ { "mail.example.com", 16 }, true },
	{ { "a", 1 }, true },
	{ { "xn--mnchen-3ya.de", 17 }, true },
	{ { "my_host.lan", 11 }, true },
	{ { "127.0.0.1", 9 }, true },
	{ { "::1", 3 }, true },
	{ { "2001:db8::1", 11 }, true },
	{ { "", 0 }, false },
	{ { ".a", 2 }, false },
	{ { "-a", 2 }, false },
	{ { "a b", 3 }, false },
	{ { "a\r\nb", 4 }, false },
	{ { "a\0b", 3 }, false },
	{ { "a/b", 3 }, false },
	{ { "a@b", 3 }, false },
	{ { "a:143", 5 }, false },
	{ { "[::1]", 5 }, false },
	{ { "fe80::1%eth0", 12 }, false },
	{ { "a%2e", 4 }, false },
	{ { "m\xc3\xbc.de", 6 }, false },
	{ { "a?b", 3 }, false },
	{ { "a#b", 3 }, false },
	{ { "::1\0", 4 }, false },
};

START_TEST(host_names)
{
	for (size_t i = 0; i < ROWS(names); i++)
		ck_assert_msg(
		    egress_host_ok(names[i].text) == names[i].ok, "row %zu", i);
}
END_TEST

static const struct {
	struct str text;
	bool ok;
} texts[] = {
	{ { "user@example.com", 16 }, true },
	{ { "J\xc3\xbcrgen", 7 }, true },
	{ { "pass word", 9 }, true },
	{ { "\xe2\x82\xac", 3 }, true },
	{ { "\xc2\xa0", 2 }, true },
	{ { "", 0 }, false },
	{ { "a\r\nb", 4 }, false },
	{ { "a\nb", 3 }, false },
	{ { "a\rb", 3 }, false },
	{ { "a\0b", 3 }, false },
	{ { "a\tb", 3 }, false },
	{ { "a\x7f", 2 }, false },
	{ { "a\xc2\x85", 3 }, false },     /* NEL */
	{ { "a\xe2\x80\xa8", 4 }, false }, /* U+2028 */
	{ { "a\xe2\x80\xa9", 4 }, false },
	{ { "a\xff", 2 }, false },
	{ { "\xc0\x8d", 2 }, false }, /* overlong CR */
	{ { "12345678901234567", 17 }, false },
};

START_TEST(line_texts)
{
	for (size_t i = 0; i < ROWS(texts); i++)
		ck_assert_msg(egress_text_ok(texts[i].text, 16) == texts[i].ok,
		    "row %zu", i);
}
END_TEST

UNIT_MAIN("mail/egress", UNIT(addresses), UNIT(allow_list), UNIT(bad_lists),
    UNIT(other_families), UNIT(host_names), UNIT(line_texts))
