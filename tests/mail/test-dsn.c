/* Reports as servers write them, and what only looks like one. */
#include "mail/dsn.h"

#include <stdio.h>

#include "core/clock.h"
#include "rows.h"

#define MOST ((size_t)64 << 20)

#define REPORT(type)                                                           \
	"From: MAILER-DAEMON@mx.example\r\n"                                   \
	"Content-Type: multipart/report; report-type=" type                    \
	";\r\n boundary=b\r\n\r\n"                                             \
	"--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
#define STATUS "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
#define RETURNED                                                               \
	"--b\r\nContent-Type: message/rfc822\r\n\r\n"                          \
	"Message-ID: <1.2@example.org>\r\nSubject: x\r\n\r\nHello\r\n"
#define END "--b--\r\n"

struct seen {
	enum dsn_kind kind;
	const char *id;
	const char *rcpt; /* "address action status diagnostic|…" */
};

static struct dsn
read_dsn(struct arena *a, struct str raw)
{
	struct mime m;
	struct dsn dsn;

	ck_assert_int_eq(mime_parse(a, raw, MIME_PARTS_SHOWN, &m), RC_OK);
	dsn_read(a, &m, &dsn);
	return dsn;
}

static const char *
rcpt_text(struct arena *a, const struct dsn *d)
{
	char *out = arena_str(a, "");

	for (size_t i = 0; i < d->n; i++) {
		const struct dsn_rcpt *r = &d->to[i];

		out = arena_fmt(a, "%s%s%.*s %s %.*s %.*s", out,
		    i > 0 ? "|" : "", STR_FMT(r->address),
		    dsn_action_name(r->action), (int)r->status.n,
		    r->status.n > 0 ? r->status.p : "", (int)r->diagnostic.n,
		    r->diagnostic.n > 0 ? r->diagnostic.p : "");
	}
	return out;
}

START_TEST(reports)
{
	static const struct {
		const char *name, *raw;
		struct seen want;
	} rows[] = {
		{ "Postfix",
		    REPORT("delivery-status") STATUS
		    "Reporting-MTA: dns; mx.example\r\n"
		    "X-Postfix-Queue-ID: 4F1\r\n\r\n"
		    "Final-Recipient: rfc822; anna@example.org\r\n"
		    "Original-Recipient: rfc822;info@example.org\r\n"
		    "Action: failed\r\nStatus: 5.1.1\r\n"
		    "Remote-MTA: dns; other.example\r\n"
		    "Diagnostic-Code: smtp; 550 5.1.1 <anna@example.org>:\r\n"
		    "    no such user\r\n\r\n" RETURNED END,
		    { DSN_DELIVERY, "1.2@example.org",
			"info@example.org failed 5.1.1 550 5.1.1 "
			"<anna@example.org>:    no such user" } },
		{ "several, and a delay",
		    REPORT("delivery-status") STATUS
		    "Reporting-MTA: dns; mx\r\n\r\n"
		    "Final-Recipient: RFC822; a@x.y\r\nAction: FAILED\r\n"
		    "Status: 5.0.0 (permanent failure)\r\n\r\n"
		    "Final-recipient: rfc822;<b@x.y>\r\naction: delayed\r\n"
		    "Status: 4.4.1\r\n\r\n\r\n"
		    "Final-Recipient: rfc822; c@x.y\r\n"
		    "Action: delivered\r\nStatus: 2.0.0\r\n" RETURNED END,
		    { DSN_DELIVERY, "1.2@example.org",
			"a@x.y failed 5.0.0 |b@x.y delayed 4.4.1 |"
			"c@x.y delivered 2.0.0 " } },
		{ "the header alone is returned",
		    REPORT("delivery-status") STATUS
		    "Final-Recipient: rfc822; a@x.y\r\nAction: failed\r\n"
		    "Status: nonsense\r\n"
		    "--b\r\nContent-Type: text/rfc822-headers\r\n"
		    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		    "Message-ID:=20<7@ex=\r\nample.org>\r\n" END,
		    { DSN_DELIVERY, "7@example.org", "a@x.y failed  " } },
		{ "nothing is returned",
		    "In-Reply-To: <8@example.org>\r\n" REPORT("delivery-status")
			STATUS "Final-Recipient: rfc822; a@x.y\r\n"
			       "Action: bounced\r\nStatus: 5.1.1\r\n" END,
		    { DSN_DELIVERY, "8@example.org", "a@x.y other 5.1.1 " } },
		{ "the server says the id",
		    REPORT("delivery-status") STATUS
		    "X-Original-Message-ID: <9@example.org>\r\n\r\n"
		    "Final-Recipient: rfc822; a@x.y\r\nAction: relayed\r\n" END,
		    { DSN_DELIVERY, "9@example.org", "a@x.y relayed  " } },
		{ "encoded, LF only",
		    "Content-Type: multipart/report; boundary=b\n\n"
		    "--b\nContent-Type: message/delivery-status\n"
		    "Content-Transfer-Encoding: base64\n\n"
		    "RmluYWwtUmVjaXBpZW50OiByZmM4MjI7IGFAeC55CkFjdGlvbjogZmFp"
		    "bGVkClN0YXR1czogNS4xLjEK\n--b--\n",
		    { DSN_DELIVERY, NULL, "a@x.y failed 5.1.1 " } },
		{ "no recipient",
		    REPORT("delivery-status") STATUS
		    "Reporting-MTA: dns; mx\r\n" END,
		    { DSN_DELIVERY, NULL, "" } },
		{ "complaint",
		    REPORT("feedback-report") "--b\r\nContent-Type: "
					      "message/feedback-report\r\n\r\n"
					      "Feedback-Type: "
					      "abuse\r\nUser-Agent: "
					      "X/1\r\nVersion: 1\r\n"
					      "Original-Mail-From: "
					      "<desk@example.org>\r\n"
					      "Original-Rcpt-To: <a@x.y>\r\n"
					      "Original-Rcpt-To: "
					      "b@x.y\r\n" RETURNED END,
		    { DSN_COMPLAINT, "1.2@example.org",
			"a@x.y other  |b@x.y other  " } },
		{ "Exim",
		    "X-Failed-Recipients: a@x.y, <b@x.y>\r\n"
		    "Subject: Mail delivery failed\r\n\r\n"
		    "This message was created automatically.\r\n"
		    "  a@x.y\r\n    host mx [192.0.2.5]: 550 5.1.1 unknown\r\n"
		    "------ This is a copy of the message ------\r\n\r\n"
		    "Message-ID: <11@example.org>\r\nSubject: x\r\n",
		    { DSN_DELIVERY, "11@example.org",
			"a@x.y failed 5.1.1 |b@x.y failed 5.1.1 " } },
		{ "ordinary", "Subject: x\r\n\r\n5.1.1\r\n",
		    { DSN_NONE, NULL, "" } },
		{ "receipt",
		    REPORT("disposition-notification") "--b\r\nContent-Type: "
						       "message/"
						       "disposition-"
						       "notification\r\n"
						       "\r\nDisposition: "
						       "manual-action/"
						       "MDN-sent-manually; "
						       "displayed\r\n" END,
		    { DSN_NONE, NULL, "" } },
		{ "forwarded as a file",
		    "Content-Type: multipart/mixed; boundary=c\r\n\r\n"
		    "--c\r\nContent-Type: message/rfc822\r\n\r\n" REPORT(
			"delivery-status") STATUS
		    "Final-Recipient: rfc822; a@x.y\r\nAction: failed\r\n" END
		    "--c--\r\n",
		    { DSN_NONE, NULL, "" } },
		{ "a report in a returned message",
		    REPORT("delivery-status") "--b\r\nContent-Type: "
					      "message/rfc822\r\n\r\n"
					      "Message-ID: <12@x>\r\n"
					      "Content-Type: "
					      "message/delivery-status\r\n\r\n"
					      "Final-Recipient: rfc822; "
					      "a@x.y\r\nAction: failed\r\n" END,
		    { DSN_NONE, NULL, "" } },
		{ "empty", "", { DSN_NONE, NULL, "" } },
	};

	ARRAY_EACH (row, rows) {
		struct arena *a = arena_new(MOST);
		struct dsn d = read_dsn(a, str_of(row->raw));

		ROW(row->name, d.kind == row->want.kind);
		ck_assert_str_eq(rcpt_text(a, &d), row->want.rcpt);
		if (row->want.id == NULL)
			ROW(row->name, d.message_id.p == NULL);
		else
			ck_assert_str_eq(d.message_id.p, row->want.id);
		ROW(row->name,
		    d.kind != DSN_COMPLAINT ||
			str_eq(d.feedback, STR("abuse")));
		arena_free(&a);
	}
}
END_TEST

START_TEST(envelope)
{
	struct arena *a = arena_new(MOST);
	struct dsn d = read_dsn(a,
	    STR(REPORT("delivery-status") STATUS
		"Reporting-MTA: dns; mx\r\n"
		"Original-Envelope-Id: 7@example.org\r\n\r\n"
		"Final-Recipient: rfc822; a@x.y\r\nAction: failed\r\n" END));

	ck_assert(str_eq(d.envelope_id, STR("7@example.org")));
	ck_assert_ptr_null(d.message_id.p);
	ck_assert_uint_eq(d.n, 1);
	arena_free(&a);
}
END_TEST

/* Cut anywhere, and with any byte changed, it is read in bounds; the texts are
 * of one line. */
static void
texts_hold(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		ck_assert((unsigned char)s.p[i] >= ' ');
	ck_assert(s.n == 0 || utf8_valid(s.p, s.n));
}

static void
holds(struct str raw)
{
	struct arena *a = arena_new(MOST);
	struct dsn d = read_dsn(a, raw);

	ck_assert(d.n <= DSN_RCPT_MOST);
	texts_hold(d.message_id);
	texts_hold(d.feedback);
	for (size_t i = 0; i < d.n; i++) {
		texts_hold(d.to[i].address);
		texts_hold(d.to[i].status);
		texts_hold(d.to[i].diagnostic);
		ck_assert(d.to[i].address.n > 0);
		ck_assert(d.to[i].address.n <= 320);
		ck_assert(d.to[i].diagnostic.n <= 500);
		ck_assert(d.to[i].status.n <= 11);
	}
	arena_free(&a);
}

START_TEST(damaged)
{
	static const char whole[] = REPORT("delivery-status") STATUS
	    "Reporting-MTA: dns; mx\r\n\r\n"
	    "Final-Recipient: rfc822; a@x.y\r\nAction: failed\r\n"
	    "Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 no\r\n" RETURNED END;
	static const char bytes[] = { '\0', '\n', '\r', '\x1b', '\xff', '<',
		';', '\x7f' };
	char copy[sizeof whole];

	for (size_t n = 0; n < sizeof whole; n++)
		holds((struct str){ whole, n });
	for (size_t i = 0; i < sizeof whole - 1; i++)
		for (size_t k = 0; k < sizeof bytes; k++) {
			memcpy(copy, whole, sizeof whole);
			copy[i] = bytes[k];
			holds((struct str){ copy, sizeof whole - 1 });
		}
}
END_TEST

/* A hundred thousand recipients; a field of megabytes. */
START_TEST(floods)
{
	static const char *const pieces[] = {
		"Final-Recipient: rfc822; a@x.y\r\nAction: failed\r\n\r\n",
		"\r\n",
		"5.",
		"5.1.1 ",
		"Status: 5",
		"a",
		"<",
		";",
	};

	ARRAY_EACH (piece, pieces) {
		struct arena *a = arena_new(MOST);
		int64_t begun = clock_steady_ms();
		struct buf b;
		struct dsn d;

		buf_init(&b, (size_t)8 << 20);
		buf_puts(&b, REPORT("delivery-status") STATUS);
		buf_puts(&b, "Final-Recipient: rfc822; ");
		while (b.n < 5000000)
			buf_puts(&b, *piece);
		buf_puts(&b, "\r\n" END);
		d = read_dsn(a, (struct str){ b.p, b.n });
		ck_assert_int_eq(d.kind, DSN_DELIVERY);
		ck_assert(d.cut == (piece == pieces));
		holds((struct str){ b.p, b.n });
		ck_assert_int_lt(clock_steady_ms() - begun, 3000);
		buf_clear(&b);
		arena_free(&a);
	}
}
END_TEST

START_TEST(flood_of_names)
{
	struct arena *a = arena_new(MOST);
	struct buf b;
	struct dsn d;

	buf_init(&b, (size_t)4 << 20);
	buf_puts(&b, "X-Failed-Recipients: ");
	for (int i = 0; i < 50000; i++)
		buf_fmt(&b, "p%d@x.y,\r\n ", i);
	buf_puts(&b, "\r\n\r\n");
	d = read_dsn(a, (struct str){ b.p, b.n });
	ck_assert_uint_eq(d.n, DSN_RCPT_MOST);
	ck_assert(d.cut);
	ck_assert(str_eq(d.to[999].address, STR("p999@x.y")));
	buf_clear(&b);
	arena_free(&a);
}
END_TEST

UNIT_MAIN("mail/dsn", UNIT(reports), UNIT(envelope), UNIT(damaged),
    UNIT(floods), UNIT(flood_of_names))
