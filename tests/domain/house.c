#include "domain/house.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db/migrate.h"
#include "domain/credential-sql.h"
#include "domain/task.h"

static pid_t maker;
static struct house *standing;

static const char *
source_dir(void)
{
	const char *s = getenv("top_srcdir");

	return s != NULL ? s : TOP_SRCDIR;
}

static int run(const char *fmt, ...) PRINTF_LIKE(1, 2);

static int
run(const char *fmt, ...)
{
	char command[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof command, fmt, ap);
	va_end(ap);
	return system(command);
}

static void
end(void)
{
	if (getpid() != maker || standing == NULL)
		return;
	db_free(&standing->db);
	run("%s/tests/lib/dovecot.sh remove %s/imap >&2", source_dir(),
	    standing->dir);
	run("%s/tests/lib/pg.sh remove %s/pg >&2", source_dir(), standing->dir);
	run("rm -rf %s", standing->dir);
}

/* ---- the servers ---- */

static unsigned
free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		die("no free port: %m");
	close(fd);
	return ntohs(a.sin_port);
}

/* Somebody may take the port in between. */
static void
start_dovecot(struct house *h, const char *const *settings)
{
	const char *quoted = "";

	for (; settings != NULL && *settings != NULL; settings++)
		quoted = arena_fmt(h->arena, "%s '%s'", quoted, *settings);
	for (int i = 0; i < 5; i++) {
		int status;

		h->port = free_port();
		status = run("%s/tests/lib/dovecot.sh start %s/imap %u%s >&2",
		    source_dir(), h->dir, h->port, quoted);
		if (status == 0)
			return;
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 3)
			break;
		run("rm -rf %s/imap", h->dir);
	}
	die("no Dovecot");
}

void
house_dovecot(struct house *h, const char *verb)
{
	if (run("%s/tests/lib/dovecot.sh %s %s/imap >&2", source_dir(), verb,
		h->dir) != 0)
		die("dovecot.sh %s", verb);
}

static void
start_postgres(struct house *h)
{
	char owner[160];
	const struct migrate m = { .owner = owner,
		.program = "letterrack",
		.list = migrations,
		.n = migrations_n };

	snprintf(owner, sizeof owner,
	    "host=%s/pg dbname=postgres user=postgres", h->dir);
	if (run("%s/tests/lib/pg.sh start %s/pg >&2", source_dir(), h->dir) !=
	    0)
		die("no PostgreSQL");
	house_sql(h, "CREATE ROLE letterrack LOGIN");
	MUST(migrate_run(&m));
}

/* ---- the configuration ---- */

static void
configure(struct house *h)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/keys", h->dir);
	mkdir(path, 0700);
	MUST(envelope_kek_generate(path, &(int64_t){ 0 }));
	snprintf(path, sizeof path, "%s/conf", h->dir);
	f = fopen(path, "w");
	if (f == NULL)
		die("%s: %m", path);
	fprintf(f,
	    "database = host=%s/pg dbname=postgres user=letterrack\n"
	    "key_dir = %s/keys\n"
	    "state_dir = %s\n"
	    "egress_allow = 127.0.0.0/8\n"
	    "compress_rtt = 0\n"
	    "log_level = %s\n",
	    h->dir, h->dir, h->dir,
	    getenv("HOUSE_LOG") != NULL ? getenv("HOUSE_LOG") : "error");
	fclose(f);
	MUST(conf_read(arena_str(h->arena, path), &h->conf));
	MUST(envelope_keks_load(h->conf->key_dir, &h->keks));
	MUST(egress_new(h->conf->egress_allow, h->conf->ca_file, &h->egress));
	h->db = db_new(h->conf->database, (struct log){ .who = "test" });
}

void
house_start(struct house *h, const char *const *settings)
{
	enum log_level level = LOG_ERROR_;

	if (getenv("HOUSE_LOG") != NULL)
		(void)log_level_parse(getenv("HOUSE_LOG"), &level);
	log_open("test", level, false);
	*h = (struct house){ .arena = arena_new((size_t)256 * 1024 * 1024) };
	/* A killed test's may be left, and its process's number come again. */
	snprintf(h->dir, sizeof h->dir, "/tmp/lr-house.XXXXXX");
	if (mkdtemp(h->dir) == NULL || chmod(h->dir, 0755) != 0)
		die("%s: %m", h->dir);
	maker = getpid();
	standing = h;
	atexit(end);
	start_postgres(h);
	start_dovecot(h, settings);
	configure(h);
	h->application = house_int(
	    h, "INSERT INTO application (name) VALUES ('Test') RETURNING id");
	h->account = house_int(h,
	    "INSERT INTO account (application_id, name) "
	    "SELECT id, 'Test' FROM application RETURNING id");
}

/* The rights to the account's rows: those of a job that nobody runs. */
static void
take_scope(struct house *h)
{
	int64_t job = house_int(h,
	    "WITH t AS (INSERT INTO task (application_id, account_id, "
	    "task_type) SELECT application_id, id, 'scope' FROM account "
	    "WHERE id = {a} RETURNING *) INSERT INTO job (application_id, "
	    "account_id, task_id, action, state, lease_token, lease_until) "
	    "SELECT application_id, account_id, id, 'scope', 'running', 1, "
	    "'infinity' FROM t RETURNING id");

	job_guard_set(h->db,
	    &(struct lease){
		.id = job, .account_id = h->account, .lease_token = 1 });
}

static void
drop_scope(struct house *h)
{
	db_guard_none(h->db);
	house_sql(h, "DELETE FROM task WHERE task_type = 'scope'");
}

void
house_as_user(struct house *h, enum rc (*body)(struct db *, void *), void *arg)
{
	take_scope(h);
	MUST(db_tx(h->db, body, arg));
	drop_scope(h);
}

void
house_as_owner(struct house *h, enum rc (*body)(struct db *, void *), void *arg)
{
	take_scope(h);
	MUST(body(h->db, arg));
	drop_scope(h);
}

/* As the API will do it: the row first, then the sealed secret. */
void
house_newcomer(struct house *h, const char *user)
{
	struct credential_secret s = { .username = user,
		.secret = secret_new(h->arena, "secret", 6) };
	struct sealed sealed;
	char sql[512], hex[1024];

	h->user = user;
	snprintf(sql, sizeof sql,
	    "INSERT INTO credential (application_id, account_id, "
	    "provider_kind, host, port, security_mode, sync_mode) VALUES "
	    "(%lld, %lld, 'imap', '127.0.0.1', %u, 'none', 'on_demand') "
	    "RETURNING id",
	    (long long)h->application, (long long)h->account, h->port);
	h->credential = house_int(h, sql);
	take_scope(h);
	MUST(credential_secret_seal(h->db, &h->keks, h->application, h->account,
	    h->credential, &s, h->arena, &sealed));
	drop_scope(h);
	hex_encode(sealed.secret.p, sealed.secret.n, hex);
	house_sql(h,
	    arena_fmt(h->arena,
		"UPDATE credential SET secret = '\\x%s', secret_key_id = %lld "
		"WHERE id = %lld",
		hex, (long long)sealed.key_id, (long long)h->credential));
}

/* ---- jobs ---- */

void
house_missed_long(struct house *h)
{
	house_sql(h,
	    "UPDATE mailbox SET missing_since = now() - interval '1 hour' "
	    "WHERE missing_since IS NOT NULL");
}

int64_t
house_queue(struct house *h, const char *action)
{
	return house_int(h,
	    arena_fmt(h->arena,
		"WITH t AS (INSERT INTO task (application_id, account_id, "
		"last_job_id, task_type, target_credential_id, state) SELECT "
		"application_id, id, nextval('job_id_seq'), '%s', {c}, "
		"'queued' FROM account "
		"WHERE id = {a} RETURNING *) INSERT INTO job "
		"(application_id, account_id, id, task_id, credential_id, "
		"action, exclusion) SELECT application_id, account_id, "
		"last_job_id, id, {c}, '%s', 'imap:{c}' FROM t RETURNING id",
		action, action));
}

/* Whatever is under way, the lease can be renewed meanwhile. */
static struct job_host
host_of(struct house *h)
{
	return (struct job_host){ .db = h->db,
		.conf = h->conf,
		.keks = &h->keks,
		.egress = h->egress,
		.log = { .who = "sync" },
		.beat_ms = 1 };
}

enum rc
house_run(struct house *h, struct sync_report *report)
{
	struct job_host host = host_of(h);
	const struct job_wanted wanted = { .worker = "test",
		.actions = job_runs };
	struct lease *lease;
	enum rc result = RC_OK;

	host.report = report;
	for (;;) {
		MUST(job_claim_one(h->db, &wanted, h->arena, &lease));
		if (lease == NULL)
			break;
		MUST(job_run(&host, lease, &result));
	}
	db_guard_none(h->db);
	return result;
}

enum rc
house_try(struct house *h, struct sync_report *report)
{
	return house_do(h, "imap_sync_messages", report);
}

enum rc
house_do(struct house *h, const char *action, struct sync_report *report)
{
	return house_do_job(h, house_queue(h, action), report);
}

enum rc
house_do_job(struct house *h, int64_t job, struct sync_report *report)
{
	struct job_host host = host_of(h);
	const struct job_wanted wanted = {
		.worker = "test", .actions = job_runs, .job = job
	};
	struct lease *lease;
	enum rc result;

	host.report = report;
	MUST(job_claim_one(h->db, &wanted, h->arena, &lease));
	if (lease == NULL)
		die("the job could not be claimed");
	MUST(job_run(&host, lease, &result));
	db_guard_none(h->db);
	return result;
}

struct sync_report
house_sync(struct house *h)
{
	struct sync_report report;
	enum rc result = house_try(h, &report);

	if (result != RC_OK)
		die("the sync failed: %s: %s", result_code(result),
		    house_sql(h,
			"SELECT last_error_detail FROM job WHERE "
			"credential_id = {c} ORDER BY id DESC LIMIT 1"));
	return report;
}

int
house_program(struct house *h, const char *variable)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		die("fork: %m");
	if (child == 0) {
		if (variable != NULL)
			putenv(arena_str(h->arena, variable));
		execl(LETTERRACK_SYNC, "letterrack-sync", "-c", h->conf->file,
		    (char *)NULL);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child)
		die("waitpid: %m");
	return status;
}

/* ---- the mailbox, from outside ---- */

struct imap *
house_imap(struct house *h)
{
	/* Not in the house's arena, which some tests reset: a session needs
	 * them till its end. */
	static struct arena *a;

	if (a == NULL)
		a = arena_new((size_t)1024 * 1024);
	struct imap_params *p = ARENA_NEW(a, struct imap_params);
	struct secret *s = ARENA_NEW(a, struct secret);
	struct imap *im;

	*s = secret_new(a, "secret", 6);
	p->login = (struct imap_login){ .host = "127.0.0.1",
		.port = h->port,
		.security = IMAP_PLAIN,
		.user = h->user,
		.secret = s,
		.egress = h->egress };
	MUST(imap_open(p, &im));
	return im;
}

static void
open_folder(struct imap *im, const char *folder)
{
	struct imap_mailbox mailbox;
	bool qresync;

	MUST(imap_select(
	    im, str_of(folder), false, NULL, NULL, &mailbox, &qresync));
}

void
house_append_at(
    struct imap *im, const char *folder, const char *message, instant received)
{
	struct arena *a = arena_new((size_t)1024 * 1024);
	struct imap_moved moved;

	MUST(imap_append(
	    im, str_of(folder), NULL, received, str_of(message), a, &moved));
	arena_free(&a);
}

void
house_append(struct imap *im, const char *folder, const char *message)
{
	house_append_at(im, folder, message, INSTANT_NONE);
}

/* With the line ends that IMAP wants (RFC 9051 2.3.1). */
void
house_append_file(struct imap *im, const char *folder, const char *path)
{
	struct arena *a = arena_new((size_t)64 * 1024 * 1024);
	struct imap_moved moved;
	FILE *f = fopen(path, "r");
	struct buf b;
	int c, before = 0;

	if (f == NULL)
		die("%s: %m", path);
	buf_init(&b, (size_t)32 * 1024 * 1024);
	while ((c = getc(f)) != EOF) {
		if (c == '\n' && before != '\r')
			buf_putc(&b, '\r');
		if (c != '\0')
			buf_putc(&b, (char)c);
		before = c;
	}
	fclose(f);
	MUST(imap_append(im, str_of(folder), NULL, INSTANT_NONE,
	    (struct str){ b.p, b.n }, a, &moved));
	buf_clear(&b);
	arena_free(&a);
}

static struct imap_set
set_of(struct arena *a, const char *uids)
{
	struct imap_set set;

	imap_set_init(&set, a);
	if (!imap_set_parse(&set, str_of(uids), 0))
		die("no set: %s", uids);
	return set;
}

void
house_store(struct imap *im, const char *folder, const char *uids,
    const char *how, const char *flags)
{
	struct arena *a = arena_new((size_t)1024 * 1024);
	struct imap_set set = set_of(a, uids);

	open_folder(im, folder);
	MUST(imap_store(im, &set, how, flags, 0, NULL));
	arena_free(&a);
}

void
house_expunge(struct imap *im, const char *folder, const char *uids)
{
	struct arena *a = arena_new((size_t)1024 * 1024);
	struct imap_set set = set_of(a, uids);

	house_store(im, folder, uids, "+FLAGS.SILENT", "(\\Deleted)");
	MUST(imap_expunge(im, &set));
	arena_free(&a);
}

void
house_move(
    struct imap *im, const char *folder, const char *uids, const char *to)
{
	struct arena *a = arena_new((size_t)1024 * 1024);
	struct imap_set set = set_of(a, uids);
	struct imap_moved moved;

	open_folder(im, folder);
	MUST(imap_move(im, &set, str_of(to), a, &moved));
	arena_free(&a);
}

void
house_copy(
    struct imap *im, const char *folder, const char *uids, const char *to)
{
	struct arena *a = arena_new((size_t)1024 * 1024);
	struct imap_set set = set_of(a, uids);
	struct imap_moved copied;

	open_folder(im, folder);
	MUST(imap_copy(im, &set, str_of(to), a, &copied));
	arena_free(&a);
}

struct str
house_piece(struct str *rest, char end)
{
	const char *p = memchr(rest->p, end, rest->n);
	struct str s = { rest->p, p != NULL ? (size_t)(p - rest->p) : rest->n };

	rest->p += s.n + (p != NULL);
	rest->n -= s.n + (p != NULL);
	return s;
}
