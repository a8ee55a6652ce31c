/* The same calls against a real server: Dovecot, private. Skipped (77) where
 * it is not installed. */
#include <stdio.h>
#include <stdlib.h>

#include "dovecot-server.h"
#include "imap-client.h"
#include "lib/unit.h"
#include "number.h"

static struct dovecot_server dovecot;

/* Calls, and what each must report; NULL in `want`: only that it is OK. */
struct exchange {
	const char *call, *want;
};

static void
check_call(struct imap_client *c, const struct exchange *e)
{
	struct str got;

	buf_reset(&c->out);
	if (getenv("WIRE_VERBOSE") != NULL)
		fprintf(stderr, "> %s\n", e->call);
	ck_assert_msg(imap_client_call(c, e->call), "%s", e->call);
	got = (struct str){ buf_text(&c->out), c->out.n };
	if (e->want != NULL)
		ck_assert_msg(str_eq(got, str_of(e->want)),
		    "%s: got \"%.*s\", want \"%s\"", e->call, STR_FMT(got),
		    e->want);
	else
		ck_assert_msg(
		    got.n >= 3 && memcmp(got.p + got.n - 3, "OK\n", 3) == 0,
		    "%s: got \"%.*s\"", e->call, STR_FMT(got));
}

static void
begin(struct imap_client *c, const char *security)
{
	char line[200];

	imap_client_init(c, dovecot.port);
	snprintf(line, sizeof(line), "security %s", security);
	ck_assert(imap_client_option(c, line));
	if (strcmp(security, "tls") == 0)
		c->params.login.port = dovecot.tls_port;
	snprintf(line, sizeof(line), "ca %s", dovecot.ca);
	ck_assert(imap_client_option(c, line));
}

static const struct exchange life[] = {
	{ "open", "OK\n" },
	{ "create Quarantine", "OK\n" },
	{ "create Quarantine",
	    "CONFLICT: Mailbox already exists (0.001 + 0.000 "
	    "secs)." },
	{ "append INBOX \"Subject: one\\r\\n\\r\\nfirst\\r\\n\" (\\Seen) 86400",
	    NULL },
	{ "append INBOX \"Subject: two\\r\\n\\r\\nsecond\\r\\n\"", NULL },
	{ "append INBOX \"Subject: three\\r\\n\\r\\nthird\\r\\n\"", NULL },
	{ "list", NULL },
	{ "select INBOX", NULL },
	{ "fetch 1:3 2 \"UID RFC822.SIZE BODY.PEEK[TEXT]\"", NULL },
	{ "body 2 1000 TEXT", "second\n\nsize=8\nOK\n" },
	{ "body 2 3 TEXT", "sec\nsize=3\nOK\n" },
	{ "body 9 1000 TEXT", "size=0\nNO_MESSAGE: the message is gone\n" },
	{ "search SUBJECT two", "found 2\nOK\n" },
	{ "search UNSEEN", "found 2:3\nOK\n" },
	{ "store 3 +FLAGS.SILENT (\\Flagged)", NULL },
	{ "store 3 +FLAGS.SILENT (\\Seen) 1", NULL },
	{ "move 2 Quarantine", NULL },
	{ "move 2 Quarantine", "nothing said\nOK\n" },
	{ "copy 1 Quarantine", NULL },
	{ "store 1 +FLAGS.SILENT (\\Deleted)", NULL },
	{ "expunge 1", NULL },
	{ "search ALL", "found 3\nOK\n" },
	{ "idle 100", "quiet\nOK\n" },
	{ "examine Quarantine", NULL },
	{ "search ALL", "found 1:2\nOK\n" },
	{ "rename Quarantine \"a \\ b\"", NULL },
	{ "delete \"a \\ b\"", "OK\n" },
	{ "select nope", NULL },
	{ "logout", "OK\n" },
};

static bool
is_refusal(const struct exchange *e)
{
	return strcmp(e->call, "select nope") == 0 ||
	    (strcmp(e->call, "create Quarantine") == 0 && e->want != NULL &&
		e->want[0] == 'C');
}

/* Dovecot's sentences carry times; only the result's name is compared. */
static void
check_refusal(struct imap_client *c, const char *call, const char *name)
{
	buf_reset(&c->out);
	ck_assert(imap_client_call(c, call));
	ck_assert_msg(strncmp(buf_text(&c->out), name, strlen(name)) == 0,
	    "%s: %s", call, buf_text(&c->out));
}

START_TEST(whole_life)
{
	static const char *const securities[] = { "none", "starttls", "tls" };

	for (size_t k = 0; k < 3; k++) {
		struct imap_client c;
		char user[32];

		begin(&c, securities[k]);
		snprintf(user, sizeof(user), "user user%zu", k);
		ck_assert(imap_client_option(&c, user));
		ARRAY_EACH (e, life) {
			if (!is_refusal(e))
				check_call(&c, e);
			else
				check_refusal(&c, e->call,
				    e->want != NULL ? "CONFLICT" : "NO_FOLDER");
		}
		imap_client_clear(&c);
	}
}
END_TEST

/* The number that follows `text` in what the client reported. */
static uint64_t
reported(struct imap_client *c, const char *text)
{
	const char *found = strstr(buf_text(&c->out), text);

	ck_assert_msg(found != NULL, "%s in %s", text, buf_text(&c->out));
	return number_of(found + strlen(text), UINT64_MAX);
}

/* QRESYNC tells what another session did meanwhile. */
START_TEST(qresync)
{
	struct imap_client a, b;
	unsigned long long uidvalidity, modseq;
	char line[200];
	static const struct exchange fill[] = { { "open", "OK\n" },
		{ "append INBOX one", NULL }, { "append INBOX two", NULL },
		{ "append INBOX three", NULL }, { "select INBOX", NULL } };
	static const struct exchange change[] = { { "open", "OK\n" },
		{ "select INBOX", NULL },
		{ "store 1 +FLAGS.SILENT (\\Flagged)", NULL },
		{ "store 2 +FLAGS.SILENT (\\Deleted)", NULL },
		{ "expunge 2", NULL } };

	begin(&a, "none");
	ARRAY_EACH (e, fill)
		check_call(&a, e);
	uidvalidity = reported(&a, "exists=3 uidvalidity=");
	modseq = reported(&a, " uidnext=4 modseq=");
	begin(&b, "none");
	ARRAY_EACH (e, change)
		check_call(&b, e);
	snprintf(
	    line, sizeof(line), "select INBOX %llu %llu", uidvalidity, modseq);
	buf_reset(&a.out);
	ck_assert(imap_client_call(&a, line));
	ck_assert_msg(
	    strstr(buf_text(&a.out), "vanished earlier 2\n") != NULL &&
		strstr(buf_text(&a.out), "uid=1 flags=FLAGGED") != NULL &&
		strstr(buf_text(&a.out), "uid=3") == NULL &&
		strstr(buf_text(&a.out), " qresync\nOK\n") != NULL,
	    "%s", buf_text(&a.out));
	imap_client_clear(&a);
	imap_client_clear(&b);
}
END_TEST

/* Packed (its plugin imap_zlib), with TLS beneath and without. */
static const struct exchange packed[] = {
	{ "open", "OK\n" },
	{ "append INBOX \"Subject: one\\r\\n\\r\\nfirst\\r\\n\"", NULL },
	{ "append INBOX \"Subject: two\\r\\n\\r\\nsecond\\r\\n\"", NULL },
	{ "select INBOX", NULL },
	{ "server", "name=Dovecot\nOK\n" },
	{ "fetch 1:200 50 \"UID RFC822.SIZE\"", NULL },
	{ "server", "name=Dovecot compressed\nOK\n" },
	{ "body 2 1000 TEXT", "second\n\nsize=8\nOK\n" },
	{ "append INBOX \"Subject: three\\r\\n\\r\\nthird\\r\\n\"", NULL },
	{ "search ALL", "found 1:3\nOK\n" },
	{ "idle 100", "quiet\nOK\n" },
	{ "fetch 1:200 50 \"UID ENVELOPE BODYSTRUCTURE\"", NULL },
	{ "logout", "OK\n" },
};

START_TEST(compressed)
{
	static const char *const securities[] = { "none", "starttls", "tls" };

	for (size_t k = 0; k < 3; k++) {
		struct imap_client c;
		char user[32];

		begin(&c, securities[k]);
		snprintf(user, sizeof(user), "user packed%zu", k);
		ck_assert(imap_client_option(&c, user));
		ck_assert(imap_client_option(&c, "compress 0"));
		ARRAY_EACH (e, packed)
			check_call(&c, e);
		imap_client_clear(&c);
	}
}
END_TEST

static const struct {
	const char *security, *option, *name;
} failures[] = {
	{ "none", "secret wrong", "AUTH_FAILED" },
	{ "tls", "secret wrong", "AUTH_FAILED" },
	{ "tls", "ca /etc/ssl/certs/ca-certificates.crt", "CONFIG_TLS" },
	{ "starttls", "ca /etc/ssl/certs/ca-certificates.crt", "CONFIG_TLS" },
	{ "tls", "ca /nonexistent", "CONFIG_TLS" },
};

START_TEST(refused)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
		struct imap_client c;

		begin(&c, failures[i].security);
		ck_assert(imap_client_option(&c, failures[i].option));
		check_refusal(&c, "open", failures[i].name);
		imap_client_clear(&c);
	}
}
END_TEST

int
main(void)
{
	const struct unit_case cases[] = { UNIT(whole_life), UNIT(qresync),
		UNIT(compressed), UNIT(refused) };
	int status = 77;

	if (dovecot_start(&dovecot))
		status = unit_run(
		    "wire/dovecot", cases, sizeof(cases) / sizeof(*cases));
	else
		puts("skipped: no Dovecot or no openssl here");
	dovecot_stop(&dovecot);
	return status;
}
