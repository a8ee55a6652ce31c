/* letterrackctl configtest: is the configuration sound?
 *
 * Reading it has found unknown names and values out of range; here is what
 * only this machine can tell. A database that is away is told, but is no
 * fault of the configuration. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/log.h"
#include "ctl/ctl.h"
#include "db/db.h"
#include "db/migrate.h"
#include "domain/health-sql.h"
#include "web/route.h"

#define SPARE 8 /* services, letterrackctl, a person with psql */

struct check {
	struct ctl *ctl;
	unsigned faults;
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

/* Every process of every family holds one connection; services and people need
 * some besides. Other hosts count too, and only the operator knows them. */
static void
check_connections(struct check *c, struct db *db)
{
	int64_t most, need = 0;

	for (const struct family *const *f = families; *f != NULL; f++)
		need += (*f)->pool * c->ctl->conf->workers_scale;
	if (connections_most(db, &most) == RC_OK && need + SPARE > most)
		ctl_complain(c->ctl,
		    "warning: a host has %lld processes, PostgreSQL takes %lld "
		    "connections (max_connections)",
		    (long long)need, (long long)most);
}

static void
check_database(struct check *c)
{
	const struct conf *conf = c->ctl->conf;
	char user[64], owner[64];
	struct db *db;

	if (conninfo_user(conf->database, user) != RC_OK) {
		fault(c, "database", fail_detail());
		return;
	}
	if (*conf->database_owner != '\0' &&
	    conninfo_user(conf->database_owner, owner) == RC_OK &&
	    strcmp(user, owner) == 0)
		fault(c, "database",
		    "its user owns the schema and is not under row-level "
		    "security");
	db = db_new(conf->database, (struct log){ .who = "configtest" });
	if (db_open(db) != RC_OK)
		ctl_complain(c->ctl, "warning: %s", fail_detail());
	else
		check_connections(c, db);
	db_free(&db);
}

int
ctl_configtest(struct ctl *ctl)
{
	struct check c = { ctl, 0 };

	check_paths(&c);
	check_database(&c);
	if (c.faults != 0)
		return EX_CONFIG;
	printf("%s: ok\n", ctl->conf->file);
	return EX_OK;
}
