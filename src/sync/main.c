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
#include "core/secret.h"
#include "db/ids.h"
#include "domain/job-sql.h"
#include "domain/outgoing-sql.h"
#include "domain/outgoing.h"
#include "domain/sync/sync.h"
#include "sync/alive.h"
#include "sync/housekeeping.h"
#include "sync/keeper.h"
#include "sync/named.h"
#include "sync/progress.h"

const char *argp_program_version = "letterrack-sync " VERSION;

#define SLEEP_MOST_MS 60000
#define AWAY_PAUSE_MS 2000
#define STATEMENT_MS  60000
#define TIDY_ASK_MS   600000 /* between two looks whether it is due */
#define LEASE_ARENA   ((size_t)8 * 1024 * 1024)
#define CLEAR_MOST    1000
#define AGAIN_MS      500 /* a dead worker's last statement */

struct program {
	const char *config;
	int64_t account; /* 0: all */
	int64_t job;     /* 0: any */
	bool stay;
	bool dry_run;
	bool quiet;
	struct conf *conf;
	struct envelope_keks keks;
	struct egress *egress;
	struct sync_host host;
	struct outgoing_host outgoing; /* its database is the door's */
	bool outgoing_lost;            /* the last run of it broke off */
	bool outgoing_told;            /* that it waits */
	char worker[WORKER_NAME];
	struct alive alive;
	bool again; /* dead workers' jobs are not all free yet */
	int64_t ran, failed;
	int64_t tidy_ms; /* steady: when housekeeping is asked about */
	pid_t keeper;    /* of one that stays; 0: none */
	pid_t starter; /* this is a keeper, and that its sync; 0: it is none */
};

static volatile sig_atomic_t stop;

static void
on_stop(int signal)
{
	(void)signal;
	stop = 1;
}

static void
signals(void)
{
	struct sigaction end = { .sa_handler = on_stop };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

/* ---- options ---- */

enum { OPT_STAY = 256, OPT_JOB, OPT_DRY_RUN, OPT_KEEPER };

static const struct argp_option options[] = {
	{ "config", 'c', "FILE", 0,
	    "read FILE instead of " SYSCONFDIR "/letterrack.conf", 0 },
	{ "stay", OPT_STAY, NULL, 0, "wait for more work instead of ending",
	    0 },
	{ "account", 'a', "ID", 0, "only the jobs of this account", 0 },
	{ "job", OPT_JOB, "ID", 0, "only this job, even before its time", 0 },
	{ "dry-run", OPT_DRY_RUN, NULL, 0,
	    "only tell what a sync of the mail accounts that are due, or of "
	    "--account's, would do",
	    0 },
	{ "keeper", OPT_KEEPER, "PID", OPTION_HIDDEN, "see keeper.h", 0 },
	{ "quiet", 'q', NULL, 0, "say nothing but warnings and errors", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

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
	"Brings mail accounts into step with their servers, and does the other "
	"jobs that are due.\v"
	"Ends with 0 when every job that was run has succeeded or will be "
	"tried again, 67 when there is no such account or job, 69 when one "
	"has failed for good, 75 when the database is away, 78 when the "
	"configuration is at fault.",
	NULL, NULL, NULL };

/* ---- jobs ---- */

static enum rc
run_job(struct program *p, const struct lease *lease)
{
	struct sync_report report;
	enum rc result;

	TRY(sync_job_run(&p->host, lease, &report, &result));
	progress_end();
	p->ran++;
	if (result == RC_OK || result == RC_COUNT) {
		log_info(&p->host.log,
		    "job %s job=%lld account=%lld action=%s stored=%lld "
		    "flags=%lld expunged=%lld",
		    result == RC_OK ? "done" : "given back",
		    (long long)lease->id, (long long)lease->account_id,
		    lease->action, (long long)report.stored,
		    (long long)report.flags, (long long)report.expunged);
		return RC_OK;
	}
	log_warn(&p->host.log,
	    "job failed job=%lld account=%lld action=%s "
	    "code=%s",
	    (long long)lease->id, (long long)lease->account_id, lease->action,
	    result_code(result));
	if (!result_is_transient(result))
		p->failed++;
	return RC_OK;
}

/* Mail of the service that is due: between two jobs, since somebody waits for
 * the link that he has just asked for. Its own trouble ends no pass. */
static enum rc
hand_over(struct program *p)
{
	const char *unset = outgoing_unset(p->conf);
	instant at;
	enum rc rc;

	if (p->account != 0 || p->job != 0 || stop != 0)
		return RC_OK;
	db_guard_none(p->host.db);
	TRY(outgoing_next_at(p->host.db, &at));
	if (at.us > clock_now().us)
		return RC_OK;
	if (unset != NULL) {
		if (!p->outgoing_told)
			log_warn(&p->host.log, "%s", unset);
		p->outgoing_told = true;
		return RC_OK;
	}
	rc = outgoing_run(&p->outgoing);
	p->outgoing_lost = rc != RC_OK;
	if (rc != RC_OK)
		log_warn(&p->host.log, "mail not handed over code=%s: %s",
		    result_code(rc), fail_detail());
	return RC_OK;
}

/* What cannot be finished is another worker's by now, or the database is
 * away: only that ends the pass. */
static enum rc
run_due(struct program *p)
{
	const struct job_wanted wanted = { .worker = p->worker,
		.actions = sync_actions,
		.account = p->account,
		.job = p->job };
	struct arena *a = arena_new(LEASE_ARENA);
	enum rc rc = RC_OK;

	while (rc == RC_OK && stop == 0) {
		struct lease *lease;

		arena_reset(a);
		rc = hand_over(p);
		if (rc == RC_OK)
			rc = job_claim_one(p->host.db, &wanted, a, &lease);
		if (rc != RC_OK || lease == NULL)
			break;
		rc = run_job(p, lease);
		if (rc == RC_STALE) {
			log_warn(&p->host.log, "lease lost job=%lld",
			    (long long)lease->id);
			rc = RC_OK;
		}
	}
	db_guard_none(p->host.db);
	arena_free(&a);
	return rc;
}

/* Not where only some of the work is wanted. */
static enum rc
keep_house(struct program *p)
{
	int64_t now = clock_steady_ms(), cleared;

	if (p->account != 0 || p->job != 0 || stop != 0 || now < p->tidy_ms)
		return RC_OK;
	p->tidy_ms = now + TIDY_ASK_MS;
	TRY(outgoing_clear(
	    p->outgoing.db, (int32_t)p->conf->log_keep, CLEAR_MOST, &cleared));
	return housekeeping(p->host.db, p->conf, &p->host.log, &stop);
}

/* What nobody is at, though it is leased. */
static enum rc
take_back(struct program *p)
{
	int64_t back;

	TRY(job_give_back(p->host.db, p->worker, &back));
	if (back > 0)
		log_warn(&p->host.log, "claims whose answers were lost n=%lld",
		    (long long)back);
	if (p->outgoing_lost)
		TRY(outgoing_give_back(p->outgoing.db, p->worker, &back));
	p->outgoing_lost = false;
	return alive_release_dead(
	    &p->alive, p->host.db, &p->host.log, &p->again);
}

static struct keeper
keeper_of(struct program *p)
{
	return (struct keeper){ .db = p->host.db,
		.conf = p->conf,
		.egress = p->egress,
		.log = &p->host.log,
		.stop = &stop };
}

/* One that stays has a process for it. */
static void
keep(struct program *p)
{
	const struct keeper k = keeper_of(p);

	if (!p->stay && p->account == 0 && p->job == 0)
		keeper_round(&k);
}

static enum rc
pass(struct program *p)
{
	int64_t made;

	db_guard_none(p->host.db);
	TRY(take_back(p));
	if (p->job == 0)
		TRY(job_enqueue_polls(p->host.db,
		    (int32_t)p->conf->poll_interval, p->account, &made));
	keep(p);
	TRY(run_due(p));
	keep(p);
	return keep_house(p);
}

/* ---- waiting ---- */

static int
sleep_ms(struct program *p)
{
	instant next, mail;
	int64_t ms;

	if (job_next_at(p->host.db, &next) != RC_OK ||
	    outgoing_next_at(p->host.db, &mail) != RC_OK)
		return AWAY_PAUSE_MS;
	if (mail.us < next.us && outgoing_unset(p->conf) == NULL)
		next = mail;
	ms = next.us == INT64_MAX ? SLEEP_MOST_MS
				  : (next.us - clock_now().us) / 1000;
	if (ms < 100)
		ms = 100; /* somebody else is at it */
	if (p->again && ms > AGAIN_MS)
		ms = AGAIN_MS;
	return ms < SLEEP_MOST_MS ? (int)ms : SLEEP_MOST_MS;
}

static void
stay(struct program *p)
{
	enum db_event event;

	db_listen(p->host.db, "letterrack_job");
	while (stop == 0) {
		enum rc rc;

		keeper_start(&p->keeper, p->config, &p->host.log);
		rc = pass(p);
		if (rc != RC_OK)
			log_warn(&p->host.log, "pass ended code=%s: %s",
			    result_code(rc), fail_detail());
		if (stop == 0 &&
		    db_wait(p->host.db, sleep_ms(p), -1, &event) != RC_OK)
			log_debug(&p->host.log, "waiting for the database");
	}
	keeper_end(&p->keeper);
}

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
	struct arena *a = arena_new(LEASE_ARENA);
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

/* Hosts may share a name, and processes in containers a number. */
static void
name_worker(struct program *p)
{
	char host[64] = "?", own[17];
	uint64_t dice;

	gethostname(host, sizeof host - 1);
	random_bytes(&dice, sizeof dice);
	hex_encode(&dice, sizeof dice, own);
	snprintf(
	    p->worker, sizeof p->worker, "%s:%d:%s", host, (int)getpid(), own);
}

/* The messages sign people in: as the door reads them, nobody else. */
static void
prepare_outgoing(struct program *p)
{
	const struct conf *conf = p->conf;

	p->outgoing = (struct outgoing_host){ .conf = conf,
		.egress = p->egress,
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
	name_worker(p);
	p->host = (struct sync_host){ .conf = p->conf,
		.keks = &p->keks,
		.egress = p->egress,
		.multi = egress_multi(p->egress),
		.log = { .who = "sync" },
		.stop = &stop };
	p->host.db = db_new(p->conf->database, p->host.log);
	db_statement_limit(p->host.db, STATEMENT_MS);
	prepare_outgoing(p);
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
	egress_free(&p->egress);
	envelope_keks_wipe(&p->keks);
	conf_free(&p->conf);
}

static enum rc
pass_once(struct program *p)
{
	TRY(pass(p));
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
	stay(p);
	return EX_OK;
}

static int
be_keeper(struct program *p)
{
	const struct keeper k = keeper_of(p);

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
	signals();
	if (prepare(&p) != RC_OK) {
		log_error(NULL, "%s", fail_detail());
		return EX_CONFIG;
	}
	status = p.starter != 0 ? be_keeper(&p) : work(&p);
	tidy(&p);
	return status;
}
