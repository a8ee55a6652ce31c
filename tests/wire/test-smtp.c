/* The way to an SMTP server and through it, with libcurl and a scripted server:
 * what goes over the wire to sign in, what of a hostile server is borne, and
 * that one connection serves many messages. What becomes of a message is
 * tests/mail/test-smtp.c's. */
#include "mail/smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "lib/unit.h"
#include "scripted-server.h"

#define LINES_MOST 120
#define MOST       ((size_t)8 << 20)

struct script {
	struct arena *arena;
	const char *line[LINES_MOST];
	size_t n;
	struct scripted_server *server;
	unsigned port;
};

static struct egress *egress;

static void
begin(void)
{
	ck_assert_int_eq(egress_new("127.0.0.0/8",
			     "/etc/ssl/certs/ca-certificates.crt", &egress),
	    RC_OK);
}

static void
end(void)
{
	egress_free(&egress);
}

/* "EHLO" alone is with the name that libcurl gives. */
static const char *
ehlo(struct arena *a)
{
	char name[256] = "";

	(void)gethostname(name, sizeof name - 1);
	return arena_fmt(a, "C: EHLO %.*s", (int)strcspn(name, "."), name);
}

static void
script_start(struct script *s, const char *const *lines)
{
	*s = (struct script){ .arena = arena_new(MOST) };
	for (; *lines != NULL; lines++) {
		ck_assert_uint_lt(s->n, LINES_MOST);
		s->line[s->n++] =
		    strcmp(*lines, "C: EHLO") == 0 ? ehlo(s->arena) : *lines;
	}
	s->server = scripted_server_start(s->line, s->n, &s->port);
	/* OAUTHBEARER names host and port (RFC 7628 3.1). */
	for (size_t i = 0; i < s->n; i++) {
		const char *text = arena_fmt(s->arena,
		    "n,a=user,\001host=127.0.0.1\001port=%u\001auth=Bearer "
		    "secret\001\001",
		    s->port);

		if (strcmp(s->line[i], "C: OAUTHBEARER") == 0)
			s->line[i] = arena_fmt(s->arena, "C: %s",
			    base64_encode(s->arena, text, strlen(text)));
	}
}

static void
script_end(const char *name, struct script *s)
{
	char *fault = scripted_server_stop(&s->server);

	ck_assert_msg(*fault == '\0', "%s: %s", name, fault);
	free(fault);
	arena_free(&s->arena);
}

static struct smtp_server
server_at(const struct script *s, const char *security, bool oauth2)
{
	return (struct smtp_server){ .host = "127.0.0.1",
		.port = s->port,
		.security = security,
		.user = "user",
		.secret = secret_new(s->arena, "secret", 6),
		.oauth2 = oauth2,
		.egress = egress,
		.times = {
		    .connect_ms = 1500, .envelope_ms = 700, .final_ms = 700 } };
}

/* ---- signing in ---- */

#define GREET  "S: 220 here", "C: EHLO", "S: 250-here"
#define PLAIN  "S: 250 AUTH PLAIN LOGIN", "C: AUTH PLAIN", "S: 334 "
#define SECRET "C: AHVzZXIAc2VjcmV0"
#define XOAUTH2                                                                \
	"S: 250 AUTH XOAUTH2", "C: AUTH XOAUTH2", "S: 334 ",                   \
	    "C: dXNlcj11c2VyAWF1dGg9QmVhcmVyIHNlY3JldAEB"

static const struct {
	const char *name, *security;
	bool oauth2;
	enum rc rc;
	const char *words; /* within fail_detail */
	const char *lines[16];
} logins[] = {
	{ "PLAIN", "none", false, RC_OK, NULL,
	    { GREET, PLAIN, SECRET, "S: 235 in", NULL } },
	{ "LOGIN", "none", false, RC_OK, NULL,
	    { GREET, "S: 250 AUTH LOGIN", "C: AUTH LOGIN", "S: 334 VXNlcjo=",
		"C: dXNlcg==", "S: 334 UGFzcw==", "C: c2VjcmV0", "S: 235 in",
		NULL } },
	{ "neither stronger nor stranger", "none", false, RC_OK, NULL,
	    { GREET, "S: 250 AUTH GSSAPI CRAM-MD5 NTLM PLAIN", "C: AUTH PLAIN",
		"S: 334 ", SECRET, "S: 235 in", NULL } },
	{ "OAUTHBEARER", "none", true, RC_OK, NULL,
	    { GREET, "S: 250 AUTH PLAIN XOAUTH2 OAUTHBEARER",
		"C: AUTH OAUTHBEARER", "S: 334 ", "C: OAUTHBEARER", "S: 235 in",
		NULL } },
	{ "XOAUTH2", "none", true, RC_OK, NULL,
	    { GREET, XOAUTH2, "S: 235 in", NULL } },
	{ "a token is no password", "none", true, RC_AUTH_FAILED,
	    "no way to sign in",
	    { GREET, "S: 250 AUTH PLAIN LOGIN", "W:", NULL } },
	{ "no way in", "none", false, RC_AUTH_FAILED, "no way to sign in",
	    { GREET, "S: 250 SIZE 1000", "W:", NULL } },
	{ "wrong", "none", false, RC_AUTH_FAILED, "535 5.7.8 no",
	    { GREET, PLAIN, SECRET, "S: 535 5.7.8 no", "W:", NULL } },
	{ "not now", "none", false, RC_CONNECTION, "454",
	    { GREET, PLAIN, SECRET, "S: 454 4.7.0 later", "W:", NULL } },
	{ "disabled", "none", false, RC_DENIED, "525",
	    { GREET, PLAIN, SECRET, "S: 525 5.7.13 disabled", "W:", NULL } },
	{ "not without TLS", "none", false, RC_CONFIG_TLS, "538",
	    { GREET, PLAIN, SECRET, "S: 538 5.7.11 no", "W:", NULL } },
	{ "says the secret back", "none", false, RC_AUTH_FAILED,
	    "says the secret back",
	    { GREET, PLAIN, SECRET, "S: 535 no AHVzZXIAc2VjcmV0",
		"W:", NULL } },
	/* {"status":"400"} */
	{ "an old token", "none", true, RC_AUTH_EXPIRED, "{\"status\":\"400\"}",
	    { GREET, XOAUTH2, "S: 334 eyJzdGF0dXMiOiI0MDAifQ==", "W:", NULL } },
	{ "an old token, in short", "none", true, RC_AUTH_EXPIRED, "535 no",
	    { GREET, XOAUTH2, "S: 535 no", "W:", NULL } },
	{ "no TLS offered", "starttls", false, RC_CONFIG_TLS, "STARTTLS",
	    { GREET, "S: 250 AUTH PLAIN", "W:", NULL } },
	{ "TLS refused", "starttls", false, RC_CONFIG_TLS, "STARTTLS",
	    { GREET, "S: 250 STARTTLS", "C: STARTTLS", "S: 454 no",
		"W:", NULL } },
	{ "words put before TLS", "starttls", false, RC_CONNECTION, NULL,
	    { GREET, "S: 250 STARTTLS", "C: STARTTLS", "S: 220 go",
		"S: 250-here", "S: 250 AUTH PLAIN", "W:", NULL } },
	{ "no TLS there", "ssl_tls", false, RC_CONFIG_TLS, NULL,
	    { "S: 220 here", "W:", NULL } },
	{ "greets with no", "none", false, RC_CONNECTION, "554 5.3.2 closed",
	    { "S: 554 5.3.2 closed", "W:", NULL } },
	{ "another protocol", "none", false, RC_TIMEOUT, NULL,
	    { "S: * OK IMAP4rev1", "W:", NULL } },
	{ "leaves", "none", false, RC_CONNECTION, NULL, { GREET, "X:", NULL } },
	{ "lines without end", "none", false, RC_CONNECTION, NULL,
	    { "R: 100000 220-x\\r\\n", "W:", NULL } },
	{ "offers without end", "none", false, RC_CONNECTION, NULL,
	    { GREET, "R: 100000 250-AUTH X\\r\\n", "W:", NULL } },
	{ "NULs", "none", false, RC_TIMEOUT, NULL,
	    { "R: 100 \\0\\0\\0\\r\\n", "W:", NULL } },
};

START_TEST(signing_in)
{
	ARRAY_EACH (row, logins) {
		struct script s;
		struct smtp_link *link = NULL;
		struct smtp_server server;
		enum rc rc;

		script_start(&s, row->lines);
		server = server_at(&s, row->security, row->oauth2);
		ck_assert_int_eq(smtp_link_new(&server, &link), RC_OK);
		rc = smtp_link_connect(link, NULL, NULL);
		ck_assert_msg(rc == row->rc, "%s: %s %s", row->name,
		    result_code(rc), rc == RC_OK ? "" : fail_detail());
		if (row->words != NULL)
			ck_assert_msg(strstr(fail_detail(), row->words) != NULL,
			    "%s: %s", row->name, fail_detail());
		if (rc != RC_OK)
			ROW(row->name,
			    strstr(fail_detail(), "AHVzZXIAc2VjcmV0") == NULL);
		smtp_link_free(&link);
		script_end(row->name, &s);
	}
}
END_TEST

/* A line without end, and a byte now and then: both end, soon. */
START_TEST(slow)
{
	static const char *const floods[][3] = {
		{ "D: 50 220-x\\r\\n", NULL, NULL },
		{ "D: 0 2", NULL, NULL },
		{ "W:", NULL, NULL },
	};

	for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
		int64_t begun = clock_steady_ms();
		struct smtp_link *link = NULL;
		struct smtp_server server;
		struct script s;

		script_start(&s, floods[i]);
		server = server_at(&s, "none", false);
		server.times.connect_ms = 700;
		ck_assert_int_eq(smtp_link_new(&server, &link), RC_OK);
		ck_assert_int_ne(smtp_link_connect(link, NULL, NULL), RC_OK);
		ck_assert_int_lt(clock_steady_ms() - begun, 2500);
		smtp_link_free(&link);
		script_end(floods[i][0], &s);
	}
}
END_TEST

static enum rc
stop(void *arg)
{
	int *beats = arg;

	return ++*beats < 2 ? RC_OK : fail(RC_STALE, "lease lost");
}

START_TEST(stopped)
{
	static const char *const lines[] = { "W:", NULL };
	struct smtp_link *link = NULL;
	struct smtp_server server;
	struct script s;
	int beats = 0;

	script_start(&s, lines);
	server = server_at(&s, "none", false);
	ck_assert_int_eq(smtp_link_new(&server, &link), RC_OK);
	ck_assert_int_eq(smtp_link_connect(link, stop, &beats), RC_STALE);
	smtp_link_free(&link);
	script_end("stopped", &s);
}
END_TEST

/* Plain text goes to loopback, or where the operator lets it; nothing that
 * would be a command goes anywhere. */
START_TEST(not_dialled)
{
	struct arena *a = arena_new(MOST);
	static const struct {
		const char *host, *user;
		struct str secret;
		unsigned port;
		enum rc rc;
	} rows[] = {
		{ "a\r\nb", "user", STR("x"), 25, RC_CONFIG_HOST },
		{ "", "user", STR("x"), 25, RC_CONFIG_HOST },
		{ "a@b", "user", STR("x"), 25, RC_CONFIG_HOST },
		{ "mail.example.org", "user", STR("x"), 0, RC_CONFIG_HOST },
		{ "mail.example.org", "user", STR("x"), 70000, RC_CONFIG_HOST },
		{ "mail.example.org", "u\r\nQUIT", STR("x"), 25,
		    RC_AUTH_FAILED },
		{ "mail.example.org", "user", STR("x\r\nQUIT"), 25,
		    RC_AUTH_FAILED },
		{ "mail.example.org", "user", STR("x\0y"), 25, RC_AUTH_FAILED },
		{ "mail.example.org", "user", STR(""), 25, RC_AUTH_FAILED },
	};

	ARRAY_EACH (row, rows) {
		struct smtp_server server = { .host = row->host,
			.port = row->port,
			.security = "starttls",
			.user = row->user,
			.secret = secret_new(a, row->secret.p, row->secret.n),
			.egress = egress };
		struct smtp_link *link;

		ROW(row->host, smtp_link_new(&server, &link) == row->rc);
		ck_assert_ptr_null(link);
	}
	arena_free(&a);
}
END_TEST

START_TEST(plain_text_stays_here)
{
	struct egress *open = NULL;
	struct smtp_server server = { .host = "192.0.2.1",
		.port = 25,
		.security = "none",
		.user = "",
		.times = { .connect_ms = 1000 } };
	struct smtp_link *link;

	ck_assert_int_eq(egress_new("192.0.2.0/24", "/none", &open), RC_OK);
	server.egress = open;
	ck_assert_int_eq(smtp_link_new(&server, &link), RC_OK);
	ck_assert_int_eq(smtp_link_connect(link, NULL, NULL), RC_CONFIG_HOST);
	ck_assert_str_eq(fail_detail(), EGRESS_NOWHERE);
	smtp_link_free(&link);
	egress_free(&open);
}
END_TEST

/* ---- messages ---- */

#define ENTER GREET, "S: 250-SIZE 9999", PLAIN, SECRET, "S: 235 in"
#define MAIL                                                                   \
	"C: MAIL FROM:<a@x.y> SIZE=20", "S: 250 ok", "C: RCPT TO:<b@x.y>",     \
	    "S: 250 ok", "C: DATA", "S: 354 go", "C: Subject: x",              \
	    "C: ", "C: ..dot", "C: ."

static enum smtp_end
send_one(struct smtp *smtp, struct arena *a, struct smtp_report *r)
{
	static const char *const to[] = { "b@x.y" };
	const struct smtp_letter letter = { .from = "a@x.y",
		.to = to,
		.to_n = 1,
		.message = STR("Subject: x\n\n.dot\n") };

	smtp_send(smtp, &letter, a, r);
	return r->end;
}

/* RFC 3461 4.4, for servers that offer it alone. */
START_TEST(envelope_is_named)
{
	static const char *const lines[] = { GREET, "S: 250-DSN", PLAIN, SECRET,
		"S: 235 in",
		"C: MAIL FROM:<a@x.y> RET=HDRS ENVID=a+2Bb+3D1@x.y",
		"S: 250 ok", "C: RCPT TO:<b@x.y>", "S: 250 ok", "C: DATA",
		"S: 354 go", "C: x", "C: .", "S: 250 one", "C: QUIT",
		"S: 221 bye", NULL };
	static const char *const to[] = { "b@x.y" };
	const struct smtp_letter letter = { .from = "a@x.y",
		.to = to,
		.to_n = 1,
		.envelope_id = "a+b=1@x.y",
		.message = STR("x\n") };
	struct smtp_server server;
	struct smtp_report r;
	struct script s;
	struct smtp *smtp;

	script_start(&s, lines);
	server = server_at(&s, "none", false);
	smtp = smtp_new(&server);
	smtp_send(smtp, &letter, s.arena, &r);
	ck_assert_int_eq(r.end, SMTP_ACCEPTED);
	smtp_free(&smtp);
	script_end("envelope", &s);
}
END_TEST

START_TEST(one_connection)
{
	static const char *const lines[] = { ENTER, MAIL, "S: 250 one", MAIL,
		"S: 250 two", MAIL, "S: 250 three", "C: QUIT", "S: 221 bye",
		NULL };
	struct smtp_server server;
	struct smtp_report r;
	struct script s;
	struct smtp *smtp;

	script_start(&s, lines);
	server = server_at(&s, "none", false);
	smtp = smtp_new(&server);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(send_one(smtp, s.arena, &r), SMTP_ACCEPTED);
	ck_assert_str_eq(r.queued, "250 three");
	smtp_free(&smtp);
	script_end("one connection", &s);
}
END_TEST

START_TEST(server_leaves_in_between)
{
	static const char *const lines[] = { ENTER, MAIL, "S: 250 one",
		"X:", "A:", ENTER, MAIL, "S: 250 two", "S: 421 idle",
		"X:", "A:", ENTER, MAIL, "S: 250 three", "W:", NULL };
	struct smtp_server server;
	struct smtp_report r;
	struct script s;
	struct smtp *smtp;

	script_start(&s, lines);
	server = server_at(&s, "none", false);
	smtp = smtp_new(&server);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(send_one(smtp, s.arena, &r), SMTP_ACCEPTED);
	smtp_free(&smtp);
	script_end("leaves", &s);
}
END_TEST

/* A byte now and then, in the middle and behind the dot. */
START_TEST(slow_answers)
{
	static const char *const lines[] = { ENTER,
		"C: MAIL FROM:<a@x.y> SIZE=20", "D: 30 250-", "A:", ENTER, MAIL,
		"D: 30 250-", "A:", ENTER, MAIL, "W:", NULL };
	static const enum smtp_end ends[] = { SMTP_LATER, SMTP_UNKNOWN,
		SMTP_UNKNOWN };
	struct smtp_server server;
	struct smtp_report r;
	struct script s;
	struct smtp *smtp;

	script_start(&s, lines);
	server = server_at(&s, "none", false);
	/* two seconds more for the recipient: no */
	server.times.envelope_ms = 1;
	smtp = smtp_new(&server);
	for (int i = 0; i < 3; i++) {
		int64_t begun = clock_steady_ms();

		ck_assert_int_eq(send_one(smtp, s.arena, &r), ends[i]);
		ck_assert(r.rc == RC_TIMEOUT || r.rc == RC_CONNECTION);
		ck_assert_int_lt(clock_steady_ms() - begun, 4000);
	}
	smtp_free(&smtp);
	script_end("slow", &s);
}
END_TEST

/* Megabytes through a real socket, whose server says no before they are all
 * there, or reads nothing. */
START_TEST(large)
{
	static const char *const lines[] = { GREET, "S: 250 PIPELINING",
		"C: MAIL FROM:<a@x.y>", "C: RCPT TO:<b@x.y>", "S: 250 ok",
		"S: 250 ok", "C: DATA", "S: 354 go", "C: Subject: x",
		"S: 552 5.3.4 too large", "W:", NULL };
	static const char *const to[] = { "b@x.y" };
	struct smtp_letter letter = { .from = "a@x.y", .to = to, .to_n = 1 };
	struct smtp_server server;
	struct smtp_report r;
	struct script s;
	struct smtp *smtp;
	size_t n = (size_t)30 << 20;
	char *text = malloc(n);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', n);
	for (size_t i = 0; i < n; i += 64)
		text[i] = '\n';
	memcpy(text, "Subject: x\n", 11);
	letter.message = (struct str){ text, n };
	script_start(&s, lines);
	server = server_at(&s, "none", false);
	server.user = "";
	smtp = smtp_new(&server);
	smtp_send(smtp, &letter, s.arena, &r);
	ck_assert_int_eq(r.end, SMTP_REFUSED);
	ck_assert_str_eq(r.detail, "552 5.3.4 too large");
	ck_assert_str_eq(r.status, "5.3.4");
	smtp_free(&smtp);
	script_end("large", &s);
	free(text);
}
END_TEST

UNIT_MAIN_AROUND("wire/smtp", begin, end, UNIT(signing_in), UNIT(slow),
    UNIT(stopped), UNIT(not_dialled), UNIT(plain_text_stays_here),
    UNIT(envelope_is_named), UNIT(one_connection),
    UNIT(server_leaves_in_between), UNIT(slow_answers), UNIT(large))
