/* letterrack-sync: does the jobs that are due. One pass from cron, or --stay
 * as a service. Any number may run at once, on any number of hosts. */
#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/failpoint.h"
#include "core/process.h"
#include "db/ids.h"
#include "domain/job-sql.h"
#include "mail/smtp-kept.h"
#include "sync/named.h"
#include "sync/progress.h"
#include "sync/work.h"

const char *argp_program_version = "letterrack-sync " VERSION;

#define STATEMENT_MS 60000
#define LOOK_ARENA   ((size_t)8 * 1024 * 1024)

static volatile sig_atomic_t stop;

static void
on_stop(int signal)
{
	(void)signal;
	stop = 1;
}

/* ---- options ---- */

enum { OPT_STAY = 256, OPT_JOB, OPT_DRY_RUN, OPT_KEEPER, OPT_ONLY };

/* Lines are broken here: where glibc 2.36 breaks one with a long word in it
 * (an installation's path), it reads and writes behind its buffer. */
static const struct argp_option options[] = {
	{ "config", 'c', "FILE", 0,
	    "read FILE, not the installed letterrack.conf", 0 },
	{ "stay", OPT_STAY, NULL, 0, "wait for more work instead of ending",
	    0 },
	{ "account", 'a', "ID", 0, "only the jobs of this account", 0 },
	{ "job", OPT_JOB, "ID", 0, "only this job, even before its time", 0 },
	{ "only", OPT_ONLY, "CLASS", 0,
	    "only work of this class: imap, watch, send, deliver\n"
	    "or house; may be repeated",
	    0 },
	{ "dry-run", OPT_DRY_RUN, NULL, 0,
	    "only tell what a sync of the mail accounts that\n"
	    "are due, or of --account's, would do",
	    0 },
	{ "keeper", OPT_KEEPER, "PID", OPTION_HIDDEN, "see keeper.h", 0 },
	{ "quiet", 'q', NULL, 0, "say nothing but warnings and errors", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static const char *const classes[] = {
#define CLASS_WORD(name, what) #name,
	WORK_CLASSES(CLASS_WORD)
#undef CLASS_WORD
};

static unsigned
class_bit(const char *word, struct argp_state *state)
{
	for (unsigned i = 0; i < WORK_COUNT; i++)
		if (strcmp(classes[i], word) == 0)
			return 1u << i;
	argp_error(state, "%s is no class of work", word);
	return 0;
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct program *p = state->input;
	uint64_t pid = 0;

	switch (key) {
	case 'c': p->config = arg; return 0;
	case 'q': p->quiet = true; return 0;
	case OPT_STAY: p->stay = true; return 0;
	case OPT_DRY_RUN: p->dry_run = true; return 0;
	case OPT_ONLY: p->only |= class_bit(arg, state); return 0;
	case OPT_KEEPER:
		if (!str_uint(str_of(arg), INT32_MAX, &pid) || pid == 0)
			argp_error(state, "%s is no process", arg);
		p->starter = (pid_t)pid;
		return 0;
	case 'a':
		if (!id_parse(ID_ACCOUNT, str_of(arg), &p->account))
			argp_error(state, "%s is no account", arg);
		return 0;
	case OPT_JOB:
		if (!id_parse(ID_JOB, str_of(arg), &p->job))
			argp_error(state, "%s is no job", arg);
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { options, parse, NULL,
	"Brings mail accounts into step with their servers, and does the\n"
	"other jobs that are due.\v"
	"Ends with 0 when every job that was run has succeeded or will be\n"
	"tried again, 67 when there is no such account or job, 69 when one\n"
	"has failed for good, 75 when the database is away, 78 when the\n"
	"configuration is at fault.",
	NULL, NULL, NULL };

/* ---- looking ---- */

static void
show(void *arg, const char *folder, const char *what)
{
	const struct preview *p = arg;

	printf("account %lld credential %lld ", (long long)p->account_id,
	    (long long)p->credential_id);
	for (; *folder != '\0'; folder++)
		putchar((unsigned char)*folder < ' ' ? '?' : *folder);
	printf(": %s\n", what);
}

static enum rc
look(struct program *p)
{
	struct arena *a = arena_new(LOOK_ARENA);
	struct preview_list list;
	enum rc rc;

	db_guard_none(p->host.db);
	rc = job_preview(p->host.db, p->account, a, &list);
	for (size_t i = 0; rc == RC_OK && i < list.n && stop == 0; i++)
		if (sync_preview(&p->host, &list.v[i], show, &list.v[i]) !=
		    RC_OK) {
			log_warn(&p->host.log,
			    "cannot be looked at credential=%lld: %s",
			    (long long)list.v[i].credential_id, fail_detail());
			p->failed++;
		}
	arena_free(&a);
	return rc;
}

/* ---- start ---- */

static void
prepare_delivery(struct program *p)
{
	p->delivery = (struct delivery_host){ .db = p->host.db,
		.keks = &p->keks,
		.posts = posts_new(p->egress),
		.log = &p->host.log,
		.worker = p->worker,
		.stop = &stop };
}

/* The messages sign people in: as the door reads them, nobody else. */
static void
prepare_outgoing(struct program *p)
{
	const struct conf *conf = p->conf;

	p->outgoing = (struct outgoing_host){ .conf = conf,
		.egress = p->egress,
		.smtp = p->host.smtp,
		.log = &p->host.log,
		.worker = p->worker,
		.stop = &stop };
	p->outgoing.db = db_new(
	    *conf->database_auth != '\0' ? conf->database_auth : conf->database,
	    p->host.log);
	p->alive.door = p->outgoing.db;
}

static enum rc
prepare(struct program *p)
{
	enum log_level level = LOG_INFO_;

	TRY(conf_read(p->config, &p->conf));
	(void)log_level_parse(p->conf->log_level, &level);
	/* cron mails whatever a pass says */
	if (p->quiet && level == LOG_INFO_)
		level = LOG_WARN_;
	log_open("letterrack-sync", level, p->conf->log_json);
	failpoint_set(p->conf->failpoint);
	TRY(envelope_keks_load(p->conf->key_dir, &p->keks));
	TRY(egress_new(p->conf->egress_allow, p->conf->ca_file, &p->egress));
	alive_name(p->worker);
	p->host = (struct job_host){ .conf = p->conf,
		.keks = &p->keks,
		.egress = p->egress,
		.multi = egress_multi(p->egress),
		.smtp = smtp_kept_new(&smtp_usual),
		.log = { .who = "sync" },
		.stop = &stop,
		.report = &p->report };
	p->host.db = db_new(p->conf->database, p->host.log);
	db_statement_limit(p->host.db, STATEMENT_MS);
	prepare_outgoing(p);
	prepare_delivery(p);
	if (!p->dry_run && p->starter == 0 &&
	    alive_begin(&p->alive, p->conf, p->worker) != RC_OK)
		log_info(&p->host.log,
		    "nobody will know at once if this "
		    "worker is killed: %s",
		    fail_detail());
	if (!p->quiet && isatty(STDERR_FILENO))
		progress_begin(&p->host);
	return RC_OK;
}

static void
tidy(struct program *p)
{
	db_free(&p->host.db);
	db_free(&p->outgoing.db);
	alive_end(&p->alive);
	smtp_kept_free(&p->host.smtp);
	posts_free(&p->delivery.posts);
	egress_free(&p->egress);
	envelope_keks_wipe(&p->keks);
	conf_free(&p->conf);
}

static enum rc
pass_once(struct program *p)
{
	TRY(work_pass(p));
	return p->job != 0 && p->ran == 0
	    ? named_tell(p->host.db, p->account, p->job, &p->host.log)
	    : RC_OK;
}

static int
ended_badly(const struct program *p, enum rc rc)
{
	log_error(&p->host.log, "pass ended code=%s: %s", result_code(rc),
	    fail_detail());
	return rc == RC_RETRY ? EX_TEMPFAIL : EX_SOFTWARE;
}

static int
once(struct program *p)
{
	enum rc rc = p->dry_run ? look(p) : pass_once(p);

	if (rc != RC_OK)
		return ended_badly(p, rc);
	return p->failed > 0 ? EX_UNAVAILABLE : EX_OK;
}

/* One that stays waits for a database that is away. */
static int
work(struct program *p)
{
	bool stays = p->stay && !p->dry_run;
	enum rc rc = db_open(p->host.db);

	if (rc == RC_OK)
		rc = named_check(p->host.db, p->account, p->job);
	if (rc == RC_NOT_FOUND) {
		log_error(&p->host.log, "%s", fail_detail());
		return EX_NOUSER;
	}
	if (rc != RC_OK && !stays)
		return ended_badly(p, rc);
	if (!stays)
		return once(p);
	work_stay(p);
	return EX_OK;
}

static int
be_keeper(struct program *p)
{
	const struct keeper k = work_keeper(p);

	keeper_stay(&k, p->starter);
	return EX_OK;
}

int
main(int argc, char **argv)
{
	struct program p = { .alive = { .lock = -1 } };
	int status;

	process_harden();
	log_open("letterrack-sync", LOG_INFO_, false);
	argp_parse(&argp, argc, argv, 0, NULL, &p);
	process_signals(on_stop, on_stop);
	if (prepare(&p) != RC_OK) {
		log_error(NULL, "%s", fail_detail());
		return EX_CONFIG;
	}
	status = p.starter != 0 ? be_keeper(&p) : work(&p);
	tidy(&p);
	return status;
}
