/* One connection for many messages, against a server that is only memory; and
 * those that are kept for whoever sends next. */
#include "mail/smtp-kept.h"

#include <unistd.h>

#include "lib/unit.h"
#include "smtp-play.h"

/* ---- one connection, many messages ---- */

START_TEST(kept)
{
	struct house h;

	house_open(&h, &usual);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(house_send(&h, 3), SMTP_ACCEPTED);
	ck_assert_uint_eq(server.dials, 1);
	ck_assert_uint_eq(server.messages, 20);
	house_close(&h);
}
END_TEST

START_TEST(dropped_after_an_error)
{
	struct house h;

	house_open(&h, &usual);
	ck_assert_int_eq(house_send(&h, 1), SMTP_ACCEPTED);
	server.play.dot = "554 no\r\n";
	ck_assert_int_eq(house_send(&h, 1), SMTP_REFUSED);
	server.play.dot = NULL;
	ck_assert_int_eq(house_send(&h, 1), SMTP_ACCEPTED);
	ck_assert_uint_eq(server.dials, 2);
	house_close(&h);
}
END_TEST

/* It leaves, seen before the next message or only in the middle of it. */
START_TEST(leaves_in_between)
{
	struct house h;

	house_open(&h, &usual);
	server.play.closes_after = 1;
	ck_assert_int_eq(house_send(&h, 1), SMTP_ACCEPTED);
	ck_assert_int_eq(house_send(&h, 1), SMTP_ACCEPTED);
	ck_assert_uint_eq(server.dials, 2);
	house_close(&h);

	house_open(&h, &usual);
	ck_assert_int_eq(house_send(&h, 1), SMTP_ACCEPTED);
	server.play.cut_out = server.got.n + 5; /* within MAIL */
	ck_assert_int_eq(house_send(&h, 1), SMTP_ACCEPTED);
	ck_assert_uint_eq(server.dials, 2);
	ck_assert_uint_eq(server.messages, 2);
	house_close(&h);
}
END_TEST

/* Once the server has said a word of this message it is not begun again. */
START_TEST(not_begun_twice)
{
	struct house h;

	for (int farewell = 0; farewell < 2; farewell++) {
		house_open(&h, &usual);
		ck_assert_int_eq(house_send(&h, 1), SMTP_ACCEPTED);
		if (farewell)
			server.play.rcpt[0] = "421 bye\r\n";
		else
			server.play.cut_in =
			    server.said.n + strlen("250 sender\r\n");
		ck_assert_int_eq(house_send(&h, 1), SMTP_LATER);
		ck_assert_uint_eq(server.dials, 1);
		ck_assert_uint_eq(server.messages, 1);
		house_close(&h);
	}
}
END_TEST

/* 421 instead of an answer to MAIL: it had left before. */
START_TEST(farewell)
{
	struct house h;

	house_open(&h, &usual);
	ck_assert_int_eq(house_send(&h, 1), SMTP_ACCEPTED);
	server.play.mail = "421 idle\r\n";
	ck_assert_int_eq(house_send(&h, 1), SMTP_LATER);
	ck_assert_uint_eq(server.dials, 2);
	house_close(&h);
}
END_TEST

START_TEST(fits)
{
	struct smtp_server where = somewhere(), other = where;
	struct arena *a = arena_new(MOST);
	struct smtp *s;

	where.user = "anna";
	where.secret = secret_new(a, "one", 3);
	s = smtp_new(&where);
	ck_assert(smtp_fits(s, &where));
	other = where;
	other.secret = (struct secret){ NULL, 0 };
	ck_assert(!smtp_fits(s, &other));
	other = where;
	other.secret = secret_new(a, "two", 3);
	ck_assert(!smtp_fits(s, &other));
	other = where;
	other.user = "bert";
	ck_assert(!smtp_fits(s, &other));
	other = where;
	other.port = 25;
	ck_assert(!smtp_fits(s, &other));
	smtp_free(&s);
	arena_free(&a);
}
END_TEST

/* ---- for whoever sends next ---- */

#define IDLE_MS 50

static const struct smtp_limits limits = { .messages = 3, .idle_ms = IDLE_MS };

static enum smtp_end
send_to(struct smtp_kept *k, const struct smtp_server *where, struct arena *a)
{
	struct watch w = { .intent = RC_OK };
	struct smtp_letter letter = letter_for(1, &w);
	struct smtp_report r;

	smtp_send(smtp_kept_get(k, where), &letter, a, &r);
	return r.end;
}

START_TEST(so_many_each)
{
	struct smtp_kept *k = smtp_kept_new(&limits);
	struct smtp_server where = somewhere();
	struct arena *a = arena_new(MOST);

	server_start(&usual);
	for (unsigned i = 0; i < 7; i++) {
		ck_assert_int_eq(send_to(k, &where, a), SMTP_ACCEPTED);
		ck_assert_uint_eq(server.dials, 1 + i / 3);
		ck_assert_uint_eq(server.quits, i / 3);
	}
	smtp_kept_free(&k);
	ck_assert_uint_eq(server.quits, 3);
	server_end();
	arena_free(&a);
}
END_TEST

/* A password that is another by now is another connection. */
START_TEST(each_user_his_own)
{
	struct smtp_kept *k = smtp_kept_new(&limits);
	struct smtp_server one = somewhere(), two = one;
	struct arena *a = arena_new(MOST);

	one.user = two.user = "anna";
	one.secret = secret_new(a, "one", 3);
	two.secret = secret_new(a, "two", 3);
	server_start(&usual);
	ck_assert_ptr_ne(smtp_kept_get(k, &one), smtp_kept_get(k, &two));
	ck_assert_ptr_eq(smtp_kept_get(k, &one), smtp_kept_get(k, &one));
	smtp_kept_free(&k);
	server_end();
	arena_free(&a);
}
END_TEST

/* The one that was used least lately makes room. */
START_TEST(few_at_a_time)
{
	const struct smtp_limits long_ones = { 100, 60000 };
	struct smtp_kept *k = smtp_kept_new(&long_ones);
	struct smtp_server where[SMTP_KEPT_MOST + 1];
	struct arena *a = arena_new(MOST);
	struct smtp *first;

	server_start(&usual);
	for (unsigned i = 0; i <= SMTP_KEPT_MOST; i++) {
		where[i] = somewhere();
		where[i].port = 1000 + i;
	}
	first = smtp_kept_get(k, &where[0]);
	for (unsigned i = 1; i < SMTP_KEPT_MOST; i++) {
		usleep(2000);
		(void)smtp_kept_get(k, &where[i]);
	}
	usleep(2000);
	ck_assert_ptr_eq(smtp_kept_get(k, &where[0]), first);
	usleep(2000);
	(void)smtp_kept_get(k, &where[SMTP_KEPT_MOST]);
	ck_assert_ptr_eq(smtp_kept_get(k, &where[0]), first);
	smtp_kept_free(&k);
	server_end();
	arena_free(&a);
}
END_TEST

START_TEST(idle_ones_leave)
{
	struct smtp_kept *k = smtp_kept_new(&limits);
	struct smtp_server where = somewhere();
	struct arena *a = arena_new(MOST);
	int64_t left;

	ck_assert_int_eq(smtp_kept_tidy(k), INT64_MAX);
	server_start(&usual);
	ck_assert_int_eq(send_to(k, &where, a), SMTP_ACCEPTED);
	while ((left = smtp_kept_tidy(k)) != INT64_MAX) {
		ck_assert_int_le(left, IDLE_MS);
		usleep((useconds_t)left * 1000);
	}
	ck_assert_uint_eq(server.quits, 1);
	ck_assert_int_eq(send_to(k, &where, a), SMTP_ACCEPTED);
	ck_assert_uint_eq(server.dials, 2);
	smtp_kept_free(&k);
	server_end();
	arena_free(&a);
}
END_TEST

UNIT_MAIN("mail/smtp-kept", UNIT(kept), UNIT(dropped_after_an_error),
    UNIT(leaves_in_between), UNIT(not_begun_twice), UNIT(farewell), UNIT(fits),
    UNIT(so_many_each), UNIT(each_user_his_own), UNIT(few_at_a_time),
    UNIT(idle_ones_leave))
