/* letterrackctl migrate: the schema. */
#include <argp.h>
#include <stdio.h>
#include <sysexits.h>

#include "core/log.h"
#include "ctl/ctl.h"
#include "db/migrate.h"

static const struct argp_option options[] = {
	{ "dry-run", 'n', NULL, 0, "only tell what would run", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	bool *dry = state->input;

	(void)arg;
	if (key != 'n')
		return ARGP_ERR_UNKNOWN;
	*dry = true;
	return 0;
}

static const struct argp argp = { options, parse, NULL,
	"Runs the migrations that this program carries and the database lacks, "
	"as the role of `database_owner`; then grants the role of `database` "
	"what the programs need.",
	NULL, NULL, NULL };

static size_t told;

static void
tell(const struct migration *m)
{
	printf("%s\n", m->name);
	fflush(stdout);
	told++;
}

int
ctl_migrate(struct ctl *ctl)
{
	char program[64];
	struct migrate m = { .owner = ctl->conf->database_owner,
		.program = program,
		.list = migrations,
		.n = migrations_n,
		.tell = tell,
		.log = { .who = "migrate" } };
	enum rc rc;

	argp_parse(&argp, ctl->argc, ctl->argv, 0, NULL, &m.dry_run);
	if (*m.owner == '\0') {
		ctl_complain(ctl, "`database_owner` is not configured");
		return EX_CONFIG;
	}
	if (conninfo_user(ctl->conf->database, program) != RC_OK) {
		ctl_complain(ctl, "database: %s", fail_detail());
		return EX_CONFIG;
	}
	rc = migrate_run(&m);
	if (rc != RC_OK)
		ctl_complain(ctl, "%s", fail_detail());
	else if (told == 0)
		printf("schema %d is up to date\n", migration_last());
	return ctl_status(rc);
}
