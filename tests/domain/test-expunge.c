/* Mail that users delete on its server: gone there, and nothing else with it,
 * whatever the server can. Scripts: wire/scripted-server.h. */
#include <stdlib.h>
#include <string.h>

#include "domain/email-sql.h"
#include "domain/expunge.h"
#include "domain/odd.h"
#include "lib/unit.h"

static struct house house;

static const char *
one(const char *sql)
{
	return house_sql(&house, sql);
}

static int64_t
number(const char *sql)
{
	return house_int(&house, sql);
}

static int64_t
email_of(const char *subject)
{
	return house_int(&house,
	    arena_fmt(house.arena,
		"SELECT id FROM email WHERE credential_id = {c} AND subject = "
		"'%s'",
		subject));
}

static enum rc
expunge_tx(struct db *db, void *arg)
{
	return email_expunge(db, house.account, *(int64_t *)arg, house.arena);
}

static void
expunge(const char *subject)
{
	int64_t email = email_of(subject);

	house_as_user(&house, expunge_tx, &email);
}

/* What is kept beside the rows, and that nothing is missing. */
static int64_t
waiting(void)
{
	return number(
	    "SELECT count(*) FROM expunge_intent WHERE credential_id = {c}");
}

static void
check_over(void)
{
	CHECK_COUNTS();
	ck_assert_int_eq(waiting(), 0);
	ck_assert_str_eq(one("SELECT p.email_id FROM placement p JOIN email e "
			     "ON e.id = p.email_id WHERE e.credential_id = {c} "
			     "AND removed_at IS NOT NULL"),
	    "");
}

/* ---- with Dovecot ---- */

static struct imap *
newcomer(const char *user, int n)
{
	struct imap *im;

	house_newcomer(&house, user);
	im = house_imap(&house);
	for (int i = 1; i <= n; i++)
		house_append(im, "INBOX",
		    arena_fmt(house.arena,
			"From: Anna <anna@example.org>\r\n"
			"Subject: number %d\r\n\r\nText %d.\r\n",
			i, i));
	ck_assert_int_eq(house_sync(&house).stored, n);
	ck_assert_int_eq(house_run(&house, NULL), RC_OK); /* hashes */
	return im;
}

/* "1,3": the UIDs of a folder. */
static const char *
on_server(struct imap *im, const char *folder)
{
	struct imap_mailbox box;
	struct imap_found found;
	struct buf b;
	const char *text;
	bool qresync;

	MUST(imap_select(im, str_of(folder), true, NULL, NULL, &box, &qresync));
	MUST(imap_search(
	    im, house.arena, "ALL", (struct str){ NULL, 0 }, &found));
	buf_init(&b, 4096);
	imap_set_print(&found.all, &b);
	text = arena_str(house.arena, buf_text(&b));
	buf_clear(&b);
	return text;
}

/* And nothing but it: another client has marked another message. */
START_TEST(goes_from_all_folders)
{
	struct imap *im = newcomer("all", 4);
	struct sync_report r;

	house_copy(im, "INBOX", "2", "Sent");
	ck_assert_int_eq(house_sync(&house).moved, 1);
	house_store(im, "INBOX", "3", "+FLAGS", "(\\Deleted)");
	expunge("number 2");
	ck_assert_str_eq(one("SELECT count(*), min(removed_why) FROM email "
			     "WHERE credential_id = {c} AND removed_at IS NOT "
			     "NULL"),
	    "1|deleted");
	ck_assert_str_eq(one("SELECT action, state FROM job WHERE "
			     "credential_id = {c} ORDER BY id DESC LIMIT 1"),
	    "imap_store_flags|queued");
	ck_assert_int_eq(house_run(&house, &r), RC_OK);
	ck_assert_int_eq(r.deleted, 2);
	ck_assert_str_eq(on_server(im, "INBOX"), "1,3:4");
	ck_assert_str_eq(on_server(im, "Sent"), "");
	check_over();
	ck_assert_int_eq(house_sync(&house).stored, 0);
	check_over();
	imap_free(&im);
}
END_TEST

/* What is gone there is gone; the same bytes, put back by somebody, are new
 * mail. */
START_TEST(is_shown_when_put_back)
{
	struct imap *im = newcomer("putback", 2);
	int64_t before = email_of("number 2");
	struct sync_report r;

	expunge("number 2");
	ck_assert_int_eq(house_run(&house, &r), RC_OK);
	ck_assert_int_eq(r.deleted, 1);
	house_append(im, "INBOX",
	    "From: Anna <anna@example.org>\r\n"
	    "Subject: number 2\r\n\r\nText 2.\r\n");
	ck_assert_int_eq(house_sync(&house).stored, 1);
	ck_assert_int_ne(email_of("number 2"), before);
	ck_assert_str_eq(one("SELECT subject, removed_at FROM email WHERE "
			     "credential_id = {c} AND uid = 3"),
	    "number 2|");
	check_over();
	imap_free(&im);
}
END_TEST

static enum rc
again_tx(struct db *db, void *arg)
{
	ck_assert_int_eq(expunge_tx(db, arg), RC_NOT_FOUND);
	return RC_OK;
}

START_TEST(goes_once)
{
	struct imap *im = newcomer("once", 1);
	int64_t email = email_of("number 1");

	expunge("number 1");
	house_as_user(&house, again_tx, &email);
	ck_assert_int_eq(waiting(), 1);
	ck_assert_int_eq(house_run(&house, NULL), RC_OK);
	house_as_user(&house, again_tx, &email);
	check_over();
	imap_free(&im);
}
END_TEST

/* A sync carries it along, too. */
START_TEST(goes_with_a_sync)
{
	struct imap *im = newcomer("along", 2);

	expunge("number 1");
	ck_assert_int_eq(house_sync(&house).deleted, 1);
	ck_assert_str_eq(on_server(im, "INBOX"), "2");
	ck_assert_int_eq(house_run(&house, NULL), RC_OK);
	check_over();
	imap_free(&im);
}
END_TEST

/* Another client moved it before we came. */
START_TEST(goes_from_where_it_went)
{
	struct imap *im = newcomer("went", 2);
	struct sync_report r;

	house_move(im, "INBOX", "1", "Trash");
	expunge("number 1");
	ck_assert_int_eq(house_run(&house, &r), RC_OK);
	ck_assert_str_eq(on_server(im, "Trash"), "");
	ck_assert_str_eq(on_server(im, "INBOX"), "2");
	(void)house_sync(&house);
	check_over();
	imap_free(&im);
}
END_TEST

/* The server's index is lost: its UIDs mean other messages now. */
START_TEST(waits_for_the_match_of_a_new_uidvalidity)
{
	struct imap *im = newcomer("anew", 4);

	house_expunge(im, "INBOX", "1");
	(void)house_sync(&house);
	imap_free(&im);
	expunge("number 3");
	house_dovecot(&house, "stop");
	ck_assert_int_eq(
	    system(arena_fmt(house.arena,
		"rm -rf %s/imap/mail/anew/Maildir/dovecot*", house.dir)),
	    0);
	house_dovecot(&house, "again");
	im = house_imap(&house);
	ck_assert_str_eq(on_server(im, "INBOX"), "1:3");
	ck_assert_int_eq(house_run(&house, NULL), RC_OK);
	ck_assert_str_eq(on_server(im, "INBOX"), "1,3");
	(void)house_sync(&house);
	ck_assert_str_eq(one("SELECT string_agg(subject, ',' ORDER BY id) FROM "
			     "email WHERE credential_id = {c} AND removed_at "
			     "IS NULL"),
	    "number 2,number 4");
	check_over();
	imap_free(&im);
}
END_TEST

/* Somebody else was faster. Only a sync of all folders that begins after that
 * is known believes it. */
START_TEST(is_over_when_it_is_gone)
{
	struct imap *im = newcomer("gone", 2);

	house_expunge(im, "INBOX", "1");
	expunge("number 1");
	ck_assert_int_eq(house_run(&house, NULL), RC_OK);
	ck_assert_int_eq(waiting(), 1);
	(void)house_sync(&house);
	check_over();
	imap_free(&im);
}
END_TEST

/* Between the deletion here and that on the server, whatever a sync sees. */
START_TEST(does_not_come_back)
{
	struct imap *im = newcomer("back", 2);

	expunge("number 1");
	house_sql(&house,
	    "UPDATE expunge_intent SET refused_by = (SELECT max(id) FROM job "
	    "WHERE account_id = {a}) WHERE credential_id = {c}");
	house_store(im, "INBOX", "1", "+FLAGS", "(\\Flagged)");
	house_copy(im, "INBOX", "1", "Sent");
	ck_assert_int_eq(house_sync(&house).moved, 1);
	house_expunge(im, "INBOX", "1");
	(void)house_sync(&house);
	ck_assert_str_eq(one("SELECT string_agg(subject, ',') FROM email WHERE "
			     "credential_id = {c} AND removed_at IS NULL"),
	    "number 2");
	CHECK_COUNTS();
	imap_free(&im);
}
END_TEST

static enum rc
by_hand_tx(struct db *db, void *arg)
{
	return email_create(db,
	    &(struct email_create_args){ .account = house.account,
		.direction = "inbound",
		.sent_at = INSTANT_NONE,
		.received_at = INSTANT_NONE },
	    arg);
}

START_TEST(made_by_hand_lies_nowhere)
{
	int64_t email;

	house_as_user(&house, by_hand_tx, &email);
	house_as_user(&house, expunge_tx, &email);
	ck_assert_str_eq(one("SELECT removed_why FROM email WHERE id = (SELECT "
			     "max(id) FROM email)"),
	    "deleted");
	ck_assert_int_eq(
	    house_int(&house,
		arena_fmt(house.arena,
		    "SELECT count(*) FROM expunge_intent WHERE email_id = %lld",
		    (long long)email)),
	    0);
}
END_TEST

/* ---- with scripts ---- */

#define PLAY(action, script, report)                                           \
	odd_do(&house, action, script, sizeof script / sizeof *script, report)

#define LISTED(n, next)                                                        \
	"C: L2 LIST \"\" \"*\"", "S: * LIST () \"/\" INBOX", "S: L2 OK done",  \
	    "C: L3 STATUS \"INBOX\" " STATUS_OF,                               \
	    "S: * STATUS INBOX (MESSAGES " n " UIDNEXT " next                  \
	    " UIDVALIDITY 7 UNSEEN " n ")",                                    \
	    "S: L3 OK done"
#define LOOK(tag, uid)                                                         \
	"C: L" tag " UID FETCH " uid " (UID INTERNALDATE RFC822.SIZE)"
#define SHOWN(uid, size)                                                       \
	"S: * " uid " FETCH (UID " uid                                         \
	" INTERNALDATE \"20-Nov-2026 10:00:00 +0000\" RFC822.SIZE " size ")"
/* Three messages, of which `number 2` is to go. */
#define SELECTED(mode)                                                         \
	"C: L2 SELECT \"INBOX\"", "S: * 3 EXISTS",                             \
	    "S: * OK [UIDVALIDITY 7] x", "S: * OK [UIDNEXT 4] x",              \
	    "S: L2 OK [" mode "] done", LOOK("3", "2"), SHOWN("2", "100"),     \
	    "S: L3 OK done"
#define MARKED "C: L4 UID STORE 2 +FLAGS.SILENT (\\Deleted)", "S: L4 OK done"

static void
delete_one_of_three(void)
{
	static const char *const script[] = { LOGIN, LISTED("3", "4"),
		OPENED("4", "3", "4"), "C: L5 UID FETCH 1:3 " ITEMS,
		MESSAGE("1"), MESSAGE("2"), MESSAGE("3"), "S: L5 OK done" };
	struct sync_report r;

	ck_assert_int_eq(PLAY("imap_sync_messages", script, &r), RC_OK);
	expunge("number 2");
	house_sql(&house, "DELETE FROM task WHERE state <> 'succeeded'");
}

/* A server that was put back from a backup has other mail under that UID. */
START_TEST(spares_another_of_its_uid)
{
#define OTHER_THERE(select, look)                                              \
	"C: L" select " SELECT \"INBOX\"", "S: * 3 EXISTS",                    \
	    "S: * OK [UIDVALIDITY 7] x", "S: * OK [UIDNEXT 4] x",              \
	    "S: L" select " OK [READ-WRITE] done", LOOK(look, "2"),            \
	    SHOWN("2", "101"), "S: L" look " OK done"
	static const char *const script[] = { LOGIN_CAN(" UIDPLUS"),
		OTHER_THERE("2", "3"), "C: L4 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L4 OK done",
		"C: L5 STATUS \"INBOX\" " STATUS_OF,
		"S: * STATUS INBOX (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 7 UNSEEN "
		"3)",
		"S: L5 OK done", OTHER_THERE("6", "7") };
	struct sync_report r;

	delete_one_of_three();
	ck_assert_int_eq(PLAY("imap_store_flags", script, &r), RC_OK);
	ck_assert_int_eq(r.deleted, 0);
	CHECK_COUNTS();
}
END_TEST

START_TEST(takes_its_uid_only)
{
	static const char *const script[] = { LOGIN_CAN(" UIDPLUS"),
		SELECTED("READ-WRITE"), MARKED, "C: L5 UID EXPUNGE 2",
		"S: * 2 EXPUNGE", "S: L5 OK done",
		"C: L6 UID FETCH 2 (UID FLAGS)", "S: L6 OK done" };
	struct sync_report r;

	delete_one_of_three();
	ck_assert_int_eq(PLAY("imap_store_flags", script, &r), RC_OK);
	ck_assert_int_eq(r.deleted, 1);
	check_over();
}
END_TEST

/* What other sync jobs come across in between. */
#define UNTOUCHED LOGIN, LISTED("3", "4")

static void
check_refused(const char *code, const char *words)
{
	ck_assert_str_eq(
	    house_sql(&house,
		arena_fmt(house.arena,
		    "SELECT state, last_error_code, last_error_detail LIKE "
		    "'not deleted in INBOX: %%%s%%', id = (SELECT refused_by "
		    "FROM expunge_intent WHERE credential_id = {c}) FROM job "
		    "WHERE action = 'imap_store_flags' ORDER BY id DESC LIMIT "
		    "1",
		    words)),
	    arena_fmt(house.arena, "failed|%s|t|t", code));
	ck_assert_int_eq(number("SELECT count(*) FROM placement p JOIN mailbox "
				"m ON m.id = p.mailbox_id WHERE credential_id "
				"= {c}"),
	    3);
	CHECK_COUNTS();
}

/* A plain EXPUNGE would take what others have marked. The job says what was not
 * done; others leave it alone, and a person may try it again. */
START_TEST(only_marks_without_uidplus)
{
	static const char *const script[] = { LOGIN, SELECTED("READ-WRITE"),
		MARKED, NOOP("5") };
	static const char *const quiet[] = { UNTOUCHED };
	static const char *const again[] = { LOGIN_CAN(" UIDPLUS"),
		SELECTED("READ-WRITE"), MARKED, "C: L5 UID EXPUNGE 2",
		"S: * 2 EXPUNGE", "S: L5 OK done",
		"C: L6 UID FETCH 2 (UID FLAGS)", "S: L6 OK done" };
	struct sync_report r;
	int64_t job;

	delete_one_of_three();
	ck_assert_int_eq(PLAY("imap_store_flags", script, &r), RC_DENIED);
	check_refused("authorization_denied", "only marked");
	job = number("SELECT max(id) FROM job");
	ck_assert_int_eq(PLAY("imap_sync_messages", quiet, &r), RC_OK);
	house_sql(&house,
	    arena_fmt(house.arena,
		"UPDATE job SET state = 'queued', attempt_count = 0 WHERE id = "
		"%lld",
		(long long)job));
	ck_assert_int_eq(
	    odd_do_job(&house, job, again, sizeof again / sizeof *again, &r),
	    RC_OK);
	ck_assert_int_eq(r.deleted, 1);
	check_over();
}
END_TEST

START_TEST(says_what_the_server_refuses)
{
	static const char *const read_only[] = { LOGIN_CAN(" UIDPLUS"),
		SELECTED("READ-ONLY"), NOOP("4") };
	static const char *const no_right[] = { LOGIN_CAN(" UIDPLUS"),
		SELECTED("READ-WRITE"), MARKED, "C: L5 UID EXPUNGE 2",
		"S: L5 NO [NOPERM] not you", NOOP("6") };
	static const char *const keeps[] = { LOGIN_CAN(" UIDPLUS"),
		SELECTED("READ-WRITE"), MARKED, "C: L5 UID EXPUNGE 2",
		"S: L5 OK done", "C: L6 UID FETCH 2 (UID FLAGS)",
		"S: * 2 FETCH (UID 2 FLAGS (\\Deleted))", "S: L6 OK done",
		NOOP("7") };
	static const struct {
		const char *words;
		const char *const *line;
		size_t n;
	} rows[] = {
		{ "read-only", read_only,
		    sizeof read_only / sizeof *read_only },
		{ "not you", no_right, sizeof no_right / sizeof *no_right },
		{ "in spite of EXPUNGE: 1", keeps,
		    sizeof keeps / sizeof *keeps },
	};
	struct sync_report r;

	delete_one_of_three();
	ARRAY_EACH (row, rows) {
		ck_assert_int_eq(
		    odd_do(&house, "imap_store_flags", row->line, row->n, &r),
		    RC_DENIED);
		check_refused("authorization_denied", row->words);
		house_sql(
		    &house, "UPDATE expunge_intent SET refused_by = NULL");
	}
}
END_TEST

/* A sync that meets a refusal is no failure: the job that was made for it will
 * say so. */
START_TEST(refused_to_a_sync)
{
	static const char *const script[] = { LOGIN_CAN(" UIDPLUS"),
		SELECTED("READ-ONLY"), NOOP("4"), "C: L5 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L5 OK done",
		"C: L6 STATUS \"INBOX\" " STATUS_OF,
		"S: * STATUS INBOX (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 7 UNSEEN "
		"3)",
		"S: L6 OK done" };
	struct sync_report r;

	delete_one_of_three();
	ck_assert_int_eq(PLAY("imap_sync_messages", script, &r), RC_OK);
	ck_assert_str_eq(
	    one("SELECT count(*), count(refused_by) FROM expunge_intent WHERE "
		"credential_id = {c}"),
	    "1|0");
	CHECK_COUNTS();
}
END_TEST

/* One that cannot now is asked again. */
START_TEST(is_tried_again)
{
	static const char *const busy[] = { LOGIN_CAN(" UIDPLUS"),
		SELECTED("READ-WRITE"), MARKED, "C: L5 UID EXPUNGE 2",
		"S: L5 NO [INUSE] not now", NOOP("6") };
	static const char *const then[] = { LOGIN_CAN(" UIDPLUS"),
		SELECTED("READ-WRITE"), MARKED, "C: L5 UID EXPUNGE 2",
		"S: * 2 EXPUNGE", "S: L5 OK done",
		"C: L6 UID FETCH 2 (UID FLAGS)", "S: L6 OK done" };
	struct sync_report r;

	delete_one_of_three();
	ck_assert_int_eq(PLAY("imap_store_flags", busy, &r), RC_CONNECTION);
	ck_assert_str_eq(
	    one("SELECT state, last_error_code FROM job WHERE action = "
		"'imap_store_flags' ORDER BY id DESC LIMIT 1"),
	    "queued|transient_connection");
	ck_assert_int_eq(odd_do_job(&house, number("SELECT max(id) FROM job"),
			     then, sizeof then / sizeof *then, &r),
	    RC_OK);
	check_over();
}
END_TEST

/* ---- Gmail ---- */

#define GMAIL LOGIN_CAN(" X-GM-EXT-1 UIDPLUS MOVE")
#define GM_ITEMS                                                               \
	"(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE "          \
	"BODY.PEEK[HEADER.FIELDS (REFERENCES)] X-GM-MSGID)"
#define GM_LISTED(list, inbox, all, bin, in_inbox, in_all, in_bin, bin_next)   \
	"C: L" list " LIST \"\" \"*\"", "S: * LIST () \"/\" INBOX",            \
	    "S: * LIST (\\All) \"/\" \"All Mail\"",                            \
	    "S: * LIST (\\Trash) \"/\" Bin", "S: L" list " OK done",           \
	    "C: L" inbox " STATUS \"INBOX\" " STATUS_OF,                       \
	    "C: L" all " STATUS \"All Mail\" " STATUS_OF,                      \
	    "C: L" bin " STATUS \"Bin\" " STATUS_OF,                           \
	    "S: * STATUS INBOX (MESSAGES " in_inbox                            \
	    " UIDNEXT 3 UIDVALIDITY 7 UNSEEN " in_inbox ")",                   \
	    "S: L" inbox " OK done",                                           \
	    "S: * STATUS \"All Mail\" (MESSAGES " in_all                       \
	    " UIDNEXT 3 UIDVALIDITY 8 UNSEEN " in_all ")",                     \
	    "S: L" all " OK done",                                             \
	    "S: * STATUS Bin (MESSAGES " in_bin " UIDNEXT " bin_next           \
	    " UIDVALIDITY 9 UNSEEN " in_bin ")",                               \
	    "S: L" bin " OK done"
#define GM_OPENED(tag, how, name, n, validity, next)                           \
	"C: L" tag " " how " \"" name "\"", "S: * " n " EXISTS",               \
	    "S: * OK [UIDVALIDITY " validity "] x",                            \
	    "S: * OK [UIDNEXT " next "] x", "S: L" tag " OK done"
#define GM_MESSAGE(uid) MESSAGE_WITH(uid, " X-GM-MSGID 100" uid)

/* Two messages, each in INBOX and in All Mail. */
static void
gmail_begin(void)
{
	static const char *const script[] = { GMAIL,
		GM_LISTED("2", "3", "4", "5", "2", "2", "0", "1"),
		GM_OPENED("6", "EXAMINE", "INBOX", "2", "7", "3"),
		"C: L7 UID FETCH 1:2 " GM_ITEMS, GM_MESSAGE("1"),
		GM_MESSAGE("2"), "S: L7 OK done",
		GM_OPENED("8", "EXAMINE", "All Mail", "2", "8", "3"),
		"C: L9 UID FETCH 1:2 " GM_ITEMS, GM_MESSAGE("1"),
		GM_MESSAGE("2"), "S: L9 OK done",
		GM_OPENED("10", "EXAMINE", "Bin", "0", "9", "1") };
	struct sync_report r;

	ck_assert_int_eq(PLAY("imap_sync_messages", script, &r), RC_OK);
	ck_assert_int_eq(number("SELECT count(*) FROM email WHERE "
				"credential_id = {c}"),
	    2);
	expunge("number 2");
	house_sql(&house, "DELETE FROM task WHERE state <> 'succeeded'");
}

START_TEST(goes_by_the_bin_of_gmail)
{
	static const char *const cut[] = { GMAIL,
		GM_OPENED("2", "SELECT", "INBOX", "2", "7", "3"),
		LOOK("3", "2"), SHOWN("2", "100"), "S: L3 OK done",
		"C: L4 UID MOVE 2 \"Bin\"", "X:" };
	static const char *const then[] = { GMAIL,
		GM_OPENED("2", "SELECT", "INBOX", "1", "7", "3"),
		LOOK("3", "2"), "S: L3 OK done",
		GM_OPENED("4", "SELECT", "All Mail", "1", "8", "3"),
		LOOK("5", "2"), "S: L5 OK done",
		GM_LISTED("6", "7", "8", "9", "1", "1", "1", "2"),
		GM_OPENED("10", "EXAMINE", "INBOX", "1", "7", "3"),
		"C: L11 UID FETCH 1:2 (UID FLAGS)",
		"S: * 1 FETCH (UID 1 FLAGS ())", "S: L11 OK done",
		"C: L12 UID SEARCH ALL", "S: * SEARCH 1", "S: L12 OK done",
		GM_OPENED("13", "EXAMINE", "All Mail", "1", "8", "3"),
		"C: L14 UID FETCH 1:2 (UID FLAGS)",
		"S: * 1 FETCH (UID 1 FLAGS ())", "S: L14 OK done",
		"C: L15 UID SEARCH ALL", "S: * SEARCH 1", "S: L15 OK done",
		GM_OPENED("16", "EXAMINE", "Bin", "1", "9", "2"),
		"C: L17 UID FETCH 1 " GM_ITEMS,
		MESSAGE_WITH("1", " X-GM-MSGID 1002"), "S: L17 OK done",
		GM_OPENED("18", "SELECT", "Bin", "1", "9", "2"),
		LOOK("19", "1"), SHOWN("1", "100"), "S: L19 OK done",
		"C: L20 UID STORE 1 +FLAGS.SILENT (\\Deleted)",
		"S: L20 OK done", "C: L21 UID EXPUNGE 1", "S: * 1 EXPUNGE",
		"S: L21 OK done", "C: L22 UID FETCH 1 (UID FLAGS)",
		"S: L22 OK done" };
	struct sync_report r;

	gmail_begin();
	ck_assert_int_eq(PLAY("imap_store_flags", cut, &r), RC_CONNECTION);
	ck_assert_int_eq(odd_do_job(&house, number("SELECT max(id) FROM job"),
			     then, sizeof then / sizeof *then, &r),
	    RC_OK);
	ck_assert_int_eq(r.deleted, 1);
	ck_assert_int_eq(number("SELECT count(*) FROM email WHERE "
				"credential_id = {c} AND removed_at IS NULL"),
	    1);
	check_over();
}
END_TEST

int
main(void)
{
	const struct unit_case cases[] = {
		UNIT(goes_from_all_folders),
		UNIT(is_shown_when_put_back),
		UNIT(goes_once),
		UNIT(goes_with_a_sync),
		UNIT(goes_from_where_it_went),
		UNIT(waits_for_the_match_of_a_new_uidvalidity),
		UNIT(is_over_when_it_is_gone),
		UNIT(does_not_come_back),
		UNIT(made_by_hand_lies_nowhere),
		UNIT(spares_another_of_its_uid),
		UNIT(takes_its_uid_only),
		UNIT(only_marks_without_uidplus),
		UNIT(says_what_the_server_refuses),
		UNIT(refused_to_a_sync),
		UNIT(is_tried_again),
		UNIT(goes_by_the_bin_of_gmail),
	};

	house_start(&house, NULL);
	return unit_run("domain/expunge", cases, sizeof cases / sizeof *cases);
}
