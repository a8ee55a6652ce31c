#include "web/guard.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/unit.h"

START_TEST(needs)
{
	static const struct actor nobody = { .how = HOW_NOBODY };
	static const struct actor viewer = { 1, 2, 3, 4, 1, ROLE_VIEWER,
		.how = HOW_TOKEN };
	static const struct actor member = { 1, 2, 3, 4, 1, ROLE_MEMBER,
		.how = HOW_COOKIE };
	static const struct actor owner = { 1, 2, 3, 4, 1, ROLE_OWNER,
		.how = HOW_TOKEN };
	static const struct actor admin = { 1, 2, 3, 4, 1, ROLE_NONE,
		.admin = true, .how = HOW_TOKEN };
	static const struct actor homeless = { 1, 2, 0, 4, 1, ROLE_OWNER,
		.admin = true, .how = HOW_COOKIE };
	static const struct actor machine = { 1, 0, 3, 0, 0, ROLE_MEMBER,
		.machine = true, .how = HOW_TOKEN };
	static const struct actor backend = { 1, 0, 3, 0, 0, ROLE_MEMBER,
		.machine = true, .app_admin = true, .how = HOW_TOKEN };
	static const struct {
		const char *name;
		const struct actor *actor;
		/* public maybe any read write owner user self admin app own */
		const char *may;
	} rows[] = {
		{ "nobody", &nobody, "yynnnnnnnny" },
		{ "viewer", &viewer, "yyyynnyynny" },
		{ "member", &member, "yyyyynyynny" },
		{ "owner", &owner, "yyyyyyyynny" },
		{ "admin", &admin, "yyyyyyyyyyy" },
		{ "homeless", &homeless, "yyynnnyyyyy" },
		{ "machine", &machine, "yyyyynnnnny" },
		{ "backend", &backend, "yyyyyynnnyy" },
	};

	ARRAY_EACH (row, rows) {
		for (int need = 0; need < NEED_COUNT; need++)
			ck_assert_msg(guard_allows(row->actor, (enum need)need,
					  2) == (row->may[need] == 'y'),
			    "%s, %s (%d)", row->name,
			    need_name((enum need)need), need);
	}
	/* another user's row */
	ck_assert(!guard_allows(&owner, NEED_SELF, 5));
	ck_assert(guard_allows(&admin, NEED_SELF, 5));
	ck_assert(!guard_allows(&machine, NEED_SELF, 0));
}
END_TEST

static struct conf *conf;

START_TEST(csrf)
{
	static char token_line[128], early_line[128], host_line[128];
	static const struct {
		const char *name;
		const char *vars[4];
		bool secure, passes;
	} rows[] = {
		{ "a program", { NULL }, false, true },
		{ "own origin", { "HTTP_ORIGIN=http://rack.test" }, false,
		    true },
		{ "own origin, other scheme",
		    { "HTTP_ORIGIN=http://rack.test" }, true, false },
		{ "own origin over TLS", { "HTTP_ORIGIN=https://rack.test" },
		    true, true },
		{ "base_url", { "HTTP_ORIGIN=https://desk.test" }, false,
		    true },
		{ "foreign", { "HTTP_ORIGIN=http://evil.test" }, false, false },
		{ "longer", { "HTTP_ORIGIN=http://rack.test.evil.test" }, false,
		    false },
		{ "null", { "HTTP_ORIGIN=null" }, false, false },
		{ "same-origin", { "HTTP_SEC_FETCH_SITE=same-origin" }, false,
		    true },
		{ "same-site", { "HTTP_SEC_FETCH_SITE=same-site" }, false,
		    false },
		{ "cross-site", { "HTTP_SEC_FETCH_SITE=cross-site" }, false,
		    false },
		{ "same-origin that lies",
		    { "HTTP_SEC_FETCH_SITE=same-origin",
			"HTTP_ORIGIN=http://evil.test" },
		    false, false },
		{ "wrong token", { "HTTP_X_CSRF_TOKEN=abc" }, false, false },
		{ "right token", { token_line }, false, true },
		{ "right token, foreign origin",
		    { token_line, "HTTP_ORIGIN=http://evil.test" }, false,
		    true },
		{ "CSRF session's token", { early_line }, false, true },
		{ "the same over TLS", { early_line }, true, false },
		{ "that of TLS", { host_line }, true, true },
		{ "that of TLS, without it", { host_line }, false, false },
	};
	char token[65];

	guard_csrf_token(STR("abc"), token);
	snprintf(token_line, sizeof token_line, "HTTP_X_CSRF_TOKEN=%s", token);
	guard_csrf_token(STR("def"), token);
	snprintf(early_line, sizeof early_line, "HTTP_X_CSRF_TOKEN=%s", token);
	guard_csrf_token(STR("ghi"), token);
	snprintf(host_line, sizeof host_line, "HTTP_X_CSRF_TOKEN=%s", token);
	ARRAY_EACH (row, rows) {
		char *vars[8] = { (char *)(uintptr_t) "HTTP_HOST=rack.test",
			(char *)(uintptr_t) "HTTP_COOKIE=x=1; session=abc; "
					    "csrf=def; __Host-csrf=ghi" };
		struct request rq = {
			.env_vars = vars, .conf = conf, .secure = row->secure
		};

		for (size_t i = 0; i < 4 && row->vars[i] != NULL; i++)
			vars[2 + i] = (char *)(uintptr_t)row->vars[i];
		ROW(row->name, (guard_csrf(&rq) == RC_OK) == row->passes);
	}
}
END_TEST

START_TEST(cookies)
{
	static const struct {
		const char *header, *want; /* NULL: none */
	} rows[] = {
		{ "HTTP_COOKIE=session=a", "a" },
		{ "HTTP_COOKIE=x=1;session=a; y=2", "a" },
		{ "HTTP_COOKIE= session=a=b ", "a=b" },
		{ "HTTP_COOKIE=xsession=a", NULL },
		{ "HTTP_COOKIE=session", "" },
		{ "HTTP_COOKIE=session=a; session=b", NULL },
		{ "HTTP_COOKIE=", NULL },
		{ "HTTP_OTHER=session=a", NULL },
	};

	ARRAY_EACH (row, rows) {
		char *vars[] = { (char *)(uintptr_t)row->header, NULL };
		struct request rq = { .env_vars = vars };
		struct str got = request_cookie(&rq, "session");

		ROW(row->header, (got.p != NULL) == (row->want != NULL));
		if (row->want != NULL)
			ROW(row->header, str_eq(got, str_of(row->want)));
	}
}
END_TEST

static void
begin(void)
{
	setenv("LETTERRACK_BASE_URL", "https://desk.test/", 1);
	if (conf_read("/dev/null", &conf) != RC_OK)
		die("%s", fail_detail());
}

static void
end(void)
{
	conf_free(&conf);
}

UNIT_MAIN_AROUND(
    "web/guard", begin, end, UNIT(needs), UNIT(csrf), UNIT(cookies))
