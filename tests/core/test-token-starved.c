/* Tokens while memory fails: whichever allocation it is, of ours, of json-c or
 * of OpenSSL, a wrong token is not accepted. */
#include "core/forge.h"

#include "lib/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Sanitizers bring an allocator of their own. */
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define STARVES 1
#else
#define STARVES 0
#endif

#define SWEEP_MOST 2000

static long countdown; /* allocations until one fails; 0: none does */
static bool all;       /* and those behind it */

#if STARVES
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

static bool
fails(void)
{
	if (countdown == 0)
		return false;
	if (countdown == 1) {
		countdown = all ? 1 : -1;
		errno = ENOMEM;
		return true;
	}
	if (countdown > 1)
		countdown--;
	return false;
}

void *
malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}
#endif

enum end { ACCEPTED = 10, REFUSED, ENOUGH_ACCEPTED, ENOUGH_REFUSED };

static _Noreturn void
child(const char *token, long nth, bool from_there)
{
	struct claims c;
	bool enough;
	enum rc rc;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(null, STDERR_FILENO);
	all = from_there;
	countdown = nth;
	rc = token_verify(&rules, str_of(token), NOW, &c);
	enough = countdown > 1 || (countdown == 1 && !all);
	countdown = 0;
	if (rc == RC_OK)
		_exit(enough ? ENOUGH_ACCEPTED : ACCEPTED);
	_exit(enough ? ENOUGH_REFUSED : REFUSED);
}

/* How a check ends in which the nth allocation fails. A program that gives up
 * has accepted nothing: ours by die(); json-c 0.16 by reading the name
 * of a member that it could not copy. */
static int
ending(const char *token, long nth, bool from_there)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		child(token, nth, from_there);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		ck_assert_msg(
		    WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGSEGV,
		    "allocation %ld: signal %d", nth, WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

static void
sweep(const char *row, const char *token, bool right)
{
	int end = 0;
	long nth = 0;

	while (end != ENOUGH_ACCEPTED && end != ENOUGH_REFUSED) {
		ck_assert_msg(nth < SWEEP_MOST, "%s: no end", row);
		nth++;
		end = ending(token, nth, nth % 2 == 0);
		if (!right)
			ck_assert_msg(end != ACCEPTED && end != ENOUGH_ACCEPTED,
			    "accepted: %s, allocation %ld fails", row, nth);
	}
	ck_assert_msg(nth > 3, "%s: nothing was allocated", row);
	if (right)
		ck_assert_msg(end == ENOUGH_ACCEPTED, "refused: %s", row);
}

/* With the last bit of its signature, or of its claims, turned. */
static const char *
turned(const char *token, const char *at)
{
	char *out = arena_str(arena, token);
	size_t i = (size_t)(at - token);

	out[i] = out[i] == 'A' ? 'B' : 'A';
	return out;
}

START_TEST(starved)
{
	const struct jwk *const keys[] = { rsa, ec, ed };
	const char *exp = payload_with("exp", "1789999970");
	const char *aud = payload_with("aud", "\"https://other.example\"");
	const char *iss = payload_with("iss", "\"" OTHER "\"");

	if (!STARVES)
		return;
	for (size_t i = 0; i < 3; i++) {
		const struct jwk *key = keys[i];
		const char *right = right_token(key), *head = header_of(key);

		sweep("right", right, true);
		sweep(
		    "signature", turned(right, strrchr(right, '.') + 9), false);
		sweep("claims", turned(right, strchr(right, '.') + 9), false);
		sweep("nobody's key",
		    signed_by(&stranger, head, payload_with(NULL, NULL)),
		    false);
		sweep("expired", signed_by(key, head, exp), false);
		sweep("audience", signed_by(key, head, aud), false);
		sweep("issuer", signed_by(key, head, iss), false);
	}
}
END_TEST

UNIT_MAIN_AROUND("core/token starved", make_keys, drop_keys, UNIT(starved))
