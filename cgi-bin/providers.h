/* What the files of the family `providers` share. */
#ifndef CGI_BIN_PROVIDERS_H
#define CGI_BIN_PROVIDERS_H

#include "web/route.h"

/* providers-webhooks.c */
enum rc webhook_test(struct request *) MUST_CHECK;
enum rc delivery_retry(struct request *) MUST_CHECK;

#endif
