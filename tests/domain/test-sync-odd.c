/* The sync against servers that are ill or behave oddly, and at moments that
 * are. Scripts: wire/scripted-server.h. */
#include "domain/flag.h"
#include "domain/job-sql.h"
#include "domain/odd.h"
#include "domain/provider-credential.h"

#include <stdlib.h>
#include <string.h>

#include "lib/unit.h"
#include "wire/scripted-server.h"

static struct house house;

/* ---- a server that follows a script ---- */

#define OTHER(uid)                                                             \
	"S: * " uid " FETCH (UID " uid                                         \
	" FLAGS () INTERNALDATE \"21-Nov-2026 10:00:00 +0000\" "               \
	"RFC822.SIZE 200 ENVELOPE (NIL \"other " uid                           \
	"\" NIL NIL NIL NIL NIL NIL NIL NIL) BODYSTRUCTURE (\"TEXT\" "         \
	"\"PLAIN\" NIL NIL NIL \"7BIT\" 10 1) "                                \
	"BODY[HEADER.FIELDS (REFERENCES)] \"\")"

/* An account seen for the first time: each folder is opened anyway, and is not
 * counted before. What is unseen is known from its mail. */
START_TEST(first_contact)
{
	static const char *const script[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L2 OK done",
		OPENED("3", "2", "3"), "C: L4 UID FETCH 1:2 " ITEMS,
		MESSAGE("1"), MESSAGE("2"), "S: L4 OK done" };
	struct sync_report r;

	house_newcomer(&house, "odd");
	ck_assert_int_eq(ODD_SYNC(script, &r), RC_OK);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT server_messages, server_unseen, "
			     "stored_messages FROM mailbox WHERE "
			     "credential_id = {c}"),
	    "2|2|2");
	CHECK_COUNTS();
}
END_TEST

/* Overlapping namespaces list a folder more than once, INBOX in any case. */
START_TEST(listed_twice)
{
	static const char *const script[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: * LIST () \"/\" Work",
		"S: * LIST () \"/\" \"Work\"", "S: * LIST () \"/\" Inbox",
		"S: L2 OK done", "C: L3 STATUS \"INBOX\" " STATUS_OF,
		"C: L4 STATUS \"Work\" " STATUS_OF,
		"C: L5 STATUS \"Work\" " STATUS_OF,
		"C: L6 STATUS \"Inbox\" " STATUS_OF,
		"S: * STATUS INBOX (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 7 "
		"UNSEEN 0)",
		"S: L3 OK done", "S: L4 NO no", "S: L5 NO no", "S: L6 OK done",
		"C: L7 EXAMINE \"INBOX\"", "S: * 0 EXISTS",
		"S: * OK [UIDVALIDITY 7] x", "S: * OK [UIDNEXT 1] x",
		"S: L7 OK done", "C: L8 EXAMINE \"Work\"", "S: * 0 EXISTS",
		"S: * OK [UIDVALIDITY 8] x", "S: * OK [UIDNEXT 1] x",
		"S: L8 OK done" };
	struct sync_report r;

	ck_assert_int_eq(ODD_SYNC(script, &r), RC_OK);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT string_agg(name, ',' ORDER BY name) FROM "
			     "mailbox WHERE credential_id = {c}"),
	    "INBOX,Work");
	CHECK_COUNTS();
}
END_TEST

/* Mail that comes while the sets are compared is not taken for mail that the
 * server does not show. */
START_TEST(arrives_while_compared)
{
	static const char *const script[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L2 OK done",
		"C: L3 STATUS \"INBOX\" " STATUS_OF,
		"S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7 "
		"UNSEEN 1)",
		"S: L3 OK done", "C: L4 EXAMINE \"INBOX\"", "S: * 1 EXISTS",
		"S: * OK [UIDVALIDITY 7] x", "S: * OK [UIDNEXT 2] x",
		"S: L4 OK done", "C: L5 UID FETCH 1 " ITEMS, MESSAGE("1"),
		"S: * 2 EXISTS", "S: L5 OK done", "C: L6 UID SEARCH ALL",
		"S: * SEARCH 1 2", "S: L6 OK done", "C: L7 UID FETCH 2 " ITEMS,
		MESSAGE("2"), "S: * 3 EXISTS", "S: L7 OK done",
		"C: L8 UID SEARCH ALL", "S: * SEARCH 1 2 3", "S: L8 OK done" };
	struct sync_report r;

	ck_assert_int_eq(ODD_SYNC(script, &r), RC_OK);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT p.uid, p.skip_reason FROM placement p "
			     "JOIN mailbox b ON b.id = p.mailbox_id WHERE "
			     "credential_id = {c} ORDER BY uid"),
	    "1|\n2|");
	CHECK_COUNTS();
}
END_TEST

/* A server that refuses everything for a while says nothing about a message. */
START_TEST(refuses_for_a_while)
{
	static const char *const script[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L2 OK done",
		"C: L3 STATUS \"INBOX\" " STATUS_OF,
		"S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7 "
		"UNSEEN 1)",
		"S: L3 OK done", "C: L4 EXAMINE \"INBOX\"", "S: * 1 EXISTS",
		"S: * OK [UIDVALIDITY 7] x", "S: * OK [UIDNEXT 2] x",
		"S: L4 OK done", "C: L5 UID FETCH 1 " ITEMS,
		"S: L5 NO [UNAVAILABLE] come back later", NOOP("6"),
		NOOP("7") };
	struct sync_report r;

	ck_assert_int_eq(ODD_SYNC(script, &r), RC_CONNECTION);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT count(*) FROM placement p "
			     "JOIN mailbox b ON b.id = p.mailbox_id WHERE "
			     "credential_id = {c}"),
	    "0");
}
END_TEST

/* A server may write INBOX as it likes, and another way each time; what stands
 * below it is called what it calls it. */
START_TEST(inbox_respelled)
{
	static const char *const first[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" Inbox", "S: * LIST () \"/\" Inbox/Sub",
		"S: L2 OK done", "C: L3 STATUS \"Inbox\" " STATUS_OF,
		"C: L4 STATUS \"Inbox/Sub\" " STATUS_OF,
		"S: * STATUS inbox (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 7 UNSEEN "
		"0)",
		"S: L3 OK done", "S: L4 NO x" };
	static const char *const second[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: * LIST () \"/\" Inbox/Sub",
		"S: * LIST () \"/\" inbox/sub", "S: L2 OK done",
		"C: L3 STATUS \"INBOX\" " STATUS_OF,
		"C: L4 STATUS \"Inbox/Sub\" " STATUS_OF,
		"C: L5 STATUS \"inbox/sub\" " STATUS_OF, "S: L3 OK done",
		"S: L4 NO x", "S: L5 NO x" };
	struct sync_report r;
	int64_t id;

	ck_assert_int_eq(ODD_DO("imap_sync_mailboxes", first, &r), RC_OK);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT name, special_use FROM mailbox WHERE "
			     "credential_id = {c} ORDER BY 1"),
	    "INBOX|inbox\nInbox/Sub|");
	id = house_int(&house,
	    "SELECT id FROM mailbox WHERE credential_id = {c} AND name = "
	    "'INBOX'");
	ck_assert_int_eq(ODD_DO("imap_sync_mailboxes", second, &r), RC_OK);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT name, wire_name, missing_since IS NULL "
			     "FROM mailbox WHERE credential_id = {c} ORDER BY "
			     "name COLLATE \"C\""),
	    "INBOX|INBOX|t\nInbox/Sub|Inbox/Sub|t\ninbox/sub|inbox/sub|t");
	ck_assert_int_eq(house_int(&house,
			     "SELECT id FROM mailbox WHERE credential_id = {c} "
			     "AND name = 'INBOX'"),
	    id);
}
END_TEST

/* One folder that is refused for a while does not hold up the others: however
 * often that was so, the next try comes soon. */
START_TEST(refuses_a_folder)
{
	static const char *const script[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: * LIST () \"/\" Work",
		"S: L2 OK done", "C: L3 STATUS \"INBOX\" " STATUS_OF,
		"C: L4 STATUS \"Work\" " STATUS_OF, "S: L3 NO x", "S: L4 NO x",
		"C: L5 EXAMINE \"INBOX\"", "S: * 0 EXISTS",
		"S: * OK [UIDVALIDITY 7] x", "S: * OK [UIDNEXT 1] x",
		"S: L5 OK done", "C: L6 EXAMINE \"Work\"",
		"S: L6 NO [INUSE] not now", NOOP("7") };
	struct sync_report r;

	house_sql(&house, "ALTER TABLE job ALTER attempt_count SET DEFAULT 5");
	ck_assert_int_eq(ODD_SYNC(script, &r), RC_CONNECTION);
	house_sql(&house, "ALTER TABLE job ALTER attempt_count SET DEFAULT 0");
	ck_assert_str_eq(house_sql(&house,
			     "SELECT state, attempt_count, run_at < now() + "
			     "interval '30 seconds' FROM job WHERE "
			     "credential_id = {c} AND action = "
			     "'imap_sync_messages'"),
	    "queued|6|t");
}
END_TEST

/* The same without a word why. */
START_TEST(refuses_all)
{
	static const char *const script[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L2 OK done",
		"C: L3 STATUS \"INBOX\" " STATUS_OF,
		"S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7 "
		"UNSEEN 1)",
		"S: L3 OK done", "C: L4 EXAMINE \"INBOX\"", "S: * 1 EXISTS",
		"S: * OK [UIDVALIDITY 7] x", "S: * OK [UIDNEXT 2] x",
		"S: L4 OK done", "C: L5 UID FETCH 1 " ITEMS,
		"S: L5 NO System Error", NOOP("6"), "C: L7 UID FETCH 1 " ITEMS,
		"S: L7 NO System Error", NOOP("8"), "C: L9 UID FETCH 1 " ITEMS,
		"S: L9 NO System Error", NOOP("10"),
		"C: L11 UID FETCH 1 " ITEMS, "S: L11 NO System Error",
		NOOP("12"), "C: L13 UID FETCH 1 " ITEMS,
		"S: L13 NO System Error", NOOP("14"),
		"C: L15 UID FETCH 1 (UID FLAGS)", "S: L15 NO System Error",
		NOOP("16") };
	struct sync_report r;

	ck_assert_int_eq(ODD_SYNC(script, &r), RC_CONNECTION);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT count(*) FROM placement p "
			     "JOIN mailbox b ON b.id = p.mailbox_id WHERE "
			     "credential_id = {c}"),
	    "0");
}
END_TEST

/* One that refuses a single message: it is kept with the reason. */
START_TEST(refuses_one)
{
	static const char *const script[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L2 OK done",
		"C: L3 STATUS \"INBOX\" " STATUS_OF,
		"S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7 "
		"UNSEEN 1)",
		"S: L3 OK done", "C: L4 EXAMINE \"INBOX\"", "S: * 1 EXISTS",
		"S: * OK [UIDVALIDITY 7] x", "S: * OK [UIDNEXT 2] x",
		"S: L4 OK done", "C: L5 UID FETCH 1 " ITEMS, "S: L5 NO cannot",
		NOOP("6"), "C: L7 UID FETCH 1 " ITEMS, "S: L7 NO cannot",
		NOOP("8"), "C: L9 UID FETCH 1 " ITEMS, "S: L9 NO cannot",
		NOOP("10"), "C: L11 UID FETCH 1 " ITEMS, "S: L11 NO cannot",
		NOOP("12"), "C: L13 UID FETCH 1 " ITEMS, "S: L13 NO cannot",
		NOOP("14"), "C: L15 UID FETCH 1 (UID FLAGS)",
		"S: * 1 FETCH (UID 1 FLAGS ())", "S: L15 OK done" };
	struct sync_report r;

	ck_assert_int_eq(ODD_SYNC(script, &r), RC_OK);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT skip_reason FROM placement p "
			     "JOIN mailbox b ON b.id = p.mailbox_id WHERE "
			     "credential_id = {c}"),
	    "cannot");
	CHECK_COUNTS();
}
END_TEST

/* Thousands of recipients, all in one line. */
START_TEST(many_recipients)
{
	static const char *const script[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L2 OK done",
		"C: L3 STATUS \"INBOX\" " STATUS_OF, "S: L3 NO x",
		OPENED("4", "2", "3"), "C: L5 UID FETCH 1:2 " ITEMS,
		MESSAGE("1"),
		"s: * 2 FETCH (UID 2 FLAGS () INTERNALDATE \"20-Nov-2026 "
		"10:00:00 +0000\" RFC822.SIZE 100 ENVELOPE (NIL \"to all\" "
		"((NIL NIL \"anna\" \"example.org\")) NIL NIL (",
		"R: 50000 (\"Somebody\" NIL \"somebody\" "
		"\"lists.example.org\")",
		"S: ) NIL NIL NIL NIL) BODYSTRUCTURE (\"TEXT\" \"PLAIN\" NIL "
		"NIL NIL \"7BIT\" 10 1) BODY[HEADER.FIELDS (REFERENCES)] "
		"\"\")",
		"S: L5 OK done" };
	struct sync_report r;

	ck_assert_int_eq(ODD_SYNC(script, &r), RC_OK);
	ck_assert_int_eq(r.skipped, 0);
	ck_assert_str_eq(
	    house_sql(&house,
		"SELECT subject, from_json, "
		"json_array_length(to_json::json) >= 500 FROM email "
		"WHERE credential_id = {c} AND uid = 2"),
	    "to all|[{\"name\":null,\"address\":\"anna@example.org\"}]|t");
}
END_TEST

/* A server that is slow keeps nobody for long: what has come is stored, and the
 * next run goes on with the others. */
START_TEST(out_of_time)
{
	static const char *const slow[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L2 OK done",
		"C: L3 STATUS \"INBOX\" " STATUS_OF, "S: L3 NO x",
		OPENED("4", "2", "3"), "C: L5 UID FETCH 1:2 " ITEMS,
		MESSAGE("2"), "s: * 1 FETCH (UID 1 ENVELOPE (NIL \"",
		"D: 2 x" };
	static const char *const better[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L2 OK done",
		"C: L3 STATUS \"INBOX\" " STATUS_OF, "S: L3 NO x",
		OPENED("4", "2", "3"), "C: L5 UID FETCH 1:2 (UID FLAGS)",
		"S: L5 OK done", "C: L6 UID FETCH 1 " ITEMS, MESSAGE("1"),
		"S: L6 OK done" };
	struct sync_report r;

	house.conf->sync_budget = 1;
	ck_assert_int_eq(ODD_SYNC(slow, &r), RC_COUNT);
	house.conf->sync_budget = 300;
	ck_assert_int_eq(r.stored, 1);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT state, attempt_count, run_at <= now(), "
			     "last_error_code FROM job WHERE credential_id = "
			     "{c} AND action = 'imap_sync_messages'"),
	    "queued|0|t|");
	ck_assert_int_eq(ODD_SYNC(better, &r), RC_OK);
	ck_assert_int_eq(r.stored, 1);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT stored_messages, uid_low FROM mailbox "
			     "WHERE credential_id = {c}"),
	    "2|1");
	CHECK_COUNTS();
}
END_TEST

/* What was set aside is tried again a day later, and is the same email then. */
#define REFUSED_ONCE                                                           \
	LOGIN, "C: L2 LIST \"\" \"*\"", "S: * LIST () \"/\" INBOX",            \
	    "S: L2 OK done", "C: L3 STATUS \"INBOX\" " STATUS_OF,              \
	    "S: L3 NO x", OPENED("4", "2", "3"),                               \
	    "C: L5 UID FETCH 1:2 (UID FLAGS)",                                 \
	    "S: * 1 FETCH (UID 1 FLAGS ())", "S: * 2 FETCH (UID 2 FLAGS ())",  \
	    "S: L5 OK done", "C: L6 UID FETCH 1 " ITEMS
static void
a_day_later(void)
{
	house_sql(&house,
	    "UPDATE mailbox SET skips_tried_at = skips_tried_at - interval "
	    "'25 hours' WHERE skips_tried_at IS NOT NULL");
}

START_TEST(shows_it_later)
{
	static const char *const before[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L2 OK done",
		"C: L3 STATUS \"INBOX\" " STATUS_OF, "S: L3 NO x",
		OPENED("4", "2", "3"), "C: L5 UID FETCH 1:2 " ITEMS,
		MESSAGE("2"), "S: L5 OK done", "C: L6 UID SEARCH ALL",
		"S: * SEARCH 1 2", "S: L6 OK done", "C: L7 UID FETCH 1 " ITEMS,
		"S: L7 OK done", "C: L8 UID SEARCH ALL", "S: * SEARCH 1 2",
		"S: L8 OK done" };
	static const char *const broken[] = { REFUSED_ONCE, "X:", "A:", DIAL };
	static const char *const refused[] = { REFUSED_ONCE, "S: L6 NO no",
		NOOP("7") };
	static const char *const shown[] = { REFUSED_ONCE, MESSAGE("1"),
		"S: L6 OK done" };
#define NOTHING_NEW                                                            \
	LOGIN, "C: L2 LIST \"\" \"*\"", "S: * LIST () \"/\" INBOX",            \
	    "S: L2 OK done", "C: L3 STATUS \"INBOX\" " STATUS_OF,              \
	    "S: * STATUS INBOX (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 7 UNSEEN 1)", \
	    "S: L3 OK done"
	static const char *const quiet[] = { NOTHING_NEW };
	static const char *const rest[] = { NOTHING_NEW, OPENED("4", "2", "3"),
		"C: L5 UID FETCH 1:2 (UID FLAGS)", "S: L5 OK done" };
	struct sync_report r;
	const char *id;

	ck_assert_int_eq(ODD_SYNC(before, &r), RC_OK);
	ck_assert_str_eq(
	    house_sql(&house,
		"SELECT stored_messages, skipped_messages FROM mailbox "
		"WHERE credential_id = {c}"),
	    "1|1");
	id = house_sql(&house,
	    "SELECT e.id FROM email e JOIN placement p ON p.email_id = "
	    "e.id WHERE credential_id = {c} AND p.uid = 1");
	/* Not before a day is over. */
	ck_assert_int_eq(ODD_SYNC(quiet, &r), RC_OK);
	a_day_later();
	ck_assert_int_eq(ODD_SYNC(broken, &r), RC_OK);
	a_day_later();
	ck_assert_int_eq(ODD_SYNC(refused, &r), RC_OK);
	CHECK_COUNTS();
	a_day_later();
	ck_assert_int_eq(ODD_SYNC(shown, &r), RC_OK);
	ck_assert_int_eq(r.stored, 1);
	ck_assert_str_eq(
	    house_sql(&house,
		"SELECT e.id, e.subject, e.skip_reason, p.skip_reason, "
		"m.stored_messages, m.skipped_messages FROM email e JOIN "
		"placement p ON p.email_id = e.id JOIN mailbox m ON m.id = "
		"p.mailbox_id WHERE m.credential_id = {c} AND p.uid = 1"),
	    arena_fmt(house.arena, "%s|number 1|||2|0", id));
	CHECK_COUNTS();
	a_day_later();
	house_sql(&house, "UPDATE mailbox SET flags_at = NULL");
	ck_assert_int_eq(ODD_SYNC(rest, &r), RC_OK);
}
END_TEST

/* UIDs that were given out are given out again: a restored backup, or another
 * folder under the name. */
START_TEST(uidnext_goes_back)
{
	static const char *const before[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L2 OK done",
		"C: L3 STATUS \"INBOX\" " STATUS_OF, "S: L3 NO x",
		OPENED("4", "3", "5"), "C: L5 UID FETCH 1:4 " ITEMS,
		MESSAGE("1"), MESSAGE("2"), MESSAGE("4"), "S: L5 OK done" };
	static const char *const after[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L2 OK done",
		"C: L3 STATUS \"INBOX\" " STATUS_OF, "S: L3 NO x",
		OPENED("4", "3", "4"), "C: L5 UID FETCH 1:3 " ITEMS,
		MESSAGE("1"), OTHER("2"), OTHER("3"), "S: L5 OK done" };
	struct sync_report r;

	ck_assert_int_eq(ODD_SYNC(before, &r), RC_OK);
	ck_assert_int_eq(ODD_SYNC(after, &r), RC_OK);
	ck_assert_int_eq(r.stored, 2);
	ck_assert_int_eq(r.missing, 0);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT string_agg(p.uid || e.subject, ',' ORDER "
			     "BY p.uid) FROM placement p JOIN email e ON e.id "
			     "= p.email_id WHERE credential_id = {c}"),
	    "1number 1,2other 2,3other 3");
	ck_assert_str_eq(house_sql(&house,
			     "SELECT string_agg(id || removed_why, ',' ORDER "
			     "BY id) FROM email WHERE credential_id = {c}"),
	    house_sql(&house,
		"SELECT string_agg(id || 'vanished', ',' ORDER BY id) FROM "
		"email WHERE credential_id = {c} AND subject IN ('number 2', "
		"'number 4')"));
	ck_assert_str_eq(house_sql(&house,
			     "SELECT uidvalidity, uid_next, uid_low FROM "
			     "mailbox WHERE credential_id = {c}"),
	    "7|4|1");
	CHECK_COUNTS();
}
END_TEST

/* ---- with Dovecot ---- */

static char *
message(int n)
{
	return arena_fmt(house.arena,
	    "From: Anna <anna@example.org>\r\n"
	    "Subject: number %d\r\n"
	    "Message-ID: <%d@example.org>\r\n"
	    "Date: Fri, 20 Nov 2026 10:00:00 +0100\r\n"
	    "\r\n"
	    "Text %d.\r\n",
	    n, n, n);
}

static struct imap *
newcomer(const char *user, int n)
{
	struct imap *im;

	house_newcomer(&house, user);
	im = house_imap(&house);
	for (int i = 1; i <= n; i++)
		house_append(im, "INBOX", message(i));
	ck_assert_int_eq(house_sync(&house).stored, n);
	return im;
}

static enum rc
read_it(struct db *db, void *arg)
{
	const bool yes = true;

	return email_flags_set(db, house.account, *(int64_t *)arg,
	    &(struct email_flags){ .is_read = &yes }, house.arena);
}

/* A wish about mail whose folder has gone does not stop the sync that would
 * find that out. */
START_TEST(wish_and_the_folder_gone)
{
	struct imap *im = newcomer("gone", 1);
	int64_t email;

	MUST(imap_folder_create(im, str_of("Work")));
	house_append(im, "Work", message(2));
	ck_assert_int_eq(house_sync(&house).stored, 1);
	email = house_int(&house,
	    "SELECT id FROM email WHERE credential_id = {c} AND "
	    "subject = 'number 2'");
	house_as_user(&house, read_it, &email);
	MUST(imap_folder_delete(im, str_of("Work")));
	house_append(im, "INBOX", message(3));
	house_sql(&house, "DELETE FROM task WHERE target_credential_id = {c}");
	ck_assert_int_eq(house_sync(&house).stored, 1);
	CHECK_COUNTS();
	house_missed_long(&house);
	(void)house_sync(&house);
	CHECK_COUNTS();
	(void)house_sync(&house);
	ck_assert_int_eq(
	    house_int(&house, "SELECT count(*) FROM flag_intent"), 0);
	imap_free(&im);
}
END_TEST

/* The server's index is lost, its list of UIDs is not: modseqs begin anew. */
START_TEST(modseq_begins_anew)
{
	struct imap *im = newcomer("modseq", 3);

	for (int i = 0; i < 20; i++) {
		house_store(im, "INBOX", "1", "+FLAGS", "(\\Seen)");
		house_store(im, "INBOX", "1", "-FLAGS", "(\\Seen)");
	}
	(void)house_sync(&house);
	imap_free(&im);
	house_dovecot(&house, "stop");
	ck_assert_int_eq(
	    system(arena_fmt(house.arena,
		"cd %s/imap/mail/modseq/Maildir && rm -f dovecot.index*",
		house.dir)),
	    0);
	house_dovecot(&house, "again");
	im = house_imap(&house);
	house_store(im, "INBOX", "2", "+FLAGS", "(\\Seen)");
	(void)house_sync(&house);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT string_agg(is_read::text, ',' ORDER BY "
			     "uid) FROM email WHERE credential_id = {c}"),
	    "false,true,false");
	ck_assert_int_lt(house_int(&house,
			     "SELECT highestmodseq FROM mailbox WHERE "
			     "credential_id = {c} AND name = 'INBOX'"),
	    20);
	CHECK_COUNTS();
	imap_free(&im);
}
END_TEST

static void
lead_to_port(void *ctx, struct provider_credential *row)
{
	row->port = *(int32_t *)ctx;
}

static enum rc
lead_elsewhere(struct db *db, void *arg)
{
	const struct credential_secret s = { .username = "odd",
		.secret = secret_new(house.arena, "secret", 6) };
	struct provider_write w = { .who = { .application = house.application,
					.account = house.account,
					.user = -1 },
		.keks = &house.keks,
		.secret = &s,
		.allow_plaintext = true };
	struct provider_credential *row;

	return provider_credential_change(
	    db, &w, house.credential, lead_to_port, arg, house.arena, &row);
}

/* The same UIDVALIDITY and UIDs on another server are other mail. */
START_TEST(another_server)
{
	static const char *const before[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L2 OK done",
		"C: L3 STATUS \"INBOX\" " STATUS_OF, "S: L3 NO x",
		OPENED("4", "2", "3"), "C: L5 UID FETCH 1:2 " ITEMS,
		MESSAGE("1"), MESSAGE("2"), "S: L5 OK done" };
	static const char *const after[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L2 OK done",
		"C: L3 STATUS \"INBOX\" " STATUS_OF, "S: L3 NO x",
		OPENED("4", "2", "3"), "C: L5 UID FETCH 1:2 " ITEMS,
		MESSAGE("1"), OTHER("2"), "S: L5 OK done" };
	struct sync_report r;
	int32_t port = 1;

	ck_assert_int_eq(ODD_SYNC(before, &r), RC_OK);
	house_as_owner(&house, lead_elsewhere, &port);
	ck_assert_int_eq(ODD_SYNC(after, &r), RC_OK);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT string_agg(p.uid || e.subject, ',' ORDER "
			     "BY p.uid) FROM placement p JOIN email e ON e.id "
			     "= p.email_id WHERE credential_id = {c}"),
	    "1number 1,2other 2");
	CHECK_COUNTS();
}
END_TEST

/* A claim whose answer was lost: the worker gives it back, and no other's. */
START_TEST(gives_back_its_own)
{
	struct job_wanted wanted = { .worker = "one", .actions = job_runs };
	struct lease *mine, *others;
	int64_t n;

	house_sql(&house, "DELETE FROM task");
	house_newcomer(&house, "back");
	(void)house_queue(&house, "imap_sync_messages");
	MUST(job_claim_one(house.db, &wanted, house.arena, &mine));
	house_newcomer(&house, "keep");
	(void)house_queue(&house, "imap_sync_messages");
	wanted.worker = "two";
	MUST(job_claim_one(house.db, &wanted, house.arena, &others));
	house_sql(&house,
	    "UPDATE job SET singleton = 'only' WHERE state = 'running'");
	db_guard_none(house.db);
	MUST(job_give_back(house.db, "one", &n));
	ck_assert_int_eq(n, 1);
	MUST(job_give_back(house.db, "one", &n));
	ck_assert_int_eq(n, 0);
	ck_assert_str_eq(
	    house_sql(&house,
		"SELECT string_agg(concat_ws(' ', j.state, t.state, "
		"attempt_count, worker, singleton), ', ' ORDER BY j.id) FROM "
		"job j JOIN task t ON t.id = j.task_id WHERE j.worker IS NULL "
		"OR j.worker = 'two'"),
	    "queued queued 0 only, running running 1 two only");
	MUST(job_give_back(house.db, "two", &n));
	ck_assert_str_eq(house_sql(&house,
			     "SELECT string_agg(concat_ws(' ', state, "
			     "singleton), ', ' ORDER BY id) FROM job"),
	    "queued only, queued");
	house_sql(&house, "DELETE FROM task");
}
END_TEST

/* Somebody asks for a sync in the moment of its poll: that is one job. */
START_TEST(polled_and_asked)
{
	char *sql;
	int64_t n;

	house_newcomer(&house, "poll");
	sql = arena_fmt(house.arena,
	    "PGOPTIONS=\"-c search_path=letterrack\" psql -X -q -d "
	    "\"host=%s/pg dbname=postgres user=postgres\" -c \"DO \\$\\$ "
	    "BEGIN UPDATE job SET singleton = 'imap_sync_messages:%lld' WHERE "
	    "credential_id = %lld; PERFORM pg_advisory_xact_lock(43); FOR i IN "
	    "1..500 LOOP PERFORM pg_stat_clear_snapshot(); EXIT WHEN EXISTS "
	    "(SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'); "
	    "PERFORM pg_sleep(0.01); END LOOP; END \\$\\$\" &",
	    house.dir, (long long)house.credential,
	    (long long)house.credential);
	(void)house_queue(&house, "imap_sync_messages");
	house_sql(
	    &house, "UPDATE credential SET sync_mode = 'poll' WHERE id = {c}");
	ck_assert_int_eq(system(sql), 0);
	while (house_int(&house,
		   "SELECT count(*) FROM pg_locks WHERE locktype = "
		   "'advisory'") == 0)
		;
	MUST(job_enqueue_polls(house.db, 60, house.account, &n));
	ck_assert_int_eq(n, 0);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT (SELECT count(*) FROM job WHERE "
			     "credential_id = {c}), (SELECT count(*) FROM task "
			     "WHERE target_credential_id = {c})"),
	    "1|1");
	house_sql(&house,
	    "UPDATE credential SET sync_mode = 'off' WHERE id = {c}; DELETE "
	    "FROM task WHERE target_credential_id = {c}");
}
END_TEST

/* A user deletes the email whose flags a sync is about to write: it waits for
 * the deletion, and counts the email once. */
START_TEST(counts_under_both_hands)
{
	struct imap *im = newcomer("hands", 2);
	char *sql = arena_fmt(house.arena,
	    "PGOPTIONS=\"-c search_path=letterrack\" psql -X -q -d "
	    "\"host=%s/pg dbname=postgres user=postgres\" -c \"DO \\$\\$ "
	    "BEGIN UPDATE email SET removed_at = now(), removed_why = "
	    "'deleted' WHERE credential_id = %lld AND uid = 1; UPDATE counter "
	    "SET n = n - 1 WHERE account_id = %lld; PERFORM "
	    "pg_advisory_xact_lock(42); FOR i IN 1..500 LOOP PERFORM "
	    "pg_stat_clear_snapshot(); EXIT WHEN EXISTS (SELECT FROM "
	    "pg_stat_activity WHERE wait_event_type = 'Lock'); PERFORM "
	    "pg_sleep(0.01); END LOOP; END \\$\\$\" &",
	    house.dir, (long long)house.credential, (long long)house.account);

	house_store(im, "INBOX", "1", "+FLAGS", "(\\Seen)");
	ck_assert_int_eq(system(sql), 0);
	while (house_int(&house,
		   "SELECT count(*) FROM pg_locks WHERE locktype = "
		   "'advisory'") == 0)
		;
	(void)house_sync(&house);
	CHECK_COUNTS();
	imap_free(&im);
}
END_TEST

int
main(void)
{
	const struct unit_case cases[] = {
		UNIT(first_contact),
		UNIT(listed_twice),
		UNIT(arrives_while_compared),
		UNIT(refuses_for_a_while),
		UNIT(inbox_respelled),
		UNIT(refuses_a_folder),
		UNIT(refuses_all),
		UNIT(refuses_one),
		UNIT(many_recipients),
		UNIT(out_of_time),
		UNIT(shows_it_later),
		UNIT(uidnext_goes_back),
		UNIT(wish_and_the_folder_gone),
		UNIT(gives_back_its_own),
		UNIT(polled_and_asked),
		UNIT(modseq_begins_anew),
		UNIT(counts_under_both_hands),
		UNIT(another_server),
	};

	house_start(&house, NULL);
	return unit_run("domain/sync-odd", cases, sizeof cases / sizeof *cases);
}
