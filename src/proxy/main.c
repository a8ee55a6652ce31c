/* letterrack-smtpd: takes mail from programs that sign in. */
#include <argp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/failpoint.h"
#include "core/process.h"
#include "proxy/beat.h"
#include "proxy/proxy.h"

const char *argp_program_version = "letterrack-smtpd " VERSION;

static volatile sig_atomic_t stop, again;

static void
on_stop(int signal)
{
	(void)signal;
	stop = 1;
}

static void
on_again(int signal)
{
	(void)signal;
	again = 1;
}

/* ---- options ---- */

static const struct argp_option options[] = {
	{ "config", 'c', "FILE", 0,
	    "read FILE, not the installed letterrack.conf", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	const char **config = state->input;

	if (key != 'c')
		return ARGP_ERR_UNKNOWN;
	*config = arg;
	return 0;
}

static const struct argp argp = { options, parse, NULL,
	"Takes mail from programs that sign in, and hands it to the queue of\n"
	"their account, or to its reviewers.\v"
	"Ends with 78 when the configuration is at fault.",
	NULL, NULL, NULL };

/* ---- start ---- */

enum rc
proxy_certificate(struct proxy *p)
{
	struct tls_server *new;

	if (*p->conf->smtp_certificate == '\0')
		return RC_OK;
	TRY(tls_server_new(
	    p->conf->smtp_certificate, p->conf->smtp_certificate_key, &new));
	tls_server_free(&p->tls);
	p->tls = new;
	return RC_OK;
}

/* A connection needs a descriptor, and a large message one more. */
static void
descriptors(const struct proxy *p)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_cur < (rlim_t)p->conf->smtp_connections * 2)
		log_warn(&p->log,
		    "smtp_connections is more than this process may have");
}

static void
name(struct proxy *p)
{
	if (*p->conf->smtp_name != '\0')
		snprintf(p->name, sizeof p->name, "%s", p->conf->smtp_name);
	else if (gethostname(p->name, sizeof p->name - 1) != 0)
		snprintf(p->name, sizeof p->name, "localhost");
}

static enum rc
prepare(struct proxy *p, const char *config, struct conf **conf)
{
	enum log_level level = LOG_INFO_;

	TRY(conf_read(config, conf));
	p->conf = *conf;
	(void)log_level_parse(p->conf->log_level, &level);
	log_open("letterrack-smtpd", level, p->conf->log_json);
	failpoint_set(p->conf->failpoint);
	name(p);
	descriptors(p);
	TRY(proxy_certificate(p));
	return listeners_open(p->conf->smtp_listen, &p->listeners);
}

static void
work(struct proxy *p)
{
	struct beat *beat;

	p->started = clock_now();
	p->pool = pool_new(p->conf);
	beat = beat_begin(p);
	for (int i = 0; i < p->listeners.n; i++)
		log_info(&p->log, "listens address=%s port=%d tls=%d",
		    p->listeners.v[i].address, p->listeners.v[i].port,
		    p->tls != NULL);
	proxy_loop(p, &stop, &again);
	pool_free(&p->pool);
	beat_end(&beat);
}

int
main(int argc, char **argv)
{
	struct proxy p = { .log = { .who = "smtpd" } };
	const char *config = NULL;
	struct conf *conf = NULL;
	int status = EX_OK;

	process_harden();
	log_open("letterrack-smtpd", LOG_INFO_, false);
	argp_parse(&argp, argc, argv, 0, NULL, &config);
	process_signals(on_stop, on_again);
	if (prepare(&p, config, &conf) == RC_OK) {
		work(&p);
	} else {
		log_error(NULL, "%s", fail_detail());
		status = EX_CONFIG;
	}
	listeners_close(&p.listeners);
	tls_server_free(&p.tls);
	conf_free(&conf);
	return status;
}
