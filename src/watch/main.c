/* letterrack-watch: keeps a session open for each mail account that is watched,
 * and queues what its server tells of. One process, one loop; any number of
 * them share the accounts, on any number of hosts. */
#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "core/failpoint.h"
#include "core/process.h"
#include "watch/watch.h"

const char *argp_program_version = "letterrack-watch " VERSION;

#define HANDS   3
#define OPENERS 2
#define HOLDERS 6

static volatile sig_atomic_t stop;

static void
on_stop(int signal)
{
	(void)signal;
	stop = 1;
}

/* Lines are broken here: see src/sync/main.c. */
static const struct argp_option options[] = {
	{ "config", 'c', "FILE", 0,
	    "read FILE, not the installed letterrack.conf", 0 },
	{ "quiet", 'q', NULL, 0, "say nothing but warnings and errors", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct watch *x = state->input;

	switch (key) {
	case 'c': x->config = arg; return 0;
	case 'q': x->quiet = true; return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { options, parse, NULL,
	"Watches the mail accounts whose sync_mode is idle, so that new mail\n"
	"is fetched, and held where it is to be, as soon as it comes.\v"
	"Ends with 0 when it is told to, 78 when the configuration is at\n"
	"fault. While the database is away, it waits.",
	NULL, NULL, NULL };

static enum rc
prepare(struct watch *x)
{
	enum log_level level = LOG_INFO_;

	TRY(conf_read(x->config, &x->conf));
	(void)log_level_parse(x->conf->log_level, &level);
	if (x->quiet && level == LOG_INFO_)
		level = LOG_WARN_;
	log_open("letterrack-watch", level, x->conf->log_json);
	failpoint_set(x->conf->failpoint);
	TRY(envelope_keks_load(x->conf->key_dir, &x->keks));
	TRY(egress_new(x->conf->egress_allow, x->conf->ca_file, &x->egress));
	alive_name(x->worker);
	x->log = (struct log){ .who = "watch" };
	if (alive_begin(&x->alive, x->conf, x->worker) != RC_OK)
		log_info(&x->log,
		    "nobody will know at once if this watcher is killed: %s",
		    fail_detail());
	return RC_OK;
}

static void
begin(struct watch *x)
{
	const struct follow_how how = { .conninfo = x->conf->database,
		.worker = x->worker,
		.log = x->log,
		.most = x->conf->watch_most,
		.take = watched_follow,
		.arg = x };
	struct follow_how with = how;

	loop_init(&x->loop);
	dials_init(&x->dials, &x->loop, egress_multi(x->egress));
	x->workers = (struct workers){ .config = x->conf->file,
		.log = &x->log,
		.n = (int)x->conf->watch_workers };
	workers_keep(&x->workers);
	x->hands = hands_new(&x->loop, HANDS, x->conf->database, x->log);
	x->openers = hands_new(&x->loop, OPENERS, x->conf->database, x->log);
	x->holders = hands_new(&x->loop, HOLDERS, x->conf->database, x->log);
	with.hands = x->hands;
	x->follow = follow_new(&with);
}

static void
run(struct watch *x)
{
	while (stop == 0) {
		loop_turn(&x->loop);
		dials_sweep(&x->dials);
		watched_clear(x);
		workers_keep(&x->workers);
	}
}

/* The rows are free for others when the last session is closed. */
static void
end(struct watch *x)
{
	follow_stop(x->follow);
	hands_free(&x->holders);
	hands_free(&x->openers);
	hands_free(&x->hands);
	watched_end(x);
	follow_free(&x->follow);
	workers_end(&x->workers);
	dials_clear(&x->dials);
	loop_clear(&x->loop);
}

static void
tidy(struct watch *x)
{
	alive_end(&x->alive);
	egress_free(&x->egress);
	envelope_keks_wipe(&x->keks);
	conf_free(&x->conf);
}

int
main(int argc, char **argv)
{
	struct watch x = { .alive = { .lock = -1 }, .stop = &stop };

	process_harden();
	log_open("letterrack-watch", LOG_INFO_, false);
	argp_parse(&argp, argc, argv, 0, NULL, &x);
	process_signals(on_stop, on_stop);
	if (prepare(&x) != RC_OK) {
		log_error(NULL, "%s", fail_detail());
		return EX_CONFIG;
	}
	begin(&x);
	run(&x);
	end(&x);
	tidy(&x);
	return EX_OK;
}
