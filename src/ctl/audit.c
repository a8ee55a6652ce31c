/* letterrackctl audit: is the audit log's chain whole? */
#include <argp.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/people.h"
#include "domain/audit.h"

struct audit_args {
	const char *words[2];
	unsigned n;
	const char *anchor;
};

static const struct argp_option options[] = {
	{ "anchor", 'a', "COUNT:HASH", 0,
	    "what an earlier run printed: the log must still contain it", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct audit_args *in = state->input;

	switch (key) {
	case 'a': in->anchor = arg; return 0;
	case ARGP_KEY_ARG:
		if (in->n == sizeof in->words / sizeof *in->words)
			argp_usage(state);
		in->words[in->n++] = arg;
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { options, parse, "verify",
	"Walks the chain of the audit log, and prints an anchor: the number of "
	"its entries and the hash of the last. Keep it where whoever can write "
	"to the database cannot.",
	NULL, NULL, NULL };

static enum rc
anchor_read(const char *text, struct audit_anchor *out)
{
	const char *colon = strchr(text, ':');
	uint64_t n;

	if (colon == NULL ||
	    !str_uint(
		(struct str){ text, (size_t)(colon - text) }, INT64_MAX, &n) ||
	    strlen(colon + 1) != sizeof out->hash * 2 ||
	    !hex_decode(str_of(colon + 1), out->hash, sizeof out->hash))
		return fail(RC_INVALID, "--anchor: not COUNT:HASH");
	out->sealed = (int64_t)n;
	return RC_OK;
}

static enum rc
check(struct db *db, const struct audit_args *in)
{
	char hash[2 * SHA256_SIZE + 1];
	struct audit_anchor kept, head;
	int64_t waiting;

	if (in->anchor != NULL)
		TRY(anchor_read(in->anchor, &kept));
	TRY(audit_verify(
	    db, in->anchor != NULL ? &kept : NULL, &head, &waiting));
	hex_encode(head.hash, sizeof head.hash, hash);
	printf("%lld:%s\n", (long long)head.sealed, hash);
	if (waiting > 0)
		fprintf(stderr, "%lld entries are not sealed yet\n",
		    (long long)waiting);
	return RC_OK;
}

static int
verify(struct ctl *ctl, void *arg)
{
	struct db *db = ctl_owner_db(ctl);
	enum rc rc;

	if (db == NULL)
		return EX_TEMPFAIL;
	rc = check(db, arg);
	db_free(&db);
	return ctl_ended(ctl, rc);
}

int
ctl_audit(struct ctl *ctl)
{
	static const struct subverb verbs[] = { { "verify", verify },
		{ NULL, NULL } };
	struct audit_args in = { .n = 0 };

	argp_parse(&argp, ctl->argc, ctl->argv, 0, NULL, &in);
	return ctl_subverb(ctl, verbs, in.words[0], &in);
}
