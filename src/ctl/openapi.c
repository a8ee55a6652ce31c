/* openapi: the description of the API, as /openapi.json has it. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/ctl.h"
#include "web/openapi.h"

#define DOCUMENT_MOST ((size_t)16 << 20)

int
ctl_openapi(struct ctl *ctl)
{
	enum openapi_part part = OPENAPI_API;
	struct buf b;
	bool ok;

	if (ctl->argc == 2 && strcmp(ctl->argv[1], "--auth") == 0) {
		part = OPENAPI_AUTH;
	} else if (ctl->argc > 1) {
		ctl_complain(ctl, "usage: openapi [--auth]");
		return EX_USAGE;
	}
	buf_init(&b, DOCUMENT_MOST);
	openapi_write(&b, families, part, ctl->conf->base_url);
	buf_putc(&b, '\n');
	ok = !b.full && fwrite(b.p, 1, b.n, stdout) == b.n &&
	    fflush(stdout) == 0;
	buf_clear(&b);
	return ok ? EX_OK : EX_IOERR;
}
