/* Wishes: what users change about mail that lies on a server. They are carried
 * out here at once, and told to the server by a job. */
#ifndef DOMAIN_WISH_H
#define DOMAIN_WISH_H

#include <stdint.h>

#include "db/db.h"

/* Whose server is to be told. */
struct wish {
	int64_t application_id;
	int64_t credential_id;
};
extern const struct col wish_cols[];

/* Queues the job that tells the server, in the transaction at hand; one that
 * waits already takes this wish along. */
enum rc wish_queue(struct db *, int64_t account, const struct wish *,
    struct arena *) MUST_CHECK;

#endif
