#include "lib/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "db/fixture.h"
#include "db/migrate.h"
#include "db/thing-sql.h"

static char dir[64], conninfo[160], owner[160];
static pid_t maker;

static void shell(const char *fmt, ...) PRINTF_LIKE(1, 2);

static void
shell(const char *fmt, ...)
{
	char command[4096];
	va_list ap;
	int status;

	va_start(ap, fmt);
	vsnprintf(command, sizeof command, fmt, ap);
	va_end(ap);
	status = system(command);
	if (status != 0)
		die("%s: status %d", command, status);
}

static const char *
source_dir(void)
{
	const char *s = getenv("top_srcdir");

	return s != NULL ? s : TOP_SRCDIR;
}

static void
pg(const char *verb, const char *mode)
{
	shell("%s/tests/lib/pg.sh %s %s %s >&2", source_dir(), verb, dir, mode);
}

static void
fixture_remove(void)
{
	if (getpid() == maker)
		pg("remove", "");
}

void
fixture_psql(const char *sql)
{
	shell("psql -X -q -v ON_ERROR_STOP=1 -d '%s' -c \"%s\" >/dev/null",
	    owner, sql);
}

static void
migrate(void)
{
	const struct migrate m = { .owner = owner,
		.program = "letterrack",
		.list = migrations,
		.n = migrations_n };

	if (migrate_run(&m) != RC_OK)
		die("migrate: %s", fail_detail());
}

void
fixture_start(void)
{
	log_open("test", LOG_ERROR_, false);
	maker = getpid();
	snprintf(dir, sizeof dir, "/tmp/lr-db.%d", (int)maker);
	snprintf(conninfo, sizeof conninfo,
	    "host=%s dbname=postgres user=letterrack", dir);
	snprintf(
	    owner, sizeof owner, "host=%s dbname=postgres user=postgres", dir);
	pg("start", "");
	atexit(fixture_remove);
	fixture_psql("CREATE ROLE letterrack LOGIN");
	migrate();
	shell("psql -X -q -v ON_ERROR_STOP=1 -d '%s' -f %s/tests/db/schema.sql",
	    owner, source_dir());
	migrate(); /* grants on what came */
}

void
fixture_stop(const char *mode)
{
	pg("stop", mode);
}

void
fixture_run(void)
{
	pg("again", "");
}

void
fixture_again(const char *mode)
{
	fixture_stop(mode);
	fixture_run();
}

const char *
fixture_conninfo(void)
{
	return conninfo;
}

const char *
fixture_owner(void)
{
	return owner;
}

struct db *
fixture_db(void)
{
	return db_new(conninfo, (struct log){ .who = "test" });
}

struct db *
fixture_guarded(int64_t account)
{
	struct db *db = fixture_db();

	thing_guard(db, account, "good", NULL, NULL);
	return db;
}

static void
mute_path(char path[108], const char *socket_dir)
{
	snprintf(path, 108, "%s/.s.PGSQL.5432", socket_dir);
}

int
fixture_mute_socket(const char *socket_dir)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	mute_path(at.sun_path, socket_dir);
	if (s < 0 || bind(s, (struct sockaddr *)&at, sizeof at) != 0 ||
	    listen(s, 8) != 0)
		die("no socket in %s", socket_dir);
	return s;
}

void
fixture_mute_remove(const char *socket_dir)
{
	char path[108];

	mute_path(path, socket_dir);
	unlink(path);
	rmdir(socket_dir);
}

int
fixture_main(Suite *(*suite)(void))
{
	SRunner *runner;
	int failed;

	fixture_start();
	runner = srunner_create(suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
