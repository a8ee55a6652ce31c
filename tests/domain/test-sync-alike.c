/* The sync with messages that look like known ones: is it the same mail?
 * Scripts: wire/scripted-server.h. */
#include "domain/odd.h"

#include <stdlib.h>
#include <string.h>

#include "lib/unit.h"
#include "wire/scripted-server.h"

static struct house house;

static const char *const with_work[] = { WITH_WORK };

/* ---- messages that look like known ones, and are not shown whole ---- */

#define ALIKE(uid)                                                             \
	"S: * " uid " FETCH (UID " uid                                         \
	" FLAGS () INTERNALDATE \"20-Nov-2026 10:00:00 +0000\" "               \
	"RFC822.SIZE 100 ENVELOPE (NIL \"number 1\" NIL NIL NIL NIL NIL NIL "  \
	"NIL NIL)"
#define ALIKE_WHOLE(uid)                                                       \
	ALIKE(uid)                                                             \
	" BODYSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 10 1) "       \
	"BODY[HEADER.FIELDS (REFERENCES)] \"\")"

/* UID 1 is known by its hash; 2 is as large and has the same envelope. */
#define LOOKS_KNOWN                                                            \
	LOGIN, "C: L2 LIST \"\" \"*\"", "S: * LIST () \"/\" INBOX",            \
	    "S: L2 OK done", "C: L3 STATUS \"INBOX\" " STATUS_OF,              \
	    "S: * STATUS INBOX (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 7 "           \
	    "UNSEEN 2)",                                                       \
	    "S: L3 OK done", "C: L4 EXAMINE \"INBOX\"", "S: * 2 EXISTS",       \
	    "S: * OK [UIDVALIDITY 7] x", "S: * OK [UIDNEXT 3] x",              \
	    "S: L4 OK done", "C: L5 UID FETCH 1 (UID FLAGS)",                  \
	    "S: * 1 FETCH (UID 1 FLAGS ())", "S: L5 OK done",                  \
	    "C: L6 UID FETCH 2 (UID INTERNALDATE RFC822.SIZE)",                \
	    "S: * 2 FETCH (UID 2 RFC822.SIZE 100)", "S: L6 OK done",           \
	    "C: L7 UID FETCH 2 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)", \
	    ALIKE("2") ")", "S: L7 OK done",                                   \
	    "C: L8 UID FETCH 2 (UID BODY.PEEK[]<0.268435456>)"

static void
know_one(void)
{
	static const char *const script[] = { LOGIN, "C: L2 LIST \"\" \"*\"",
		"S: * LIST () \"/\" INBOX", "S: L2 OK done",
		"C: L3 STATUS \"INBOX\" " STATUS_OF,
		"S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7 "
		"UNSEEN 1)",
		"S: L3 OK done", "C: L4 EXAMINE \"INBOX\"", "S: * 1 EXISTS",
		"S: * OK [UIDVALIDITY 7] x", "S: * OK [UIDNEXT 2] x",
		"S: L4 OK done", "C: L5 UID FETCH 1 " ITEMS, MESSAGE("1"),
		"S: L5 OK done" };
	struct sync_report r;

	ck_assert_int_eq(ODD_SYNC(script, &r), RC_OK);
	house_sql(&house,
	    "UPDATE email SET sha256 = sha256('hello') WHERE "
	    "credential_id = {c}");
}

static void
check_new(const struct sync_report *r, int64_t moved)
{
	ck_assert_int_eq(r->moved, moved);
	ck_assert_int_eq(r->stored, 1 - moved);
	ck_assert_int_eq(house_int(&house,
			     "SELECT count(*) FROM email WHERE credential_id = "
			     "{c} AND removed_at IS NULL"),
	    2 - moved);
	CHECK_COUNTS();
}

START_TEST(shown_whole)
{
	static const char *const script[] = { LOOKS_KNOWN,
		"s: * 2 FETCH (UID 2 BODY[]<0> {5}\\r\\nhello)\\r\\n",
		"S: L8 OK done" };
	struct sync_report r;

	know_one();
	ck_assert_int_eq(ODD_SYNC(script, &r), RC_OK);
	check_new(&r, 1);
}
END_TEST

START_TEST(not_shown_whole)
{
	static const char *const script[] = { LOOKS_KNOWN, "S: L8 NO cannot",
		NOOP("9"), "C: L10 UID FETCH 2 " ITEMS, ALIKE_WHOLE("2"),
		"S: L10 OK done" };
	struct sync_report r;

	know_one();
	ck_assert_int_eq(ODD_SYNC(script, &r), RC_OK);
	check_new(&r, 0);
}
END_TEST

START_TEST(breaks_when_asked_for_all)
{
	static const char *const script[] = { LOOKS_KNOWN, "X:", "A:", LOGIN,
		"C: L2 EXAMINE \"INBOX\"", "S: * 2 EXISTS",
		"S: * OK [UIDVALIDITY 7] x", "S: * OK [UIDNEXT 3] x",
		"S: L2 OK done", "C: L3 UID FETCH 2 " ITEMS, ALIKE_WHOLE("2"),
		"S: L3 OK done" };
	struct sync_report r;

	know_one();
	ck_assert_int_eq(ODD_SYNC(script, &r), RC_OK);
	check_new(&r, 0);
}
END_TEST

/* ---- messages that look like mail without a hash, which lies in Work ---- */

#define WORK_LISTED                                                            \
	LOGIN, "C: L2 LIST \"\" \"*\"", "S: * LIST () \"/\" INBOX",            \
	    "S: * LIST () \"/\" Work", "S: L2 OK done",                        \
	    "C: L3 STATUS \"INBOX\" " STATUS_OF,                               \
	    "C: L4 STATUS \"Work\" " STATUS_OF,                                \
	    "S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7 UNSEEN 1)", \
	    "S: L3 OK done",                                                   \
	    "S: * STATUS Work (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 8 UNSEEN 1)",  \
	    "S: L4 OK done", OPENED("5", "1", "2"),                            \
	    "C: L6 UID FETCH 1 (UID INTERNALDATE RFC822.SIZE)"

#define LOOKS_LIKE_WORKS                                                       \
	WORK_LISTED,                                                           \
	    "S: * 1 FETCH (UID 1 INTERNALDATE \"20-Nov-2026 10:00:00 +0000\" " \
	    "RFC822.SIZE 100)",                                                \
	    "S: L6 OK done",                                                   \
	    "C: L7 UID FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE "  \
	    "BODYSTRUCTURE)",                                                  \
	    ALIKE("1") " BODYSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL "       \
		       "\"7BIT\" 10 1))",                                      \
	    "S: L7 OK done", "C: L8 EXAMINE \"Work\""

#define WORK_OPENED(validity)                                                  \
	"S: * 1 EXISTS", "S: * OK [UIDVALIDITY " validity "] x",               \
	    "S: * OK [UIDNEXT 2] x", "S: L8 OK done"

#define TAKEN_AS_NEW(tag)                                                      \
	"C: L" tag " UID FETCH 1 " ITEMS, ALIKE_WHOLE("1"),                    \
	    "S: L" tag " OK done"

static void
check_alike(const char *const *line, size_t n, int64_t moved)
{
	struct sync_report r;

	ck_assert_int_eq(ODD_SYNC(with_work, &r), RC_OK);
	ck_assert_int_eq(
	    odd_do(&house, "imap_sync_messages", line, n, &r), RC_OK);
	check_new(&r, moved);
}
#define CHECK_ALIKE(script, moved)                                             \
	check_alike(script, sizeof(script) / sizeof *(script), moved)

/* It is taken for the same without a byte of it. */
START_TEST(lies_there_no_more)
{
	static const char *const script[] = { LOOKS_LIKE_WORKS,
		WORK_OPENED("8"), "C: L9 UID FETCH 1 (UID FLAGS)",
		"S: L9 OK done", OPENED("10", "1", "2") };

	CHECK_ALIKE(script, 1);
}
END_TEST

/* What is shown is not as long as it was said to be. */
START_TEST(lies_there_not_whole)
{
	static const char *const script[] = { LOOKS_LIKE_WORKS,
		WORK_OPENED("8"), "C: L9 UID FETCH 1 (UID FLAGS)",
		"S: * 1 FETCH (UID 1 FLAGS ())", "S: L9 OK done",
		"C: L10 UID FETCH 1 (UID BODY.PEEK[]<0.268435456>)",
		"s: * 1 FETCH (UID 1 BODY[]<0> {5}\\r\\nhello)\\r\\n",
		"S: L10 OK done", OPENED("11", "1", "2"), TAKEN_AS_NEW("12") };

	CHECK_ALIKE(script, 0);
}
END_TEST

START_TEST(lies_where_nobody_may_look)
{
	static const char *const script[] = { LOOKS_LIKE_WORKS,
		"S: L8 NO [NONEXISTENT] no", OPENED("9", "1", "2"),
		TAKEN_AS_NEW("10") };

	CHECK_ALIKE(script, 0);
}
END_TEST

/* Its UIDs are another folder's now. */
START_TEST(lay_in_another_folder)
{
	static const char *const script[] = { LOOKS_LIKE_WORKS,
		WORK_OPENED("9"), OPENED("9", "1", "2"), TAKEN_AS_NEW("10") };

	CHECK_ALIKE(script, 0);
}
END_TEST

START_TEST(breaks_where_it_lay)
{
	static const char *const script[] = { LOOKS_LIKE_WORKS,
		"X:", "A:", LOGIN, OPENED("2", "1", "2"), TAKEN_AS_NEW("3") };

	CHECK_ALIKE(script, 0);
}
END_TEST

/* The session lives, in the other folder. */
START_TEST(refuses_where_it_lay)
{
	static const char *const script[] = { LOOKS_LIKE_WORKS,
		WORK_OPENED("8"), "C: L9 UID FETCH 1 (UID FLAGS)",
		"S: L9 NO cannot", NOOP("10"), OPENED("11", "1", "2"),
		TAKEN_AS_NEW("12") };

	CHECK_ALIKE(script, 0);
}
END_TEST

/* Without INTERNALDATE only the sender says when it was. */
START_TEST(says_no_time)
{
	static const char *const script[] = { WORK_LISTED,
		"S: * 1 FETCH (UID 1 RFC822.SIZE 100)", "S: L6 OK done",
		TAKEN_AS_NEW("7") };

	CHECK_ALIKE(script, 0);
}
END_TEST

int
main(void)
{
	const struct unit_case cases[] = {
		UNIT(shown_whole),
		UNIT(not_shown_whole),
		UNIT(breaks_when_asked_for_all),
		UNIT(lies_there_no_more),
		UNIT(lies_there_not_whole),
		UNIT(lies_where_nobody_may_look),
		UNIT(lay_in_another_folder),
		UNIT(breaks_where_it_lay),
		UNIT(refuses_where_it_lay),
		UNIT(says_no_time),
	};

	house_start(&house, NULL);
	return unit_run(
	    "domain/sync-alike", cases, sizeof cases / sizeof *cases);
}
