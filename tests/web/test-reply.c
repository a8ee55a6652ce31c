/* Envelopes, lists and cursors, entity tags, ranges, errors. */
#include "web/reply.h"

#include <stdio.h>
#include <stdlib.h>

#include "db/row.h"
#include "lib/unit.h"
#include "web/ask.h"

struct pet {
	int64_t id;
	const char *name;
	const char *snippet;
	instant born;
};
static const struct col pet_cols[] = { COL_ID(struct pet, id, ID_TASK),
	COL(struct pet, name), COL(struct pet, snippet, .content = true),
	COL(struct pet, born), COL_END };

static const struct pet rex = { 7, "Rex", "woof", { 1760797425000000 } };

static enum rc
one(struct request *rq)
{
	return reply_row(rq, 0, pet_cols, &rex);
}

static enum rc
one_for_viewer(struct request *rq)
{
	rq->actor.role = ROLE_VIEWER;
	return reply_row(rq, 0, pet_cols, &rex);
}

static enum rc
gone(struct request *rq)
{
	(void)rq;
	return RC_NOT_FOUND;
}

static enum rc
broken(struct request *rq)
{
	reply_header(rq, "X-Half", "done");
	(void)reply_open(rq, 200);
	return fail(RC_INTERNAL, "the secret reason");
}

static enum rc
clash(struct request *rq)
{
	error_int(rq, "email_id", 42);
	error_text(rq, "current_status", "RELEASED");
	return fail(RC_CONFLICT, "It is released.");
}

static enum rc
greedy(struct request *rq)
{
	for (;;)
		(void)arena_alloc(rq->arena, 100000);
	return RC_OK;
}

static enum rc
nothing(struct request *rq)
{
	return reply_empty(rq, 0);
}

static enum rc
silent(struct request *rq)
{
	(void)rq;
	return RC_OK;
}

struct list_query {
	struct page page;
	const char *q;
};
static const struct field list_query_params[] = {
	F_PAGE(struct list_query, 2),
	F_TEXT(struct list_query, q, 0, 10, OPTIONAL),
	F_END,
};

/* Five pets, newest first; the cursor's `at` is the birth. */
static enum rc
list(struct request *rq)
{
	const struct list_query *p = rq->params;
	struct list_end end = { .total = 5, .limit = p->page.limit };
	struct pet rows[5];
	struct cursor from;
	size_t n = 0;

	TRY(cursor_read(rq, p->page.cursor, &from));
	for (int64_t id = 5; id > 0 && n < (size_t)p->page.limit; id--) {
		if (from.is && (from.at != from.id * 1000 || id >= from.id))
			continue;
		rows[n++] = (struct pet){ .id = id, .born = { id * 1000 } };
	}
	end.more = n > 0 && rows[n - 1].id > 1;
	if (end.more)
		end.next = (struct cursor){ true, rows[n - 1].born.us,
			rows[n - 1].id, { NULL, 0 } };
	return reply_rows(rq, pet_cols, rows, n, sizeof rows[0], &end);
}

/* A cursor that somebody made who has read how: its check holds. */
static enum rc
forged(struct request *rq)
{
	const struct list_query *p = rq->params;
	struct list_end end = { .total = 2,
		.limit = 1,
		.more = true,
		.next = { .is = true, .at = INSTANT_NONE.us, .id = 1 } };
	struct pet row = { .id = 1 };
	struct cursor from;

	TRY(cursor_read(rq, p->page.cursor, &from));
	return reply_rows(rq, pet_cols, &row, 1, sizeof row, &end);
}

static enum rc
bytes(struct request *rq)
{
	const struct content c = {
		.type = request_var(rq, "HTTP_X_TYPE"),
		.filename = "na\"me \xc3\xa4\r\n.txt",
		.shown = true,
		.bytes = STR("0123456789"),
	};

	return reply_content(rq, &c);
}

static const struct route routes[] = {
	{ GET, "/data", one, NEED_PUBLIC, .summary = "" },
	{ GET, "/viewer", one_for_viewer, NEED_PUBLIC, .summary = "" },
	{ GET, "/raw", one, NEED_PUBLIC, ENV_RAW, .summary = "" },
	{ POST, "/ci", one, NEED_PUBLIC, ENV_SUCCESS, .status = 201,
	    .key = "pet" },
	{ GET, "/ci-bare", one, NEED_PUBLIC, ENV_SUCCESS, .key = "pet",
	    .flags = BARE | TIMES_SPACED },
	{ GET, "/ok", one, NEED_PUBLIC, ENV_OK, .summary = "" },
	{ GET, "/gone-data", gone, NEED_PUBLIC, .summary = "" },
	{ GET, "/gone-ci", gone, NEED_PUBLIC, ENV_SUCCESS,
	    .missing = "THREAD_NOT_FOUND" },
	{ GET, "/broken", broken, NEED_PUBLIC, .summary = "" },
	{ GET, "/clash", clash, NEED_PUBLIC, ENV_OK, .summary = "" },
	{ GET, "/oauth", clash, NEED_PUBLIC, ENV_RAW, .flags = OAUTH },
	{ GET, "/greedy", greedy, NEED_PUBLIC, .summary = "" },
	{ GET, "/nothing", nothing, NEED_PUBLIC, .status = 204 },
	{ GET, "/silent", silent, NEED_PUBLIC, .summary = "" },
	{ GET, "/list", list, NEED_PUBLIC, PARAMS(list_query), .many = true },
	{ GET, "/other", list, NEED_PUBLIC, PARAMS(list_query), .many = true },
	{ GET, "/forged", forged, NEED_PUBLIC, PARAMS(list_query),
	    .many = true },
	{ GET, "/ci-list", list, NEED_PUBLIC, ENV_SUCCESS, PARAMS(list_query),
	    .many = true, .key = "pets", .flags = BARE },
	{ GET, "/ok-list", list, NEED_PUBLIC, ENV_OK, PARAMS(list_query),
	    .many = true, .key = "pets" },
	{ GET, "/bytes", bytes, NEED_PUBLIC, .summary = "" },
	{ GET, "/locked", one, NEED_READ, ENV_OK, .summary = "" },
};
static FAMILY(sample, QUIET);

static void
begin(void)
{
	ask_begin(&sample_family);
}

START_TEST(envelopes)
{
	static const struct {
		const char *method, *uri;
		int status;
		const char *body;
	} rows[] = {
		{ "GET", "/data", 200,
		    "{\"data\":{\"id\":\"tsk_7\",\"name\":\"Rex\","
		    "\"snippet\":\"woof\",\"born\":\"2025-10-18T14:23:45Z\"}"
		    "}" },
		{ "GET", "/viewer", 200,
		    "{\"data\":{\"id\":\"tsk_7\",\"name\":\"Rex\","
		    "\"snippet\":null,\"born\":\"2025-10-18T14:23:45Z\"}}" },
		{ "GET", "/raw", 200,
		    "{\"id\":\"tsk_7\",\"name\":\"Rex\",\"snippet\":\"woof\","
		    "\"born\":\"2025-10-18T14:23:45Z\"}" },
		{ "POST", "/ci", 201,
		    "{\"success\":true,\"pet\":{\"id\":7,\"name\":\"Rex\","
		    "\"snippet\":\"woof\","
		    "\"born\":\"2025-10-18T14:23:45+00:00\"}}" },
		{ "GET", "/ci-bare", 200,
		    "{\"pet\":{\"id\":7,\"name\":\"Rex\",\"snippet\":\"woof\","
		    "\"born\":\"2025-10-18 14:23:45\"}}" },
		{ "GET", "/ok", 200,
		    "{\"ok\":true,\"id\":7,\"name\":\"Rex\","
		    "\"snippet\":\"woof\",\"born\":\"2025-10-18T14:23:45Z\"}" },
		{ "GET", "/nothing", 204, "" },
	};

	ARRAY_EACH (row, rows) {
		struct answer a = ask(&(struct question){
		    .method = row->method, .uri = row->uri });

		ROW(row->uri, a.status == row->status);
		ROW(row->uri, strcmp(a.body, row->body) == 0);
		ROW(row->uri,
		    strcmp(answer_header(&a, "X-Request-Id"), "test-1") == 0);
	}
}
END_TEST

START_TEST(errors)
{
	static const struct {
		const char *uri;
		int status;
		const char *body;
	} rows[] = {
		{ "/gone-data", 404,
		    "{\"type\":\"urn:letterrack:not_found\","
		    "\"title\":\"There is no such thing.\",\"status\":404,"
		    "\"detail\":\"There is no such thing.\","
		    "\"code\":\"not_found\",\"request_id\":\"test-1\"}" },
		{ "/gone-ci", 404,
		    "{\"success\":false,\"error\":\"Thread not found\","
		    "\"code\":\"THREAD_NOT_FOUND\",\"details\":null,"
		    "\"request_id\":\"test-1\"}" },
		{ "/clash", 409,
		    "{\"ok\":false,\"error\":\"It is released.\","
		    "\"code\":\"CONFLICT\",\"email_id\":42,"
		    "\"current_status\":\"RELEASED\","
		    "\"request_id\":\"test-1\"}" },
		{ "/oauth", 409,
		    "{\"error\":\"server_error\","
		    "\"error_description\":\"It is released.\","
		    "\"email_id\":42,\"current_status\":\"RELEASED\"}" },
		{ "/locked", 401,
		    "{\"ok\":false,\"error\":\"Authentication required\","
		    "\"code\":\"AUTH_REQUIRED\",\"request_id\":\"test-1\"}" },
	};

	ARRAY_EACH (row, rows) {
		struct answer a = ask_get(row->uri);

		ROW(row->uri, a.status == row->status);
		ROW(row->uri, strcmp(a.body, row->body) == 0);
	}
}
END_TEST

START_TEST(inner_faults_stay_inside)
{
	static const char *const uris[] = { "/broken", "/greedy", "/silent" };

	for (size_t i = 0; i < 3; i++) {
		struct answer a = ask_get(uris[i]);

		ck_assert_int_eq(a.status, 500);
		ck_assert_ptr_null(strstr(a.body, "secret reason"));
		ck_assert_str_eq(answer_header(&a, "X-Half"), "");
		ck_assert_ptr_nonnull(strstr(a.body, "internal_error"));
		/* and the next one is served */
		ck_assert_int_eq(ask_get("/data").status, 200);
	}
}
END_TEST

START_TEST(method_and_path)
{
	struct answer a =
	    ask(&(struct question){ .method = "DELETE", .uri = "/ok" });

	ck_assert_int_eq(a.status, 405);
	ck_assert_str_eq(answer_header(&a, "Allow"), "GET, HEAD");
	ck_assert_ptr_nonnull(strstr(a.body, "\"ok\":false"));
	a = ask(&(struct question){ .method = "BREW", .uri = "/ok" });
	ck_assert_int_eq(a.status, 405);
	a = ask_get("/nope");
	ck_assert_int_eq(a.status, 404);
	a = ask_get("/data//x");
	ck_assert_int_eq(a.status, 400);
	a = ask(&(struct question){ .method = "HEAD", .uri = "/data" });
	ck_assert_int_eq(a.status, 200);
	ck_assert_str_ne(answer_header(&a, "Content-Length"), "0");
}
END_TEST

START_TEST(entity_tags)
{
	struct answer a = ask_get("/data");
	char tag[64], sent[96];

	snprintf(tag, sizeof tag, "%s", answer_header(&a, "ETag"));
	ck_assert(tag[0] == '"');
	snprintf(sent, sizeof sent, "HTTP_IF_NONE_MATCH=\"x\", W/%s", tag);
	a = ask(&(struct question){
	    .method = "GET", .uri = "/data", .more = { sent } });
	ck_assert_int_eq(a.status, 304);
	ck_assert_str_eq(a.body, "");
	ck_assert_str_eq(answer_header(&a, "ETag"), tag);
	ck_assert_str_eq(answer_header(&a, "Content-Length"), "");
	a = ask(&(struct question){ .method = "GET",
	    .uri = "/data",
	    .more = { "HTTP_IF_NONE_MATCH=\"x\"" } });
	ck_assert_int_eq(a.status, 200);
}
END_TEST

START_TEST(tag_lists)
{
	static const struct {
		const char *header, *tag;
		bool absent, match;
	} rows[] = {
		{ NULL, "\"a\"", true, true },
		{ NULL, "\"a\"", false, false },
		{ "*", "\"a\"", false, true },
		{ "\"a\"", "\"a\"", false, true },
		{ "W/\"a\"", "\"a\"", false, true },
		{ "\"b\" , \"a\"", "\"a\"", false, true },
		{ "\"b\"", "\"a\"", true, false },
		{ "a", "\"a\"", false, false },
		{ "", "\"a\"", true, false },
	};

	ARRAY_EACH (row, rows) {
		ROW(row->header != NULL ? row->header : "absent",
		    etag_matches(row->header, row->tag, row->absent) ==
			row->match);
	}
}
END_TEST

/* next_cursor of an answer; "" for null. */
static const char *
cursor_of(const char *body)
{
	static char text[128];
	const char *p = strstr(body, "\"next_cursor\":\"");

	text[0] = '\0';
	if (p != NULL)
		(void)sscanf(p, "\"next_cursor\":\"%127[^\"]", text);
	return text;
}

START_TEST(pages)
{
	struct answer a = ask_get("/list?limit=2");
	char uri[256];
	int n = 1;

	ck_assert_ptr_nonnull(
	    strstr(a.body, "\"meta\":{\"total\":5,\"limit\":2,\"offset\":0,"));
	while (cursor_of(a.body)[0] != '\0') {
		snprintf(uri, sizeof uri,
		    "</list?limit=2&cursor=%s>; "
		    "rel=\"next\"",
		    cursor_of(a.body));
		ck_assert_str_eq(answer_header(&a, "Link"), uri);
		snprintf(uri, sizeof uri, "/list?limit=2&cursor=%s",
		    cursor_of(a.body));
		a = ask_get(uri);
		ck_assert_int_eq(a.status, 200);
		n++;
	}
	ck_assert_int_eq(n, 3);
	ck_assert_ptr_nonnull(strstr(a.body, "\"tsk_1\""));
	ck_assert_ptr_null(strstr(a.body, "\"tsk_2\""));
}
END_TEST

START_TEST(list_shapes)
{
	struct answer a = ask_get("/ci-list?limit=5");

	ck_assert_ptr_nonnull(strstr(a.body, "{\"pets\":[{\"id\":5,"));
	ck_assert_ptr_nonnull(strstr(a.body,
	    "\"meta\":{\"total\":5,\"limit\":5,\"offset\":0,"
	    "\"next_cursor\":null}}"));
	a = ask_get("/ok-list?limit=5");
	ck_assert_ptr_nonnull(strstr(a.body, "{\"ok\":true,\"pets\":["));
	ck_assert_ptr_nonnull(strstr(a.body, "],\"total\":5,\"limit\":5,"));
}
END_TEST

START_TEST(cursors_refused)
{
	struct answer a = ask_get("/list?limit=2&q=a");
	char good[128], uri[256], bad[128];

	snprintf(good, sizeof good, "%s", cursor_of(a.body));
	snprintf(uri, sizeof uri, "/list?limit=3&q=a&cursor=%s", good);
	ck_assert_int_eq(ask_get(uri).status, 200); /* another page size */
	snprintf(uri, sizeof uri, "/list?q=b&cursor=%s", good);
	ck_assert_int_eq(ask_get(uri).status, 400); /* another filter */
	snprintf(uri, sizeof uri, "/list?cursor=%s", good);
	ck_assert_int_eq(ask_get(uri).status, 400);
	snprintf(uri, sizeof uri, "/other?q=a&cursor=%s", good);
	ck_assert_int_eq(ask_get(uri).status, 400); /* another list */
	for (size_t i = 0; good[i] != '\0'; i++) {
		snprintf(bad, sizeof bad, "%s", good);
		bad[i] = bad[i] == 'B' ? 'C' : 'B';
		snprintf(uri, sizeof uri, "/list?q=a&cursor=%s", bad);
		ck_assert_msg(
		    ask_get(uri).status == 400, "byte %zu of %s", i, good);
	}
	for (size_t n = 1; n < strlen(good); n++) {
		snprintf(
		    uri, sizeof uri, "/list?q=a&cursor=%.*s", (int)n, good);
		ck_assert_int_eq(ask_get(uri).status, 400);
	}
}
END_TEST

/* No row lies at no time: a statement would not take it. */
START_TEST(cursors_forged)
{
	struct answer a = ask_get("/forged");
	char uri[256];

	snprintf(uri, sizeof uri, "/forged?cursor=%s", cursor_of(a.body));
	ck_assert_int_eq(ask_get(uri).status, 400);
}
END_TEST

START_TEST(contents)
{
	static const struct {
		const char *type, *range, *want_type, *want_range, *body;
		int status;
		bool shown;
	} rows[] = {
		{ "HTTP_X_TYPE=text/plain", "", "text/plain", "", "0123456789",
		    200, true },
		{ "HTTP_X_TYPE=text/html", "", "application/octet-stream", "",
		    "0123456789", 200, false },
		{ "HTTP_X_TYPE=image/svg+xml", "", "application/octet-stream",
		    "", "0123456789", 200, false },
		{ "HTTP_X_TYPE=image/png\r\nX: y", "",
		    "application/octet-stream", "", "0123456789", 200, false },
		{ "HTTP_X_TYPE=application/pdf", "", "application/pdf", "",
		    "0123456789", 200, false },
		{ "HTTP_X_TYPE=text/plain", "HTTP_RANGE=bytes=2-4",
		    "text/plain", "bytes 2-4/10", "234", 206, true },
		{ "HTTP_X_TYPE=text/plain", "HTTP_RANGE=bytes=-3", "text/plain",
		    "bytes 7-9/10", "789", 206, true },
		{ "HTTP_X_TYPE=text/plain", "HTTP_RANGE=bytes=8-", "text/plain",
		    "bytes 8-9/10", "89", 206, true },
		{ "HTTP_X_TYPE=text/plain", "HTTP_RANGE=bytes=8-100",
		    "text/plain", "bytes 8-9/10", "89", 206, true },
		{ "HTTP_X_TYPE=text/plain", "HTTP_RANGE=bytes=0-1,4-5",
		    "text/plain", "", "0123456789", 200, true },
		{ "HTTP_X_TYPE=text/plain", "HTTP_RANGE=lines=0-1",
		    "text/plain", "", "0123456789", 200, true },
		{ "HTTP_X_TYPE=text/plain", "HTTP_RANGE=bytes=4-2",
		    "text/plain", "", "0123456789", 200, true },
		{ "HTTP_X_TYPE=text/plain", "HTTP_RANGE=bytes=10-",
		    "application/problem+json", "", NULL, 416, false },
		{ "HTTP_X_TYPE=text/plain", "HTTP_RANGE=bytes=-0",
		    "application/problem+json", "", NULL, 416, false },
	};

	ARRAY_EACH (row, rows) {
		struct answer a = ask(&(struct question){ .method = "GET",
		    .uri = "/bytes",
		    .more = { row->type,
			row->range[0] != '\0' ? row->range : NULL } });

		ROW(row->range, a.status == row->status);
		ROW(row->type,
		    strcmp(answer_header(&a, "Content-Type"), row->want_type) ==
			0);
		ROW(row->range,
		    strcmp(answer_header(&a, "Content-Range"),
			row->want_range) == 0);
		if (row->body == NULL)
			continue;
		ROW(row->range, strcmp(a.body, row->body) == 0);
		ROW(row->type,
		    (strncmp(answer_header(&a, "Content-Disposition"), "inline",
			 6) == 0) == row->shown);
		ROW(row->type,
		    strstr(answer_header(&a, "Content-Disposition"),
			"filename=\"na_me ____.txt\"; "
			"filename*=UTF-8''na%22me%20%C3%A4__.txt") != NULL);
	}
}
END_TEST

UNIT_MAIN_AROUND("web/reply", begin, ask_end, UNIT(envelopes), UNIT(errors),
    UNIT(inner_faults_stay_inside), UNIT(method_and_path), UNIT(entity_tags),
    UNIT(tag_lists), UNIT(pages), UNIT(list_shapes), UNIT(cursors_refused),
    UNIT(cursors_forged), UNIT(contents))
