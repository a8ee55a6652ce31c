#include "core/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/json.h"
#include "lib/unit.h"

static char said[8192];
static FILE *stream;

/* Each test is a process of its own: standard error need not be put back. */
static void
begin(enum log_level most, bool json)
{
	stream = tmpfile();
	ck_assert_ptr_nonnull(stream);
	ck_assert_int_ge(dup2(fileno(stream), STDERR_FILENO), 0);
	log_open("test", most, json);
}

static void
heard(void)
{
	ssize_t n = pread(fileno(stream), said, sizeof(said) - 1, 0);

	ck_assert_int_ge(n, 0);
	said[n] = '\0';
	ck_assert_int_eq(ftruncate(fileno(stream), 0), 0);
	ck_assert_int_ge(lseek(fileno(stream), 0, SEEK_SET), 0);
}

static int
lines(void)
{
	int n = 0;

	for (const char *p = said; (p = strchr(p, '\n')) != NULL; p++)
		n++;
	return n;
}

START_TEST(plain_line)
{
	const struct log log = {
		.who = "sync", .request = "r\n1", .account = 7, .object = 9
	};

	begin(LOG_INFO_, false);
	log_warn(&log, "idle dropped after=%ds", 5);
	heard();
	ck_assert_int_eq(lines(), 1);
	ck_assert_ptr_nonnull(strstr(said, "Z warn test["));
	ck_assert_ptr_nonnull(strstr(said,
	    "]: idle dropped after=5s who=sync request=r\\x0a1 account=7 "
	    "object=9\n"));
}
END_TEST

START_TEST(json_line)
{
	const struct log log = { .who = "sync", .account = 7 };
	struct json_fault fault;

	begin(LOG_INFO_, true);
	log_error(&log, "say \"hi\"\\\t%s", "\xff\xc2\x9b\xc3\xa9");
	heard();
	ck_assert_int_eq(lines(), 1);
	ck_assert_int_eq(json_scan(str_of(said), 1, &fault), RC_OK);
	ck_assert_ptr_nonnull(strstr(said, "\"level\":\"error\""));
	ck_assert_ptr_nonnull(strstr(said,
	    "\"message\":\"say "
	    "\\\"hi\\\"\\\\\\u0009\xef\xbf\xbd\\u009b\xc3\xa9\""
	    ",\"who\":\"sync\",\"account\":7}\n"));
}
END_TEST

/* No byte of input ends a line, begins an escape sequence or breaks JSON. */
START_TEST(input_cannot_forge)
{
	for (int json = 0; json < 2; json++) {
		begin(LOG_INFO_, json == 1);
		for (int c = 1; c < 256; c++) {
			struct json_fault fault;

			log_info(NULL, "a%cb", c);
			heard();
			ck_assert_msg(lines() == 1, "byte %02x", (unsigned)c);
			ck_assert_ptr_null(strchr(said, 0x1b));
			ck_assert(utf8_valid(said, strlen(said)));
			ck_assert(json == 0 ||
			    json_scan(str_of(said), 1, &fault) == RC_OK);
		}
	}
}
END_TEST

START_TEST(long_texts_are_cut)
{
	static const struct {
		const char *piece;
		bool json;
	} rows[] = { { "x", false }, { "x", true }, { "\x01", false },
		{ "\x01", true }, { "\xe2\x82\xac", true }, { "\"", true } };
	char text[6001];

	ARRAY_EACH (row, rows) {
		const struct log log = { .who = text, .account = 1 };
		size_t step = strlen(row->piece);
		struct json_fault fault;

		text[0] = '\0';
		for (size_t n = 0; n + step < sizeof(text); n += step)
			memcpy(text + n, row->piece, step + 1);
		begin(LOG_INFO_, row->json);
		log_info(&log, "%s", text);
		heard();
		ROW(row->piece, strlen(said) <= 4096);
		ROW(row->piece, lines() == 1);
		ROW(row->piece, said[strlen(said) - 1] == '\n');
		ROW(row->piece, utf8_valid(said, strlen(said)));
		ROW(row->piece,
		    !row->json || json_scan(str_of(said), 1, &fault) == RC_OK);
	}
}
END_TEST

START_TEST(levels)
{
	static const struct {
		const char *name;
		enum log_level level;
	} rows[] = { { "error", LOG_ERROR_ }, { "warn", LOG_WARN_ },
		{ "info", LOG_INFO_ }, { "debug", LOG_DEBUG_ } };
	enum log_level level;

	ARRAY_EACH (row, rows) {
		ROW(row->name, log_level_parse(row->name, &level));
		ROW(row->name, level == row->level);
		begin(level, false);
		log_error(NULL, "e");
		log_warn(NULL, "w");
		log_info(NULL, "i");
		log_debug(NULL, "d");
		heard();
		ROW(row->name, lines() == (int)row->level + 1);
	}
	ck_assert(!log_level_parse("INFO", &level));
	ck_assert(!log_level_parse("", &level));
}
END_TEST

START_TEST(errno_survives)
{
	begin(LOG_INFO_, false);
	close(STDERR_FILENO);
	errno = EAGAIN;
	log_info(NULL, "x");
	ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

START_TEST(die_aborts)
{
	die("no more of %s", "this");
}
END_TEST

UNIT_MAIN("core/log", UNIT(plain_line), UNIT(json_line),
    UNIT(input_cannot_forge), UNIT(long_texts_are_cut), UNIT(levels),
    UNIT(errno_survives), UNIT_DIES(die_aborts, SIGABRT))
