#include "domain/profiles.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct profile {
	const char *name;
	const char *const settings[2];
} profiles[] = {
	{ "QRESYNC, COMPRESS",
	    { "protocol imap {\n mail_plugins = imap_zlib\n}", NULL } },
	{ "CONDSTORE",
	    { "imap_capability = IMAP4rev1 ENABLE CONDSTORE UIDPLUS MOVE "
	      "SPECIAL-USE LIST-EXTENDED LITERAL+",
		NULL } },
	{ "plain",
	    { "imap_capability = IMAP4rev1 UIDPLUS MOVE SPECIAL-USE", NULL } },
};

int
profiles_run(const char *suite, struct house *house,
    const struct unit_case *cases, size_t n)
{
	int failed = EXIT_SUCCESS;

	ARRAY_EACH (p, profiles) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			house_start(house, p->settings);
			exit(unit_run(
			    arena_fmt(house->arena, "%s (%s)", suite, p->name),
			    cases, n));
		}
		if (child < 0 || waitpid(child, &status, 0) != child ||
		    status != 0)
			failed = EXIT_FAILURE;
	}
	return failed;
}
