/* What `interception` and `providers` share about mail under review. */
#ifndef CGI_BIN_REVIEW_H
#define CGI_BIN_REVIEW_H

#include "domain/interception.h"
#include "web/body.h"
#include "web/reply.h"
#include "web/request.h"

#define REVIEW_TEXT 1000000 /* characters of an edited text */
#define REVIEW_BULK 200

/* Errors name the email that the path names. */
void review_echo(struct request *, int64_t email);
/* The refusal for an email in this state: ALREADY_RELEASED, …; NULL: it was
 * never held. */
enum rc review_refuse(struct request *, const char *state) MUST_CHECK;
/* The row, held until the transaction ends; NULL: never held. RC_NOT_FOUND:
 * there is no such email. */
enum rc review_lock(struct request *, struct db *, int64_t email,
    struct held_state **) MUST_CHECK;
/* What an edit of this request says who made it; NULL: a machine client. */
const int64_t *review_by(const struct request *);
/* {"message", "email_id", "status"}, the last where it is not NULL. */
enum rc review_reply(
    struct request *, const char *message, const char *status) MUST_CHECK;

/* ---- many at once ---- */

/* One email of a request; what a decision in a transaction gets. */
struct review {
	struct request *rq;
	int64_t email;
	void *with; /* what the request brought along */
};

/* What became of it. */
struct review_fate {
	enum rc rc;
	const char *word, *why; /* where that is not RC_OK */
};

/* Each email in a transaction of its own, which gets a struct review: one that
 * is refused keeps no other. */
enum rc review_each(struct request *, struct ids,
    enum rc (*decide)(struct db *, void *), void *with,
    struct review_fate **) MUST_CHECK;
void review_write_done(
    struct jw *, const char *key, struct ids, const struct review_fate *);
void review_write_failed(struct jw *, struct ids, const struct review_fate *);

extern const struct field review_email_field, review_failed_fields[];
/* clang-format off */
#define F_REVIEW_BULK(T)                                                       \
	F_LIST(T, email_ids, 1, REVIEW_BULK, &review_email_field, REQUIRED)
#define A_REVIEW_BULK(done)                                                    \
	A_TEXT("message", 0), A_INT("total", 0),                               \
	A_LIST(done, &review_email_field, 0),                                  \
	A_ARRAY("failed", review_failed_fields, 0)
/* clang-format on */

#endif
