/* What the files of the family `providers` share. */
#ifndef CGI_BIN_PROVIDERS_H
#define CGI_BIN_PROVIDERS_H

#include "core/secret.h"
#include "web/route.h"

/* providers-webhooks.c */
enum rc webhook_test(struct request *) MUST_CHECK;
enum rc delivery_retry(struct request *) MUST_CHECK;

/* providers-poll.c */
struct poll_ask {
	struct secret token;
};
extern const struct field poll_ask_body[], poll_ask_params[];
extern const struct field poll_answer[], sync_now_answer[];
enum rc poll_emails(struct request *) MUST_CHECK;
enum rc sync_now(struct request *) MUST_CHECK;

#endif
