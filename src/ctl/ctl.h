/* letterrackctl: a verb is a row in main.c and a function in a file of its
 * name. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "core/conf.h"

struct ctl {
	const struct conf *conf;
	const char *verb; /* for messages */
	int argc;         /* what stands behind the verb */
	char **argv;      /* argv[0] is the verb; NULL at the end */
};

/* Each returns an exit status of <sysexits.h>. */
int ctl_account(struct ctl *);
int ctl_audit(struct ctl *);
int ctl_client(struct ctl *);
int ctl_configtest(struct ctl *);
int ctl_demo(struct ctl *);
int ctl_init(struct ctl *);
int ctl_key(struct ctl *);
int ctl_migrate(struct ctl *);
int ctl_openapi(struct ctl *);
int ctl_plan(struct ctl *);
int ctl_queue(struct ctl *);
int ctl_search(struct ctl *);
int ctl_serve(struct ctl *);
int ctl_sieve(struct ctl *);
int ctl_status_of(struct ctl *);
int ctl_threads(struct ctl *);
int ctl_token(struct ctl *);
int ctl_user(struct ctl *);
int ctl_verify(struct ctl *);

/* "letterrackctl migrate: ..." on standard error. */
void ctl_complain(const struct ctl *, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A result's exit status: RC_RETRY is EX_TEMPFAIL, and so on. */
int ctl_status(enum rc);

#endif
