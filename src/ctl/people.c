#include "ctl/people.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include "core/envelope.h"
#include "core/token-key.h"
#include "domain/audit-sql.h"
#include "domain/setup-sql.h"

#define MEMORY ((size_t)4 << 20)

int
ctl_subverb(
    struct ctl *ctl, const struct subverb *table, const char *name, void *in)
{
	const char *gap = "";

	for (const struct subverb *v = table; v->name != NULL; v++)
		if (name != NULL && strcmp(v->name, name) == 0)
			return v->run(ctl, in);
	fprintf(stderr, "letterrackctl %s: say one of ", ctl->verb);
	for (const struct subverb *v = table; v->name != NULL; v++) {
		fprintf(stderr, "%s%s", gap, v->name);
		gap = ", ";
	}
	fputc('\n', stderr);
	return EX_USAGE;
}

struct db *
ctl_owner_db(struct ctl *ctl)
{
	struct db *db;

	if (ctl->conf->database_owner[0] == '\0') {
		ctl_complain(ctl, "`database_owner` is not configured");
		return NULL;
	}
	db = db_new(
	    ctl->conf->database_owner, (struct log){ .who = "letterrackctl" });
	if (db_open(db) != RC_OK) {
		ctl_complain(
		    ctl, "the database cannot be used: %s", fail_detail());
		db_free(&db);
	}
	return db;
}

enum rc
ctl_application(struct db *db, int64_t given, struct arena *arena, int64_t *id)
{
	struct setup_application *row;

	TRY(application_find(db, given, arena, &row));
	if (row == NULL)
		return fail(RC_NOT_FOUND,
		    "there is no such application; see letterrackctl init");
	*id = row->id;
	return RC_OK;
}

/* ---- operations ---- */

error_t
ctl_word(struct argp_state *state, struct operation *in, const char *word)
{
	if (in->n == sizeof in->words / sizeof *in->words)
		argp_usage(state);
	in->words[in->n++] = word;
	return 0;
}

int64_t
ctl_id(struct argp_state *state, const char *text)
{
	uint64_t n = 0;

	if (!str_uint(str_of(text), INT64_MAX, &n) || n == 0)
		argp_error(state, "%s is no id", text);
	return (int64_t)n;
}

enum rc
ctl_note(struct db *db, const struct operation *in, int64_t account,
    const char *action, const char *subject)
{
	return audit_add(db,
	    &(struct audit_add_args){ .application = in->application,
		.account = account,
		.action = action,
		.subject = subject,
		.detail = "letterrackctl" },
	    NULL);
}

int
ctl_ended(struct ctl *ctl, enum rc rc)
{
	if (rc != RC_OK)
		ctl_complain(ctl, "%s",
		    fail_detail()[0] != '\0' ? fail_detail()
					     : result_row(rc)->text);
	return ctl_status(rc);
}

int
ctl_operate(struct ctl *ctl, const struct argp *argp,
    const struct subverb *verbs, struct operation *in)
{
	enum rc rc;
	int status;

	argp_parse(argp, ctl->argc, ctl->argv, 0, NULL, in);
	in->db = ctl_owner_db(ctl);
	if (in->db == NULL)
		return EX_TEMPFAIL;
	in->arena = arena_new(MEMORY);
	rc = ctl_application(
	    in->db, in->application, in->arena, &in->application);
	status = rc == RC_OK ? ctl_subverb(ctl, verbs, in->words[0], in)
			     : ctl_ended(ctl, rc);
	arena_free(&in->arena);
	db_free(&in->db);
	return status;
}

/* ---- asking ---- */

#define LINE_MOST 1024

static enum rc
line_read(FILE *from, struct arena *arena, struct secret *out)
{
	char line[LINE_MOST];
	enum rc rc = RC_OK;

	if (fgets(line, sizeof line, from) == NULL)
		rc = fail(RC_INVALID, "nothing was given");
	else
		*out = secret_new(arena, line, strcspn(line, "\r\n"));
	explicit_bzero(line, sizeof line);
	return rc;
}

static enum rc
ask_unseen(const char *what, struct arena *arena, struct secret *out)
{
	FILE *tty = fopen("/dev/tty", "r+e");
	struct termios before, quiet;
	enum rc rc;

	if (tty == NULL || tcgetattr(fileno(tty), &before) != 0) {
		if (tty != NULL)
			fclose(tty);
		return fail(RC_INVALID,
		    "there is no terminal to ask for a password; "
		    "use --password-stdin");
	}
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fileno(tty), TCSAFLUSH, &quiet);
	setvbuf(tty, NULL, _IONBF, 0);
	fprintf(tty, "%s: ", what);
	rc = line_read(tty, arena, out);
	fputc('\n', tty);
	tcsetattr(fileno(tty), TCSAFLUSH, &before);
	fclose(tty);
	return rc;
}

enum rc
ctl_password(bool from_stdin, struct arena *arena, struct secret *out)
{
	struct secret again;

	if (from_stdin)
		return line_read(stdin, arena, out);
	TRY(ask_unseen("Password", arena, out));
	TRY(ask_unseen("Again", arena, &again));
	if (!secret_eq(out, again.p, again.n))
		return fail(RC_INVALID, "the two differ");
	return RC_OK;
}

enum rc
ctl_ask(const char *what, struct arena *arena, const char **out)
{
	char line[LINE_MOST];

	if (!isatty(STDIN_FILENO))
		return fail(RC_INVALID,
		    "%s is not given, and there is no "
		    "terminal to ask on",
		    what);
	printf("%s: ", what);
	fflush(stdout);
	if (fgets(line, sizeof line, stdin) == NULL || line[0] == '\n')
		return fail(RC_INVALID, "%s is not given", what);
	*out = arena_dup(arena, line, strcspn(line, "\r\n"));
	return RC_OK;
}

/* ---- hashes and keys ---- */

enum rc
ctl_hash_any(struct ctl *ctl, const struct secret *password,
    char hash[PASSWORD_HASH_MAX])
{
	struct password_gate gate;
	enum rc rc;

	TRY(password_gate_open(ctl->conf->run_dir, &gate));
	rc = password_hash(&gate, password, ctl->conf->password_cost, hash);
	password_gate_close(&gate);
	return rc;
}

enum rc
ctl_hash(struct ctl *ctl, const struct secret *password, const char *name,
    const char *email, char hash[PASSWORD_HASH_MAX])
{
	TRY(password_allowed(password, name, email));
	return ctl_hash_any(ctl, password, hash);
}

enum rc
ctl_keys_make(struct ctl *ctl)
{
	const char *dir = ctl->conf->key_dir;
	struct envelope_keks keks;
	struct token_keys keys;
	char kid[JWK_KID_MAX + 1];
	int64_t id;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return fail(RC_INVALID, "%s: %s", dir, strerror(errno));
	if (token_keys_load(dir, &keys) == RC_OK)
		token_keys_clear(&keys);
	else
		TRY(token_key_generate(dir, JWK_RS256, kid));
	if (envelope_keks_load(dir, &keks) == RC_OK)
		envelope_keks_wipe(&keks);
	else
		TRY(envelope_kek_generate(dir, &id));
	return RC_OK;
}
