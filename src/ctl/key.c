/* letterrackctl key: the keys that sign tokens and wrap data keys. */
#include <argp.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "core/clock.h"
#include "core/envelope.h"
#include "core/token-key.h"
#include "ctl/people.h"

struct key_args {
	const char *words[2]; /* "generate" "token" */
	unsigned n;
	bool now;
};

#define ROTATE_WAIT_S                                                          \
	3600 /* beyond the life of a token, and of JWKS caches                 \
	      */

enum { NOW = 256 };

static const struct argp_option options[] = {
	{ "now", NOW, NULL, 0, "rotate without waiting", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct key_args *in = state->input;

	if (key == NOW)
		in->now = true;
	if (key != ARGP_KEY_ARG)
		return key == NOW ? 0 : ARGP_ERR_UNKNOWN;
	if (in->n == 2)
		argp_usage(state);
	in->words[in->n++] = arg;
	return 0;
}

static const struct argp argp = { options, parse,
	"generate [token|envelope]\nlist\nactivate KID\nrotate\nretire KID",
	"Keys are files of `key_dir`, mode 0600. A new token key is published "
	"at once and signs when it is activated; the newest envelope key wraps "
	"from the moment it exists. rotate does the next step that is due: a "
	"new "
	"token key, an hour later it signs, an hour later the old one goes.",
	NULL, NULL, NULL };

static int
ended(struct ctl *ctl, enum rc rc)
{
	if (rc != RC_OK)
		ctl_complain(ctl, "%s", fail_detail());
	return ctl_status(rc);
}

static int
generate(struct ctl *ctl, void *arg)
{
	const struct key_args *in = arg;
	const char *what = in->n > 1 ? in->words[1] : "token";
	char kid[JWK_KID_MAX + 1];
	int64_t id;
	enum rc rc;

	if (strcmp(what, "token") == 0) {
		rc = token_key_generate(ctl->conf->key_dir, JWK_RS256, kid);
		if (rc == RC_OK)
			printf("token %s\n", kid);
	} else if (strcmp(what, "envelope") == 0) {
		rc = envelope_kek_generate(ctl->conf->key_dir, &id);
		if (rc == RC_OK)
			printf("envelope %lld\n", (long long)id);
	} else {
		rc = fail(RC_INVALID, "say token or envelope");
	}
	return ended(ctl, rc);
}

static int
list(struct ctl *ctl, void *arg)
{
	struct envelope_keks keks;
	struct token_keys keys;

	(void)arg;
	if (token_keys_load(ctl->conf->key_dir, &keys) != RC_OK ||
	    envelope_keks_load(ctl->conf->key_dir, &keks) != RC_OK)
		return ended(ctl, RC_INVALID);
	for (size_t i = 0; i < keys.set.n; i++)
		printf("token %s %s%s\n", keys.set.key[i].kid,
		    jwk_alg_name(keys.set.key[i].alg),
		    i == keys.active ? " signs" : "");
	for (size_t i = 0; i < keks.n; i++)
		printf("envelope %lld%s\n", (long long)keks.kek[i].id,
		    i + 1 == keks.n ? " wraps" : "");
	token_keys_clear(&keys);
	envelope_keks_wipe(&keks);
	return EX_OK;
}

static int
activate(struct ctl *ctl, void *arg)
{
	const struct key_args *in = arg;

	return ended(
	    ctl, token_key_activate(ctl->conf->key_dir, str_of(in->words[1])));
}

/* A step an hour: cron may call it daily. */
static int
rotate(struct ctl *ctl, void *arg)
{
	static const char *const words[] = { [TOKEN_WAITING] = "waiting",
		[TOKEN_GENERATED] = "generated",
		[TOKEN_ACTIVATED] = "activated",
		[TOKEN_RETIRED] = "retired" };
	const struct key_args *in = arg;
	char kid[JWK_KID_MAX + 1];
	enum token_step step;
	enum rc rc = token_key_rotate(ctl->conf->key_dir,
	    clock_now().us / 1000000, in->now ? 0 : ROTATE_WAIT_S, &step, kid);

	if (rc == RC_OK)
		printf("token %s %s\n", kid, words[step]);
	return ended(ctl, rc);
}

static int
retire(struct ctl *ctl, void *arg)
{
	const struct key_args *in = arg;

	return ended(
	    ctl, token_key_retire(ctl->conf->key_dir, str_of(in->words[1])));
}

int
ctl_key(struct ctl *ctl)
{
	static const struct subverb verbs[] = { { "generate", generate },
		{ "list", list }, { "activate", activate },
		{ "rotate", rotate }, { "retire", retire }, { NULL, NULL } };
	struct key_args in = { .n = 0 };

	argp_parse(&argp, ctl->argc, ctl->argv, 0, NULL, &in);
	return ctl_subverb(ctl, verbs, in.words[0], &in);
}
