/* Rules against mail: what each kind looks at, and what comes of it. */
#include "domain/rule-match.h"

#include "lib/unit.h"

static const char letter[] =
    "From: \"Boss boss@corp.test\" <Eve@Evil.Test>\r\n"
    "To: anna@example.org, Ben <ben@example.org>\r\n"
    "Cc: Cleo <cleo@example.net>\r\n"
    "Subject: =?utf-8?q?URGENT=3A_Z=C3=9CRICH?= pay\r\n"
    "X-Spam-Flag: YES\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=m\r\n\r\n"
    "--m\r\n"
    "Content-Type: multipart/alternative; boundary=a\r\n\r\n"
    "--a\r\nContent-Type: text/plain\r\n\r\nPlain words,\r\nclick\r\n  here."
    "\r\n"
    "--a\r\nContent-Type: text/html\r\n\r\n<p>Only <b>in</b> HTML</p>\r\n"
    "--a--\r\n"
    "--m\r\nContent-Type: application/pdf; name=\"Invoice.PDF\"\r\n"
    "Content-Disposition: attachment\r\n\r\nx\r\n--m--\r\n";

static struct rule
rule(const char *type, const char *operator, const char * value)
{
	return (struct rule){ .name = "Rule",
		.type = type,
		.operator= operator,
		.value = value,
		.action = "hold",
		.priority = 30,
		.is_active = true };
}

static void
judge(struct arena *a, const struct rule *rules, size_t n, const char *text,
    struct rule_verdict *v)
{
	struct rule_mail mail;
	struct rule_set *set;
	enum rc rc = rule_set_new(a, rules, n, &set);

	ck_assert_msg(rc == RC_OK, "%s", fail_detail());
	rule_mail_read(a, str_of(text), (int64_t)strlen(text), &mail);
	rule_set_judge(set, &mail, a, v);
}

START_TEST(kinds)
{
	static const struct {
		const char *type, *operator, * value;
		bool hit;
	} rows[] = {
		{ "keyword", "contains", "urgent", true },
		{ "keyword", "contains", "nothing, z\xc3\xbcrich", true },
		{ "keyword", "contains", "click here", true },
		{ "keyword", "contains", "only in html", true },
		{ "keyword", "contains", "invoice", false },
		{ "keyword", "regex", "cl[aeiou]ck\\s+here", true },
		{ "subject", "contains", "plain", false },
		{ "subject", "starts_with", "urgent:", true },
		{ "subject", "ends_with", "PAY", true },
		{ "subject", "equals", "urgent: z\xc3\xbcrich pay", true },
		{ "subject", "equals", "urgent", false },
		{ "sender", "equals", "eve@evil.test", true },
		{ "sender", "contains", "boss", true },
		{ "sender", "equals", "anna@example.org", false },
		{ "domain", "equals", "evil.test", true },
		{ "domain", "equals", "evil", false },
		{ "domain", "ends_with", ".test", true },
		{ "domain", "equals", "corp.test", true },
		{ "recipient", "equals", "cleo@example.net", true },
		{ "recipient", "contains", "ben <", true },
		{ "recipient", "contains", "eve", false },
		{ "attachment", "ends_with", ".exe,.pdf", true },
		{ "attachment", "equals", "application/pdf", true },
		{ "attachment", "contains", "plain", false },
		{ "header", "equals", "x-spam-flag: yes", true },
		{ "header", "starts_with", "list-id:", false },
		{ "regex", "contains", "^urgent: .*pay$", true },
		{ "regex", "regex", "in, HTML", false },
		{ "size", "contains", "500", true },
		{ "size", "contains", "1m", false },
		{ "size", "contains", "<1m", true },
		{ "size", "equals", "12", false },
	};

	ARRAY_EACH (row, rows) {
		struct rule r = rule(row->type, row->operator, row->value);
		struct arena *a = arena_new(16 << 20);
		struct rule_verdict v;

		judge(a, &r, 1, letter, &v);
		ck_assert_msg(v.hold == row->hit, "%s %s \"%s\"", row->type,
		    row->operator, row->value);
		arena_free(&a);
	}
}
END_TEST

START_TEST(scores)
{
	struct rule r[] = { rule("keyword", "contains", "urgent,payment,pay"),
		rule("subject", "contains", "urgent"),
		rule("sender", "contains", "eve"),
		rule("sender", "contains", "nobody") };
	struct arena *a = arena_new(16 << 20);
	struct rule_verdict v;

	r[0].action = "score";
	r[1].action = "tag";
	r[2].action = "tag";
	r[2].name = "Other";
	judge(a, r, 4, letter, &v);
	ck_assert_int_eq(v.risk_score, 90);
	ck_assert(!v.hold && v.tagged);
	ck_assert_uint_eq(v.keywords.n, 3);
	ck_assert(str_eq(v.keywords.v[0], STR("urgent")));
	ck_assert(str_eq(v.keywords.v[1], STR("pay")));
	ck_assert(str_eq(v.keywords.v[2], STR("eve")));
	ck_assert_uint_eq(v.tags.n, 2);
	r[0].priority = 100;
	r[0].action = "hold";
	r[1].is_active = false;
	judge(a, r, 4, letter, &v);
	ck_assert_int_eq(v.risk_score, 100);
	ck_assert(v.hold);
	ck_assert_uint_eq(v.tags.n, 1);
	arena_free(&a);
}
END_TEST

/* The built-in words: only where no rule has anything to say, and no hold. */
START_TEST(words)
{
	struct rule r = rule("sender", "contains", "eve");
	struct arena *a = arena_new(16 << 20);
	struct rule_verdict v;

	judge(a, NULL, 0, letter, &v);
	ck_assert_int_eq(v.risk_score, 5 + 8); /* urgent, click here */
	ck_assert(!v.hold && !v.tagged);
	ck_assert_uint_eq(v.keywords.n, 2);
	judge(a, &r, 1, letter, &v);
	ck_assert_int_eq(v.risk_score, 30);
	arena_free(&a);
}
END_TEST

START_TEST(odd_mail)
{
	static const char *const rows[] = { "", "\r\n", "x", "Subject: urgent",
		"Subject:\r\nFrom: @\r\nTo: <>\r\n\r\n", "From: a@b@c\n\n",
		"Content-Type: multipart/mixed\r\n\r\nurgent" };

	ARRAY_EACH (row, rows) {
		struct rule r = rule("keyword", "contains", "urgent");
		struct arena *a = arena_new(16 << 20);
		struct rule_verdict v;

		judge(a, &r, 1, *row, &v);
		ROW(*row, v.hold == (strstr(*row, "urgent") != NULL));
		arena_free(&a);
	}
}
END_TEST

START_TEST(refused)
{
	static const struct {
		const char *type, *operator, * value;
	} rows[] = {
		{ "keyword", "contains", "" },
		{ "keyword", "contains", " , " },
		{ "regex", "contains", "(" },
		{ "subject", "regex", "a{999}" },
		{ "size", "contains", "big" },
		{ "size", "contains", ">" },
		{ "size", "contains", "-1" },
		{ "size", "contains", "9999999999999g" },
		{ "what", "contains", "x" },
	};

	ARRAY_EACH (row, rows) {
		struct rule r = rule(row->type, row->operator, row->value);
		struct arena *a = arena_new(1 << 20);
		struct rule_set *set;

		ROW(row->value, rule_set_new(a, &r, 1, &set) == RC_INVALID);
		r.is_active = false;
		ROW(row->value, rule_set_new(a, &r, 1, &set) == RC_OK);
		arena_free(&a);
	}
}
END_TEST

UNIT_MAIN("domain/rule-match", UNIT(kinds), UNIT(scores), UNIT(words),
    UNIT(odd_mail), UNIT(refused))
