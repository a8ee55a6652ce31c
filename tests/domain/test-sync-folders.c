/* The sync with folders that have odd names, are listed in part, or go.
 * Scripts: wire/scripted-server.h. */
#include "domain/odd.h"

#include <stdlib.h>
#include <string.h>

#include "lib/unit.h"
#include "wire/scripted-server.h"

static struct house house;

static const char *const with_work[] = { WITH_WORK };

/* A name that is no UTF-8, and ones as long as no index takes: the folders are
 * there, with their mail or with a reason. */
static char *
long_name(size_t n)
{
	char *name = arena_alloc(house.arena, n + 1);

	for (size_t i = 0; i < n; i++)
		name[i] = (char)('a' + (i * i / 7 + i / 26) % 26);
	name[n] = '\0';
	return name;
}

START_TEST(odd_names)
{
	const char *name = long_name(5000);
	const char *const before[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: * LIST () \"/\" \"caf\xe9\"",
		arena_fmt(house.arena, "S: * LIST () \"/\" %s", name),
		"S: L2 OK done", "C: L3 STATUS \"INBOX\" " STATUS_OF,
		"C: L4 STATUS {4}", "S: L3 NO x", "S: + go",
		"C: caf\xe9 " STATUS_OF, "C: L5 STATUS {5000}", "S: L4 NO x",
		"S: + go", arena_fmt(house.arena, "C: %s " STATUS_OF, name),
		"S: L5 NO x", OPENED("6", "0", "1"), "C: L7 EXAMINE {4}",
		"S: + go", "C: caf\xe9", "S: * 1 EXISTS",
		"S: * OK [UIDVALIDITY 8] x", "S: * OK [UIDNEXT 2] x",
		"S: L7 OK done", "C: L8 UID FETCH 1 " ITEMS, MESSAGE("1"),
		"S: L8 OK done", "C: L9 EXAMINE {5000}", "S: + go",
		arena_fmt(house.arena, "C: %s", name), "S: * 0 EXISTS",
		"S: * OK [UIDVALIDITY 9] x", "S: * OK [UIDNEXT 1] x",
		"S: L9 OK done" };
	const char *const after[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: * LIST () \"/\" \"caf\xe9\"",
		arena_fmt(house.arena, "S: * LIST () \"/\" %s", name),
		"S: L2 OK done", "C: L3 STATUS \"INBOX\" " STATUS_OF,
		"C: L4 STATUS {4}",
		"S: * STATUS INBOX (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 7 UNSEEN "
		"0)",
		"S: L3 OK done", "S: + go", "C: caf\xe9 " STATUS_OF,
		"C: L5 STATUS {5000}",
		"S: * STATUS \"caf\xe9\" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 8 "
		"UNSEEN 1)",
		"S: L4 OK done", "S: + go",
		arena_fmt(house.arena, "C: %s " STATUS_OF, name),
		arena_fmt(house.arena,
		    "S: * STATUS %s (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 9 UNSEEN "
		    "0)",
		    name),
		"S: L5 OK done" };
	struct sync_report r;

	ck_assert_int_eq(ODD_SYNC(before, &r), RC_OK);
	ck_assert_int_eq(ODD_SYNC(after, &r), RC_OK);
	ck_assert_int_eq(r.changed, 0);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT string_agg(CASE WHEN length(name) > 9 "
			     "THEN length(name)::text ELSE name END || ' ' || "
			     "stored_messages, ',' ORDER BY id) FROM mailbox "
			     "WHERE credential_id = {c}"),
	    "INBOX 0,caf\xef\xbf\xbd 1,4000 0");
	CHECK_COUNTS();
}
END_TEST

/* Mail is kept as long as it is not sure that its folder is gone. */
static const char *const without_work[] = { LOGIN, INBOX_AND("") };

static const char *
work_state(void)
{
	return house_sql(&house,
	    "SELECT (SELECT count(*) FROM email WHERE credential_id = "
	    "{c} AND removed_at IS NULL), missing_since IS NULL, "
	    "removed_at IS NULL FROM mailbox WHERE name = 'Work' AND "
	    "credential_id = {c}");
}

START_TEST(listed_in_part)
{
	static const char *const spoilt[] = { LOGIN,
		INBOX_AND("S: * LIST () \"/\" \"Work") };
	static const char *const unnamed[] = { LOGIN,
		INBOX_AND("S: * \"IST () \"/\" Work") };
	struct sync_report r;

	ck_assert_int_eq(ODD_SYNC(with_work, &r), RC_OK);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(ODD_SYNC(spoilt, &r), RC_OK);
		ck_assert_int_eq(ODD_SYNC(unnamed, &r), RC_OK);
	}
	ck_assert_str_eq(work_state(), "1|t|t");
	ck_assert_int_eq(ODD_SYNC(without_work, &r), RC_OK);
	ck_assert_int_eq(ODD_SYNC(without_work, &r), RC_OK);
	ck_assert_str_eq(work_state(), "1|f|t");
	/* A spoilt list does not count, however late it comes. */
	house_missed_long(&house);
	ck_assert_int_eq(ODD_SYNC(spoilt, &r), RC_OK);
	ck_assert_str_eq(work_state(), "1|f|t");
	ck_assert_int_eq(ODD_SYNC(without_work, &r), RC_OK);
	ck_assert_str_eq(work_state(), "0|f|f");
	CHECK_COUNTS();
}
END_TEST

/* A folder that was missing is there again: nothing has become of it. */
START_TEST(listed_again)
{
	struct imap *im;
	const char *before;

	house_newcomer(&house, "again");
	im = house_imap(&house);
	MUST(imap_folder_create(im, str_of("Work")));
	house_append(im, "Work", "Subject: a\r\n\r\nb\r\n");
	(void)house_sync(&house);
	before = house_tables(&house);
	house_sql(&house,
	    "UPDATE mailbox SET missing_since = now() - interval '1 hour' "
	    "WHERE credential_id = {c} AND name = 'Work'");
	(void)house_sync(&house);
	ck_assert_str_eq(work_state(), "1|t|t");
	ck_assert_str_eq(house_tables(&house), before);
	imap_free(&im);
}
END_TEST

/* Its name goes to another folder while it is missing. */
START_TEST(name_of_the_missing)
{
	struct imap *im;

	house_newcomer(&house, "taken");
	im = house_imap(&house);
	MUST(imap_folder_create(im, str_of("Work")));
	MUST(imap_folder_create(im, str_of("Play")));
	house_append(im, "Work", "Subject: a\r\n\r\nb\r\n");
	house_append(im, "Play", "Subject: c\r\n\r\nd\r\n");
	(void)house_sync(&house);
	MUST(imap_folder_delete(im, str_of("Work")));
	MUST(imap_folder_rename(im, str_of("Play"), str_of("Work")));
	MUST(imap_folder_create(im, str_of("Play")));
	(void)house_sync(&house);
	ck_assert_str_eq(
	    house_sql(&house,
		"SELECT string_agg(m.name || e.subject || (missing_since IS "
		"NOT NULL), ',' ORDER BY e.subject) FROM mailbox m JOIN "
		"email e ON e.mailbox_id = m.id WHERE m.credential_id = {c}"),
	    "Workatrue,Workcfalse");
	house_missed_long(&house);
	ck_assert_int_eq(house_sync(&house).expunged, 1);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT string_agg(name, ',' ORDER BY name) FROM "
			     "mailbox WHERE credential_id = {c} AND removed_at "
			     "IS NULL"),
	    "INBOX,Play,Sent,Trash,Work");
	CHECK_COUNTS();
	imap_free(&im);
}
END_TEST

/* A folder that only holds folders any more has no mail. */
START_TEST(becomes_unselectable)
{
	static const char *const before[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L2 OK done",
		"C: L3 STATUS \"INBOX\" " STATUS_OF, "S: L3 NO x",
		OPENED("4", "1", "2"), "C: L5 UID FETCH 1 " ITEMS, MESSAGE("1"),
		"S: L5 OK done" };
	static const char *const after[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST (\\Noselect) \"/\" INBOX", "S: L2 OK done" };
	struct sync_report r;

	ck_assert_int_eq(ODD_SYNC(before, &r), RC_OK);
	ck_assert_int_eq(ODD_SYNC(after, &r), RC_OK);
	ck_assert_int_eq(r.expunged, 1);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT removed_why FROM email WHERE "
			     "credential_id = {c}"),
	    "vanished");
	ck_assert_str_eq(house_sql(&house,
			     "SELECT server_messages, stored_messages FROM "
			     "mailbox WHERE credential_id = {c}"),
	    "0|0");
	CHECK_COUNTS();
}
END_TEST

int
main(void)
{
	const struct unit_case cases[] = {
		UNIT(listed_in_part),
		UNIT(listed_again),
		UNIT(odd_names),
		UNIT(name_of_the_missing),
		UNIT(becomes_unselectable),
	};

	house_start(&house, NULL);
	return unit_run(
	    "domain/sync-folders", cases, sizeof cases / sizeof *cases);
}
