#include "web/route.h"

#include <stdlib.h>

#include "core/arena.h"
#include "lib/unit.h"

START_TEST(split)
{
	static const struct {
		const char *uri, *path, *query; /* path NULL: refused */
	} rows[] = {
		{ "/", "/", "" },
		{ "/api/tasks", "/api/tasks", "" },
		{ "/api/tasks?a=1&b=%2f", "/api/tasks", "a=1&b=%2f" },
		{ "/api/tasks/", "/api/tasks/", "" },
		{ "/api/clients/cid_a%20b", "/api/clients/cid_a%20b", "" },
		{ "/api/c%C3%A4", "/api/c%C3%A4", "" },
		{ "/a...b/.x/x.", "/a...b/.x/x.", "" },
		{ "/.well-known/jwks.json", "/.well-known/jwks.json", "" },
		{ "/?/../x", "/", "/../x" },
		{ "", NULL, NULL },
		{ "api", NULL, NULL },
		{ "http://x/api", NULL, NULL },
		{ "//", NULL, NULL },
		{ "//api", NULL, NULL },
		{ "/api//tasks", NULL, NULL },
		{ "/api/./tasks", NULL, NULL },
		{ "/api/../tasks", NULL, NULL },
		{ "/api/..", NULL, NULL },
		{ "/api/.", NULL, NULL },
		{ "/api/%2e/tasks", NULL, NULL },
		{ "/api/%2E%2e/tasks", NULL, NULL },
		{ "/api/.%2e", NULL, NULL },
		{ "/api/a%2fb", NULL, NULL },
		{ "/api/a%2Fb", NULL, NULL },
		{ "/api/a%5cb", NULL, NULL },
		{ "/api/a\\b", NULL, NULL },
		{ "/api/a%00", NULL, NULL },
		{ "/api/a%0a", NULL, NULL },
		{ "/api/a%7f", NULL, NULL },
		{ "/api/a\n", NULL, NULL },
		{ "/api/a b", NULL, NULL },
		{ "/api/\xc3\xa4", NULL, NULL },
		{ "/api/a%", NULL, NULL },
		{ "/api/a%2", NULL, NULL },
		{ "/api/a%zz", NULL, NULL },
		{ "/api?a=\t", NULL, NULL },
	};

	ARRAY_EACH (row, rows) {
		struct str path, query;
		enum rc rc = route_split(str_of(row->uri), &path, &query);

		ROW(row->uri, (rc == RC_OK) == (row->path != NULL));
		if (row->path == NULL)
			continue;
		ROW(row->uri, str_eq(path, str_of(row->path)));
		ROW(row->uri, str_eq(query, str_of(row->query)));
	}
}
END_TEST

START_TEST(too_long)
{
	char *uri = malloc(8194);
	struct str path, query;

	ck_assert_ptr_nonnull(uri);
	memset(uri, 'a', 8193);
	uri[0] = '/';
	ck_assert_int_eq(
	    route_split((struct str){ uri, 8192 }, &path, &query), RC_OK);
	ck_assert_int_eq(route_split((struct str){ uri, 8193 }, &path, &query),
	    RC_MALFORMED);
	free(uri);
}
END_TEST

static const struct route routes[] = {
	{ GET, "/api/accounts", NULL, NEED_READ, .summary = "" },
	{ GET, "/api/accounts", NULL, NEED_READ, ENV_OK, .door = DOOR_REVIEW },
	{ GET, "/api/accounts/:account_id/tasks", NULL, NEED_READ,
	    .summary = "" },
	{ POST, "/api/accounts/:account_id/tasks", NULL, NEED_WRITE,
	    .summary = "" },
	{ GET, "/api/tasks/:task_id", NULL, NEED_READ, .summary = "" },
	{ DELETE, "/api/tasks/:task_id", NULL, NEED_WRITE, .summary = "" },
	{ POST, "/api/accounts/:id/monitor/start", NULL, NEED_WRITE, ENV_OK,
	    .id = ID_CREDENTIAL },
	{ PUT, "/api/threads/:id", NULL, NEED_WRITE, ENV_SUCCESS,
	    .summary = "" },
	{ POST, "/api/threads/bulk/update", NULL, NEED_WRITE, ENV_SUCCESS,
	    .summary = "" },
	{ POST, "/api/threads/:id/update", NULL, NEED_WRITE, ENV_SUCCESS,
	    .summary = "" },
	{ GET, "/api/threads/bulk", NULL, NEED_READ, ENV_SUCCESS,
	    .summary = "" },
	{ PATCH, "/api/clients/:client_id", NULL, NEED_OWNER, .summary = "" },
};
static FAMILY(sample, QUIET);

START_TEST(find)
{
	static const struct {
		enum method method;
		const char *path;
		enum rc rc;
		int row;     /* -1: none */
		int64_t arg; /* the first id */
		const char *allow;
		enum envelope env;
		enum door door;
	} rows[] = {
		{ GET, "/api/accounts", RC_OK, 0, 0, "", ENV_DATA, DOOR_MAIN },
		{ GET, "/api/accounts", RC_OK, 1, 0, "", ENV_OK, DOOR_REVIEW },
		{ GET, "/api/accounts/7/tasks", RC_OK, 2, 7, "", ENV_DATA, 0 },
		{ GET, "/api/accounts/acc_7/tasks", RC_OK, 2, 7, "", ENV_DATA,
		    0 },
		{ POST, "/api/accounts/acc_7/tasks", RC_OK, 3, 7, "", ENV_DATA,
		    0 },
		{ GET, "/api/accounts/tsk_7/tasks", RC_NOT_FOUND, 2, 0, "",
		    ENV_DATA, 0 },
		{ GET, "/api/accounts/07/tasks", RC_NOT_FOUND, 2, 0, "",
		    ENV_DATA, 0 },
		{ GET, "/api/accounts/0/tasks", RC_NOT_FOUND, 2, 0, "",
		    ENV_DATA, 0 },
		{ GET, "/api/accounts/-1/tasks", RC_NOT_FOUND, 2, 0, "",
		    ENV_DATA, 0 },
		{ GET, "/api/accounts/acc_/tasks", RC_NOT_FOUND, 2, 0, "",
		    ENV_DATA, 0 },
		{ GET, "/api/accounts/9223372036854775807/tasks", RC_OK, 2,
		    INT64_MAX, "", ENV_DATA, 0 },
		{ GET, "/api/accounts/9223372036854775808/tasks", RC_NOT_FOUND,
		    2, 0, "", ENV_DATA, 0 },
		{ POST, "/api/accounts/pc_7/monitor/start", RC_OK, 6, 7, "",
		    ENV_OK, 0 },
		{ POST, "/api/accounts/acc_7/monitor/start", RC_NOT_FOUND, 6, 0,
		    "", ENV_OK, 0 },
		{ POST, "/api/threads/bulk/update", RC_OK, 8, 0, "",
		    ENV_SUCCESS, 0 },
		{ POST, "/api/threads/5/update", RC_OK, 9, 5, "", ENV_SUCCESS,
		    0 },
		{ PUT, "/api/threads/5", RC_OK, 7, 5, "", ENV_SUCCESS, 0 },
		/* a literal wins, whatever the method */
		{ PUT, "/api/threads/bulk", RC_METHOD, -1, 0, "GET, HEAD",
		    ENV_SUCCESS, 0 },
		{ PUT, "/api/tasks/7", RC_METHOD, -1, 0, "GET, HEAD, DELETE",
		    ENV_DATA, 0 },
		{ METHOD_NONE, "/api/tasks/7", RC_METHOD, -1, 0,
		    "GET, HEAD, DELETE", ENV_DATA, 0 },
		{ GET, "/api/tasks/7/", RC_NOT_FOUND, -1, 0, "", ENV_DATA, 0 },
		{ GET, "/api/tasks/", RC_NOT_FOUND, -1, 0, "", ENV_DATA, 0 },
		{ GET, "/api/Tasks/7", RC_NOT_FOUND, -1, 0, "", ENV_DATA, 0 },
		{ GET, "/api/%74asks/7", RC_NOT_FOUND, -1, 0, "", ENV_DATA, 0 },
		{ GET, "/api/threads/5/nothing", RC_NOT_FOUND, -1, 0, "",
		    ENV_SUCCESS, 0 },
		{ GET, "/api/nothing", RC_NOT_FOUND, -1, 0, "", ENV_DATA, 0 },
		{ GET, "/api/nothing", RC_NOT_FOUND, -1, 0, "", ENV_OK,
		    DOOR_REVIEW },
		{ GET, "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s", RC_NOT_FOUND,
		    -1, 0, "", ENV_DATA, 0 },
		{ GET, "/", RC_NOT_FOUND, -1, 0, "", ENV_DATA, 0 },
	};
	struct arena *a = arena_new((size_t)1 << 20);

	ARRAY_EACH (row, rows) {
		struct route_match m;
		enum rc rc = route_find(&sample_family, row->method, row->door,
		    str_of(row->path), a, &m);
		const struct route *want =
		    row->row < 0 ? NULL : &routes[row->row];

		ROW(row->path, rc == row->rc);
		ROW(row->path, m.route == want);
		ROW(row->path, m.env == row->env);
		if (row->rc == RC_OK)
			ROW(row->path, m.args[0].id == row->arg);
		if (row->rc == RC_METHOD)
			ROW(row->path,
			    strcmp(route_allow(a, m.allowed), row->allow) == 0);
	}
	arena_free(&a);
}
END_TEST

START_TEST(texts)
{
	struct arena *a = arena_new((size_t)1 << 20);
	struct route_match m;

	ck_assert_int_eq(route_find(&sample_family, PATCH, DOOR_MAIN,
			     STR("/api/clients/cid_%C3%A4"), a, &m),
	    RC_OK);
	ck_assert(str_eq(m.args[0].text, STR("cid_\xc3\xa4")));
	ck_assert_int_eq(m.args[0].id, 0);
	ck_assert_int_eq(m.account, 0);
	ck_assert_int_eq(route_find(&sample_family, PATCH, DOOR_MAIN,
			     STR("/api/clients/cid_%C3"), a, &m),
	    RC_NOT_FOUND);
	ck_assert_int_eq(route_find(&sample_family, GET, DOOR_MAIN,
			     STR("/api/accounts/acc_9/tasks"), a, &m),
	    RC_OK);
	ck_assert_int_eq(m.account, 9);
	arena_free(&a);
}
END_TEST

UNIT_MAIN("web/route", UNIT(split), UNIT(too_long), UNIT(find), UNIT(texts))
