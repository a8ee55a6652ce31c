#include "core/failpoint.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/text.h"

const char *failpoint_armed;

static char armed[64];
static uint64_t pass_to_fire;
static uint64_t passes;
static int signal_to_send;

/* name[:N[:stop]]; a wrong one is a wrong test, and must not pass as one that
 * never fired. */
void
failpoint_set(const char *spec)
{
	char copy[96];
	char *count, *action = NULL;

	failpoint_armed = NULL;
	passes = 0;
	pass_to_fire = 1;
	signal_to_send = SIGKILL;
	if (spec == NULL || spec[0] == '\0')
		return;
	if (snprintf(copy, sizeof(copy), "%s", spec) >= (int)sizeof(copy))
		die("failpoint cannot be read: %s", spec);
	count = strchr(copy, ':');
	if (count != NULL) {
		*count++ = '\0';
		action = strchr(count, ':');
	}
	if (action != NULL) {
		*action++ = '\0';
		if (strcmp(action, "stop") != 0)
			die("failpoint cannot be read: %s", spec);
		signal_to_send = SIGSTOP;
	}
	if (copy[0] == '\0' || strlen(copy) >= sizeof(armed) ||
	    (count != NULL &&
		(!str_uint(str_of(count), UINT32_MAX, &pass_to_fire) ||
		    pass_to_fire == 0)))
		die("failpoint cannot be read: %s", spec);
	memcpy(armed, copy, strlen(copy) + 1);
	failpoint_armed = armed;
}

void
failpoint_pass(const char *name)
{
	if (failpoint_armed == NULL || strcmp(name, failpoint_armed) != 0)
		return;
	if (++passes == pass_to_fire)
		(void)raise(signal_to_send);
}
