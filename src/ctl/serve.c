/* serve: the responders behind nginx. */
#include <sysexits.h>

#include "core/envelope.h"
#include "core/token-key.h"
#include "ctl/ctl.h"
#include "web/supervisor.h"

/* There is no default key: who has made none is told now, not by each
 * request. */
static enum rc
keys_there(const struct conf *conf)
{
	struct envelope_keks keks;
	struct token_keys keys;

	TRY(token_keys_load(conf->key_dir, &keys));
	token_keys_clear(&keys);
	TRY(envelope_keks_load(conf->key_dir, &keks));
	envelope_keks_wipe(&keks);
	return RC_OK;
}

int
ctl_serve(struct ctl *ctl)
{
	if (ctl->argc > 1) {
		ctl_complain(ctl, "takes no arguments");
		return EX_USAGE;
	}
	if (keys_there(ctl->conf) != RC_OK) {
		ctl_complain(ctl, "%s", fail_detail());
		return EX_CONFIG;
	}
	return supervise(ctl->conf, families);
}
