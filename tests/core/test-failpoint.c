#include "core/failpoint.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/unit.h"

#define NOT_YET 9

START_TEST(nothing_armed)
{
	FAILPOINT("a");
	failpoint_set("");
	FAILPOINT("a");
	failpoint_set(NULL);
	FAILPOINT("a");
	ck_assert_ptr_null(failpoint_armed);
}
END_TEST

/* The child passes "a" three times; its exit status is how far it came. */
static int
run(const char *spec)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		failpoint_set(spec);
		for (int i = 0; i < 3; i++) {
			FAILPOINT("b");
			FAILPOINT("a");
		}
		_exit(NOT_YET);
	}
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	if (WIFSTOPPED(status)) {
		int end;

		kill(pid, SIGCONT);
		ck_assert_int_eq(waitpid(pid, &end, 0), pid);
		ck_assert(WIFEXITED(end) && WEXITSTATUS(end) == NOT_YET);
	}
	return status;
}

START_TEST(fires)
{
	static const struct {
		const char *spec;
		int signal; /* 0: it came to its end */
	} rows[] = { { "a", SIGKILL }, { "a:1", SIGKILL }, { "a:3", SIGKILL },
		{ "a:4", 0 }, { "ab", 0 }, { "c", 0 },
		{ "a:2:stop", SIGSTOP } };

	ARRAY_EACH (row, rows) {
		int status = run(row->spec);

		if (row->signal == 0)
			ROW(row->spec,
			    WIFEXITED(status) &&
				WEXITSTATUS(status) == NOT_YET);
		else if (row->signal == SIGSTOP)
			ROW(row->spec,
			    WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
		else
			ROW(row->spec,
			    WIFSIGNALED(status) &&
				WTERMSIG(status) == row->signal);
	}
}
END_TEST

START_TEST(a_wrong_spec_dies)
{
	static const char *const rows[] = { ":1", "a:", "a:0", "a:x", "a:1:go",
		"a:1:stop:", "a:99999999999" };

	ARRAY_EACH (row, rows) {
		int status = run(*row);

		ROW(*row, WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	}
}
END_TEST

UNIT_MAIN(
    "core/failpoint", UNIT(nothing_armed), UNIT(fires), UNIT(a_wrong_spec_dies))
