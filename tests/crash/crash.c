#include "crash/crash.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"

/* ---- rounds ---- */

static long
from_environment(const char *name, long otherwise)
{
	const char *s = getenv(name);

	return s != NULL && *s != '\0' ? strtol(s, NULL, 10) : otherwise;
}

void
rounds_begin(struct rounds *r, long usual, long most)
{
	long seconds = from_environment("LETTERRACK_SECONDS", 0);

	*r = (struct rounds){
		.seed = (unsigned)from_environment(
		    "LETTERRACK_SEED", (long)time(NULL) & 0xffff),
		.from = from_environment("LETTERRACK_FROM", 0),
	};
	r->n = r->from - 1;
	r->end = r->from + from_environment("LETTERRACK_ROUNDS", usual);
	if (most > 0 && r->end > most)
		r->end = most;
	if (seconds > 0)
		r->until_ms = clock_steady_ms() + seconds * 1000;
}

/* Of the rounds behind us. */
static void
tally(const struct rounds *r)
{
	const char *path = getenv("LETTERRACK_TALLY");
	FILE *f = path != NULL ? fopen(path, "w") : NULL;

	if (f == NULL)
		return;
	fprintf(f, "%ld\n", r->n);
	fclose(f);
}

bool
rounds_next(struct rounds *r)
{
	r->n++;
	tally(r);
	if (r->n >= r->end ||
	    (r->until_ms != 0 && clock_steady_ms() >= r->until_ms))
		return false;
	/* Neighbours must not roll alike: rand_r's first steps hardly do. */
	r->dice = (r->seed * 2654435761U) ^ ((unsigned)r->n * 2246822519u);
	return true;
}

int
rounds_roll(struct rounds *r, int most)
{
	(void)rand_r(&r->dice);
	return (int)(((unsigned)rand_r(&r->dice) >> 8) % (unsigned)most);
}

const char *
rounds_name(const struct rounds *r)
{
	static char name[64];

	snprintf(name, sizeof name, "seed %u round %ld", r->seed, r->n);
	return name;
}

/* ---- failpoints ---- */

static size_t
all_points(const char *names[CRASH_POINTS])
{
	static char text[8192];
	const char *top = getenv("top_srcdir");
	char command[1024];
	size_t n = 0, got;
	FILE *p;

	snprintf(command, sizeof command,
	    "cd '%s/src' && sed -n "
	    "-e 's/^.*FAILPOINT(\"\\([^\"]*\\)\").*$/\\1/p' "
	    /* the four of an effect */
	    "-e 's/^.*EFFECT(\"\\([^\"]*\\)\".*$/"
	    "\\1-intent-before\\n\\1-effect-before\\n"
	    "\\1-effect-after\\n\\1-confirm-after/p' "
	    "db/*.c mail/*.c domain/*.c domain/sync/*.c sync/*.c | sort -u",
	    top != NULL ? top : TOP_SRCDIR);
	p = popen(command, "r");
	if (p == NULL)
		die("popen: %m");
	got = fread(text, 1, sizeof text - 1, p);
	text[got] = '\0';
	if (pclose(p) != 0)
		die("the sources cannot be read");
	for (char *s = text, *end; (end = strchr(s, '\n')) != NULL;
	     s = end + 1) {
		*end = '\0';
		if (n == CRASH_POINTS)
			die("more than %d failpoints", CRASH_POINTS);
		names[n++] = s;
	}
	return n;
}

static bool
begins_with(const char *name, const char *const *starts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(name, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

size_t
crash_points(const char *names[CRASH_POINTS])
{
	/* of work that no sync comes by */
	static const char *const others[] = { "account-", "billing-",
		"delivery-", "given-", "hold-", "outgoing-", "raw-", "release-",
		"report-", "smtpd-", "submission-", "token-", "transfer-",
		"watch-" };
	const char *all[CRASH_POINTS];
	size_t points = all_points(all), some = 0;

	for (size_t i = 0; i < points; i++)
		if (!begins_with(
			all[i], others, sizeof others / sizeof *others))
			names[some++] = all[i];
	return some;
}

size_t
crash_points_of(
    const char *const *starts, size_t n, const char *names[CRASH_POINTS])
{
	const char *all[CRASH_POINTS];
	size_t points = all_points(all), some = 0;

	for (size_t i = 0; i < points; i++)
		if (begins_with(all[i], starts, n))
			names[some++] = all[i];
	return some;
}

static pid_t
start(
    struct house *h, const char *program, const char *variable, const char *log)
{
	pid_t child = fork();

	if (child < 0)
		die("fork: %m");
	if (child > 0)
		return child;
	if (variable != NULL)
		putenv(arena_str(h->arena, variable));
	if (log != NULL) {
		int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
			_exit(126);
	}
	execl(program, program, "-c", h->conf->file, (char *)NULL);
	_exit(127);
}

pid_t
crash_start(struct house *h, const char *variable, const char *log)
{
	return start(h, LETTERRACK_SYNC, variable, log);
}

int
crash_wait(pid_t child, int seconds)
{
	const struct timespec tick = { .tv_nsec = 5000000 };
	int64_t until = clock_steady_ms() + seconds * 1000;
	int status;

	while (waitpid(child, &status, WNOHANG) == 0) {
		if (clock_steady_ms() > until) {
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			ck_abort_msg(
			    "letterrack-sync runs longer than %d s", seconds);
		}
		nanosleep(&tick, NULL);
	}
	return status;
}

static bool
was_killed(int status, const char *when)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "%s: it ended with %d", when, status);
	return false;
}

bool
crash_at(struct house *h, const char *point, int pass)
{
	const char *variable =
	    arena_fmt(h->arena, "LETTERRACK_FAILPOINT=%s:%d", point, pass);

	return was_killed(
	    crash_wait(crash_start(h, variable, NULL), 60), variable);
}

bool
crash_watch_at(struct house *h, const char *point, int pass, const char *sql)
{
	const struct timespec tick = { .tv_nsec = 20000000 };
	const char *variable =
	    arena_fmt(h->arena, "LETTERRACK_FAILPOINT=%s:%d", point, pass);
	int64_t until = clock_steady_ms() + 120000;
	int status;
	pid_t child;

	setenv("LETTERRACK_WATCH_WORKERS", "0", 1);
	child = start(h, LETTERRACK_WATCH, variable, NULL);
	while (waitpid(child, &status, WNOHANG) == 0) {
		if (clock_steady_ms() > until) {
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			ck_abort_msg("%s: the watcher does nothing", variable);
		}
		if (strcmp(house_sql(h, sql), "t") == 0)
			kill(child, SIGTERM);
		nanosleep(&tick, NULL);
	}
	return was_killed(status, variable);
}

bool
crash_after(struct house *h, long us)
{
	const struct timespec t = { .tv_sec = us / 1000000,
		.tv_nsec = us % 1000000 * 1000 };
	pid_t child = crash_start(h, NULL, NULL);

	nanosleep(&t, NULL);
	kill(child, SIGKILL);
	return was_killed(crash_wait(child, 60), "killed by time");
}

/* What a client asked before it was killed is still carried out. */
void
crash_quiet(struct house *h)
{
	house_sql(h,
	    "DO $$ BEGIN FOR i IN 1..1000 LOOP "
	    "PERFORM pg_stat_clear_snapshot(); "
	    "EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity "
	    "WHERE application_name IN ('letterrack-sync', "
	    "'letterrack-watch')); "
	    "PERFORM pg_sleep(0.005); "
	    "END LOOP; END $$");
}

void
crash_settle(struct house *h)
{
	crash_quiet(h);
	house_sql(h,
	    "UPDATE job SET lease_until = now() - interval '1 s' "
	    "WHERE state = 'running'; "
	    "UPDATE job SET run_at = now() WHERE state = 'queued' "
	    "AND run_at > now()");
}

void
crash_resume(struct house *h)
{
	crash_settle(h);
	ck_assert(!was_killed(
	    crash_wait(crash_start(h, NULL, NULL), 120), "resumed"));
	ck_assert_str_eq(house_sql(h,
			     "SELECT id, action, state, last_error_code, "
			     "last_error_detail FROM job WHERE state <> "
			     "'succeeded'"),
	    "");
}

static void
sync_once(struct house *h)
{
	(void)house_queue(h, "imap_sync_messages");
	crash_resume(h);
}

/* What is no longer listed goes with a list minutes later, and wishes about
 * its mail with the run behind. */
static void
forget_missing(struct house *h)
{
	if (house_int(h,
		"SELECT count(*) FROM mailbox WHERE missing_since IS "
		"NOT NULL AND removed_at IS NULL") == 0)
		return;
	house_missed_long(h);
	sync_once(h);
	sync_once(h);
}

/* A deletion whose mail lies nowhere is over with the sync behind the one that
 * found so. */
static void
end_deletions(struct house *h)
{
	if (house_int(h, "SELECT count(*) FROM expunge_intent") > 0)
		sync_once(h);
}

void
crash_sync(struct house *h)
{
	sync_once(h);
	forget_missing(h);
}

/* ---- what must hold ---- */

const char crash_faults_sql[] =
    "SELECT 'ledger', b.name, b.stored_messages, b.skipped_messages, "
    "b.server_messages, x.stored, x.skipped FROM mailbox b, LATERAL "
    "(SELECT count(*) FILTER (WHERE skip_reason IS NULL) AS stored, "
    "count(skip_reason) AS skipped FROM placement p WHERE "
    "p.mailbox_id = b.id) x WHERE b.removed_at IS NULL AND "
    "b.is_selectable AND (b.stored_messages, b.skipped_messages, "
    "b.server_messages) IS DISTINCT FROM (x.stored, x.skipped, "
    "x.stored + x.skipped);"
    "SELECT 'cursor', b.name, p.uid FROM placement p JOIN mailbox b ON "
    "b.id = p.mailbox_id WHERE b.removed_at IS NOT NULL OR "
    "p.uidvalidity <> b.uidvalidity OR p.uid >= b.uid_next OR p.uid < "
    "b.uid_low;"
    "SELECT 'counter', w.name, c.n, w.n FROM account a CROSS JOIN LATERAL "
    "(SELECT 'emails' AS name, count(*) AS n FROM email e WHERE "
    "e.account_id = a.id AND removed_at IS NULL UNION ALL SELECT "
    "'unread', count(*) FROM email e WHERE e.account_id = a.id AND "
    "removed_at IS NULL AND NOT is_read) w LEFT JOIN counter c ON "
    "c.account_id = a.id AND c.name = w.name WHERE coalesce(c.n, 0) <> "
    "w.n;"
    "SELECT 'twice', e.mailbox_id, e.uid, count(*) FROM email e WHERE "
    "e.removed_at IS NULL AND e.uid IS NOT NULL GROUP BY e.account_id, "
    "e.mailbox_id, e.uid HAVING count(*) > 1;"
    "SELECT 'unplaced', e.id FROM email e WHERE e.removed_at IS NULL "
    "AND NOT EXISTS (SELECT FROM placement p WHERE p.account_id = "
    "e.account_id AND p.email_id = e.id AND p.mailbox_id = "
    "e.mailbox_id AND p.uid = e.uid);"
    "SELECT 'orphan', p.email_id, p.uid FROM placement p WHERE NOT "
    "EXISTS (SELECT FROM email e WHERE e.account_id = p.account_id AND "
    "e.id = p.email_id) OR NOT EXISTS (SELECT FROM mailbox b WHERE "
    "b.account_id = p.account_id AND b.id = p.mailbox_id);"
    "SELECT 'nobody''s', e.id FROM email e WHERE NOT EXISTS (SELECT "
    "FROM credential c WHERE c.account_id = e.account_id AND c.id = "
    "e.credential_id);"
    "SELECT 'removed', e.id FROM email e WHERE e.removed_at IS NOT "
    "NULL AND EXISTS (SELECT FROM placement p WHERE p.account_id = "
    "e.account_id AND p.email_id = e.id);"
    "SELECT 'flags', e.id, e.flags, w.flags FROM email e, LATERAL "
    "(SELECT ARRAY(SELECT DISTINCT f COLLATE \"C\" FROM placement p, "
    "unnest(p.flags) f WHERE p.account_id = e.account_id AND "
    "p.email_id = e.id ORDER BY 1) AS flags) w WHERE e.removed_at IS "
    "NULL AND (e.flags <> w.flags OR e.is_read <> ('\\Seen' = ANY "
    "(w.flags)) OR e.is_flagged <> ('\\Flagged' = ANY (w.flags)));"
    "SELECT 'copy', p.mailbox_id, p.uid, p.copy_at FROM placement p JOIN "
    "email e ON e.account_id = p.account_id AND e.id = p.email_id WHERE "
    "p.copy_at IS DISTINCT FROM CASE WHEN p.mailbox_id <> e.mailbox_id AND "
    "NOT EXISTS (SELECT FROM placement o WHERE o.account_id = p.account_id "
    "AND o.email_id = p.email_id AND o.mailbox_id = p.mailbox_id AND "
    "(o.uidvalidity, o.uid) > (p.uidvalidity, p.uid)) THEN e.received_at "
    "END;"
    "SELECT 'wish', email_id FROM flag_intent;"
    "SELECT 'deletion', email_id FROM expunge_intent;"
    "SELECT 'job', id, action, state FROM job WHERE state <> "
    "'succeeded'";

const char *
crash_faults(struct house *h)
{
	return house_sql(h, crash_faults_sql);
}

const char *
crash_tables(struct house *h)
{
	return house_sql(h,
	    "SELECT b.name, b.wire_name, b.special_use, b.attributes, "
	    "b.is_selectable, b.uidvalidity, b.uid_next, b.uid_low, "
	    "b.server_messages, b.stored_messages, b.skipped_messages, "
	    "b.last_error_code FROM mailbox b WHERE credential_id = {c} AND "
	    "removed_at IS NULL ORDER BY 1;"
	    "SELECT b.name, p.uid, p.flags, p.skip_reason, e.message_id, "
	    "e.in_reply_to, e.\"references\", e.subject, e.from_json, "
	    "e.to_json, e.cc_json, e.sent_at, e.received_at, e.size_bytes, "
	    "e.is_read, e.is_flagged, e.flags, e.has_attachments, "
	    "e.structure, e.snippet FROM placement p "
	    "JOIN email e ON e.id = p.email_id "
	    "JOIN mailbox b ON b.id = p.mailbox_id "
	    "WHERE b.credential_id = {c} ORDER BY 1, 2");
}

const char *
crash_undisturbed(struct house *h)
{
	struct house other = *h;
	const char *tables;

	other.account = house_int(h,
	    "INSERT INTO account (application_id, name) SELECT "
	    "application_id, 'Undisturbed' FROM account WHERE id = {a} "
	    "RETURNING id");
	house_newcomer(&other, h->user);
	crash_sync(&other);
	tables = crash_tables(&other);
	house_sql(&other, "DELETE FROM account WHERE id = {a}");
	return tables;
}

const char *
crash_placed(struct house *h)
{
	return house_sql(h,
	    "SELECT b.name || ' ' || p.uid || ' ' || array_to_string(p.flags, "
	    "' ') FROM placement p JOIN mailbox b ON b.id = p.mailbox_id WHERE "
	    "b.credential_id = {c} AND b.removed_at IS NULL "
	    "ORDER BY b.name COLLATE \"C\", p.uid");
}

struct listing {
	struct arena *arena;
	struct buf text;
	struct str folder;
};

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Flags in the order of the tables, without \Recent. */
static void
flags_write(struct listing *l, const struct imap_flags *flags)
{
	static const char *const system[] = {
#define FLAG_TEXT(name, text) text,
		IMAP_FLAG_LIST(FLAG_TEXT)
#undef FLAG_TEXT
	};
	const char **word =
	    ARENA_ARRAY(l->arena, const char *, flags->keywords + 8);
	size_t n = 0;

	for (size_t i = 0; i < sizeof system / sizeof *system; i++)
		if (flags->system >> i & 1 &&
		    strcmp(system[i], "\\Recent") != 0)
			word[n++] = system[i];
	for (size_t i = 0; i < flags->keywords; i++)
		word[n++] = arena_dup(
		    l->arena, flags->keyword[i].p, flags->keyword[i].n);
	qsort(word, n, sizeof *word, by_text);
	for (size_t i = 0; i < n; i++)
		buf_fmt(&l->text, "%s%s", i > 0 ? " " : "", word[i]);
}

static enum rc
list_one(void *arg, const struct imap_message *m)
{
	struct listing *l = arg;

	if (l->text.n > 0)
		buf_putc(&l->text, '\n');
	buf_fmt(&l->text, "%.*s %u ", STR_FMT(l->folder), m->uid);
	flags_write(l, &m->flags);
	return RC_OK;
}

static void
list_folder(struct imap *im, struct arena *a, struct listing *l)
{
	const struct imap_fetch how = {
		.first_batch = SIZE_MAX, .message = list_one, .arg = l
	};
	struct imap_mailbox mailbox;
	struct imap_found found;
	bool qresync;

	MUST(imap_select(im, l->folder, true, NULL, NULL, &mailbox, &qresync));
	MUST(imap_search(im, a, "ALL", (struct str){ NULL, 0 }, &found));
	if (found.all.n > 0)
		MUST(imap_fetch(im, &found.all, IMAP_ITEMS_FLAGS, &how));
}

static int
by_name(const void *a, const void *b)
{
	struct str x = ((const struct imap_listed *)a)->folder.name;
	struct str y = ((const struct imap_listed *)b)->folder.name;
	int order = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);

	return order != 0 ? order : (x.n > y.n) - (x.n < y.n);
}

const char *
crash_on_server(struct house *h)
{
	struct arena *a = arena_new((size_t)32 * 1024 * 1024);
	struct imap *im = house_imap(h);
	struct imap_listed *folder;
	struct listing l = { .arena = a };
	const char *text;
	size_t n;
	bool whole;

	buf_init(&l.text, (size_t)16 * 1024 * 1024);
	MUST(imap_list(im, true, a, &folder, &n, &whole));
	qsort(folder, n, sizeof *folder, by_name);
	for (size_t i = 0; i < n; i++) {
		if (!folder[i].has_status)
			continue;
		l.folder = folder[i].folder.name;
		list_folder(im, a, &l);
	}
	imap_free(&im);
	text = arena_dup(h->arena, l.text.p != NULL ? l.text.p : "", l.text.n);
	buf_clear(&l.text);
	arena_free(&a);
	return text;
}

/* Both go into a file: they are long. */
static void
check_same(
    const char *wanted, const char *got, const char *what, const char *when)
{
	char path[96];
	FILE *f;

	if (strcmp(wanted, got) == 0)
		return;
	snprintf(path, sizeof path, "/tmp/lr-crash.%d", (int)getpid());
	f = fopen(path, "w");
	if (f != NULL) {
		fprintf(f, "%s: %s\n-- wanted --\n%s\n-- got --\n%s\n", when,
		    what, wanted, got);
		fclose(f);
	}
	ck_abort_msg("%s: %s differ, see %s", when, what, path);
}

void
crash_check(struct house *h, const char *when)
{
	const char *tables, *faults;

	forget_missing(h);
	end_deletions(h);
	tables = crash_tables(h);
	faults = crash_faults(h);
	ck_assert_msg(*faults == '\0', "%s: %s", when, faults);
	check_same(
	    crash_on_server(h), crash_placed(h), "server and tables", when);
	check_same(crash_undisturbed(h), tables, "tables", when);
	crash_sync(h);
	check_same(tables, crash_tables(h), "tables after one run more", when);
}
