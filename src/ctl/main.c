/* letterrackctl: what an operator does by hand. */
#include <argp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "core/failpoint.h"
#include "core/log.h"
#include "core/process.h"
#include "ctl/ctl.h"

static const struct verb {
	const char *name;
	int (*run)(struct ctl *);
	const char *arguments; /* as --help shows them */
	const char *what;      /* NULL: not shown */
} verbs[] = {
	{ "account", ctl_account, "add|list", "the tenants of an application" },
	{ "audit", ctl_audit, "verify [--anchor COUNT:HASH]",
	    "check that nobody changed the audit log" },
	{ "client", ctl_client, "add|list|disable|enable|secret",
	    "programs that ask for tokens" },
	{ "configtest", ctl_configtest, "", "check the configuration" },
	{ "demo", ctl_demo, NULL, NULL },
	{ "init", ctl_init, "[--account NAME --owner EMAIL]",
	    "make keys, the first account and its owner" },
	{ "key", ctl_key, "generate|list|activate|rotate|retire",
	    "keys that sign tokens and seal secrets" },
	{ "migrate", ctl_migrate, "[--dry-run]",
	    "bring the schema up to date, and grant the programs' rights" },
	{ "openapi", ctl_openapi, "[--auth]",
	    "print the description of the API, or of the auth routes" },
	{ "plan", ctl_plan, "list|show|set|give|take|accounts",
	    "what accounts may do, and how much of it" },
	{ "queue", ctl_queue, "list|show|retry|resolve|pause|resume|drain",
	    "jobs that wait, and mail of the service" },
	{ "search", ctl_search, "status|language",
	    "the words of mail, and the language they are in" },
	{ "serve", ctl_serve, "",
	    "run the responders; HUP replaces them one by one" },
	{ "sieve", ctl_sieve, "[FOLDER]",
	    "print the rule by which a mail server holds all mail itself" },
	{ "status", ctl_status_of, "[--json]",
	    "schema, workers, what waits, mail accounts" },
	{ "threads", ctl_threads, "rebuild|subjects",
	    "which mail belongs together, solved anew" },
	{ "token", ctl_token, "mint EMAIL|CID",
	    "an access token without a sign-in" },
	{ "user", ctl_user, "add|passwd|disable|enable|link|unlink|list",
	    "the people" },
	{ "verify", ctl_verify, "[threads]",
	    "count again what lists show; print what differs" },
};

#define VERBS (sizeof verbs / sizeof *verbs)

const char *argp_program_version = "letterrackctl " VERSION;

struct options {
	const char *config;
	int verb_at; /* index in argv; 0: none */
};

static const struct argp_option options[] = {
	{ "config", 'c', "FILE", 0,
	    "read FILE, not the installed letterrack.conf", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'c': o->config = arg; return 0;
	case ARGP_KEY_ARG:
		/* The rest is the verb's. */
		o->verb_at = state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS: argp_usage(state); return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* The list of verbs, behind the options. The caller frees it. */
static char *
help_filter(int key, const char *text, void *input)
{
	char *out = NULL;
	size_t n;
	FILE *f;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)(uintptr_t)text;
	f = open_memstream(&out, &n);
	if (f == NULL)
		die("out of memory");
	fputs("Verbs:\n", f);
	for (size_t i = 0; i < VERBS; i++)
		if (verbs[i].what != NULL)
			fprintf(f, "  %s %s\n        %s\n", verbs[i].name,
			    verbs[i].arguments, verbs[i].what);
	fclose(f);
	return out;
}

static const struct argp argp = { options, parse, "VERB [ARGUMENT...]",
	"Keeps a Letterrack installation.\v", NULL, help_filter, NULL };

static const struct verb *
verb_named(const char *name)
{
	for (size_t i = 0; i < VERBS; i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

void
ctl_complain(const struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "letterrackctl %s: ", ctl->verb);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

int
ctl_status(enum rc rc)
{
	static const struct {
		enum rc rc;
		int status;
	} rows[] = {
		{ RC_OK, EX_OK },
		{ RC_RETRY, EX_TEMPFAIL },
		{ RC_INVALID, EX_DATAERR },
		{ RC_MALFORMED, EX_DATAERR },
		{ RC_NOT_FOUND, EX_NOUSER },
		{ RC_CONFLICT, EX_DATAERR },
		{ RC_FORBIDDEN, EX_NOPERM },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].rc == rc)
			return rows[i].status;
	}
	return EX_SOFTWARE;
}

static int
run(const struct verb *verb, const struct options *o, int argc, char **argv)
{
	char name[64];
	struct ctl ctl = { .verb = verb->name,
		.argc = argc - o->verb_at,
		.argv = argv + o->verb_at };
	enum log_level level = LOG_INFO_;
	struct conf *conf;
	int status;

	/* As the verb's own --help shows it. */
	snprintf(name, sizeof name, "letterrackctl %s", verb->name);
	ctl.argv[0] = name;
	if (conf_read(o->config, &conf) != RC_OK) {
		ctl_complain(&ctl, "%s", fail_detail());
		return EX_CONFIG;
	}
	if (!log_level_parse(conf->log_level, &level))
		level = LOG_INFO_;
	log_open("letterrackctl", level, conf->log_json);
	failpoint_set(conf->failpoint);
	ctl.conf = conf;
	status = verb->run(&ctl);
	conf_free(&conf);
	return status;
}

int
main(int argc, char **argv)
{
	struct options o = { NULL, 0 };
	const struct verb *verb;

	process_harden();
	log_open("letterrackctl", LOG_INFO_, false);
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &o);
	verb = verb_named(argv[o.verb_at]);
	if (verb == NULL) {
		fprintf(stderr,
		    "letterrackctl: no verb %s; see letterrackctl --help\n",
		    argv[o.verb_at]);
		return EX_USAGE;
	}
	return run(verb, &o, argc, argv);
}
