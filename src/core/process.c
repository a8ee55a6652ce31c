#include "core/process.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "core/log.h"

void
process_harden(void)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    setrlimit(RLIMIT_CORE, &none) != 0)
		die("cannot forbid core files: %s", strerror(errno));
}

void
process_signals(void (*end)(int), void (*again)(int))
{
	const struct sigaction on_end = { .sa_handler = end };
	const struct sigaction on_again = { .sa_handler = again };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGTERM, &on_end, NULL);
	sigaction(SIGINT, &on_end, NULL);
	sigaction(SIGHUP, &on_again, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}
