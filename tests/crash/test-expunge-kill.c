/* What a user deletes on the server: the worker is killed at every failpoint on
 * the way there. The email is gone here at every moment, and in the end there,
 * too, from all folders it lies in; and nothing else is. */
#include <string.h>

#include "crash/crash.h"
#include "domain/expunge.h"
#include "domain/flag.h"

#define PASSES 4

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

/* ---- deletions ---- */

static int64_t
email_at(const char *folder, long uid)
{
	int64_t id = house_int(&house,
	    arena_fmt(house.arena,
		"SELECT p.email_id FROM placement p JOIN mailbox b ON b.id = "
		"p.mailbox_id WHERE b.credential_id = {c} AND b.name = '%s' "
		"AND p.uid = %ld",
		folder, uid));

	ck_assert_msg(id != 0, "nothing is placed at %s %ld", folder, uid);
	return id;
}

static enum rc
expunge_tx(struct db *db, void *arg)
{
	return email_expunge(db, house.account, *(int64_t *)arg, house.arena);
}

static void
expunge(int64_t email)
{
	house_as_user(&house, expunge_tx, &email);
}

static void
check_gone_here(int64_t email, const char *when)
{
	ck_assert_msg(house_int(&house,
			  arena_fmt(house.arena,
			      "SELECT count(*) FROM email WHERE id = %lld AND "
			      "removed_why IS DISTINCT FROM 'deleted'",
			      (long long)email)) == 0,
	    "%s: it is shown again", when);
}

/* ---- rounds ---- */

/* Two messages that stay: one in two folders, one that another client has
 * marked; one that lies in two folders and goes; one that goes while that other
 * client moves it somewhere else. */
struct round {
	long first; /* UID in INBOX */
	int64_t copied, moved;
	const char *before; /* what lies on the server, without these two */
};

static void
round_begin(struct round *x, struct imap *im, long n)
{
	x->first = n * 4 + 1;
	crash_fill(im, "INBOX", (int)n * 10, 2);
	house_store(im, "INBOX", arena_fmt(house.arena, "%ld", x->first + 1),
	    "+FLAGS", "(\\Deleted)");
	crash_sync(&house); /* and learns their hashes */
	house_copy(
	    im, "INBOX", arena_fmt(house.arena, "%ld", x->first), "Sent");
	crash_sync(&house);
	x->before = crash_on_server(&house);
	crash_fill(im, "INBOX", (int)n * 10 + 2, 2);
	crash_sync(&house);
	house_copy(
	    im, "INBOX", arena_fmt(house.arena, "%ld", x->first + 2), "Sent");
	crash_sync(&house);
	x->copied = email_at("INBOX", x->first + 2);
	x->moved = email_at("INBOX", x->first + 3);
	expunge(x->copied);
	expunge(x->moved);
	house_move(
	    im, "INBOX", arena_fmt(house.arena, "%ld", x->first + 3), "Trash");
}

static void
check_here(const struct round *x, const char *when)
{
	check_gone_here(x->copied, when);
	check_gone_here(x->moved, when);
}

static size_t
points_of_the_way(const char *names[CRASH_POINTS])
{
	static const char *const starts[] = { "expunge-", "db-", "job-",
		"sync-gone-", "sync-moves-" };

	return crash_points_of(starts, sizeof starts / sizeof *starts, names);
}

/* `sync`: a whole sync carries them. */
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
	for (rounds_begin(&r, (long)n, (long)n * PASSES); rounds_next(&r);) {
		const char *point = points[(size_t)r.n % n];
		int pass = (int)((size_t)r.n / n) + 1;
		const char *when =
		    arena_fmt(house.arena, "%s pass %d", point, pass);
		struct round x;

		round_begin(&x, im, r.n - r.from);
		if (sync)
			(void)house_queue(&house, "imap_sync_messages");
		kills += crash_at(&house, point, pass);
		check_here(&x, when);
		crash_resume(&house);
		check_here(&x, when);
		crash_sync(&house);
		crash_check(&house, when);
		check_here(&x, when);
		ck_assert_msg(strcmp(crash_on_server(&house), x.before) == 0,
		    "%s: the server had\n%s\nand has\n%s", when, x.before,
		    crash_on_server(&house));
	}
	imap_free(&im);
	if (r.from == 0 && r.n >= (long)n)
		ck_assert_int_ge(kills, 10);
}

START_TEST(deleting_killed_at_points)
{
	kill_everywhere("deleting", false);
}
END_TEST

START_TEST(deleting_sync_killed_at_points)
{
	kill_everywhere("delsync", true);
}
END_TEST

static enum rc
read_tx(struct db *db, void *arg)
{
	const bool yes = true;

	return email_flags_set(db, house.account, *(int64_t *)arg,
	    &(struct email_flags){ .is_read = &yes }, house.arena);
}

/* The folder has another name, or is gone, when the deletion is to be told;
 * flags of the same email wait, too. */
START_TEST(folder_is_not_where_it_was)
{
	struct imap *im;
	int64_t email;

	case_begin("elsewhere");
	im = house_imap(&house);
	MUST(imap_folder_create(im, STR("Box")));
	crash_fill(im, "Box", 1, 3);
	crash_sync(&house);
	email = email_at("Box", 1);
	house_as_user(&house, read_tx, &email);
	expunge(email);
	MUST(imap_folder_rename(im, STR("Box"), STR("Case")));
	crash_resume(&house);
	ck_assert_str_eq(crash_on_server(&house), "Case 2 \nCase 3 ");
	crash_sync(&house);
	crash_check(&house, "the folder has another name");
	expunge(email_at("Case", 2));
	MUST(imap_folder_delete(im, STR("Case")));
	crash_resume(&house);
	crash_check(&house, "the folder is gone");
	imap_free(&im);
}
END_TEST

int
main(void)
{
	const struct unit_case cases[] = {
		UNIT(deleting_killed_at_points),
		UNIT(deleting_sync_killed_at_points),
		UNIT(folder_is_not_where_it_was),
	};

	unit_seconds(86400);
	house_start(&house, NULL);
	return unit_run("crash/expunge", cases, sizeof cases / sizeof *cases);
}
