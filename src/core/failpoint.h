/* Failpoints: named places on both sides of every effect, at which a test
 * stops the program as a power cut would. */
#ifndef CORE_FAILPOINT_H
#define CORE_FAILPOINT_H

/* Set by LETTERRACK_FAILPOINT=name or name:N (the Nth pass, from 1); the
 * process then kills itself with SIGKILL. name:N:stop sends SIGSTOP instead.
 * Costs one pointer comparison where unset. */
void failpoint_set(const char *spec);
void failpoint_pass(const char *name);
extern const char *failpoint_armed; /* NULL: none */

#define FAILPOINT(name)                                                        \
	do {                                                                   \
		if (__builtin_expect(failpoint_armed != NULL, 0))              \
			failpoint_pass(name);                                  \
	} while (0)

#endif
