/* Mail whose hash nobody knows, as it is moved and copied by others: against a
 * real Dovecot, which has no ids for messages. INBOX is looked into first, so a
 * move out of it has vanished when it is found again, and a move into it has
 * not. */
#include "domain/flag.h"
#include "domain/profiles.h"

#include <string.h>

static struct house house;

#define BODY 60000 /* above sync_hash_message */
#define LINE 60

/* Two of one number differ in their `fill` alone. */
static char *
large(int n, char fill)
{
	char *head = arena_fmt(house.arena,
	    "From: Anna <anna@example.org>\r\n"
	    "To: b@example.org\r\n"
	    "Subject: number %d\r\n"
	    "Message-ID: <%d@example.org>\r\n"
	    "Date: Fri, 20 Nov 2026 10:00:00 +0100\r\n"
	    "\r\n",
	    n, n);
	size_t used = strlen(head), lines = BODY / LINE;
	char *out = arena_alloc(house.arena, used + lines * LINE + 1);

	memcpy(out, head, used);
	for (size_t i = 0; i < lines; i++, used += LINE) {
		memset(out + used, fill, LINE - 2);
		memcpy(out + used + LINE - 2, "\r\n", 2);
	}
	out[used] = '\0';
	return out;
}

static const char *
one(const char *sql)
{
	return house_sql(&house, sql);
}

static int64_t
hashes(void)
{
	return house_int(&house,
	    "SELECT count(sha256) FROM email WHERE credential_id = {c}");
}

/* An IMAP user with large messages in INBOX, synced and looked through. */
static struct imap *
newcomer(const char *user, int n)
{
	struct imap *im;

	house_newcomer(&house, user);
	im = house_imap(&house);
	for (int i = 1; i <= n; i++)
		house_append(im, "INBOX", large(i, 'x'));
	ck_assert_int_eq(house_sync(&house).stored, n);
	ck_assert_int_eq(house_run(&house, NULL), RC_OK);
	ck_assert_int_eq(hashes(), 0);
	return im;
}

static void
check_counts(void)
{
	ck_assert_str_eq(house_faults(&house), "");
	ck_assert_int_eq(house_int(&house,
			     "SELECT count(*) FROM mailbox WHERE credential_id "
			     "= {c} AND removed_at IS NULL AND "
			     "server_messages <> stored_messages"),
	    0);
}

static const char *
ids(void)
{
	return one("SELECT string_agg(id || subject, ',' ORDER BY id) FROM "
		   "email WHERE credential_id = {c} AND removed_at IS NULL");
}

/* Each email with the folders that it lies in, by the end of its subject. */
static const char *
where(void)
{
	return one("SELECT string_agg(m.name || right(e.subject, 2), ',' "
		   "ORDER BY e.id, m.name) FROM placement p JOIN email e ON "
		   "e.id = p.email_id JOIN mailbox m ON m.id = p.mailbox_id "
		   "WHERE m.credential_id = {c}");
}

static void
check_moved(const char *known, int64_t moved, const char *to)
{
	struct sync_report r = house_sync(&house);

	ck_assert_int_eq(r.moved, moved);
	ck_assert_int_eq(r.stored, 0);
	ck_assert_str_eq(ids(), known);
	ck_assert_str_eq(where(), to);
	check_counts();
}

/* Nothing of it is read for that. */
START_TEST(follows_moves)
{
	struct imap *im = newcomer("moves", 3);
	const char *known = ids();

	house_move(im, "INBOX", "2:3", "Trash");
	check_moved(known, 2, "INBOX 1,Trash 2,Trash 3");
	house_store(im, "Trash", "1", "+FLAGS", "(\\Flagged Later)");
	house_move(im, "Trash", "1", "INBOX");
	check_moved(known, 1, "INBOX 1,INBOX 2,Trash 3");
	ck_assert_str_eq(one("SELECT is_read, is_flagged, flags, uid FROM "
			     "email WHERE credential_id = {c} AND subject = "
			     "'number 2'"),
	    "f|t|{Later,\"\\\\Flagged\"}|4");
	MUST(imap_folder_create(im, str_of("New")));
	house_move(im, "Trash", "2", "New");
	check_moved(known, 1, "INBOX 1,INBOX 2,New 3");
	ck_assert_int_eq(hashes(), 0);
	ck_assert_int_eq(house_sync(&house).changed, 0);
	imap_free(&im);
}
END_TEST

#define SMALL(subject) "Subject: " subject "\r\n\r\nText.\r\n"

/* Beside it comes what is only as large as known mail. */
START_TEST(follows_moves_among_news)
{
	struct imap *im = newcomer("news", 1);
	struct sync_report r;

	house_append(im, "INBOX", SMALL("one"));
	ck_assert_int_eq(house_sync(&house).stored, 1);
	ck_assert_int_eq(house_run(&house, NULL), RC_OK);
	ck_assert_int_eq(hashes(), 1);
	house_move(im, "INBOX", "1", "Trash");
	house_append(im, "Trash", SMALL("two"));
	r = house_sync(&house);
	ck_assert_int_eq(r.moved, 1);
	ck_assert_int_eq(r.stored, 1);
	ck_assert_str_eq(where(), "Trash 1,INBOXne,Trashwo");
	check_counts();
	imap_free(&im);
}
END_TEST

/* Out of a folder and back into it, between two syncs. */
START_TEST(follows_there_and_back)
{
	struct imap *im = newcomer("back", 2);
	const char *known = ids();

	house_move(im, "INBOX", "1", "Trash");
	house_move(im, "Trash", "1", "INBOX");
	check_moved(known, 1, "INBOX 1,INBOX 2");
	ck_assert_int_eq(hashes(), 0);
	imap_free(&im);
}
END_TEST

/* A copy is the same mail where both are read and found to be. */
START_TEST(follows_copies)
{
	struct imap *im = newcomer("copies", 2);
	const char *known = ids();

	house_copy(im, "INBOX", "1", "Sent");
	check_moved(known, 1, "INBOX 1,Sent 1,INBOX 2");
	ck_assert_int_eq(hashes(), 1);
	house_move(im, "INBOX", "2", "Trash");
	check_moved(known, 1, "INBOX 1,Sent 1,Trash 2");
	house_copy(im, "Trash", "1", "INBOX");
	check_moved(known, 1, "INBOX 1,Sent 1,INBOX 2,Trash 2");
	ck_assert_int_eq(hashes(), 2);
	imap_free(&im);
}
END_TEST

/* It was deleted in one session of an offline client, and comes with another.
 */
START_TEST(follows_what_had_vanished)
{
	struct imap *im = newcomer("vanished", 1);
	const instant t = { 1795000000000000 };
	const char *known;

	house_append_at(im, "INBOX", large(2, 'x'), t);
	ck_assert_int_eq(house_sync(&house).stored, 1);
	known = ids();
	house_expunge(im, "INBOX", "2");
	ck_assert_int_eq(house_sync(&house).expunged, 1);
	house_append_at(im, "Sent", large(2, 'x'), t);
	check_moved(known, 1, "INBOX 1,Sent 2");
	imap_free(&im);
}
END_TEST

/* ---- what looks the same ---- */

#define AT ((instant){ 1795000000000000 })

/* As `newcomer`, with two that came within one second. */
static struct imap *
twins(const char *user)
{
	struct imap *im = newcomer(user, 0);

	house_append_at(im, "INBOX", large(1, 'x'), AT);
	house_append_at(im, "INBOX", large(1, 'x'), AT);
	ck_assert_int_eq(house_sync(&house).stored, 2);
	return im;
}

/* Each takes its own, whichever of them goes, and whoever is asked first. */
START_TEST(tells_twins_apart)
{
	struct imap *im = twins("twins");
	const char *known = ids();

	house_move(im, "INBOX", "1", "Trash");
	check_moved(known, 1, "Trash 1,INBOX 1");
	house_move(im, "Trash", "1", "INBOX");
	check_moved(known, 1, "INBOX 1,INBOX 1");
	ck_assert_str_eq(one("SELECT count(*), count(DISTINCT email_id) FROM "
			     "placement JOIN mailbox m ON m.id = mailbox_id "
			     "WHERE m.credential_id = {c}"),
	    "2|2");
	house_move(im, "INBOX", "1:9", "Sent");
	check_moved(known, 2, "Sent 1,Sent 1");
	ck_assert_str_eq(one("SELECT count(*), count(DISTINCT email_id) FROM "
			     "placement JOIN mailbox m ON m.id = mailbox_id "
			     "WHERE m.credential_id = {c}"),
	    "2|2");
	imap_free(&im);
}
END_TEST

/* A sync has seen the first when the second comes, within the same second:
 * alike in all but what it says. */
START_TEST(hides_no_second_message)
{
	static const char *const folders[] = { "INBOX", "Trash", "Sent" };
	struct imap *im = newcomer("second", 0);

	house_append_at(im, "Sent", large(1, 'a'), AT);
	ck_assert_int_eq(house_sync(&house).stored, 1);
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		struct sync_report r;

		house_append_at(im, folders[i], large(1, (char)('b' + i)), AT);
		r = house_sync(&house);
		ck_assert_int_eq(r.stored, 1);
		ck_assert_int_eq(r.moved, 0);
	}
	ck_assert_str_eq(where(), "Sent 1,INBOX 1,Trash 1,Sent 1");
	check_counts();
	imap_free(&im);
}
END_TEST

/* What a sender can choose is not enough: another time of arrival, and it is
 * other mail, though the first is gone. */
START_TEST(time_sets_apart)
{
	struct imap *im = newcomer("time", 0);
	struct sync_report r;

	house_append_at(im, "INBOX", large(1, 'x'), AT);
	ck_assert_int_eq(house_sync(&house).stored, 1);
	house_expunge(im, "INBOX", "1");
	house_append_at(
	    im, "Sent", large(1, 'x'), (instant){ AT.us + 1000000 });
	r = house_sync(&house);
	ck_assert_int_eq(r.moved, 0);
	ck_assert_int_eq(r.stored, 1);
	ck_assert_str_eq(one("SELECT string_agg(coalesce(removed_why, 'there')"
			     ", ',' ORDER BY id) FROM email WHERE "
			     "credential_id = {c}"),
	    "vanished,there");
	check_counts();
	imap_free(&im);
}
END_TEST

/* Of two mail accounts with the same mail each keeps its own. */
START_TEST(keeps_to_its_credential)
{
	struct imap *im = newcomer("shared", 2);
	int64_t first = house.credential, other;
	const char *known = ids(), *others;

	house_newcomer(&house, "shared");
	ck_assert_int_eq(house_sync(&house).stored, 2);
	other = house.credential;
	others = ids();
	house_move(im, "INBOX", "2", "Trash");
	house.credential = first;
	check_moved(known, 1, "INBOX 1,Trash 2");
	house.credential = other;
	check_moved(others, 1, "INBOX 1,Trash 2");
	imap_free(&im);
}
END_TEST

/* ---- what hangs on it ---- */

static enum rc
read_and_flag(struct db *db, void *arg)
{
	const bool yes = true;

	return email_flags_set(db, house.account, *(int64_t *)arg,
	    &(struct email_flags){ .is_read = &yes, .is_flagged = &yes },
	    house.arena);
}

/* A wish that was made while the mail was moved. */
static void
check_wish(struct imap *im, const char *from, const char *to)
{
	int64_t email = house_int(&house,
	    "SELECT id FROM email WHERE credential_id = {c} AND subject = "
	    "'number 1'");

	house_store(im, from, "1", "-FLAGS", "(\\Seen \\Flagged)");
	(void)house_sync(&house);
	house_move(im, from, "1", to);
	house_as_user(&house, read_and_flag, &email);
	ck_assert_int_eq(house_run(&house, NULL), RC_OK);
	ck_assert_int_eq(
	    house_int(&house, "SELECT count(*) FROM flag_intent"), 0);
	(void)house_sync(&house);
	ck_assert_str_eq(
	    house_sql(&house,
		arena_fmt(house.arena,
		    "SELECT m.name, e.is_read, e.is_flagged, p.flags FROM "
		    "email e JOIN placement p ON p.email_id = e.id JOIN "
		    "mailbox m ON m.id = p.mailbox_id WHERE e.id = %lld",
		    (long long)email)),
	    arena_fmt(
		house.arena, "%s|t|t|{\"\\\\Flagged\",\"\\\\Seen\"}", to));
	check_counts();
}

START_TEST(tells_flags_of_the_moved)
{
	struct imap *im = newcomer("astray", 1);

	check_wish(im, "INBOX", "Trash");
	check_wish(im, "Trash", "INBOX");
	imap_free(&im);
}
END_TEST

/* What a user deleted here stays so, wherever the server has it. */
START_TEST(keeps_the_deleted)
{
	struct imap *im = newcomer("deleted", 2);

	house_sql(&house,
	    "UPDATE email SET removed_at = now(), removed_why = 'deleted' "
	    "WHERE credential_id = {c} AND uid = 2; UPDATE counter SET n = n - "
	    "1 WHERE account_id = {a}");
	house_move(im, "INBOX", "2", "Trash");
	check_moved(ids(), 1, "INBOX 1,Trash 2");
	house_move(im, "Trash", "1", "INBOX");
	check_moved(ids(), 1, "INBOX 1,INBOX 2");
	ck_assert_int_eq(house_int(&house,
			     "SELECT count(*) FROM email WHERE credential_id = "
			     "{c} AND removed_at IS NULL"),
	    1);
	imap_free(&im);
}
END_TEST

/* It had gone when its first words were to be read. */
START_TEST(reads_first_words_later)
{
	struct imap *im;
	const char *known;

	house_newcomer(&house, "words");
	im = house_imap(&house);
	house_append(im, "INBOX", large(1, 'a'));
	ck_assert_int_eq(house_sync(&house).stored, 1);
	known = ids();
	house_move(im, "INBOX", "1", "Trash");
	ck_assert_int_eq(house_run(&house, NULL), RC_OK);
	check_moved(known, 1, "Trash 1");
	ck_assert_int_eq(house_run(&house, NULL), RC_OK);
	ck_assert_str_eq(one("SELECT left(snippet, 3) FROM email WHERE "
			     "credential_id = {c}"),
	    "aaa");
	imap_free(&im);
}
END_TEST

int
main(void)
{
	const struct unit_case cases[] = {
		UNIT(follows_moves),
		UNIT(follows_moves_among_news),
		UNIT(follows_there_and_back),
		UNIT(follows_copies),
		UNIT(follows_what_had_vanished),
		UNIT(tells_twins_apart),
		UNIT(hides_no_second_message),
		UNIT(time_sets_apart),
		UNIT(keeps_to_its_credential),
		UNIT(tells_flags_of_the_moved),
		UNIT(keeps_the_deleted),
		UNIT(reads_first_words_later),
	};

	return profiles_run(
	    "domain/sync-moves", &house, cases, sizeof cases / sizeof *cases);
}
