/* The sync, killed: at each of its failpoints, at each pass of them, and at
 * random moments, while the mailbox goes on changing. Taken up again, it ends
 * with the tables of a run that nobody disturbed; run once more, it changes
 * nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash/crash.h"
#include "domain/expunge.h"
#include "domain/flag.h"

#define PASSES   12 /* of one failpoint; the later ones repeat the earlier */
#define MESSAGES 2400

static struct house house;

static void
round_begin(const struct rounds *r)
{
	arena_reset(house.arena);
	if (r->n % 100 == 99)
		house_sql(&house, "VACUUM ANALYZE");
}

static void
forget_account(void)
{
	house_sql(&house, "DELETE FROM account WHERE id = {a}");
}

/* An account that knows nothing of the mailbox. */
static void
fresh_account(const char *user)
{
	house.account = house_int(&house,
	    "INSERT INTO account (application_id, name) SELECT id, 'Fresh' "
	    "FROM application RETURNING id");
	house_newcomer(&house, user);
}

/* Texts of a round live as long as it. */
static void
case_begin(const char *user)
{
	house.arena = arena_new((size_t)256 * 1024 * 1024);
	fresh_account(user);
}

/* ---- the checker itself ---- */

START_TEST(checker_sees_faults)
{
	static const char *const plants[] = {
		"DELETE FROM placement WHERE uid = 2",
		"DELETE FROM placement WHERE uid = 2; "
		"UPDATE mailbox SET stored_messages = stored_messages - 1 "
		"WHERE name = 'INBOX'",
		"INSERT INTO placement SELECT application_id, account_id, "
		"mailbox_id, uidvalidity, 9, email_id, flags FROM placement "
		"WHERE uid = 2",
		"INSERT INTO email (application_id, account_id, credential_id, "
		"mailbox_id, uid, subject, received_at) SELECT application_id, "
		"account_id, credential_id, mailbox_id, uid, subject, "
		"received_at FROM email WHERE uid = 2",
		"UPDATE counter SET n = n + 1 WHERE name = 'unread'",
		"UPDATE email SET removed_at = now() WHERE uid = 2",
		"UPDATE email SET is_read = true WHERE uid = 2",
		"UPDATE mailbox SET uid_next = 2 WHERE name = 'INBOX'",
		"UPDATE placement SET copy_at = now() WHERE uid = 2",
	};
	static const char *const differing[] = {
		"UPDATE placement SET flags = '{\\\\Seen}' WHERE uid = 2; "
		"UPDATE email SET flags = '{\\\\Seen}' WHERE uid = 2",
		"UPDATE email SET subject = 'other' WHERE uid = 2",
		"UPDATE email SET snippet = NULL WHERE uid = 2",
		"UPDATE mailbox SET uid_low = 2 WHERE name = 'Sent'",
	};
	const char *whole;
	struct imap *im;

	case_begin("checker");
	im = house_imap(&house);
	crash_fill(im, "INBOX", 1, 3);
	imap_free(&im);
	crash_sync(&house);
	whole = crash_tables(&house);
	for (size_t i = 0; i < sizeof plants / sizeof *plants; i++) {
		const char *faults = house_sql(&house,
		    arena_fmt(house.arena, "BEGIN; %s; %s; ROLLBACK", plants[i],
			crash_faults_sql));

		ROW(plants[i], *faults != '\0');
	}
	for (size_t i = 0; i < sizeof differing / sizeof *differing; i++) {
		house_sql(&house, differing[i]);
		ROW(differing[i], strcmp(whole, crash_tables(&house)) != 0);
		whole = crash_tables(&house);
	}
	ck_assert_str_ne(crash_placed(&house), crash_on_server(&house));
	forget_account();
}
END_TEST

/* ---- at each failpoint ---- */

/* All points for the first time, then all for the second. */
static bool
kill_at(const struct rounds *r, const char *const *points, size_t n,
    const char **name)
{
	const char *point = points[(size_t)r->n % n];
	int pass = (int)((size_t)r->n / n) + 1;

	*name = arena_fmt(house.arena, "%s pass %d", point, pass);
	return crash_at(&house, point, pass);
}

START_TEST(first_sync_killed_at_points)
{
	const char *points[CRASH_POINTS], *name;
	size_t n = crash_points(points);
	struct rounds r;
	struct imap *im;
	int kills = 0;

	case_begin("points");
	im = house_imap(&house);
	crash_fill(im, "INBOX", 1, 20);
	crash_fill(im, "Sent", 21, 5);
	imap_free(&im);
	forget_account();
	for (rounds_begin(&r, (long)n, (long)n * PASSES); rounds_next(&r);) {
		round_begin(&r);
		fresh_account("points");
		(void)house_queue(&house, "imap_sync_messages");
		kills += kill_at(&r, points, n, &name);
		crash_resume(&house);
		crash_check(&house, name);
		forget_account();
	}
	if (r.from == 0 && r.n >= (long)n)
		ck_assert_int_gt(kills, 8);
}
END_TEST

/* A message that was set aside the day before yesterday. */
static void
set_one_aside(void)
{
	house_sql(&house,
	    "WITH one AS (UPDATE placement p SET skip_reason = 'planted' "
	    "FROM mailbox b WHERE b.account_id = {a} AND b.name = 'INBOX' "
	    "AND p.account_id = {a} AND p.mailbox_id = b.id AND p.uid = 5 "
	    "AND p.skip_reason IS NULL RETURNING p.email_id, b.id), "
	    "email AS (UPDATE email e SET skip_reason = 'planted' FROM one "
	    "WHERE e.account_id = {a} AND e.id = one.email_id) "
	    "UPDATE mailbox b SET stored_messages = stored_messages - 1, "
	    "skipped_messages = skipped_messages + 1, skips_tried_uid = 0, "
	    "skips_tried_at = now() - interval '2 days' "
	    "FROM one WHERE b.account_id = {a} AND b.id = one.id");
}

/* A message that was being tried when the program ended is tried the next
 * day. */
static void
next_day(void)
{
	house_sql(&house,
	    "UPDATE mailbox SET skips_tried_uid = 0, skips_tried_at = now() - "
	    "interval '2 days' WHERE account_id = {a} AND skipped_messages > "
	    "0");
	crash_sync(&house);
}

/* Everything that a sync may meet, at once. */
static void
change_all(struct imap *im, long round)
{
	const char *name = arena_fmt(house.arena, "Box%ld", round);
	int first = (int)round * 10;

	house_store(im, "INBOX", "1:4", round % 2 ? "+FLAGS" : "-FLAGS",
	    "(\\Flagged Later)");
	crash_fill(im, "INBOX", first, 3);
	crash_fill(im, "Sent", first + 3, 2);
	crash_fill(im, "Trash", first + 5, 1);
	MUST(imap_folder_create(im, str_of(name)));
	house_move(im, "INBOX", arena_fmt(house.arena, "%ld", 6 + round), name);
	house_expunge(im, "Sent", arena_fmt(house.arena, "%ld", 1 + round));
	MUST(imap_folder_rename(
	    im, str_of(name), str_of(arena_fmt(house.arena, "Was%ld", round))));
	if (round > 1)
		MUST(imap_folder_delete(
		    im, str_of(arena_fmt(house.arena, "Was%ld", round - 1))));
}

static enum rc
wish_tx(struct db *db, void *arg)
{
	const bool yes = *(int64_t *)arg % 2 == 0;

	return email_flags_set(db, house.account,
	    house_int(&house,
		"SELECT min(id) FROM email WHERE account_id = {a} AND uid = 5"),
	    &(struct email_flags){ .is_read = &yes }, house.arena);
}

/* The only message in Trash. */
static enum rc
erase_tx(struct db *db, void *arg)
{
	(void)arg;
	return email_expunge(db, house.account,
	    house_int(&house,
		"SELECT id FROM email WHERE account_id = {a} AND removed_at IS "
		"NULL AND mailbox_id = (SELECT id FROM mailbox WHERE "
		"account_id = {a} AND name = 'Trash')"),
	    house.arena);
}

START_TEST(later_sync_killed_at_points)
{
	const char *points[CRASH_POINTS], *name;
	size_t n = crash_points(points);
	struct rounds r;
	struct imap *im;

	case_begin("later");
	im = house_imap(&house);
	crash_fill(im, "INBOX", 1, 30);
	crash_fill(im, "Trash", 31, 1);
	crash_sync(&house);
	for (rounds_begin(&r, (long)n, (long)n * PASSES); rounds_next(&r);) {
		int64_t number = r.n - r.from + 1;
		bool killed;

		round_begin(&r);
		change_all(im, (long)number);
		set_one_aside();
		house_as_user(&house, wish_tx, &number);
		house_as_user(&house, erase_tx, NULL);
		(void)house_queue(&house, "imap_sync_messages");
		killed = kill_at(&r, points, n, &name);
		/* A point that nothing reaches is not tested by anything. */
		if (r.n < (long)n)
			ck_assert_msg(killed, "%s was not reached", name);
		crash_resume(&house);
		next_day();
		crash_check(&house, name);
	}
	imap_free(&im);
}
END_TEST

/* ---- moves ---- */

static const char *
ids_by_subject(void)
{
	return house_sql(&house,
	    "SELECT e.id, e.subject FROM email e WHERE account_id = {a} "
	    "AND removed_at IS NULL ORDER BY 1");
}

/* Mail goes to and fro, so that each folder is the first of the two once. */
static void
move_all(struct imap *im, const struct rounds *r)
{
	bool back = r->n % 2 == 1;

	house_move(im, back ? "Trash" : "INBOX", "1:4294967295",
	    back ? "INBOX" : "Trash");
}

static void
kill_moves(const char *user, const char *before)
{
	static const char *const points[] = { "sync-moves-before",
		"sync-moves-after", "db-commit-before", "db-commit-after",
		"sync-gone-before", "sync-gone-after", "sync-step-before" };
	size_t n = sizeof points / sizeof *points;
	const char *name, *ids;
	struct rounds r;
	struct imap *im;

	case_begin(user);
	im = house_imap(&house);
	crash_fill(im, "INBOX", 1, 8);
	crash_sync(&house);
	for (rounds_begin(&r, (long)n, (long)n * 3); rounds_next(&r);) {
		round_begin(&r);
		house_sql(&house, before);
		ids = ids_by_subject();
		move_all(im, &r);
		(void)house_queue(&house, "imap_sync_messages");
		(void)kill_at(&r, points, n, &name);
		crash_resume(&house);
		crash_check(&house, name);
		ck_assert_str_eq(ids_by_subject(), ids);
	}
	imap_free(&im);
}

START_TEST(moves_killed_at_points)
{
	kill_moves("moves", "");
}
END_TEST

START_TEST(moves_without_hashes_killed_at_points)
{
	kill_moves("unhashed", "UPDATE email SET sha256 = NULL");
}
END_TEST

/* ---- a new UIDVALIDITY ---- */

/* The server's indexes are lost; what stays makes the next one higher. */
static void
bump_uidvalidity(void)
{
	house_dovecot(&house, "stop");
	ck_assert_int_eq(
	    system(arena_fmt(house.arena,
		"cd %s/imap/mail/%s/Maildir && rm -f dovecot-uidlist "
		"dovecot.index* .*/dovecot-uidlist .*/dovecot.index*",
		house.dir, house.user)),
	    0);
	house_dovecot(&house, "again");
}

START_TEST(rematch_killed_at_points)
{
	static const char *const points[] = { "sync-begin-after",
		"db-commit-before", "db-commit-after", "sync-batch-after",
		"sync-gone-before", "sync-gone-after", "sync-step-before" };
	size_t n = sizeof points / sizeof *points;
	const char *name, *ids;
	struct rounds r;
	struct imap *im;

	case_begin("rematch");
	im = house_imap(&house);
	crash_fill(im, "INBOX", 1, 20);
	imap_free(&im);
	crash_sync(&house);
	for (rounds_begin(&r, (long)n, (long)n * 3); rounds_next(&r);) {
		round_begin(&r);
		ids = house_sql(&house,
		    "SELECT id FROM email WHERE account_id = {a} ORDER BY id");
		bump_uidvalidity();
		(void)house_queue(&house, "imap_sync_messages");
		(void)kill_at(&r, points, n, &name);
		crash_resume(&house);
		crash_check(&house, name);
		ck_assert_str_eq(house_sql(&house,
				     "SELECT id FROM email WHERE account_id = "
				     "{a} ORDER BY id"),
		    ids);
	}
}
END_TEST

/* ---- at random moments ---- */

/* Several kills before it may end, the mailbox changing in between. */
START_TEST(killed_at_random)
{
	int64_t usual_us = 100000;
	struct rounds r;
	struct imap *im;

	case_begin("random");
	im = house_imap(&house);
	crash_fill(im, "INBOX", 1, 20);
	imap_free(&im);
	crash_sync(&house);
	for (rounds_begin(&r, 30, 0); rounds_next(&r);) {
		int kills = 1 + rounds_roll(&r, 3);
		int64_t from;

		round_begin(&r);
		im = house_imap(&house);
		while (kills-- > 0) {
			crash_stir(&house, im, &r);
			(void)house_queue(&house, "imap_sync_messages");
			(void)crash_after(
			    &house, rounds_roll(&r, (int)usual_us));
			crash_settle(&house);
		}
		imap_free(&im);
		from = clock_steady_ms();
		crash_sync(&house);
		usual_us =
		    (usual_us * 7 + (clock_steady_ms() - from) * 1000) / 8;
		crash_check(&house, rounds_name(&r));
	}
}
END_TEST

/* By the file: quicker than by APPEND, and enough for several batches. */
static void
fill_much(const char *user, int n)
{
	char path[256];
	FILE *f;

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path,
		    "%s/imap/mail/%s/Maildir/cur/%d.M%dP1.test:2,%s", house.dir,
		    user, 1700000000 + i, i, i % 2 ? "S" : "");
		f = fopen(path, "w");
		if (f == NULL)
			die("%s: %m", path);
		fprintf(f,
		    "From: b@example.org\nSubject: much %d\n\nText %d.\n", i,
		    i);
		fclose(f);
	}
}

START_TEST(long_sync_killed_at_random)
{
	int64_t usual_us;
	struct rounds r;
	struct imap *im;

	case_begin("much");
	im = house_imap(&house);
	crash_fill(im, "Sent", 1, 1);
	imap_free(&im);
	fill_much("much", MESSAGES);
	usual_us = clock_steady_ms();
	crash_sync(&house);
	usual_us = (clock_steady_ms() - usual_us) * 1000;
	forget_account();
	for (rounds_begin(&r, 3, 0); rounds_next(&r);) {
		round_begin(&r);
		fresh_account("much");
		(void)house_queue(&house, "imap_sync_messages");
		(void)crash_after(&house, rounds_roll(&r, (int)usual_us));
		crash_resume(&house);
		crash_check(&house, rounds_name(&r));
		forget_account();
	}
}
END_TEST

int
main(void)
{
	const struct unit_case cases[] = {
		UNIT(checker_sees_faults),
		UNIT(first_sync_killed_at_points),
		UNIT(later_sync_killed_at_points),
		UNIT(moves_killed_at_points),
		UNIT(moves_without_hashes_killed_at_points),
		UNIT(rematch_killed_at_points),
		UNIT(killed_at_random),
		UNIT(long_sync_killed_at_random),
	};

	unit_seconds(86400);
	house_start(&house, NULL);
	return unit_run("crash/sync", cases, sizeof cases / sizeof *cases);
}
