/* Passwords: hashes, what may be chosen, and the slots of a host. */
#include "core/password.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/unit.h"

#define COST 1

static char dir[64];
static struct password_gate gate;
static struct arena *arena;

static void
begin(void)
{
	snprintf(dir, sizeof dir, "%s", "/tmp/letterrack-pass-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(password_gate_open(dir, &gate), RC_OK);
	arena = arena_new(1 << 20);
}

static void
end(void)
{
	char cmd[128];

	password_gate_close(&gate);
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	ck_assert_int_eq(system(cmd), 0);
	arena_free(&arena);
}

static struct secret
word(const char *s)
{
	return secret_new(arena, s, strlen(s));
}

START_TEST(hashes)
{
	struct secret right = word("correct horse"),
		      wrong = word("Correct horse");
	struct secret empty = word("");
	char a[PASSWORD_HASH_MAX], b[PASSWORD_HASH_MAX];

	ck_assert_int_eq(password_hash(&gate, &right, COST, a), RC_OK);
	ck_assert_int_eq(password_hash(&gate, &right, COST, b), RC_OK);
	ck_assert_mem_eq(a, "$y$", 3);
	ck_assert_str_ne(a, b);
	ck_assert(password_check(&gate, &right, a, COST));
	ck_assert(!password_check(&gate, &wrong, a, COST));
	ck_assert(!password_check(&gate, &empty, a, COST));
	ck_assert(!password_check(&gate, &right, NULL, COST));
	ck_assert(!password_check(&gate, &right, "", COST));
	ck_assert(!password_check(&gate, &right, "*", COST));
	ck_assert(!password_check(&gate, &right, "$y$", COST));
	ck_assert(!password_check(&gate, &right, "correct horse", COST));
	b[strlen(a) - 1] = '\0'; /* a hash cut short */
	ck_assert(!password_check(&gate, &right, b, COST));
	/* What stands for "no password" must not open anything either. */
	ck_assert_int_eq(
	    password_hash(&gate, &(struct secret){ NULL, 0 }, COST, b),
	    RC_INVALID);
	ck_assert_int_eq(password_hash(&gate, &right, 0, b), RC_INVALID);
	ck_assert_int_eq(password_hash(&gate, &right, 12, b), RC_INVALID);
}
END_TEST

/* NUL and length: crypt(3) would look at the first part only. */
START_TEST(cut_passwords)
{
	struct secret nul = secret_new(arena, "abcdefgh\0evil", 13);
	struct secret head = word("abcdefgh");
	char long_text[PASSWORD_MOST + 2], hash[PASSWORD_HASH_MAX];
	struct secret much;

	ck_assert_int_eq(password_hash(&gate, &nul, COST, hash), RC_INVALID);
	ck_assert_int_eq(password_hash(&gate, &head, COST, hash), RC_OK);
	ck_assert(!password_check(&gate, &nul, hash, COST));
	memset(long_text, 'x', sizeof long_text);
	much = secret_new(arena, long_text, PASSWORD_MOST + 1);
	ck_assert_int_eq(password_hash(&gate, &much, COST, hash), RC_INVALID);
	ck_assert_int_eq(password_allowed(&much, NULL, NULL), RC_INVALID);
	/* Two long ones that differ in their last byte only. */
	much = secret_new(arena, long_text, PASSWORD_MOST);
	ck_assert_int_eq(password_hash(&gate, &much, COST, hash), RC_OK);
	long_text[PASSWORD_MOST - 1] = 'y';
	head = secret_new(arena, long_text, PASSWORD_MOST);
	ck_assert(password_check(&gate, &much, hash, COST));
	ck_assert(!password_check(&gate, &head, hash, COST));
}
END_TEST

START_TEST(stale)
{
	struct secret p = word("correct horse");
	char hash[PASSWORD_HASH_MAX];

	ck_assert_int_eq(password_hash(&gate, &p, COST, hash), RC_OK);
	ck_assert(!password_stale(hash, COST));
	ck_assert(password_stale(hash, COST + 1));
	ck_assert(password_stale("$6$salt$hash", COST));
	ck_assert(password_stale("", COST));
}
END_TEST

/* Somebody unknown costs as much as somebody known. */
START_TEST(unknown_user)
{
	struct secret p = word("correct horse");
	char hash[PASSWORD_HASH_MAX];
	clock_t known, unknown;

	ck_assert_int_eq(password_hash(&gate, &p, 5, hash), RC_OK);
	known = clock();
	for (int i = 0; i < 5; i++)
		ck_assert(password_check(&gate, &p, hash, 5));
	known = clock() - known;
	unknown = clock();
	for (int i = 0; i < 5; i++)
		ck_assert(!password_check(&gate, &p, NULL, 5));
	unknown = clock() - unknown;
	ck_assert_msg(unknown * 2 > known && known * 2 > unknown,
	    "known=%ld unknown=%ld", (long)known, (long)unknown);
}
END_TEST

START_TEST(allowed)
{
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{ "", false },
		{ "short", false },
		{ "1234567", false },
		{ "xk3!pq9", false },
		{ "xk3!pq9z", true },
		{ "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", false },
		{ "gr\xc3\xbc\xc3\x9f\x64\x69\x63h", true },
		{ "correct horse battery", true },
		{ "aaaaaaaa", false },
		{ "abcabcabc", false },
		{ "12345678", false },
		{ "123456789", false },
		{ "87654321", false },
		{ "qwertyui", false },
		{ "QWERTYUIOP", false },
		{ "asdfghjkl", false },
		{ "1q2w3e4r", false },
		{ "1qaz2wsx", false },
		{ "abcdefgh", false },
		{ "password", false },
		{ "Password1", false },
		{ "P@55w0rd", false },
		{ "passw0rd!", false },
		{ "password2024", false },
		{ "admin123", false },
		{ "Welcome1!", false },
		{ "letmein123", false },
		{ "Liverpool1", false },
		{ "1234qwer", false },
		{ "zaq12wsx!!", false },
		{ "Wolverine99", false },
		{ "ZEPPELIN", false },
		{ "zeppelinwing", false }, /* four more, and no further */
		{ "zeppelinwings", true },
		{ "letterrack", false },
		{ "changeme", false },
		{ "iloveyou", false },
		{ "sunshine99", false },
		{ "password-of-my-cat-tom", true },
		{ "anna.miller", false },
		{ "Anna.Miller1", false },
		{ "anna.miller@example.org", false },
		{ "millers-own", true },
		{ "bertrand9", false },
		{ "tennisracket", true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct secret s = word(rows[i].text);
		enum rc rc =
		    password_allowed(&s, "Bertrand", "anna.miller@example.org");

		ck_assert_msg((rc == RC_OK) == rows[i].ok, "%s: %s",
		    rows[i].text, rc == RC_OK ? "allowed" : fail_detail());
		ck_assert(rc == RC_OK || rc == RC_INVALID);
		ck_assert(strstr(fail_detail(), rows[i].text) == NULL ||
		    rows[i].text[0] == '\0');
	}
}
END_TEST

static pid_t
hold_slots(int ready)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (password_gate_open(dir, &gate) == RC_OK)
		for (int i = 0; i < gate.slots; i++)
			if (flock(gate.slot[i], LOCK_EX) != 0)
				_exit(1);
	if (write(ready, "x", 1) == 1)
		pause();
	_exit(1);
}

static pid_t
hash_once(int done)
{
	char hash[PASSWORD_HASH_MAX];
	struct secret p = word("correct horse");
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (password_gate_open(dir, &gate) == RC_OK &&
	    password_hash(&gate, &p, COST, hash) == RC_OK &&
	    write(done, "x", 1) == 1)
		_exit(0);
	_exit(1);
}

/* All slots taken: another one waits, until the holder is killed. */
START_TEST(slots)
{
	int ready[2], done[2], status;
	struct pollfd wait;
	pid_t holder, third;
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(done), 0);
	password_gate_close(&gate);
	holder = hold_slots(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	third = hash_once(done[1]);
	wait = (struct pollfd){ .fd = done[0], .events = POLLIN };
	ck_assert_int_eq(poll(&wait, 1, 200), 0);
	ck_assert_int_eq(kill(holder, SIGKILL), 0);
	ck_assert_int_eq(poll(&wait, 1, 10000), 1);
	ck_assert_int_eq(waitpid(third, &status, 0), third);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(waitpid(holder, &status, 0), holder);
}
END_TEST

UNIT_MAIN_AROUND("core/password", begin, end, UNIT(hashes), UNIT(cut_passwords),
    UNIT(stale), UNIT(unknown_user), UNIT(allowed), UNIT(slots))
