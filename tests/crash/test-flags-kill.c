/* What a user changes about flags, on its way to the server: the worker is
 * killed at every failpoint on that way. The change is seen in the tables at
 * every moment, and in the end the server has it. */
#include <string.h>

#include "crash/crash.h"
#include "domain/flag.h"

#define PASSES 6

static struct house house;

static void
case_begin(const char *user)
{
	house.arena = arena_new((size_t)256 * 1024 * 1024);
	house.account = house_int(&house,
	    "INSERT INTO account (application_id, name) SELECT id, 'Fresh' "
	    "FROM application RETURNING id");
	house_newcomer(&house, user);
}

/* ---- wishes ---- */

struct wish {
	int uid;           /* in INBOX */
	int read, flagged; /* -1: not said */
};

static enum rc
wish_tx(struct db *db, void *arg)
{
	const struct wish *w = arg;
	bool read = w->read == 1, flagged = w->flagged == 1;
	struct email_flags f = { .is_read = w->read >= 0 ? &read : NULL,
		.is_flagged = w->flagged >= 0 ? &flagged : NULL };

	return email_flags_set(db, house.account,
	    house_int(&house,
		arena_fmt(house.arena,
		    "SELECT p.email_id FROM placement p JOIN mailbox b ON b.id "
		    "= p.mailbox_id WHERE b.credential_id = {c} AND b.name = "
		    "'INBOX' AND p.uid = %d",
		    w->uid)),
	    &f, house.arena);
}

static void
wish(int uid, int read, int flagged)
{
	struct wish w = { uid, read, flagged };

	house_as_user(&house, wish_tx, &w);
}

/* "tf": what the API shows of \Seen and \Flagged. */
static const char *
shown(int uid)
{
	return house_sql(&house,
	    arena_fmt(house.arena,
		"SELECT is_read::text || is_flagged::text FROM email WHERE "
		"credential_id = {c} AND uid = %d",
		uid));
}

static void
check_shown(const char *when)
{
	ck_assert_msg(strcmp(shown(1), "truefalse") == 0 &&
		strcmp(shown(2), "falsetrue") == 0 &&
		strcmp(shown(3), "truetrue") == 0,
	    "%s: a change is not shown: %s %s %s", when, shown(1), shown(2),
	    shown(3));
}

static const char *
line_of(const char *listing, int uid)
{
	const char *key = arena_fmt(house.arena, "INBOX %d ", uid);
	const char *line = strstr(listing, key);

	return line == NULL ? ""
			    : arena_dup(house.arena, line + strlen(key),
				  strcspn(line + strlen(key), "\n"));
}

static void
check_server(const char *when)
{
	const char *all = crash_on_server(&house);

	ck_assert_msg(strcmp(line_of(all, 1), "\\Seen") == 0 &&
		strcmp(line_of(all, 2), "\\Flagged") == 0 &&
		strcmp(line_of(all, 3), "\\Flagged \\Seen") == 0 &&
		strcmp(line_of(all, 4), "\\Answered") == 0,
	    "%s: the server has %s", when, all);
}

/* ---- the cases ---- */

/* Message 2 was read and shall not be; 4 changes on the server meanwhile. */
static void
begin_round(struct imap *im)
{
	house_store(
	    im, "INBOX", "1:4", "-FLAGS", "(\\Seen \\Flagged \\Answered)");
	house_store(im, "INBOX", "2", "+FLAGS", "(\\Seen)");
	crash_sync(&house);
	house_store(im, "INBOX", "4", "+FLAGS", "(\\Answered)");
	wish(1, 1, -1);
	wish(2, 0, 1);
	wish(3, 1, 1);
}

/* The points on the way of a change, and of what a sync reads. */
static size_t
points_of_the_way(const char *names[CRASH_POINTS])
{
	static const char *const starts[] = { "flags-", "db-", "job-",
		"sync-flags-" };

	return crash_points_of(starts, sizeof starts / sizeof *starts, names);
}

/* `sync`: a whole sync carries the change, and reads the old flags. */
static void
kill_everywhere(const char *user, bool sync)
{
	const char *points[CRASH_POINTS];
	size_t n = points_of_the_way(points);
	struct rounds r;
	struct imap *im;
	int kills = 0;

	ck_assert_uint_gt(n, 0);
	case_begin(user);
	im = house_imap(&house);
	crash_fill(im, "INBOX", 1, 6);
	for (rounds_begin(&r, (long)n, (long)n * PASSES); rounds_next(&r);) {
		const char *point = points[(size_t)r.n % n];
		int pass = (int)((size_t)r.n / n) + 1;
		const char *when =
		    arena_fmt(house.arena, "%s pass %d", point, pass);

		begin_round(im);
		if (sync)
			(void)house_queue(&house, "imap_sync_messages");
		kills += crash_at(&house, point, pass);
		check_shown(when);
		crash_resume(&house);
		check_shown(when);
		crash_sync(&house);
		check_server(when);
		crash_check(&house, when);
	}
	imap_free(&im);
	if (r.from == 0 && r.n >= (long)n)
		ck_assert_int_ge(kills, 7);
}

START_TEST(telling_killed_at_points)
{
	kill_everywhere("telling", false);
}
END_TEST

START_TEST(telling_sync_killed_at_points)
{
	kill_everywhere("tellsync", true);
}
END_TEST

/* The user changes his mind while the first wish is on its way. */
START_TEST(last_wish_wins)
{
	static const char *const points[] = { "flags-store-before",
		"flags-store-after", "flags-confirm-after", "db-commit-before",
		"db-commit-after", "job-finish-before" };
	size_t n = sizeof points / sizeof *points;
	struct rounds r;
	struct imap *im;

	case_begin("mind");
	im = house_imap(&house);
	crash_fill(im, "INBOX", 1, 2);
	crash_sync(&house);
	for (rounds_begin(&r, (long)n, (long)n * PASSES); rounds_next(&r);) {
		const char *point = points[(size_t)r.n % n];

		wish(1, 1, 1);
		(void)crash_at(&house, point, (int)((size_t)r.n / n) + 1);
		wish(1, -1, 0);
		ck_assert_str_eq(shown(1), "truefalse");
		crash_resume(&house);
		crash_sync(&house);
		ck_assert_str_eq(shown(1), "truefalse");
		ck_assert_str_eq(line_of(crash_on_server(&house), 1), "\\Seen");
		crash_check(&house, point);
	}
	imap_free(&im);
}
END_TEST

/* The folder has another name, or is gone, when the change is to be told. */
START_TEST(folder_is_not_where_it_was)
{
	struct imap *im;
	int64_t email;

	case_begin("moved");
	im = house_imap(&house);
	MUST(imap_folder_create(im, STR("Box")));
	crash_fill(im, "Box", 1, 2);
	crash_fill(im, "INBOX", 3, 2);
	crash_sync(&house);
	email = house_int(&house,
	    "SELECT email_id FROM placement p JOIN mailbox b ON b.id = "
	    "p.mailbox_id WHERE b.name = 'Box' AND b.credential_id = {c} AND "
	    "p.uid = 1");
	house_sql(&house,
	    arena_fmt(house.arena,
		"INSERT INTO flag_intent SELECT application_id, account_id, "
		"id, credential_id, '{\\\\Flagged}', '{}' FROM email WHERE id "
		"= %lld",
		(long long)email));
	MUST(imap_folder_rename(im, STR("Box"), STR("Case")));
	wish(1, 1, -1);
	crash_resume(&house);
	ck_assert_str_eq(crash_faults(&house), "");
	ck_assert_ptr_nonnull(
	    strstr(crash_on_server(&house), "Case 1 \\Flagged"));
	house_sql(&house,
	    arena_fmt(house.arena,
		"INSERT INTO flag_intent SELECT application_id, account_id, "
		"id, credential_id, '{}', '{\\\\Flagged}' FROM email WHERE id "
		"= %lld",
		(long long)email));
	MUST(imap_folder_delete(im, STR("Case")));
	wish(1, 0, -1);
	crash_resume(&house);
	crash_check(&house, "the folder is gone");
	imap_free(&im);
}
END_TEST

int
main(void)
{
	const struct unit_case cases[] = {
		UNIT(telling_killed_at_points),
		UNIT(telling_sync_killed_at_points),
		UNIT(last_wish_wins),
		UNIT(folder_is_not_where_it_was),
	};

	unit_seconds(86400);
	house_start(&house, NULL);
	return unit_run("crash/flags", cases, sizeof cases / sizeof *cases);
}
