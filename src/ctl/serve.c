/* serve: the responders behind nginx. */
#include <sysexits.h>

#include "ctl/ctl.h"
#include "web/supervisor.h"

int
ctl_serve(struct ctl *ctl)
{
	if (ctl->argc > 1) {
		ctl_complain(ctl, "takes no arguments");
		return EX_USAGE;
	}
	return supervise(ctl->conf, families);
}
