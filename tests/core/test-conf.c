#include "core/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/unit.h"

static char path[] = "/tmp/letterrack-conf-XXXXXX";
static struct conf *c;

static enum rc
read_bytes(const char *text, size_t n)
{
	char name[] = "/tmp/letterrack-conf-XXXXXX";
	int fd = mkstemp(name);
	enum rc rc;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, n), (ssize_t)n);
	close(fd);
	memcpy(path, name, sizeof(name));
	rc = conf_read(path, &c);
	unlink(path);
	return rc;
}

static enum rc
read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

START_TEST(presets)
{
	ck_assert_int_eq(read_text(""), RC_OK);
	ck_assert_str_eq(c->base_url, "http://127.0.0.1:8080");
	ck_assert_int_eq(c->access_token_life, 600);
	ck_assert_int_eq(c->session_life, 7 * 86400);
	ck_assert_int_eq(c->body_cache_message, 10 << 20);
	ck_assert(!c->log_json);
	ck_assert_str_eq(c->file, path);
	conf_free(&c);
	ck_assert_ptr_null(c);
	conf_free(&c);
}
END_TEST

START_TEST(lines)
{
	ck_assert_int_eq(
	    read_text("# comment\r\n"
		      "\n"
		      "  base_url=https://desk.example \t\r\n"
		      "database = \" dbname=x password='a=b # c' \"\n"
		      "log_json = yes\n"
		      "session_idle = 90\n"
		      "session_life = 2h\n"
		      "poll_interval = 45s\n"
		      "body_cache_message = 64k\n"
		      "body_cache_total = 1g\n"
		      "egress_allow = 127.0.0.0/8 fd00::/8\n"
		      "metrics_token = \"\"\n"
		      "workers_scale = 3"),
	    RC_OK);
	ck_assert_str_eq(c->base_url, "https://desk.example");
	ck_assert_str_eq(c->database, " dbname=x password='a=b # c' ");
	ck_assert(c->log_json);
	ck_assert_int_eq(c->session_idle, 90);
	ck_assert_int_eq(c->session_life, 7200);
	ck_assert_int_eq(c->poll_interval, 45);
	ck_assert_int_eq(c->body_cache_message, 65536);
	ck_assert_int_eq(c->body_cache_total, 1 << 30);
	ck_assert_str_eq(c->egress_allow, "127.0.0.0/8 fd00::/8");
	ck_assert_str_eq(c->metrics_token, "");
	ck_assert_int_eq(c->workers_scale, 3);
	conf_free(&c);
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		const char *text;
		const char *why; /* behind "file:" */
	} rows[] = {
		{ "\n\nnonsense = 1", "3: unknown name \"nonsense\"" },
		{ "= 1", "1: unknown name \"\"" },
		{ "BASE_URL = http://x", "1: unknown name \"BASE_URL\"" },
		{ "log_json", "1: neither a comment nor name = value" },
		{ "log_json = yes\nlog_json = yes",
		    "2: log_json: given twice" },
		{ "log_json = 1x", "1: log_json: neither yes nor no" },
		{ "log_json =", "1: log_json: neither yes nor no" },
		{ "password_cost = 12", "1: password_cost: out of range" },
		{ "password_cost = 0", "1: password_cost: out of range" },
		{ "password_cost = -1",
		    "1: password_cost: not a number of this kind" },
		{ "password_cost = 1k",
		    "1: password_cost: not a number of this kind" },
		{ "password_cost = 05",
		    "1: password_cost: not a number of this kind" },
		{ "password_cost =",
		    "1: password_cost: not a number of this kind" },
		{ "session_idle = m",
		    "1: session_idle: not a number of this kind" },
		{ "session_idle = 10mm",
		    "1: session_idle: not a number of this kind" },
		{ "session_idle = 10 m",
		    "1: session_idle: not a number of this kind" },
		{ "session_idle = 10k",
		    "1: session_idle: not a number of this kind" },
		{ "session_idle = 59", "1: session_idle: out of range" },
		{ "session_idle = 8d", "1: session_idle: out of range" },
		{ "session_idle = 9223372036854775807d",
		    "1: session_idle: not a number of this kind" },
		{ "body_cache_total = 9999999999g",
		    "1: body_cache_total: not a number of this kind" },
		{ "run_dir = run", "1: run_dir: not an absolute path" },
		{ "run_dir =", "1: run_dir: too short" },
		{ "log_level = verbose",
		    "1: log_level: none of error, warn, info, debug" },
		{ "base_url = ftp://x.example",
		    "1: base_url: begins with neither http:// nor https://" },
		{ "base_url = \"http://x.example",
		    "1: base_url: quotes do not match" },
		{ "base_url = \"", "1: base_url: quotes do not match" },
		{ "database = \"a\" b\"", "1: database: quotes do not match" },
		{ "database = a\x01", "1: database: not plain text" },
		{ "database = a\xff", "1: database: not plain text" },
		{ "database = a\xc2\x80\xe2\x82",
		    "1: database: not plain text" },
	};

	ARRAY_EACH (row, rows) {
		char want[256];

		ROW(row->text, read_text(row->text) == RC_INVALID);
		ck_assert_ptr_null(c);
		snprintf(want, sizeof(want), "%s:%s", path, row->why);
		ck_assert_str_eq(fail_detail(), want);
	}
}
END_TEST

START_TEST(hostile_files)
{
	static char large[300000];

	ck_assert_int_eq(read_bytes("database = a\0b", 14), RC_INVALID);
	memset(large, '\n', sizeof(large));
	ck_assert_int_eq(read_bytes(large, sizeof(large)), RC_INVALID);
	ck_assert_int_eq(read_bytes(large, 200000), RC_OK);
	conf_free(&c);
	memset(large, 'x', sizeof(large));
	ck_assert_int_eq(read_bytes(large, 200000), RC_INVALID);
	large[100] = '=';
	ck_assert_int_eq(read_bytes(large, 200000), RC_INVALID);
}
END_TEST

START_TEST(missing_files)
{
	ck_assert_int_eq(conf_read("/nonexistent/x.conf", &c), RC_INVALID);
	ck_assert_str_eq(
	    fail_detail(), "/nonexistent/x.conf: No such file or directory");
	ck_assert_int_eq(conf_read("/tmp", &c), RC_INVALID);
	setenv("LETTERRACK_CONF", "/nonexistent/y.conf", 1);
	ck_assert_int_eq(conf_read(NULL, &c), RC_INVALID);
	setenv("LETTERRACK_CONF", "/dev/null", 1);
	ck_assert_int_eq(conf_read(NULL, &c), RC_OK);
	ck_assert_str_eq(c->file, "/dev/null");
	conf_free(&c);
}
END_TEST

START_TEST(environment)
{
	setenv("LETTERRACK_LOG_LEVEL", "debug", 1);
	setenv("LETTERRACK_FAILPOINT", "hold.move:2", 1);
	ck_assert_int_eq(read_text("log_level = warn"), RC_OK);
	ck_assert_str_eq(c->log_level, "debug");
	ck_assert_str_eq(c->failpoint, "hold.move:2");
	conf_free(&c);
	setenv("LETTERRACK_SESSION_IDLE", "1", 1);
	ck_assert_int_eq(read_text(""), RC_INVALID);
	ck_assert_str_eq(
	    fail_detail(), "LETTERRACK_SESSION_IDLE: out of range");
}
END_TEST

/* The manual page is made of the rows. */
START_TEST(rows_are_documented)
{
	for (size_t i = 0; i < conf_rows_count; i++) {
		const struct conf_row *row = &conf_rows[i];

		ROW(row->name, strlen(row->what) > 10);
		ROW(row->name, row->what[strlen(row->what) - 1] == '.');
		ROW(row->name, row->least <= row->most);
		for (size_t k = 0; k < i; k++)
			ROW(row->name, strcmp(row->name, conf_rows[k].name));
	}
}
END_TEST

UNIT_MAIN("core/conf", UNIT(presets), UNIT(lines), UNIT(refuses),
    UNIT(hostile_files), UNIT(missing_files), UNIT(environment),
    UNIT(rows_are_documented))
