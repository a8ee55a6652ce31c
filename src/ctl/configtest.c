/* letterrackctl configtest: is the configuration sound?
 *
 * Reading it has found unknown names and values out of range; here is what
 * only this machine can tell. A database that refuses a login or does not exist
 * is a fault of the configuration; one that nobody answers for may be one, so
 * the check ends as unfinished. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/log.h"
#include "core/password.h"
#include "ctl/ctl.h"
#include "db/db.h"
#include "db/migrate.h"
#include "db/reach.h"
#include "domain/health-sql.h"
#include "domain/outgoing.h"
#include "mail/egress.h"
#include "web/route.h"

#define PASSWORD_FILE_MOST 1024
#define SPARE              8 /* letterrack-sync, letterrackctl, a person with psql */
#define WATCH_OWN          6 /* hands and openers of letterrack-watch, and itself */

struct check {
	struct ctl *ctl;
	unsigned faults;
	unsigned away; /* what could not be asked */
};

static void
fault(struct check *c, const char *option, const char *why)
{
	ctl_complain(c->ctl, "%s: %s: %s", c->ctl->conf->file, option, why);
	c->faults++;
}

static void
check_path(struct check *c, const char *option, const char *path, mode_t kind,
    int access_as)
{
	struct stat st;

	if (stat(path, &st) != 0)
		fault(c, option, strerror(errno));
	else if ((st.st_mode & S_IFMT) != kind)
		fault(c, option, "is of another kind");
	else if (access(path, access_as) != 0)
		fault(c, option, strerror(errno));
}

static void
check_paths(struct check *c)
{
	const struct conf *conf = c->ctl->conf;
	const struct {
		const char *option, *path;
		mode_t kind;
		int access;
	} rows[] = {
		{ "state_dir", conf->state_dir, S_IFDIR, W_OK | X_OK },
		{ "key_dir", conf->key_dir, S_IFDIR, R_OK | X_OK },
		{ "responder_dir", conf->responder_dir, S_IFDIR, X_OK },
		{ "ca_file", conf->ca_file, S_IFREG, R_OK },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check_path(c, rows[i].option, rows[i].path, rows[i].kind,
		    rows[i].access);
}

/* Of letterrack-watch, and of letterrack-smtpd: its workers, those who sign
 * people in as two roles, and its heartbeat. */
static int64_t
services_need(const struct conf *conf)
{
	return WATCH_OWN + conf->watch_workers + conf->smtp_workers +
	    2 * PASSWORD_SLOTS + 1;
}

/* Every process of every family holds one connection, services some; people
 * need some besides. Other hosts count too, and only the operator knows them.
 */
static void
check_connections(struct check *c, struct db *db)
{
	int64_t most, need = services_need(c->ctl->conf);

	for (const struct family *const *f = families; *f != NULL; f++)
		need += (*f)->pool * c->ctl->conf->workers_scale;
	if (connections_most(db, &most) == RC_OK && need + SPARE > most)
		ctl_complain(c->ctl,
		    "warning: a host's programs hold %lld connections, "
		    "PostgreSQL takes %lld (max_connections)",
		    (long long)need, (long long)most);
}

static void
check_walls(struct check *c, struct db *db, const char *option)
{
	bool over = false;

	if (over_walls(db, &over) == RC_OK && over)
		fault(c, option, "its user is not under row-level security");
}

static void
check_program(struct check *c, struct db *db)
{
	check_walls(c, db, "database");
	check_connections(c, db);
}

static void
check_egress(struct check *c)
{
	const struct conf *conf = c->ctl->conf;
	struct egress *egress = NULL;

	if (egress_new(conf->egress_allow, conf->ca_file, &egress) != RC_OK)
		fault(c, "egress_allow", fail_detail());
	egress_free(&egress);
}

/* Whether it lets us in is known when the first mail leaves. */
static void
check_outgoing(struct check *c)
{
	const struct conf *conf = c->ctl->conf;
	const char *unset = outgoing_unset(conf);
	struct arena *a = arena_new(1 << 16);
	struct outgoing_sender from;
	struct secret password;

	if (unset != NULL) {
		ctl_complain(c->ctl, "warning: %s", unset);
	} else {
		if (!egress_host_ok(str_of(conf->system_smtp_host)))
			fault(c, "system_smtp_host", "is no host");
		if (outgoing_sender_read(conf->system_from, a, &from) != RC_OK)
			fault(c, "system_from", fail_detail());
		if (*conf->system_smtp_user != '\0' &&
		    secret_read(a, conf->system_smtp_password_file,
			PASSWORD_FILE_MOST, &password) != RC_OK)
			fault(c, "system_smtp_password_file", fail_detail());
	}
	arena_free(&a);
}

#define DOOR_SHUT                                                              \
	"its user may not sign people in; it is called as that of `database` " \
	"with _auth behind it, and letterrackctl migrate lets it"
#define DOOR_UNNAMED "there is a role of its own for signing in; name it"

/* Only one role signs people in, and the family `auth` must be it. */
static void
check_door(struct check *c, struct db *db)
{
	bool own = *c->ctl->conf->database_auth != '\0';
	bool may = true;

	if (own)
		check_walls(c, db, "database_auth");
	if (door_open(db, &may) == RC_OK && !may)
		fault(c, "database_auth", own ? DOOR_SHUT : DOOR_UNNAMED);
}

/* The login of an option works. */
static bool
check_login(struct check *c, const char *option, const char *conninfo)
{
	static const char *const words[] = {
		[DB_REFUSED] = "the server refuses the login",
		[DB_UNKNOWN] = "the server has no such database",
		[DB_AWAY] = "the server cannot be reached",
	};
	char why[512], text[640];
	enum db_reach reach = db_reach(conninfo, why, sizeof why);

	if (reach == DB_REACHED)
		return true;
	snprintf(text, sizeof text, "%s: %s", words[reach], why);
	if (reach != DB_AWAY) {
		fault(c, option, text);
		return false;
	}
	ctl_complain(c->ctl, "%s: %s: %s", c->ctl->conf->file, option, text);
	c->away++;
	return false;
}

/* False: the schema is not this program's, or not to be seen. */
static bool
check_schema(struct check *c, const char *conninfo,
    void (*ask)(struct check *, struct db *))
{
	struct db *db = db_new(conninfo, (struct log){ .who = "configtest" });

	bool open = db_open(db) == RC_OK;

	if (open)
		ask(c, db);
	else
		ctl_complain(c->ctl, "warning: %s", fail_detail());
	db_free(&db);
	return open;
}

static void
check_owner(struct check *c, const char *user)
{
	const char *conninfo = c->ctl->conf->database_owner;
	char owner[64];

	if (*conninfo != '\0' && conninfo_user(conninfo, owner) == RC_OK &&
	    strcmp(user, owner) == 0)
		fault(c, "database",
		    "its user owns the schema and is not under row-level "
		    "security");
}

static void
check_database(struct check *c)
{
	const struct conf *conf = c->ctl->conf;
	const char *door =
	    *conf->database_auth != '\0' ? conf->database_auth : conf->database;
	char user[64];

	if (conninfo_user(conf->database, user) != RC_OK) {
		fault(c, "database", fail_detail());
		return;
	}
	check_owner(c, user);
	if (!check_login(c, "database", conf->database))
		return;
	if (!check_schema(c, conf->database, check_program))
		return;
	if (door != conf->database && !check_login(c, "database_auth", door))
		return;
	if (!check_schema(c, door, check_door))
		fault(c, "database_auth", DOOR_SHUT);
}

int
ctl_configtest(struct ctl *ctl)
{
	struct check c = { .ctl = ctl };

	check_paths(&c);
	check_egress(&c);
	check_outgoing(&c);
	check_database(&c);
	if (c.faults != 0)
		return EX_CONFIG;
	if (c.away != 0)
		return EX_TEMPFAIL;
	printf("%s: ok\n", ctl->conf->file);
	return EX_OK;
}
