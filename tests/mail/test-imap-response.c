/* The reader, the lexer and the responses together: bytes in, text out. */
#include "mail/imap-response.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/imap-show.h"
#include "mail/imap-code.h"
#include "rows.h"

static const struct {
	const char *in, *out;
} rows[] = {
	/* status */
	{ "* OK ready\r\n", "OK text=\"ready\"" },
	{ "* ok [ALERT] be careful\r\n", "OK [ALERT] text=\"be careful\"" },
	{ "L1 NO [AUTHENTICATIONFAILED] no\r\n",
	    "L1 NO [AUTHENTICATIONFAILED] text=\"no\"" },
	{ "L1 OK\r\n", "L1 OK text=\"\"" },
	{ "L1 OK \r\n", "L1 OK text=\"\"" },
	{ "* BYE Autologout\r\n", "BYE text=\"Autologout\"" },
	{ "* PREAUTH hello\r\n", "PREAUTH text=\"hello\"" },
	{ "+ idling\r\n", "+ text=\"idling\"" },
	{ "+\r\n", "+ text=\"\"" },
	{ "* OK [UIDVALIDITY 3857529045] UIDs valid\r\n",
	    "OK [UIDVALIDITY argument=\"3857529045\" number=3857529045] "
	    "text=\"UIDs valid\"" },
	{ "* OK [HIGHESTMODSEQ 18446744073709551615] x\r\n",
	    "OK [HIGHESTMODSEQ argument=\"18446744073709551615\" "
	    "number=18446744073709551615] text=\"x\"" },
	{ "* OK [HIGHESTMODSEQ 18446744073709551616] x\r\n",
	    "OK [HIGHESTMODSEQ argument=\"18446744073709551616\" fault] "
	    "text=\"x\"" },
	{ "* OK [NOMODSEQ] x\r\n", "OK [NOMODSEQ] text=\"x\"" },
	{ "* OK [CLOSED] x\r\n", "OK [CLOSED] text=\"x\"" },
	{ "* OK [PERMANENTFLAGS (\\Seen $Foo \\*)] x\r\n",
	    "OK [PERMANENTFLAGS argument=\"(\\x5cSeen $Foo \\x5c*)\" "
	    "flags=SEEN,ANY,$Foo,] text=\"x\"" },
	{ "L4 OK [APPENDUID 38505 3955] done\r\n",
	    "L4 OK [APPENDUID argument=\"38505 3955\" number=38505 to=3955] "
	    "text=\"done\"" },
	{ "L4 OK [COPYUID 38505 304,319:320 3956:3958] done\r\n",
	    "L4 OK [COPYUID argument=\"38505 304,319:320 3956:3958\" "
	    "number=38505 from=304,319:320 to=3956:3958] text=\"done\"" },
	{ "L4 OK [COPYUID 38505 1:3 5] done\r\n",
	    "L4 OK [COPYUID argument=\"38505 1:3 5\" number=38505 from=1:3 "
	    "to=5 fault] text=\"done\"" },
	{ "L4 OK [COPYUID 0 1 5] done\r\n",
	    "L4 OK [COPYUID argument=\"0 1 5\" fault] text=\"done\"" },
	{ "L4 OK [MODIFIED 7,9] x\r\n",
	    "L4 OK [MODIFIED argument=\"7,9\" to=7,9] text=\"x\"" },
	{ "* NO [X-NEW thing (a b)] x\r\n",
	    "NO [X-NEW argument=\"thing (a b)\" other] text=\"x\"" },
	{ "* OK [no end\r\n", "OK text=\"[no end\"" },
	{ "L1 NO no folder called a{5}\r\n",
	    "L1 NO text=\"no folder called a{5}\"" },
	{ "* OK Still here {5}\r\n", "OK text=\"Still here {5}\"" },
	/* who it is: one plain line, of whatever it says */
	{ "* ID (\"name\" \"Dovecot\" \"version\" NIL)\r\n",
	    "ID text=\"name=Dovecot version=\"" },
	{ "* ID NIL\r\n", "ID" },
	{ "* ID ()\r\n", "ID text=\"\"" },
	{ "* ID (\"a\\\"b\" {3}\r\nx\r\n \"c\" \"\xc3\xbc\")\r\n",
	    "ID text=\"a_b=x__ c=__\"" },
	{ "* ID (\"a\")\r\n", "ID text=\"\" fault: unexpected character" },
	{ "* ID x\r\n", "ID" },
	/* capabilities */
	{ "* CAPABILITY IMAP4rev1 IDLE\r\n", "CAPABILITY caps=2001" },
	{ "* CAPABILITY QRESYNC\r\n", "CAPABILITY caps=600" },
	{ "* ENABLED QRESYNC\r\n", "ENABLED caps=600" },
	{ "* ENABLED\r\n", "ENABLED caps=0" },
	/* folders */
	{ "* LIST (\\HasNoChildren) \"/\" \"INBOX\"\r\n",
	    "LIST name=\"INBOX\" delimiter=/ \\HasNoChildren" },
	{ "* LIST (\\Noselect \\Sent) NIL foo\r\n",
	    "LIST name=\"foo\" delimiter=- \\Noselect \\Sent" },
	{ "* LIST () \".\" {5}\r\na b\"c\r\n",
	    "LIST name=\"a b\\x22c\" delimiter=." },
	{ "* LIST () \"\\\\\" \"a\\\\b\"\r\n",
	    "LIST name=\"a\\x5cb\" delimiter=\\" },
	{ "* LIST (\\NonExistent) \"/\" x (\"OLDNAME\" (\"y\"))\r\n",
	    "LIST name=\"x\" delimiter=/ \\Noselect \\NonExistent old=\"y\"" },
	{ "* LIST () \"/\" x (CHILDINFO (SUBSCRIBED))\r\n",
	    "LIST name=\"x\" delimiter=/" },
	{ "* LIST () \"//\" x\r\n",
	    "LIST name=\"x\" delimiter=- fault: a delimiter of several "
	    "characters" },
	{ "* LIST (\r\n", "LIST delimiter=- fault: a word is missing" },
	{ "* STATUS \"INBOX\" (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 1 "
	  "HIGHESTMODSEQ 99 UNSEEN 1)\r\n",
	    "STATUS name=\"INBOX\" messages=3 uidnext=9 uidvalidity=1 "
	    "highestmodseq=99 unseen=1" },
	{ "* STATUS x (MAILBOXID (F2212) APPENDLIMIT NIL FOO (1 2) SIZE 7)\r\n",
	    "STATUS name=\"x\" size=7 mailboxid=\"F2212\"" },
	{ "* STATUS x (UIDVALIDITY 4294967296)\r\n",
	    "STATUS name=\"x\" fault: number out of range" },
	{ "* STATUS {3}\r\na b (MESSAGES 1)\r\n",
	    "STATUS name=\"a b\" messages=1" },
	/* searches */
	{ "* SEARCH\r\n", "SEARCH" },
	{ "* SEARCH 5 2 3\r\n", "SEARCH all=2:3,5" },
	{ "* SEARCH 2 (MODSEQ 917162500)\r\n",
	    "SEARCH all=2 modseq=917162500" },
	{ "* SEARCH 0\r\n", "SEARCH fault: UID 0" },
	{ "* SEARCH 4294967296\r\n", "SEARCH fault: number out of range" },
	{ "* ESEARCH (TAG \"L5\") UID COUNT 5 ALL 4:19,21,28\r\n",
	    "ESEARCH tag=\"L5\" uid count=5 all=4:19,21,28" },
	{ "* ESEARCH (TAG L5) UID MIN 1 MAX 4294967295 MODSEQ 7\r\n",
	    "ESEARCH tag=\"L5\" uid min=1 max=4294967295 modseq=7" },
	{ "* ESEARCH (TAG \"L5\") UID\r\n", "ESEARCH tag=\"L5\" uid" },
	{ "* ESEARCH (TAG \"L5\") UID ALL 0:1\r\n",
	    "ESEARCH tag=\"L5\" uid fault: a set of numbers is broken" },
	{ "* ESEARCH (TAG \"L5\") UID PARTIAL (-1:-100 200:250) MAX 3\r\n",
	    "ESEARCH tag=\"L5\" uid max=3" },
	/* mailbox data */
	{ "* 172 EXISTS\r\n", "EXISTS 172" },
	{ "* 4294967296 EXISTS\r\n", "OTHER fault: number out of range" },
	{ "* 3 EXPUNGE\r\n", "EXPUNGE 3" },
	{ "* 0 EXPUNGE\r\n", "EXPUNGE 0 fault: message 0" },
	{ "* EXISTS\r\n", "OTHER text=\"\"" },
	{ "* FLAGS (\\Answered $x)\r\n", "FLAGS flags=ANSWERED,$x," },
	{ "* VANISHED (EARLIER) 41,43:116\r\n", "VANISHED earlier=41,43:116" },
	{ "* VANISHED 1:4294967295\r\n", "VANISHED set=1:4294967295" },
	{ "* VANISHED 1:*\r\n", "VANISHED fault: a set of UIDs is broken" },
	{ "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n",
	    "OTHER text=\" ((\\x22\\x22 \\x22/\\x22)) NIL NIL\"" },
	{ "* 5 FOO bar\r\n", "OTHER text=\" bar\"" },
	{ "*\r\n", "OTHER fault: cut off" },
	{ "\r\n", " OTHER fault: a word is missing" },
	{ "L1 FETCH x\r\n", "L1 OTHER text=\" x\"" },
	/* FETCH */
	{ "* 1 FETCH (UID 7 FLAGS (\\Seen $a \\Recent) MODSEQ (12345))\r\n",
	    "FETCH seq=1 uid=7 flags=SEEN,RECENT,$a, modseq=12345" },
	{ "* 1 FETCH (FLAGS ())\r\n", "FETCH seq=1 uid=0 flags=" },
	{ "* 1 FETCH (UID 0)\r\n", "FETCH seq=1 uid=0 fault: UID 0" },
	{ "* 0 FETCH (UID 1)\r\n", "FETCH seq=0 uid=0 fault: message 0" },
	{ "* 1 FETCH (UID 4294967296 RFC822.SIZE 5)\r\n",
	    "FETCH seq=1 uid=0 size=5 fault: number out of range" },
	{ "* 1 FETCH (INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" "
	  "RFC822.SIZE 44827)\r\n",
	    "FETCH seq=1 uid=0 date=1996-07-17T09:44:25Z size=44827" },
	{ "* 1 FETCH (INTERNALDATE \"rubbish\" UID 2)\r\n",
	    "FETCH seq=1 uid=2" },
	{ "* 1 FETCH (X-GM-MSGID 1278455344230334865 X-GM-THRID 12 "
	  "X-GM-LABELS (\\Inbox \"a b\" {3}\r\nx\"y))\r\n",
	    "FETCH seq=1 uid=0 msgid=1278455344230334865 thrid=12 "
	    "label=\"\\x5cInbox\" label=\"a b\" label=\"x\\x22y\"" },
	{ "* 1 FETCH (EMAILID (M6d99) THREADID NIL UID 3)\r\n",
	    "FETCH seq=1 uid=3 emailid=\"M6d99\"" },
	{ "* 1 FETCH (BODY[] {3}\r\nabc UID 4)\r\n",
	    "FETCH seq=1 uid=4 []{3}\"abc\"" },
	{ "* 1 FETCH (BODY[]<0> {3}\r\na)b UID 4)\r\n",
	    "FETCH seq=1 uid=4 []<0>{3}\"a)b\"" },
	{ "* 1 FETCH (BODY[1.MIME] NIL BODY[2] \"q\")\r\n",
	    "FETCH seq=1 uid=0 [1.MIME]{0}- [2]{1}\"q\"" },
	{ "* 1 FETCH (BODY[HEADER.FIELDS (\"References\" X]Y)] "
	  "{2}\r\n\r\n)\r\n",
	    "FETCH seq=1 uid=0 fault: unexpected character" },
	{ "* 1 FETCH (BODY[HEADER.FIELDS (\"A]B\" C)] {2}\r\n\r\n)\r\n",
	    "FETCH seq=1 uid=0 [HEADER.FIELDS (\"A]B\" C)]{2}\"\\x0d\\x0a\"" },
	{ "* 1 FETCH (BINARY[1] ~{2}\r\n\001\002 BINARY.SIZE[1] 2 UID 5)\r\n",
	    "FETCH seq=1 uid=5 [1]{2}\"\\x01\\x02\"" },
	{ "* 1 FETCH (BODY[] {0}\r\n UID 5)\r\n",
	    "FETCH seq=1 uid=5 []{0}\"\"" },
	{ "* 1 FETCH (BODY[] {13}\r\nL1 OK pwned\r\n UID 5)\r\n",
	    "FETCH seq=1 uid=5 []{13}\"L1 OK pwned\\x0d\\x0a\"" },
	{ "* 1 FETCH (XNEW (a (b \"c)\" {2}\r\n)) d)) UID 6)\r\n",
	    "FETCH seq=1 uid=6" },
	{ "* 1 FETCH (UID 6\r\n",
	    "FETCH seq=1 uid=6 fault: an item's name is missing" },
	{ "* 1 FETCH (UID 6) trailing\r\n", "FETCH seq=1 uid=6" },
	/* envelopes */
	{ "* 1 FETCH (ENVELOPE (\"d\" \"s\" ((\"N \\\"q\\\"\" NIL \"a\" "
	  "\"b.c\")) NIL NIL ((NIL NIL \"x\" \"y\")(NIL NIL \"z\" \"y\")) "
	  "NIL NIL NIL \"<id>\") UID 2)\r\n",
	    "FETCH seq=1 uid=2 { date=\"d\" subject=\"s\" from=[\"N "
	    "\\x22q\\x22\"<a@b.c>] to=[<x@y> <z@y>] id=\"<id>\" }" },
	{ "* 1 FETCH (ENVELOPE (NIL {3}\r\na\"b NIL NIL NIL ((NIL NIL \"G\" "
	  "NIL)(NIL NIL \"a\" \"h\")(NIL NIL NIL NIL)(NIL NIL \"b\" "
	  "\"h\")) ((NIL NIL \"none\" NIL)(NIL NIL NIL NIL)) NIL NIL NIL))"
	  "\r\n",
	    "FETCH seq=1 uid=0 { subject=\"a\\x22b\" to=[\"G\":<a@h> <b@h>] "
	    "cc=[\"none\":] }" },
	/* one bad item leaves the others */
	{ "* 1 FETCH (ENVELOPE (\"d\" \"a \\\" b\" oops \")\") UID 2 "
	  "RFC822.SIZE 9)\r\n",
	    "FETCH seq=1 uid=2 size=9 fault: a string is missing" },
	/* structures */
	{ "* 1 FETCH (BODYSTRUCTURE (\"TEXT\" \"PLAIN\" (\"CHARSET\" "
	  "\"us-ascii\") NIL NIL \"7BIT\" 1152 23))\r\n",
	    "FETCH seq=1 uid=0 (1 TEXT/PLAIN CHARSET=\"us-ascii\" "
	    "encoding=\"7BIT\" size=1152 lines=23)" },
	{ "* 1 FETCH (BODYSTRUCTURE ((\"text\" \"plain\" NIL NIL NIL \"7bit\" "
	  "1 2 NIL NIL NIL NIL)(\"image\" \"png\" (\"name\" \"a.png\") "
	  "\"<i>\" \"d\" \"base64\" 100 NIL (\"attachment\" (\"filename\" "
	  "\"a.png\")) (\"en\" \"de\") \"loc\") \"mixed\" (\"boundary\" "
	  "\"b\") NIL NIL NIL))\r\n",
	    "FETCH seq=1 uid=0 (TEXT multipart/mixed boundary=\"b\" size=0 "
	    "lines=0) (1<0 text/plain encoding=\"7bit\" size=1 lines=2) "
	    "(2<0 image/png name=\"a.png\" id=\"<i>\" description=\"d\" "
	    "encoding=\"base64\" size=100 lines=0 "
	    "disposition=\"attachment\" filename=\"a.png\" language=\"en\" "
	    "location=\"loc\")" },
	{ "* 1 FETCH (BODYSTRUCTURE ((\"message\" \"rfc822\" NIL NIL NIL "
	  "\"7bit\" 50 (NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	  "((\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1)(\"text\" \"html\" "
	  "NIL NIL NIL \"7bit\" 2 1) \"alternative\") 9 NIL NIL NIL)"
	  "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 50 (NIL NIL NIL NIL "
	  "NIL NIL NIL NIL NIL NIL) (\"text\" \"plain\" NIL NIL NIL "
	  "\"7bit\" 1 1) 9) \"digest\"))\r\n",
	    "FETCH seq=1 uid=0 (TEXT multipart/digest size=0 lines=0) (1<0 "
	    "message/rfc822 encoding=\"7bit\" size=50 lines=9 { "
	    "subject=\"in\" }) (1.TEXT<1 multipart/alternative size=0 "
	    "lines=0) (1.1<2 text/plain encoding=\"7bit\" size=1 lines=1) "
	    "(1.2<2 text/html encoding=\"7bit\" size=2 lines=1) (2<0 "
	    "message/rfc822 encoding=\"7bit\" size=50 lines=9 { }) (2.1<5 "
	    "text/plain encoding=\"7bit\" size=1 lines=1)" },
	/* servers that are known to differ */
	{ "* 1 FETCH (BODYSTRUCTURE (\"message\" \"rfc822\" NIL NIL NIL "
	  "\"7bit\" 50 NIL (\"attachment\" NIL) NIL))\r\n",
	    "FETCH seq=1 uid=0 (1 message/rfc822 encoding=\"7bit\" size=50 "
	    "lines=0 disposition=\"attachment\")" },
	{ "* 1 FETCH (BODYSTRUCTURE (NIL NIL NIL NIL NIL NIL NIL))\r\n",
	    "FETCH seq=1 uid=0 (1 / size=0 lines=0)" },
	{ "* 1 FETCH (BODYSTRUCTURE (\"a\" \"b\" (\"x\" NIL) NIL NIL \"7bit\" "
	  "1 NIL \"inline\" \"en\" NIL (\"more\" (1 2)) 3))\r\n",
	    "FETCH seq=1 uid=0 (1 a/b x=- encoding=\"7bit\" size=1 lines=0 "
	    "disposition=\"inline\" language=\"en\")" },
	/* a bare LF does not end a line */
	{ "* 1 FETCH (ENVELOPE (\"d\" \"a\n* 9 EXPUNGE\" NIL NIL NIL NIL NIL "
	  "NIL NIL NIL))\r\n",
	    "FETCH seq=1 uid=0 { date=\"d\" subject=\"a\\x0a* 9 EXPUNGE\" }" },
	/* what looks like a literal but has no CRLF */
	{ "* 1 FETCH (X {3} UID 5)\r\n",
	    "FETCH seq=1 uid=0 fault: unexpected character" },
};

static struct str
shown(struct arena *a, const char *in, size_t n, size_t chunk, bool *whole)
{
	struct imap_reader *r = imap_reader_new();
	struct buf b;
	struct str out;

	buf_init(&b, 1 << 20);
	*whole = true;
	for (size_t at = 0; at < n;) {
		size_t piece = n - at < chunk ? n - at : chunk, used = 0;
		const struct imap_frame *f;
		struct imap_response resp;

		ck_assert_int_eq(
		    imap_reader_feed(r, in + at, piece, &used, &f), RC_OK);
		at += used;
		if (f == NULL)
			continue;
		imap_response_parse(a, f, &resp);
		if (b.n > 0)
			buf_putc(&b, '\n');
		imap_show(&b, &resp);
	}
	*whole = !imap_reader_midway(r);
	imap_reader_free(&r);
	out = (struct str){ arena_dup(a, b.n > 0 ? b.p : "", b.n), b.n };
	buf_clear(&b);
	return out;
}

START_TEST(table)
{
	struct arena *a = arena_new(64 << 20);

	for (size_t i = 0; i < ROWS(rows); i++) {
		size_t n = strlen(rows[i].in);

		for (size_t chunk = 1; chunk <= n; chunk = chunk * 2 + 1) {
			bool whole;

			SAME_TEXT(i, shown(a, rows[i].in, n, chunk, &whole),
			    str_of(rows[i].out));
			ck_assert_msg(whole, "row %zu", i);
		}
		arena_reset(a);
	}
	arena_free(&a);
}
END_TEST

/* Cut anywhere, a response never shows half. */
START_TEST(cut_anywhere)
{
	struct arena *a = arena_new(64 << 20);

	for (size_t i = 0; i < ROWS(rows); i++) {
		for (size_t n = 0; n < strlen(rows[i].in); n++) {
			bool whole;

			SAME_TEXT(
			    i, shown(a, rows[i].in, n, 7, &whole), STR(""));
		}
		arena_reset(a);
	}
	arena_free(&a);
}
END_TEST

/* Feeds `n` times the same byte behind a beginning. */
static enum rc
flood(const struct imap_limits *limits, const char *begin, char c, size_t n)
{
	struct imap_reader *r = imap_reader_new();
	char block[4096];
	size_t used;
	const struct imap_frame *f = NULL;
	enum rc rc;

	if (limits != NULL)
		imap_reader_limit(r, limits);
	memset(block, c, sizeof(block));
	rc = imap_reader_feed(r, begin, strlen(begin), &used, &f);
	for (size_t i = 0; rc == RC_OK && i < n; i += sizeof(block))
		rc = imap_reader_feed(r, block, sizeof(block), &used, &f);
	imap_reader_free(&r);
	return rc;
}

START_TEST(floods)
{
	static const struct imap_limits tight = { 1000, 1000, 3000, 10000,
		false };

	ck_assert_int_eq(flood(&tight, "* OK ", 'x', 100000), RC_PAYLOAD);
	ck_assert_int_eq(flood(&tight, "* 1 FETCH ", '(', 100000), RC_PAYLOAD);
	ck_assert_int_eq(
	    flood(&tight, "* 1 FETCH (BODY[] {4294967296}\r\n", 'x', 0),
	    RC_PAYLOAD);
	ck_assert_int_eq(
	    flood(
		&tight, "* 1 FETCH (BODY[] {18446744073709551616}\r\n", 'x', 0),
	    RC_PAYLOAD);
	ck_assert_int_eq(
	    flood(&tight, "* 1 FETCH (BODY[] {10001}\r\n", 'x', 0), RC_PAYLOAD);
	ck_assert_int_eq(
	    flood(&tight, "* 1 FETCH (BODY[] {10000}\r\n", 'x', 0), RC_OK);
	ck_assert_int_eq(flood(NULL, "* OK ", 'x', 70 << 20), RC_PAYLOAD);
}
END_TEST

/* What is too large is left out; the response behind it is whole. */
START_TEST(set_aside)
{
	static const struct imap_limits tight = { 60, 10, 20, 100000, false };
	static const char *const tails[] = { "* 1 FETCH (UID 3 BODY[] {50}\r\n",
		"* 1 FETCH (UID 3 BODY[1] {8}\r\n12345678 BODY[2] {8}\r\n"
		"12345678 BODY[3] {5}\r\n" };
	struct arena *a = arena_new(1 << 20);

	for (size_t i = 0; i < ROWS(tails); i++) {
		struct imap_reader *r = imap_reader_new();
		const struct imap_frame *f;
		struct imap_response resp;
		char text[400];
		size_t n, used;

		imap_reader_limit(r, &tight);
		n = (size_t)snprintf(text, sizeof(text),
		    "%s%.*s)\r\n* 5 EXISTS\r\n", tails[i], i == 0 ? 50 : 5,
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
		ck_assert_int_eq(
		    imap_reader_feed(r, text, n, &used, &f), RC_OK);
		ck_assert_ptr_nonnull(f);
		imap_response_parse(a, f, &resp);
		ck_assert(resp.cut && resp.fault != NULL);
		ck_assert_int_eq(resp.word, IMAP_FETCH);
		ck_assert_uint_eq(resp.message.uid, 3);
		ck_assert_int_eq(
		    imap_reader_feed(r, text + used, n - used, &used, &f),
		    RC_OK);
		ck_assert_ptr_nonnull(f);
		imap_response_parse(a, f, &resp);
		ck_assert(
		    resp.word == IMAP_EXISTS && resp.number == 5 && !resp.cut);
		imap_reader_free(&r);
	}
	arena_free(&a);
}
END_TEST

START_TEST(deep)
{
	struct arena *a = arena_new(1 << 20);
	char text[2048] = "* 1 FETCH (BODYSTRUCTURE ";
	size_t n = strlen(text);
	bool whole;

	memset(text + n, '(', 600);
	memcpy(text + n + 600, "a", 1);
	memset(text + n + 601, ')', 600);
	memcpy(text + n + 1201, " UID 9)\r\n", 10);
	SAME_TEXT(0, shown(a, text, strlen(text), 100, &whole),
	    STR("FETCH seq=1 uid=9 fault: nested too deep"));
	arena_free(&a);
}
END_TEST

static bool
wants(void *arg, struct str before, uint64_t size)
{
	struct str *seen = arg;

	*seen = before;
	return size > 4;
}

static enum rc
data(void *arg, const void *p, size_t n)
{
	(void)arg;
	(void)p;
	return n > 0 ? RC_OK : RC_INTERNAL;
}

START_TEST(sink)
{
	struct str seen = { NULL, 0 };
	struct imap_sink s = { wants, data, &seen };
	struct imap_reader *r = imap_reader_new();
	struct arena *a = arena_new(1 << 20);
	const char *text = "* 1 FETCH (BODY[] {6}\r\n123456 UID 4 BODY[1] "
			   "{2}\r\nab)\r\n";
	const struct imap_frame *f;
	struct imap_response resp;
	const struct imap_section *got;
	size_t used;

	imap_reader_sink(r, &s);
	ck_assert_int_eq(
	    imap_reader_feed(r, text, strlen(text), &used, &f), RC_OK);
	imap_response_parse(a, f, &resp);
	ck_assert_ptr_null(resp.fault);
	ck_assert_uint_eq(resp.message.uid, 4);
	got = imap_message_section(&resp.message, "");
	ck_assert(
	    got != NULL && got->taken && got->size == 6 && got->data.n == 0);
	got = imap_message_section(&resp.message, "1");
	ck_assert(got != NULL && !got->taken && str_eq(got->data, STR("ab")));
	ck_assert_ptr_null(imap_message_section(&resp.message, "2"));
	imap_reader_free(&r);
	arena_free(&a);
}
END_TEST

/* 3,000 parts: a thousand are kept, the rest is read over. */
START_TEST(many_parts)
{
	static const char part[] = "(\"a\" \"b\" NIL NIL NIL NIL 1)";
	struct arena *a = arena_new(64 << 20);
	struct buf b;
	struct imap_reader *r = imap_reader_new();
	const struct imap_frame *f;
	struct imap_response resp;
	struct imap_limits limits = imap_limits_usual;
	size_t used;

	limits.line = 1 << 20;
	imap_reader_limit(r, &limits);
	buf_init(&b, 1 << 20);
	BUF_LIT(&b, "* 1 FETCH (BODYSTRUCTURE (");
	for (int i = 0; i < 3000; i++)
		BUF_LIT(&b, part);
	BUF_LIT(&b, " \"mixed\") UID 7)\r\n");
	ck_assert_int_eq(imap_reader_feed(r, b.p, b.n, &used, &f), RC_OK);
	ck_assert_ptr_nonnull(f);
	imap_response_parse(a, f, &resp);
	ck_assert_ptr_null(resp.fault);
	ck_assert(resp.message.structure.cut && resp.message.uid == 7);
	ck_assert_uint_eq(resp.message.structure.n, IMAP_PARTS_MOST);
	SAME_TEXT(0, resp.message.structure.part[999].number, STR("999"));
	imap_reader_free(&r);
	buf_clear(&b);
	arena_free(&a);
}
END_TEST

/* Real recordings (not part of the sources): every FETCH, LIST, STATUS and
 * SEARCH that Gmail, Exchange, Dovecot and Cyrus sent is understood. */
static void
recording(const char *path, unsigned *responses)
{
	struct arena *a = arena_new(256 << 20);
	struct imap_reader *r = imap_reader_new();
	FILE *file = fopen(path, "rb");
	static char text[4 << 20];
	size_t n, used;
	int c;

	ck_assert_ptr_nonnull(file);
	for (n = 0; (c = getc(file)) != EOF && n < sizeof(text) - 2;) {
		if (c == '\n') /* kept with bare LF, counted with CRLF */
			text[n++] = '\r';
		text[n++] = (char)c;
	}
	fclose(file);
	for (size_t at = 0; at < n; at += used) {
		const struct imap_frame *f;
		struct imap_response resp;

		ck_assert_int_eq(
		    imap_reader_feed(r, text + at, n - at, &used, &f), RC_OK);
		if (f == NULL)
			continue;
		imap_response_parse(a, f, &resp);
		ck_assert_msg(resp.fault == NULL, "%s: %s in %.*s", path,
		    resp.fault, (int)(f->n < 300 ? f->n : 300), f->p);
		(*responses)++;
	}
	imap_reader_free(&r);
	arena_free(&a);
}

START_TEST(recordings)
{
	static const char *const servers[] = { "gmail", "exchange", "dovecot",
		"cyrus" };
	const char *root = getenv("IMAP_REPLIES");
	unsigned files = 0, responses = 0;

	for (size_t i = 0; root != NULL && i < ROWS(servers); i++) {
		char folder[400], path[800];
		struct dirent *entry;
		DIR *dir;

		snprintf(folder, sizeof(folder), "%s/%s", root, servers[i]);
		dir = opendir(folder);
		while (dir != NULL && (entry = readdir(dir)) != NULL) {
			/* One literal was recorded with a wrong length. */
			if (entry->d_name[0] == '.' ||
			    strstr(entry->d_name, "headers.1+") != NULL)
				continue;
			snprintf(
			    path, sizeof(path), "%s/%s", folder, entry->d_name);
			recording(path, &responses);
			files++;
		}
		if (dir != NULL)
			closedir(dir);
	}
	printf("recordings: %u files, %u responses%s\n", files, responses,
	    root == NULL ? " (skipped: IMAP_REPLIES is not set)" : "");
}
END_TEST

UNIT_MAIN("mail/imap-response", UNIT(table), UNIT(cut_anywhere), UNIT(floods),
    UNIT(set_aside), UNIT(deep), UNIT(sink), UNIT(many_parts), UNIT(recordings))
