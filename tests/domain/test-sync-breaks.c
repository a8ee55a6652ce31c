/* The sync with messages that break the connection, or whose text does.
 * Scripts: wire/scripted-server.h. */
#include "domain/odd.h"

#include <stdlib.h>
#include <string.h>

#include "lib/unit.h"
#include "wire/scripted-server.h"

static struct house house;

/* A message that breaks the connection, in sessions that carry anything else,
 * is set aside in the third run. The rest of its folder does not wait. */
#define AGAIN "X:", "A:", LOGIN, "C: L2 EXAMINE \"INBOX\""
#define OPENED_AGAIN                                                           \
	AGAIN, "S: * 2 EXISTS", "S: * OK [UIDVALIDITY 7] x",                   \
	    "S: * OK [UIDNEXT 3] x", "S: L2 OK done"
#define LOOKED(n, next)                                                        \
	LOGIN, "C: L2 LIST \"\" \"*\"", "S: * LIST () \"/\" INBOX",            \
	    "S: L2 OK done", "C: L3 STATUS \"INBOX\" " STATUS_OF, "S: L3 NO",  \
	    OPENED("4", n, next)
/* Has carried more than the broken one, and breaks at this message. */
#define CONFRONTS(uid, ...)                                                    \
	"C: L3 CAPABILITY", "s: * CAPABILITY IMAP4rev1", "R: 1000  XX",        \
	    "S: ", "S: L3 OK done", "C: L4 UID FETCH " uid " (UID FLAGS)",     \
	    "S: * " uid " FETCH (UID " uid " FLAGS ())", "S: L4 OK done",      \
	    "C: L5 UID FETCH " uid " " ITEMS,                                  \
	    "s: * " uid " FETCH (UID " uid " FLA", __VA_ARGS__
/* `tag`, `uids`: of the first command */
#define BREAKS(tag, uids, uid, ...)                                            \
	"C: L" tag " UID FETCH " uids " " ITEMS, __VA_ARGS__,                  \
	    "C: L3 UID FETCH " uids " " ITEMS, __VA_ARGS__,                    \
	    "C: L3 UID FETCH " uid " " ITEMS, __VA_ARGS__,                     \
	    "C: L3 UID FETCH " uid " " ITEMS, __VA_ARGS__,                     \
	    CONFRONTS(uid, __VA_ARGS__)
#define BREAKS_TOO(uid, ...) "C: L3 UID FETCH " uid " " ITEMS, __VA_ARGS__
static const char found[] =
    "SELECT string_agg(p.uid || ':' || coalesce(p.skip_reason, 'shown') || "
    "array_to_string(p.flags, ''), ',' ORDER BY uid) FROM placement p JOIN "
    "mailbox b ON b.id = p.mailbox_id WHERE credential_id = {c}";

static void
minutes_later(void)
{
	house_sql(&house,
	    "UPDATE mailbox SET suspect_at = now() - interval '2 minutes' "
	    "WHERE suspect_at IS NOT NULL");
}

START_TEST(breaks_at_one)
{
#define FLAGS_BOTH                                                             \
	"C: L5 UID FETCH 1:2 (UID FLAGS)",                                     \
	    "S: * 1 FETCH (UID 1 FLAGS (\\Seen))",                             \
	    "S: * 2 FETCH (UID 2 FLAGS ())", "S: L5 OK done"
	static const char *const first[] = { LOOKED("2", "3"),
		BREAKS("5", "1:2", "2", OPENED_AGAIN),
		"C: L3 UID FETCH 1 " ITEMS, MESSAGE("1"), "S: L3 OK done",
		NOOP("4") };
	static const char *const later[] = { LOOKED("2", "3"), FLAGS_BOTH,
		BREAKS("6", "2", "2", OPENED_AGAIN), NOOP("3") };
	static const char *const third[] = { LOOKED("2", "3"), FLAGS_BOTH,
		BREAKS("6", "2", "2", OPENED_AGAIN) };
	struct sync_report r;

	ck_assert_int_eq(ODD_SYNC(first, &r), RC_CONNECTION);
	ck_assert_int_eq(r.stored, 1);
	ck_assert_str_eq(house_sql(&house, found), "1:shown");
	/* Three within a minute are one. What was stored is followed. */
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(ODD_SYNC(later, &r), RC_CONNECTION);
		ck_assert_str_eq(house_sql(&house, found), "1:shown\\Seen");
		ck_assert_str_eq(house_sql(&house,
				     "SELECT uid_low, uid_next, suspect_uid "
				     "FROM mailbox WHERE credential_id = {c}"),
		    "3|3|2");
		if (i >= 1)
			minutes_later();
	}
	ck_assert_int_eq(ODD_SYNC(third, &r), RC_OK);
	ck_assert_str_eq(house_sql(&house, found),
	    "1:shown\\Seen,2:the server breaks the connection");
	CHECK_COUNTS();
}
END_TEST

/* The same of new mail: what came with it and behind it is there at once. */
#define OPENED_4                                                               \
	AGAIN, "S: * 4 EXISTS", "S: * OK [UIDVALIDITY 7] x",                   \
	    "S: * OK [UIDNEXT 5] x", "S: L2 OK done"
#define OPENED_5                                                               \
	AGAIN, "S: * 5 EXISTS", "S: * OK [UIDVALIDITY 7] x",                   \
	    "S: * OK [UIDNEXT 6] x", "S: L2 OK done"
#define SIZES(tag, uids)                                                       \
	"C: L" tag " UID FETCH " uids " (UID INTERNALDATE RFC822.SIZE)",       \
	    "S: L" tag " OK done"
START_TEST(breaks_at_a_new_one)
{
	static const char *const before[] = { LOOKED("2", "3"),
		"C: L5 UID FETCH 1:2 " ITEMS, MESSAGE("1"), MESSAGE("2"),
		"S: L5 OK done" };
	static const char *const first[] = { LOOKED("4", "5"),
		"C: L5 UID FETCH 1:2 (UID FLAGS)", "S: L5 OK done",
		SIZES("6", "3:4"), "C: L7 UID FETCH 3:4 " ITEMS, OPENED_4,
		"C: L3 UID FETCH 3:4 " ITEMS, OPENED_4,
		"C: L3 UID FETCH 4 " ITEMS, MESSAGE("4"), "S: L3 OK done",
		"C: L4 UID FETCH 3 " ITEMS, OPENED_4, BREAKS_TOO("3", OPENED_4),
		CONFRONTS("3", OPENED_4), NOOP("3") };
	static const char *const later[] = { LOOKED("5", "6"),
		"C: L5 UID FETCH 1:5 (UID FLAGS)",
		"S: * 4 FETCH (UID 4 FLAGS (\\Seen))", "S: L5 OK done",
		SIZES("6", "3,5"), "C: L7 UID FETCH 3,5 " ITEMS, OPENED_5,
		"C: L3 UID FETCH 3,5 " ITEMS, OPENED_5,
		"C: L3 UID FETCH 5 " ITEMS, MESSAGE("5"), "S: L3 OK done",
		"C: L4 UID FETCH 3 " ITEMS, OPENED_5, BREAKS_TOO("3", OPENED_5),
		CONFRONTS("3", OPENED_5), NOOP("3") };
	static const char *const third[] = { LOOKED("5", "6"),
		"C: L5 UID FETCH 1:5 (UID FLAGS)", "S: L5 OK done",
		SIZES("6", "3"), BREAKS("7", "3", "3", OPENED_5) };
	struct sync_report r;

	ck_assert_int_eq(ODD_SYNC(before, &r), RC_OK);
	ck_assert_int_eq(ODD_SYNC(first, &r), RC_CONNECTION);
	ck_assert_str_eq(house_sql(&house, found), "1:shown,2:shown,4:shown");
	minutes_later();
	house_sql(&house, "UPDATE mailbox SET flags_at = NULL");
	ck_assert_int_eq(ODD_SYNC(later, &r), RC_CONNECTION);
	ck_assert_str_eq(
	    house_sql(&house, found), "1:shown,2:shown,4:shown\\Seen,5:shown");
	minutes_later();
	ck_assert_int_eq(ODD_SYNC(third, &r), RC_OK);
	ck_assert_str_eq(house_sql(&house, found),
	    "1:shown,2:shown,3:the server breaks the connection,"
	    "4:shown\\Seen,5:shown");
	ck_assert_str_eq(house_sql(&house,
			     "SELECT uid_low, uid_next FROM mailbox WHERE "
			     "credential_id = {c}"),
	    "1|6");
	CHECK_COUNTS();
}
END_TEST

/* Two of them: one after the other, and neither makes the tables forget the
 * other. */
#define OPENED_3                                                               \
	AGAIN, "S: * 3 EXISTS", "S: * OK [UIDVALIDITY 7] x",                   \
	    "S: * OK [UIDNEXT 4] x", "S: L2 OK done"
START_TEST(breaks_at_two)
{
#define FLAGS_OF(uids) "C: L5 UID FETCH " uids " (UID FLAGS)", "S: L5 OK done"
	static const char *const first[] = { LOOKED("3", "4"),
		"C: L5 UID FETCH 1:3 " ITEMS, OPENED_3,
		"C: L3 UID FETCH 1:3 " ITEMS, OPENED_3,
		"C: L3 UID FETCH 3 " ITEMS, MESSAGE("3"), "S: L3 OK done",
		"C: L4 UID FETCH 2 " ITEMS, OPENED_3, BREAKS_TOO("2", OPENED_3),
		CONFRONTS("2", OPENED_3), BREAKS_TOO("1", OPENED_3),
		NOOP("3") };
	static const char *const second[] = { LOOKED("3", "4"), FLAGS_OF("3"),
		BREAKS("6", "1:2", "2", OPENED_3), BREAKS_TOO("1", OPENED_3),
		NOOP("3") };
	static const char *const third[] = { LOOKED("3", "4"), FLAGS_OF("3"),
		BREAKS("6", "1:2", "2", OPENED_3), BREAKS_TOO("1", OPENED_3),
		BREAKS_TOO("1", OPENED_3), BREAKS_TOO("1", OPENED_3),
		CONFRONTS("1", OPENED_3), NOOP("3") };
	static const char *const fourth[] = { LOOKED("3", "4"), FLAGS_OF("1:3"),
		BREAKS("6", "1", "1", OPENED_3), NOOP("3") };
	static const char *const fifth[] = { LOOKED("3", "4"), FLAGS_OF("1:3"),
		BREAKS("6", "1", "1", OPENED_3) };
	struct sync_report r;

	ck_assert_int_eq(ODD_SYNC(first, &r), RC_CONNECTION);
	ck_assert_str_eq(house_sql(&house, found), "3:shown");
	minutes_later();
	ck_assert_int_eq(ODD_SYNC(second, &r), RC_CONNECTION);
	minutes_later();
	ck_assert_int_eq(ODD_SYNC(third, &r), RC_CONNECTION);
	ck_assert_str_eq(house_sql(&house, found),
	    "2:the server breaks the connection,3:shown");
	minutes_later();
	ck_assert_int_eq(ODD_SYNC(fourth, &r), RC_CONNECTION);
	minutes_later();
	ck_assert_int_eq(ODD_SYNC(fifth, &r), RC_OK);
	ck_assert_str_eq(house_sql(&house, found),
	    "1:the server breaks the connection,"
	    "2:the server breaks the connection,3:shown");
	CHECK_COUNTS();
}
END_TEST

/* The same where nothing but that many bytes breaks it. */
START_TEST(breaks_at_a_byte)
{
	static const char *const script[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L2 OK done",
		"C: L3 STATUS \"INBOX\" " STATUS_OF, "S: L3 NO",
		OPENED("4", "2", "3"), "C: L5 UID FETCH 1:2 " ITEMS,
		OPENED_AGAIN, "C: L3 UID FETCH 1:2 " ITEMS, OPENED_AGAIN,
		"C: L3 UID FETCH 2 " ITEMS, OPENED_AGAIN,
		"C: L3 UID FETCH 2 " ITEMS, OPENED_AGAIN, "C: L3 CAPABILITY",
		"s: * CAPABILITY IMAP4rev1 AND THEN", "X:" };
	struct sync_report r;

	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(ODD_SYNC(script, &r), RC_CONNECTION);
		house_sql(&house,
		    "UPDATE mailbox SET suspect_at = now() - interval "
		    "'2 minutes' WHERE suspect_at IS NOT NULL");
	}
	ck_assert_str_eq(house_sql(&house,
			     "SELECT count(*), max(suspect_times) FROM mailbox "
			     "LEFT JOIN placement ON mailbox_id = id WHERE "
			     "credential_id = {c} AND uid IS NOT NULL"),
	    "0|");
}
END_TEST

/* A text that breaks the connection keeps no other from being read. */
#define TEXT_OF(uid) "C: L3 UID FETCH " uid " (UID BODY.PEEK[1]<0.65536>)"
START_TEST(text_breaks)
{
	static const char *const mail[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L2 OK done",
		"C: L3 STATUS \"INBOX\" " STATUS_OF, "S: L3 NO x",
		OPENED("4", "2", "3"), "C: L5 UID FETCH 1:2 " ITEMS,
		MESSAGE("1"), MESSAGE("2"), "S: L5 OK done" };
	static const char *const texts[] = { LOGIN, OPENED("2", "2", "3"),
		TEXT_OF("1:2"), OPENED_AGAIN, TEXT_OF("1"), OPENED_AGAIN,
		TEXT_OF("1"), OPENED_AGAIN, "C: L3 CAPABILITY",
		"s: * CAPABILITY IMAP4rev1", "R: 1000  XX",
		"S: ", "S: L3 OK done",
		"C: L4 UID FETCH 1 (UID BODY.PEEK[1]<0.65536>)", OPENED_AGAIN,
		TEXT_OF("2"), "S: * 2 FETCH (UID 2 BODY[1]<0> \"first words\")",
		"S: L3 OK done", "C: L4 UID FETCH 2 (UID BODY.PEEK[])",
		"S: * 2 FETCH (UID 2 BODY[] \"first words\")",
		"S: L4 OK done" };
	struct sync_report r;

	ck_assert_int_eq(ODD_SYNC(mail, &r), RC_OK);
	ck_assert_int_eq(ODD_DO("imap_fetch_text", texts, &r), RC_OK);
	ck_assert_str_eq(house_sql(&house,
			     "SELECT string_agg(coalesce(snippet, '-'), ',' "
			     "ORDER BY uid) FROM email WHERE credential_id = "
			     "{c}"),
	    "-,first words");
}
END_TEST

int
main(void)
{
	const struct unit_case cases[] = {
		UNIT(breaks_at_one),
		UNIT(breaks_at_a_new_one),
		UNIT(breaks_at_two),
		UNIT(breaks_at_a_byte),
		UNIT(text_breaks),
	};

	house_start(&house, NULL);
	return unit_run(
	    "domain/sync-breaks", cases, sizeof cases / sizeof *cases);
}
