/* token-check: what it costs to check a token that was seen before, as the guard
 * does: keys looked at, hashed, looked up. Prints nanoseconds of CPU time a
 * check.
 *
 *	token-check CONF TIMES <token */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/log.h"
#include "web/verifier.h"

#define TOKEN_MOST 8192

static int64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct str
token_read(char text[TOKEN_MOST])
{
	if (fgets(text, TOKEN_MOST, stdin) == NULL)
		die("no token");
	return str_trim(str_of(text));
}

static void
check(struct verifier *v, struct str token)
{
	struct claims claims;

	if (verifier_check(v, token, &claims) != RC_OK)
		die("it is not good: %s", fail_detail());
}

int
main(int argc, char **argv)
{
	char text[TOKEN_MOST];
	struct verifier *v;
	struct conf *conf;
	struct str token;
	int64_t begun;
	long times;

	if (argc != 3)
		die("usage: token-check CONF TIMES <token");
	if (conf_read(argv[1], &conf) != RC_OK)
		die("%s", fail_detail());
	times = strtol(argv[2], NULL, 10);
	token = token_read(text);
	v = verifier_new(conf);
	check(v, token);
	begun = cpu_ns();
	for (long i = 0; i < times; i++)
		check(v, token);
	printf("%lld\n", (long long)((cpu_ns() - begun) / times));
	verifier_free(&v);
	conf_free(&conf);
	return 0;
}
