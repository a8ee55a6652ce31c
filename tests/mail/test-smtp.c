/* What becomes of a message, against a server that is only memory: each
 * conversation is cut after each byte, in both directions. */
#include <stdio.h>

#include "lib/unit.h"
#include "smtp-play.h"

/* One message over one connection. */
static void
one(const struct play *play, size_t n, struct watch *w, struct arena *a,
    struct smtp_report *out)
{
	struct smtp_server where = somewhere();
	struct smtp *s = smtp_new(&where);
	struct smtp_letter letter = letter_for(n, w);

	server_start(play);
	smtp_send(s, &letter, a, out);
	smtp_free(&s);
}

/* Whatever happened: nothing that contradicts what the server knows. */
static void
sane(const char *name, const struct smtp_report *r, const struct watch *w)
{
	bool took = server.messages > 0 &&
	    (server.play.dot == NULL || *server.play.dot == '2');

	ROW(name, w->intents <= 1);
	ROW(name, server.messages <= 1);
	ROW(name, (r->end == SMTP_ACCEPTED) == (r->queued[0] != '\0'));
	for (size_t i = 0; i < r->to_n; i++) {
		const struct smtp_fate *f = &r->to[i];

		ROW(name, (f->end == SMTP_ACCEPTED) == (f->rc == RC_OK));
		ROW(name, f->end != SMTP_ACCEPTED || took);
		ROW(name, f->end != SMTP_UNKNOWN || w->intents == 1);
		if (took && f->end == SMTP_LATER)
			ROW(name, f->code >= 400);
	}
}

static const struct play manners[] = {
	{ .cut_in = NEVER, .cut_out = NEVER },
	{ .cut_in = NEVER, .cut_out = NEVER, .features.pipelining = true },
	{ .cut_in = NEVER,
	    .cut_out = NEVER,
	    .features = { .size = true, .pipelining = true },
	    .piece = 1,
	    .mail = "250-one\r\n250-\r\n250 two\r\n",
	    .data = "354-well\r\n354 go\r\n",
	    .dot = "250-taken\r\n250 2.0.0 queued as 1\r\n" },
	{ .cut_in = NEVER, .cut_out = NEVER, .piece = 3 },
};

static const size_t counts[] = { 1, 3 };

START_TEST(accepted)
{
	ARRAY_EACH (play, manners)
		ARRAY_EACH (n, counts) {
			struct arena *a = arena_new(MOST);
			struct watch w = { .intent = RC_OK };
			struct smtp_report r;
			char is[8];

			one(play, *n, &w, a, &r);
			ends(&r, is);
			ck_assert_str_eq(is, *n == 1 ? "a" : "aaa");
			ck_assert_str_eq(w.seen, *n == 1 ? "u" : "uuu");
			ck_assert_int_eq(r.end, SMTP_ACCEPTED);
			ck_assert_ptr_nonnull(strstr(r.queued, "queued as"));
			ck_assert_str_eq(buf_text(&server.message),
			    "Subject: x\r\n\r\n..dot\r\nend\r\n");
			ck_assert_uint_eq(server.quits, play->piece == 0);
			if (play->features.size)
				ck_assert_ptr_nonnull(strstr(
				    buf_text(&server.lines), "> SIZE=25\n"));
			sane("accepted", &r, &w);
			server_end();
			arena_free(&a);
		}
}
END_TEST

/* How many bytes an undisturbed conversation has, until which the dot has not
 * left, and until which the answer to it has not begun. */
static void
measure(const struct play *play, size_t n, size_t *out, size_t *dot, size_t *in,
    size_t *answer)
{
	struct arena *a = arena_new(MOST);
	struct watch w = { .intent = RC_OK };
	struct smtp_report r;
	const char *end;

	one(play, n, &w, a, &r);
	end = memmem(server.got.p, server.got.n, "\r\n.\r\n", 5);
	ck_assert_ptr_nonnull(end);
	*dot = (size_t)(end - server.got.p) + 2;
	*out = *dot + 3;
	/* without QUIT and its answer */
	*in = server.said.n - server.quits * strlen("221 bye\r\n");
	*answer = *in -
	    strlen(play->dot != NULL ? play->dot
				     : "250 2.0.0 Ok: queued as 4F1\r\n");
	server_end();
	arena_free(&a);
}

static void
cut(const struct play *play, size_t n, enum smtp_end want)
{
	struct arena *a = arena_new(MOST);
	struct watch w = { .intent = RC_OK };
	struct smtp_report r;
	char name[80];

	snprintf(name, sizeof name, "piece %zu out %zd in %zd people %zu",
	    play->piece, (ssize_t)play->cut_out, (ssize_t)play->cut_in, n);
	one(play, n, &w, a, &r);
	sane(name, &r, &w);
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(r.to[i].end == want, "%s: %d %s", name,
		    r.to[i].end, r.detail);
	ROW(name, r.end == want);
	ROW(name, r.rc == (want == SMTP_ACCEPTED ? RC_OK : RC_CONNECTION));
	ROW(name, r.server == (want != SMTP_ACCEPTED));
	ck_assert_uint_eq(server.dials, 1);
	server_end();
	arena_free(&a);
}

START_TEST(cut_everywhere)
{
	ARRAY_EACH (manner, manners)
		ARRAY_EACH (n, counts) {
			struct play play = *manner;
			size_t out, dot, in, answer;

			measure(&play, *n, &out, &dot, &in, &answer);
			for (size_t i = 0; i <= out; i++) {
				play.cut_out = i;
				cut(&play, *n,
				    i <= dot      ? SMTP_LATER
					: i < out ? SMTP_UNKNOWN
						  : SMTP_ACCEPTED);
			}
			play.cut_out = NEVER;
			for (size_t i = 0; i <= in; i++) {
				play.cut_in = i;
				cut(&play, *n,
				    i < answer   ? SMTP_LATER
					: i < in ? SMTP_UNKNOWN
						 : SMTP_ACCEPTED);
			}
		}
}
END_TEST

START_TEST(answers)
{
	static const struct {
		const char *name;
		struct play play;
		const char *ends, *seen; /* seen NULL: no intent */
		enum rc rc;
		bool server;
	} rows[] = {
		{ "second refused",
		    { .rcpt = { NULL, "550 5.1.1 no such user\r\n" } }, "ara",
		    "uru", RC_OK, false },
		{ "second later",
		    { .rcpt = { NULL, "451 4.7.1 greylisted\r\n" } }, "ala",
		    "ulu", RC_OK, false },
		{ "one later, one refused",
		    { .rcpt = { "450 later\r\n", "550 no\r\n", "550 no\r\n" } },
		    "lrr", NULL, RC_CONNECTION, false },
		{ "all refused",
		    { .rcpt = { "550 no\r\n", "551 no\r\n", "553 no\r\n" } },
		    "rrr", NULL, RC_RECIPIENT, false },
		{ "too many", { .rcpt = { NULL, NULL, "552 5.5.3 many\r\n" } },
		    "aal", "uul", RC_OK, false },
		{ "mailbox full", { .rcpt = { NULL, NULL, "552 5.2.2 x\r\n" } },
		    "aar", "uur", RC_OK, false },
		{ "421 to a recipient",
		    { .rcpt = { "550 no\r\n", "421 bye\r\n" } }, "rll", NULL,
		    RC_CONNECTION, true },
		{ "odd word to a recipient", { .rcpt = { NULL, "354 x\r\n" } },
		    "lll", NULL, RC_CONNECTION, true },
		{ "sender refused", { .mail = "553 5.7.1 not yours\r\n" },
		    "rrr", NULL, RC_DENIED, false },
		{ "too large", { .mail = "552 5.3.4 too big\r\n" }, "rrr", NULL,
		    RC_PAYLOAD, false },
		{ "sender later", { .mail = "452 4.3.1 disk\r\n" }, "lll", NULL,
		    RC_CONNECTION, false },
		{ "login wanted", { .mail = "530 5.7.0 who\r\n" }, "lll", NULL,
		    RC_AUTH_FAILED, true },
		{ "quota of the day", { .mail = "550 5.4.5 enough\r\n" }, "lll",
		    NULL, RC_CONNECTION, true },
		{ "no data", { .data = "554 no valid\r\n" }, "rrr", NULL,
		    RC_PAYLOAD, false },
		{ "no data now", { .data = "451 no\r\n" }, "lll", NULL,
		    RC_CONNECTION, false },
		{ "250 to DATA", { .data = "250 ok\r\n" }, "lll", NULL,
		    RC_CONNECTION, true },
		{ "content refused", { .dot = "554 5.7.1 spam\r\n" }, "rrr",
		    "uuu", RC_PAYLOAD, false },
		{ "content refused, one before",
		    { .rcpt = { "450 x\r\n" }, .dot = "554 spam\r\n" }, "lrr",
		    "luu", RC_CONNECTION, false },
		{ "content later", { .dot = "452 4.3.1 full\r\n" }, "lll",
		    "uuu", RC_CONNECTION, false },
		{ "down behind it", { .dot = "421 bye\r\n" }, "lll", "uuu",
		    RC_CONNECTION, true },
		{ "nonsense behind it", { .dot = "hm\r\n" }, "uuu", "uuu",
		    RC_CONNECTION, true },
		{ "354 behind it", { .dot = "354 more\r\n" }, "uuu", "uuu",
		    RC_CONNECTION, true },
		{ "two codes behind it", { .dot = "250-a\r\n550 b\r\n" }, "uuu",
		    "uuu", RC_CONNECTION, true },
		{ "silence behind it", { .dot = "" }, "uuu", "uuu", RC_TIMEOUT,
		    true },
		{ "half a word behind it", { .dot = "25" }, "uuu", "uuu",
		    RC_TIMEOUT, true },
		{ "silence before", { .mail = "" }, "lll", NULL, RC_TIMEOUT,
		    true },
		{ "speaks at once", { .at_once = "250 ok\r\n" }, "lll", NULL,
		    RC_CONNECTION, true },
		{ "answers all before it is asked",
		    { .mail = "250 a\r\n250 b\r\n250 c\r\n250 d\r\n354 e\r\n"
			      "250 2.0.0 mine\r\n",
			.rcpt = { "", "", "" },
			.data = "354\r\n",
			.in_time = true },
		    "lll", "uuu", RC_CONNECTION, true },
		{ "yes in the middle", { .while_data = "250 mine\r\n" }, "lll",
		    "uuu", RC_CONNECTION, true },
		{ "no in the middle", { .while_data = "552 too big\r\n" },
		    "rrr", "uuu", RC_PAYLOAD, false },
		{ "leaves in the middle", { .while_data = "421 bye\r\n" },
		    "lll", "uuu", RC_CONNECTION, true },
		{ "takes no message", { .sticks = true }, "lll", "uuu",
		    RC_TIMEOUT, true },
		{ "password wrong", { .dial = RC_AUTH_FAILED }, "lll", NULL,
		    RC_AUTH_FAILED, true },
		{ "no TLS", { .dial = RC_CONFIG_TLS }, "lll", NULL,
		    RC_CONFIG_TLS, true },
	};

	ARRAY_EACH (row, rows)
		for (size_t piece = 0; piece < (row->play.in_time ? 1 : 4);
		     piece++)
			for (int pipelining = 0; pipelining < 2; pipelining++) {
				struct arena *a = arena_new(MOST);
				struct watch w = { .intent = RC_OK };
				struct play play = row->play;
				struct smtp_report r;
				char is[8];

				play.cut_in = play.cut_out = NEVER;
				play.piece = piece;
				play.features.pipelining = pipelining;
				one(&play, 3, &w, a, &r);
				ends(&r, is);
				ck_assert_msg(strcmp(is, row->ends) == 0 &&
					strcmp(w.seen,
					    row->seen != NULL ? row->seen
							      : "") == 0,
				    "%s: %s, intent %s: %s", row->name, is,
				    w.seen, r.detail);
				ck_assert_msg(
				    r.rc == row->rc && r.server == row->server,
				    "%s: %s %d %s", row->name,
				    result_code(r.rc), r.server, r.detail);
				ROW(row->name,
				    r.end == SMTP_ACCEPTED ||
					r.detail[0] != '\0');
				if (server.play.while_data == NULL)
					sane(row->name, &r, &w);
				server_end();
				arena_free(&a);
			}
}
END_TEST

START_TEST(words_are_kept)
{
	static const struct play play = { .cut_in = NEVER,
		.cut_out = NEVER,
		.rcpt = { NULL, "550-5.1.1 no such\r\n550 5.1.1 user\r\n" } };
	struct arena *a = arena_new(MOST);
	struct watch w = { .intent = RC_OK };
	struct smtp_report r;

	one(&play, 3, &w, a, &r);
	ck_assert_int_eq(r.to[1].code, 550);
	ck_assert_str_eq(r.to[1].status, "5.1.1");
	ck_assert_str_eq(r.to[1].text, "550 5.1.1 no such user");
	ck_assert_int_eq(r.to[1].rc, RC_RECIPIENT);
	ck_assert_str_eq(r.queued, "250 2.0.0 Ok: queued as 4F1");
	ck_assert_str_eq(r.status, "2.0.0");
	server_end();
	arena_free(&a);
}
END_TEST

/* ---- what needs no question ---- */

START_TEST(size)
{
	struct house h;

	house_open(&h, &usual);
	server.play.features =
	    (struct smtp_features){ .size = true, .size_most = 25 };
	ck_assert_int_eq(house_send(&h, 1), SMTP_ACCEPTED);
	server.play.features.size_most = 24;
	buf_reset(&server.lines);
	ck_assert_int_eq(house_send(&h, 1), SMTP_REFUSED);
	ck_assert_int_eq(h.r.rc, RC_PAYLOAD);
	ck_assert(!h.r.server);
	ck_assert_uint_eq(server.lines.n, 0);
	/* and the connection is as good as it was */
	server.play.features.size_most = 0;
	ck_assert_int_eq(house_send(&h, 1), SMTP_ACCEPTED);
	ck_assert_uint_eq(server.dials, 1);
	house_close(&h);
}
END_TEST

/* Told only where the server knows of it, and where there are some. */
START_TEST(eight_bits)
{
	static const char *const to[] = { "anna@example.org" };
	static const struct {
		bool knows;
		const char *text;
		bool said;
	} rows[] = {
		{ true,
		    "Subject: a\r\n\r\nGr\xc3\xbc\xc3\x9f"
		    "e\r\n",
		    true },
		{ true, "Subject: a\r\n\r\nHello\r\n", false },
		{ false,
		    "Subject: a\r\n\r\nGr\xc3\xbc\xc3\x9f"
		    "e\r\n",
		    false },
	};
	struct house h;

	house_open(&h, &usual);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct smtp_letter letter = letter_for(1, &h.w);

		letter.to = to;
		letter.message = str_of(rows[i].text);
		server.play.features.eight = rows[i].knows;
		buf_reset(&server.lines);
		smtp_send(h.s, &letter, h.a, &h.r);
		ck_assert_int_eq(h.r.end, SMTP_ACCEPTED);
		(void)buf_text(&server.lines);
		ck_assert_msg((strstr(server.lines.p, "> BODY=8BITMIME\n") !=
				  NULL) == rows[i].said,
		    "row %zu: %s", i, server.lines.p);
	}
	house_close(&h);
}
END_TEST

static enum smtp_end
utf8_send(struct house *h, const char *from, const char *first, bool header)
{
	const char *to[] = { first, "b@m\xc3\xbcller.example" };
	struct smtp_letter letter = letter_for(2, &h->w);

	letter.from = from;
	letter.to = to;
	letter.utf8 = header;
	buf_reset(&server.lines);
	smtp_send(h->s, &letter, h->a, &h->r);
	(void)buf_text(&server.lines);
	return h->r.end;
}

#define ANNA "anna@example.org"
#define UML  "\xc3\xbc@example.org"

START_TEST(utf8)
{
	struct house h;
	char is[8];

	house_open(&h, &usual);
	ck_assert_int_eq(utf8_send(&h, ANNA, ANNA, false), SMTP_ACCEPTED);
	ck_assert_ptr_null(strstr(server.lines.p, "SMTPUTF8"));
	ck_assert_ptr_nonnull(
	    strstr(server.lines.p, "RCPT TO:<b@xn--mller-kva.example>\n"));
	ck_assert_int_eq(utf8_send(&h, ANNA, UML, false), SMTP_ACCEPTED);
	ends(&h.r, is);
	ck_assert_str_eq(is, "ra");
	ck_assert_int_eq(h.r.to[0].rc, RC_RECIPIENT);
	ck_assert_int_eq(utf8_send(&h, UML, ANNA, false), SMTP_REFUSED);
	ck_assert_int_eq(h.r.rc, RC_PAYLOAD);
	ck_assert_int_eq(utf8_send(&h, ANNA, ANNA, true), SMTP_REFUSED);
	server.play.features.utf8 = true;
	ck_assert_int_eq(utf8_send(&h, ANNA, UML, false), SMTP_ACCEPTED);
	ck_assert_ptr_nonnull(
	    strstr(server.lines.p, "MAIL FROM:<" ANNA "> SMTPUTF8\n"));
	ck_assert_int_eq(utf8_send(&h, ANNA, ANNA, true), SMTP_ACCEPTED);
	ck_assert_ptr_nonnull(strstr(server.lines.p, "> SMTPUTF8\n"));
	ck_assert_int_eq(utf8_send(&h, ANNA, ANNA, false), SMTP_ACCEPTED);
	ck_assert_ptr_null(strstr(server.lines.p, "SMTPUTF8"));
	ck_assert_uint_eq(server.dials, 1);
	house_close(&h);
}
END_TEST

/* Line ends in addresses reach no server. */
START_TEST(hostile_addresses)
{
	static const char *const to[] = { "a@b.c>\r\nRCPT TO:<x@y.z",
		"anna@example.org", "x\n@y.z" };
	struct arena *a = arena_new(MOST);
	struct smtp_server where = somewhere();
	struct smtp *s = smtp_new(&where);
	struct watch w = { .intent = RC_OK };
	struct smtp_letter letter = letter_for(3, &w);
	struct smtp_report r;
	char is[8];

	server_start(&usual);
	letter.to = to;
	smtp_send(s, &letter, a, &r);
	ends(&r, is);
	ck_assert_str_eq(is, "rar");
	ck_assert_str_eq(buf_text(&server.lines),
	    "MAIL FROM:<desk@example.org>\nRCPT TO:<anna@example.org>\n"
	    "DATA\n");
	letter.from = "a@b.c>\r\nRSET";
	smtp_send(s, &letter, a, &r);
	ck_assert_int_eq(r.end, SMTP_REFUSED);
	ck_assert_int_eq(r.rc, RC_PAYLOAD);
	letter.from = "";
	buf_reset(&server.lines);
	smtp_send(s, &letter, a, &r);
	ck_assert_int_eq(r.end, SMTP_ACCEPTED);
	ck_assert_ptr_nonnull(
	    strstr(buf_text(&server.lines), "MAIL FROM:<>\n"));
	letter.to_n = 0;
	smtp_send(s, &letter, a, &r);
	ck_assert_int_eq(r.end, SMTP_REFUSED);
	smtp_free(&s);
	server_end();
	arena_free(&a);
}
END_TEST

/* ---- the caller's own no ---- */

START_TEST(no_intent)
{
	struct arena *a = arena_new(MOST);
	struct watch w = { .intent = RC_STALE };
	struct smtp_report r;

	one(&usual, 3, &w, a, &r);
	ck_assert_int_eq(r.end, SMTP_LATER);
	ck_assert_int_eq(r.rc, RC_STALE);
	ck_assert_str_eq(r.detail, "lease lost");
	ck_assert_uint_eq(server.messages, 0);
	ck_assert_uint_eq(server.message.n, 0);
	server_end();
	arena_free(&a);
}
END_TEST

START_TEST(gives_up)
{
	struct play play = usual;
	struct arena *a = arena_new(MOST);
	struct watch w = { .beat = RC_STALE };
	struct smtp_report r;

	play.mail = "";
	one(&play, 1, &w, a, &r);
	ck_assert_int_eq(r.end, SMTP_LATER);
	ck_assert_int_eq(r.rc, RC_STALE);
	ck_assert_uint_eq(server.messages, 0);
	server_end();
	arena_free(&a);
}
END_TEST

/* Hundreds, some of them bad, in groups. */
START_TEST(many)
{
	for (int pipelining = 0; pipelining < 2; pipelining++) {
		struct arena *a = arena_new(4 * MOST);
		struct smtp_server where = somewhere();
		struct smtp *s = smtp_new(&where);
		struct watch w = { .intent = RC_OK };
		struct smtp_letter letter = letter_for(1, &w);
		const char *to[SMTP_RCPT_MOST + 1];
		struct smtp_report r;
		struct play play = usual;

		letter.intent = NULL;
		play.features.pipelining = pipelining;
		play.piece = 700;
		play.rcpt[2] = "550 no\r\n";
		server_start(&play);
		for (int i = 0; i <= SMTP_RCPT_MOST; i++)
			to[i] = i % 7 == 3 ? "broken"
					   : arena_fmt(a, "p%d@example.org", i);
		letter.to = to;
		letter.to_n = SMTP_RCPT_MOST;
		smtp_send(s, &letter, a, &r);
		for (int i = 0; i < SMTP_RCPT_MOST; i++)
			ck_assert_int_eq(r.to[i].end,
			    i % 7 == 3 || i == 2 ? SMTP_REFUSED
						 : SMTP_ACCEPTED);
		letter.to_n++;
		smtp_send(s, &letter, a, &r);
		ck_assert_int_eq(r.end, SMTP_REFUSED);
		smtp_free(&s);
		server_end();
		arena_free(&a);
	}
}
END_TEST

UNIT_MAIN("mail/smtp", UNIT(accepted), UNIT(cut_everywhere), UNIT(answers),
    UNIT(words_are_kept), UNIT(size), UNIT(eight_bits), UNIT(utf8),
    UNIT(hostile_addresses), UNIT(no_intent), UNIT(gives_up), UNIT(many))
