#include "domain/vault.h"

#include <sys/stat.h>

#include "core/log.h"

static bool
same(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

enum rc
vault_keks(const struct conf *conf, const struct envelope_keks **out)
{
	static struct envelope_keks keks;
	static struct timespec seen;
	struct stat st;

	if (stat(conf->key_dir, &st) != 0) {
		log_error(NULL, "no envelope key dir=%s", conf->key_dir);
		return RC_RETRY;
	}
	if (keks.n == 0 || !same(seen, st.st_mtim)) {
		envelope_keks_wipe(&keks);
		if (envelope_keks_load(conf->key_dir, &keks) != RC_OK) {
			log_error(NULL, "no envelope key: %s", fail_detail());
			return RC_RETRY;
		}
		seen = st.st_mtim;
	}
	*out = &keks;
	return RC_OK;
}
