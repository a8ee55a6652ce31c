/* Replies in pieces of any size, and what is none. */
#include "mail/smtp-reply.h"

#include <string.h>

#include "core/text.h"
#include "lib/unit.h"

/* The last of the replies that `in` holds. */
static enum rc
read_all(struct str in, size_t piece, unsigned *n, struct smtp_reply *out)
{
	struct smtp_reader reader = { .lines = 0 };

	*n = 0;
	for (size_t at = 0; at < in.n;) {
		size_t most = in.n - at < piece ? in.n - at : piece, used = 0;
		bool done;
		enum rc rc = smtp_reader_feed(
		    &reader, in.p + at, most, &used, &done, out);

		if (rc != RC_OK)
			return rc;
		*n += done;
		at += used;
	}
	return RC_OK;
}

START_TEST(replies)
{
	static const struct {
		struct str in;
		unsigned n;
		int code;
		const char *status, *text;
	} rows[] = {
		{ STR("250 ok\r\n"), 1, 250, "", "250 ok" },
		{ STR("250 ok\n"), 1, 250, "", "250 ok" },
		{ STR("250\r\n"), 1, 250, "", "250" },
		{ STR("250 \r\n"), 1, 250, "", "250" },
		{ STR("250 2.0.0 Ok: queued as 4F1\r\n"), 1, 250, "2.0.0",
		    "250 2.0.0 Ok: queued as 4F1" },
		{ STR("550-5.1.1 no such\r\n550 5.1.1 user\r\n"), 1, 550,
		    "5.1.1", "550 5.1.1 no such user" },
		{ STR("250-a\r\n250-\r\n250-b\r\n250 c\r\n"), 1, 250, "",
		    "250 a b c" },
		{ STR("450 4.7.1 a\r\n250 b\r\n"), 2, 250, "", "250 b" },
		{ STR("550 2.0.0 lies\r\n"), 1, 550, "", "550 2.0.0 lies" },
		{ STR("550 5.1.1\r\n"), 1, 550, "5.1.1", "550 5.1.1" },
		{ STR("550 5.1234567890.1 x\r\n"), 1, 550, "",
		    "550 5.1234567890.1 x" },
		{ STR("550 5..1 x\r\n"), 1, 550, "", "550 5..1 x" },
		{ STR("550 5.1. x\r\n"), 1, 550, "", "550 5.1. x" },
		{ STR("250 a\0b\x01\x7f\xff\xc2\x85z\r\n"), 1, 250, "",
		    "250 a b  ?  z" },
		{ STR("250 \xc3\xbc\r\n"), 1, 250, "", "250 \xc3\xbc" },
		{ STR("250-a"), 0, 0, NULL, NULL },
		{ STR("25"), 0, 0, NULL, NULL },
		{ STR("250 never ends"), 0, 0, NULL, NULL },
		{ STR("250-a\r\n250-b\r\n"), 0, 0, NULL, NULL },
	};

	ARRAY_EACH (row, rows)
		for (size_t piece = 1; piece < 40; piece++) {
			struct smtp_reply reply = { .code = 0 };
			unsigned n;

			ROW(row->in.p,
			    read_all(row->in, piece, &n, &reply) == RC_OK);
			ROW(row->in.p, n == row->n && reply.code == row->code);
			if (row->text == NULL)
				continue;
			ck_assert_str_eq(reply.text, row->text);
			ck_assert_str_eq(reply.status, row->status);
		}
}
END_TEST

START_TEST(no_replies)
{
	static const struct str rows[] = { STR("\r\n"), STR("hm\r\n"),
		STR("25\r\n"), STR("2500 x\r\n"), STR("150 x\r\n"),
		STR("650 x\r\n"), STR("2x0 x\r\n"), STR(" 250 x\r\n"),
		STR("250\tx\r\n"), STR("250-a\r\n550 b\r\n"),
		STR("250-a\r\nb\r\n"), STR("\0\0\0\0\r\n"),
		STR("* OK IMAP\r\n") };

	ARRAY_EACH (row, rows)
		for (size_t piece = 1; piece < 20; piece++) {
			struct smtp_reply reply;
			unsigned n;

			ROW(row->p,
			    read_all(*row, piece, &n, &reply) == RC_PAYLOAD);
			ROW(row->p, n == 0);
		}
}
END_TEST

/* One line, or lines, without end: an end is made. */
START_TEST(floods)
{
	static const char *const pieces[] = { "250-x\r\n", "250 x", "2" };

	for (size_t i = 0; i < 3; i++) {
		struct smtp_reader reader = { .lines = 0 };
		struct smtp_reply reply;
		size_t fed = 0, used;
		enum rc rc = RC_OK;
		bool done = false;

		for (; rc == RC_OK && fed < 100000; fed += used) {
			rc = smtp_reader_feed(&reader, pieces[i],
			    strlen(pieces[i]), &used, &done, &reply);
			ck_assert(!done);
		}
		ck_assert_int_eq(rc, RC_PAYLOAD);
		ck_assert_uint_le(fed, SMTP_REPLY_MOST + 10);
	}
}
END_TEST

/* A text that is cut is cut between characters. */
START_TEST(long_text)
{
	char in[3000] = "250 x";
	struct smtp_reply reply;
	unsigned n;

	for (size_t i = 5; i + 4 < sizeof in; i += 2)
		memcpy(in + i, "\xc3\xbc", 2);
	memcpy(in + sizeof in - 3, "\r\n", 3);
	ck_assert_int_eq(
	    read_all((struct str){ in, sizeof in - 1 }, 7, &n, &reply), RC_OK);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_ge(strlen(reply.text), SMTP_TEXT_MOST - 3);
	ck_assert(utf8_valid(reply.text, strlen(reply.text)));
}
END_TEST

UNIT_MAIN("mail/smtp-reply", UNIT(replies), UNIT(no_replies), UNIT(floods),
    UNIT(long_text))
