/* What bodies and parameters are refused for, and what handlers find. */
#include "web/body.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/unit.h"
#include "web/ask.h"
#include "web/reply.h"

static const char *const colours[] = { "red", "green", NULL };

struct part {
	const char *name;
	int64_t size;
};
static const struct field part_body[] = {
	F_TEXT(struct part, name, 1, 10, REQUIRED),
	F_INT(struct part, size, 0, 99, OPTIONAL, PRESET(7)),
	F_END,
};

static const struct field item_id = { .kind = FIELD_ID, .id = ID_EMAIL };
static const struct field item_text = {
	.kind = FIELD_TEXT, .least = 1, .most = 5
};

struct thing {
	const char *title;
	int64_t count;
	bool loud;
	int colour;
	instant at;
	int64_t task;
	struct secret password;
	const char *mail;
	struct str extra;
	struct part *part;
	struct items parts;
	struct ids emails;
	struct texts to;
};
static const struct field thing_body[] = {
	F_TEXT(struct thing, title, 1, 5, REQUIRED),
	F_INT(struct thing, count, -5, 9, NULLABLE, PRESET(3)),
	F_BOOL(struct thing, loud, OPTIONAL),
	F_ENUM(struct thing, colour, colours, OPTIONAL),
	F_TIME(struct thing, at, NULLABLE),
	F_ID(struct thing, task, ID_TASK, OPTIONAL),
	F_SECRET(struct thing, password, 2, 8, OPTIONAL),
	F_EMAIL(struct thing, mail, OPTIONAL),
	F_JSON(struct thing, extra, 20, OPTIONAL),
	F_OBJECT(struct thing, part, part, OPTIONAL),
	F_ARRAY(struct thing, parts, 1, 2, part, OPTIONAL),
	F_LIST(struct thing, emails, 1, 3, &item_id, OPTIONAL),
	F_LIST(struct thing, to, 1, 3, &item_text, ONE_OR_MANY),
	F_END,
};

/* Says what it found, in one line. */
static enum rc
show(struct request *rq)
{
	const struct thing *t = rq->body;
	struct jw *w = reply_bare(rq, 200);
	struct buf b;

	buf_init(&b, 4096);
	buf_fmt(&b, "%s %lld %d %d", t->title, (long long)t->count, t->loud,
	    t->colour);
	if (instant_is(t->at))
		buf_fmt(&b, " at=%lld", (long long)(t->at.us / 1000000));
	if (t->task != 0)
		buf_fmt(&b, " task=%lld", (long long)t->task);
	if (secret_is(&t->password))
		buf_fmt(&b, " password=%zu", t->password.n);
	if (t->mail != NULL)
		buf_fmt(&b, " mail=%s", t->mail);
	if (t->extra.p != NULL)
		buf_fmt(&b, " extra=%.*s", STR_FMT(t->extra));
	if (t->part != NULL)
		buf_fmt(&b, " part=%s/%lld", t->part->name,
		    (long long)t->part->size);
	for (size_t i = 0; i < t->parts.n; i++)
		buf_fmt(&b, " parts=%s", ITEM(struct part, &t->parts, i).name);
	for (size_t i = 0; i < t->emails.n; i++)
		buf_fmt(&b, " email=%lld", (long long)t->emails.v[i]);
	for (size_t i = 0; i < t->to.n; i++)
		buf_fmt(&b, " to=%.*s", STR_FMT(t->to.v[i]));
	if (GIVEN(rq, struct thing, count))
		buf_puts(&b, " given");
	if (IS_NULL(rq, struct thing, count))
		buf_puts(&b, " null");
	jw_str(w, (struct str){ b.p, b.n });
	buf_clear(&b);
	return reply_bare_close(rq);
}

struct query {
	struct page page;
	const char *q;
	bool unread;
	int64_t email_id;
};
static const struct field query_params[] = {
	F_PAGE(struct query, 50),
	F_TEXT(struct query, q, 1, 10, OPTIONAL),
	F_BOOL(struct query, unread, OPTIONAL, PRESET(true)),
	F_ID(struct query, email_id, ID_EMAIL, OPTIONAL),
	F_END,
};

static enum rc
query(struct request *rq)
{
	const struct query *p = rq->params;
	struct jw *w = reply_bare(rq, 200);

	jw_text(w,
	    arena_fmt(rq->arena, "%lld %lld %s %d %lld%s",
		(long long)p->page.limit, (long long)p->page.offset,
		p->q != NULL ? p->q : "-", p->unread, (long long)p->email_id,
		PARAM_GIVEN(rq, struct query, unread) ? " given" : ""));
	return reply_bare_close(rq);
}

static const struct route routes[] = {
	{ POST, "/data", show, NEED_PUBLIC, BODY(thing) },
	{ POST, "/ci", show, NEED_PUBLIC, ENV_SUCCESS, BODY(thing) },
	{ POST, "/ci/:id", show, NEED_PUBLIC, ENV_SUCCESS, BODY(thing) },
	{ POST, "/form", show, NEED_PUBLIC, ENV_OK, BODY(thing),
	    .flags = FORM_OK },
	{ GET, "/query", query, NEED_PUBLIC, PARAMS(query) },
};
static FAMILY(sample, QUIET);

static void
begin(void)
{
	ask_begin(&sample_family);
}

/* "field:code field:code" of the errors or details in an answer. */
static const char *
faults(const char *body)
{
	static char text[1024];
	size_t n = 0;

	text[0] = '\0';
	for (const char *p = body; (p = strstr(p, "{\"field\":\"")) != NULL;) {
		char field[64], code[64];

		p += 10;
		if (sscanf(p, "%63[^\"]\",\"code\":\"%63[^\"]", field, code) !=
		    2)
			continue;
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s:%s",
		    n > 0 ? " " : "", field, code);
	}
	return text;
}

START_TEST(found)
{
	static const struct {
		const char *body, *want;
	} rows[] = {
		{ "{\"title\":\"a\"}", "a 3 0 -1" },
		{ " {\"title\":\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\"} ",
		    "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 3 0 -1" },
		{ "{\"title\":\"a\",\"count\":-5,\"loud\":true,"
		  "\"colour\":\"green\"}",
		    "a -5 1 1 given" },
		{ "{\"title\":\"a\",\"count\":null,\"at\":null}",
		    "a 3 0 -1 given null" },
		{ "{\"title\":\"a\",\"at\":\"2025-10-18T14:23:45Z\"}",
		    "a 3 0 -1 at=1760797425" },
		{ "{\"title\":\"a\",\"task\":7}", "a 3 0 -1 task=7" },
		{ "{\"title\":\"a\",\"task\":\"tsk_7\"}", "a 3 0 -1 task=7" },
		{ "{\"title\":\"a\",\"password\":\"x\\ny\"}",
		    "a 3 0 -1 password=3" },
		{ "{\"title\":\"a\",\"mail\":\"a.b@c.test\"}",
		    "a 3 0 -1 mail=a.b@c.test" },
		{ "{\"title\":\"a\",\"extra\":{\"x\":[1,\"/\"]}}",
		    "a 3 0 -1 extra={\\\"x\\\":[1,\\\"/\\\"]}" },
		{ "{\"title\":\"a\",\"part\":{\"name\":\"n\"}}",
		    "a 3 0 -1 part=n/7" },
		{ "{\"title\":\"a\",\"parts\":[{\"name\":\"n\"},"
		  "{\"name\":\"m\",\"size\":1}]}",
		    "a 3 0 -1 parts=n parts=m" },
		{ "{\"title\":\"a\",\"emails\":[1,\"eml_2\"]}",
		    "a 3 0 -1 email=1 email=2" },
		{ "{\"title\":\"a\",\"to\":\"x\"}", "a 3 0 -1 to=x" },
		{ "{\"title\":\"a\",\"to\":[\"x\",\"y\"]}",
		    "a 3 0 -1 to=x to=y" },
	};

	ARRAY_EACH (row, rows) {
		struct answer a = ask(&(struct question){ "POST", "/data",
		    "application/json; charset=utf-8", row->body, { NULL } });
		char want[256];

		snprintf(want, sizeof want, "\"%s\"", row->want);
		ROW(row->body, a.status == 200);
		ROW(row->body, strcmp(a.body, want) == 0);
	}
}
END_TEST

START_TEST(refused)
{
	static const struct {
		const char *body, *faults;
		int status;
	} rows[] = {
		{ "{}", "title:required", 422 },
		{ "{\"title\":\"\"}", "title:empty", 422 },
		{ "{\"title\":\"  \"}", "title:empty", 422 },
		{ "{\"title\":\"123456\"}", "title:too_long", 422 },
		{ "{\"title\":null}", "title:null", 422 },
		{ "{\"title\":5}", "title:wrong_type", 422 },
		{ "{\"title\":\"a\\nb\"}", "title:control_character", 422 },
		{ "{\"title\":\"a\",\"count\":\"5\"}", "count:wrong_type",
		    422 },
		{ "{\"title\":\"a\",\"count\":5.0}", "count:wrong_type", 422 },
		{ "{\"title\":\"a\",\"count\":10}", "count:out_of_range", 422 },
		{ "{\"title\":\"a\",\"count\":-6}", "count:out_of_range", 422 },
		{ "{\"title\":\"a\",\"loud\":1}", "loud:wrong_type", 422 },
		{ "{\"title\":\"a\",\"loud\":\"true\"}", "loud:wrong_type",
		    422 },
		{ "{\"title\":\"a\",\"colour\":\"blue\"}", "colour:not_allowed",
		    422 },
		{ "{\"title\":\"a\",\"at\":\"yesterday\"}", "at:malformed",
		    422 },
		{ "{\"title\":\"a\",\"at\":5}", "at:wrong_type", 422 },
		{ "{\"title\":\"a\",\"task\":\"7\"}", "task:wrong_type", 422 },
		{ "{\"title\":\"a\",\"task\":\"acc_7\"}", "task:wrong_type",
		    422 },
		{ "{\"title\":\"a\",\"task\":\"tsk_07\"}", "task:malformed",
		    422 },
		{ "{\"title\":\"a\",\"task\":0}", "task:malformed", 422 },
		{ "{\"title\":\"a\",\"password\":\"x\"}", "password:too_short",
		    422 },
		{ "{\"title\":\"a\",\"mail\":\"nobody\"}", "mail:malformed",
		    422 },
		{ "{\"title\":\"a\",\"mail\":\"a@b, c@d\"}", "mail:malformed",
		    422 },
		{ "{\"title\":\"a\",\"extra\":\"123456789012345678901\"}",
		    "extra:too_long", 422 },
		{ "{\"title\":\"a\",\"part\":[]}", "part:wrong_type", 422 },
		{ "{\"title\":\"a\",\"part\":{}}", "part.name:required", 422 },
		{ "{\"title\":\"a\",\"part\":{\"name\":\"n\",\"x\":1}}",
		    "part.x:unknown_field", 422 },
		{ "{\"title\":\"a\",\"parts\":[]}", "parts:too_few", 422 },
		{ "{\"title\":\"a\",\"parts\":[{\"name\":\"n\"},{\"name\":5}]}",
		    "parts[1].name:wrong_type", 422 },
		{ "{\"title\":\"a\",\"parts\":[1]}", "parts[0]:wrong_type",
		    422 },
		{ "{\"title\":\"a\",\"emails\":[1,2,3,4]}", "emails:too_many",
		    422 },
		{ "{\"title\":\"a\",\"emails\":5}", "emails:wrong_type", 422 },
		{ "{\"title\":\"a\",\"emails\":[\"x\"]}",
		    "emails[0]:wrong_type", 422 },
		{ "{\"title\":\"a\",\"to\":[\"123456\"]}", "to[0]:too_long",
		    422 },
		{ "{\"title\":\"a\",\"nope\":1}", "nope:unknown_field", 422 },
		/* all of them, not the first */
		{ "{\"count\":\"1\",\"loud\":0,\"zzz\":0}",
		    "count:wrong_type loud:wrong_type zzz:unknown_field "
		    "title:required",
		    422 },
		/* not JSON of ours */
		{ "[]", "", 400 },
		{ "5", "", 400 },
		{ "{\"title\":\"a\"", "", 400 },
		{ "{\"title\":\"a\"}x", "", 400 },
		{ "{\"title\":\"a\",\"title\":\"b\"}", "", 400 },
		{ "{\"title\":\"a\\u0000\"}", "", 400 },
		{ "{\"title\":\"\\ud800\"}", "", 400 },
		{ "{\"title\":\"\xff\"}", "", 400 },
		{ "{'title':'a'}", "", 400 },
		{ "{\"title\":\"a\",\"count\":99999999999999999999}", "", 400 },
		{ "{\"title\":\"a\",\"extra\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]"
		  "]}",
		    "", 400 },
	};

	ARRAY_EACH (row, rows) {
		struct answer a = ask(&(struct question){
		    "POST", "/data", "application/json", row->body, { NULL } });

		ROW(row->body, a.status == row->status);
		ROW(row->body, strcmp(faults(a.body), row->faults) == 0);
		ROW(row->body,
		    strcmp(answer_header(&a, "Content-Type"),
			"application/problem+json") == 0);
	}
}
END_TEST

START_TEST(names_the_line)
{
	struct answer a =
	    ask(&(struct question){ "POST", "/data", "application/json",
		"{\n\"title\": \"a\",\n\"title\": \"b\"}", { NULL } });

	ck_assert_int_eq(a.status, 400);
	ck_assert_ptr_nonnull(strstr(a.body, "line 3"));
	ck_assert_ptr_nonnull(strstr(a.body, "title"));
}
END_TEST

START_TEST(empty_is_an_object)
{
	static const char *const types[] = { NULL, "text/html",
		"application/json" };

	for (size_t i = 0; i < 3; i++) {
		struct answer a = ask(&(struct question){
		    "POST", "/data", types[i], i == 0 ? NULL : "", { NULL } });

		ck_assert_int_eq(a.status, 422); /* only: title is missing */
		ck_assert_str_eq(faults(a.body), "title:required");
	}
}
END_TEST

START_TEST(media_types)
{
	static const struct {
		const char *uri, *type;
		int status;
	} rows[] = {
		{ "/data", "application/json", 200 },
		{ "/data", "Application/JSON ; charset=utf-8", 200 },
		{ "/data", "application/merge-patch+json", 200 },
		{ "/data", "text/json", 415 },
		{ "/data", "application/jsonx", 415 },
		{ "/data", "application/+json", 415 },
		{ "/data", "application/x-www-form-urlencoded", 415 },
		{ "/data", NULL, 415 },
		{ "/form", "application/json", 200 },
	};

	ARRAY_EACH (row, rows) {
		struct answer a = ask(&(struct question){ "POST", row->uri,
		    row->type, "{\"title\":\"a\"}", { NULL } });

		ROW(row->type != NULL ? row->type : "none",
		    a.status == row->status);
	}
}
END_TEST

START_TEST(codings)
{
	static const struct {
		const char *coding;
		int status;
	} rows[] = {
		{ "HTTP_CONTENT_ENCODING=", 200 },
		{ "HTTP_CONTENT_ENCODING=identity", 200 },
		{ "HTTP_CONTENT_ENCODING=gzip", 415 },
		{ "HTTP_CONTENT_ENCODING=identity, br", 415 },
	};

	ARRAY_EACH (row, rows) {
		struct answer a =
		    ask(&(struct question){ "POST", "/data", "application/json",
			"{\"title\":\"a\"}", { row->coding, NULL } });

		ROW(row->coding, a.status == row->status);
	}
}
END_TEST

START_TEST(form)
{
	static const struct {
		const char *body, *want;
		int status;
	} rows[] = {
		{ "title=a&count=4&loud=1&colour=red&other=x",
		    "\"a 4 1 0 given\"", 200 },
		{ "title=%C3%A4+b", "\"\xc3\xa4 b 3 0 -1\"", 200 },
		{ "title=a&title=b", NULL, 400 },
		{ "title=a&count=x", NULL, 400 },
		{ "title=%zz", NULL, 400 },
		{ "count=4", NULL, 400 },
		{ "title=a&part=x", NULL, 400 },
	};

	ARRAY_EACH (row, rows) {
		struct answer a = ask(&(struct question){ "POST", "/form",
		    "application/x-www-form-urlencoded", row->body, { NULL } });

		ROW(row->body, a.status == row->status);
		if (row->want != NULL)
			ROW(row->body, strcmp(a.body, row->want) == 0);
	}
}
END_TEST

START_TEST(ignored_and_protected)
{
	static const struct {
		const char *uri, *body;
		int status;
	} rows[] = {
		{ "/ci", "{\"title\":\"a\",\"nope\":1}", 200 },
		{ "/ci/5", "{\"title\":\"a\",\"id\":5}", 200 },
		{ "/ci/5", "{\"title\":\"a\",\"id\":null}", 200 },
		{ "/ci/5", "{\"title\":\"a\",\"id\":6}", 403 },
		{ "/ci/5", "{\"title\":\"a\",\"id\":\"5\"}", 403 },
		{ "/ci/5", "{\"title\":\"a\",\"is_active\":true}", 200 },
		{ "/ci/5", "{\"title\":\"a\",\"is_active\":false}", 403 },
		{ "/ci/5", "{\"title\":\"a\",\"role\":\"user\"}", 200 },
		{ "/ci/5", "{\"title\":\"a\",\"role\":\"admin\"}", 403 },
		{ "/ci/5", "{\"title\":\"a\",\"account_id\":99}", 403 },
		{ "/ci/5", "{\"title\":\"a\",\"user_id\":99}", 403 },
		{ "/ci", "{\"title\":5}", 400 },
	};

	ARRAY_EACH (row, rows) {
		struct answer a = ask(&(struct question){ "POST", row->uri,
		    "application/json", row->body, { NULL } });

		ROW(row->body, a.status == row->status);
	}
}
END_TEST

START_TEST(sizes)
{
	size_t n = (size_t)2 << 20;
	char *body = malloc(n + 1);
	struct answer a;

	ck_assert_ptr_nonnull(body);
	memset(body, ' ', n);
	body[n] = '\0';
	a = ask(&(struct question){
	    "POST", "/data", "application/json", body, { NULL } });
	ck_assert_int_eq(a.status, 413);
	/* values, not bytes: a tree would be sixty times as large */
	n = (size_t)1 << 20;
	for (size_t i = 0; i < n; i++)
		body[i] = i % 2 == 0 ? '0' : ',';
	memcpy(body, "{\"extra\":[  ", 12);
	memcpy(body + n - 4, "0]} ", 4);
	body[n] = '\0';
	a = ask(&(struct question){
	    "POST", "/data", "application/json", body, { NULL } });
	ck_assert_int_eq(a.status, 413);
	free(body);
}
END_TEST

START_TEST(parameters)
{
	static const struct {
		const char *uri, *want; /* NULL: faults or 400 */
		int status;
		const char *faults;
	} rows[] = {
		{ "/query", "50 0 - 1 0", 200, "" },
		{ "/query?", "50 0 - 1 0", 200, "" },
		{ "/query?limit=10&offset=20&q=a+b%21", "10 20 a b! 1 0", 200,
		    "" },
		{ "/query?limit=9999", "200 0 - 1 0", 200, "" },
		{ "/query?unread=0", "50 0 - 0 0 given", 200, "" },
		{ "/query?unread=true", "50 0 - 1 0 given", 200, "" },
		{ "/query?email_id=eml_7", "50 0 - 1 7", 200, "" },
		{ "/query?email_id=7", "50 0 - 1 7", 200, "" },
		{ "/query?nope=1&x", "50 0 - 1 0", 200, "" },
		{ "/query?&&limit=5&", "5 0 - 1 0", 200, "" },
		{ "/query?limit=0", NULL, 422, "limit:out_of_range" },
		{ "/query?limit=-1", NULL, 422, "limit:out_of_range" },
		{ "/query?limit=", NULL, 422, "limit:wrong_type" },
		{ "/query?limit=1e2", NULL, 422, "limit:wrong_type" },
		{ "/query?limit=+5", NULL, 422, "limit:wrong_type" },
		{ "/query?limit=05", NULL, 422, "limit:wrong_type" },
		{ "/query?limit=x&unread=yes", NULL, 422,
		    "limit:wrong_type unread:wrong_type" },
		{ "/query?email_id=tsk_7", NULL, 422, "email_id:malformed" },
		{ "/query?q=", NULL, 422, "q:empty" },
		{ "/query?q=%0a", NULL, 422, "q:control_character" },
		{ "/query?limit=1&limit=2", NULL, 400, "" },
		{ "/query?limit=1&%6cimit=2", NULL, 400, "" },
		{ "/query?x=1&x=1", NULL, 400, "" },
		{ "/query?q=%", NULL, 400, "" },
		{ "/query?q=%00", NULL, 400, "" },
		{ "/query?q=%ff", NULL, 400, "" },
	};

	ARRAY_EACH (row, rows) {
		struct answer a = ask_get(row->uri);
		char want[128];

		ROW(row->uri, a.status == row->status);
		ROW(row->uri, strcmp(faults(a.body), row->faults) == 0);
		snprintf(want, sizeof want, "\"%s\"",
		    row->want != NULL ? row->want : "");
		if (row->want != NULL)
			ROW(row->uri, strcmp(a.body, want) == 0);
	}
}
END_TEST

UNIT_MAIN_AROUND("web/body", begin, ask_end, UNIT(found), UNIT(refused),
    UNIT(names_the_line), UNIT(empty_is_an_object), UNIT(media_types),
    UNIT(codings), UNIT(form), UNIT(ignored_and_protected), UNIT(sizes),
    UNIT(parameters))
