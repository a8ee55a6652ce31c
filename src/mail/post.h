/* Posting small documents to many receivers at once, through the egress
 * policy. None of them is trusted: ten seconds for all of it, no redirects,
 * and no more of an answer is read than anybody will look at. */
#ifndef MAIL_POST_H
#define MAIL_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/result.h"
#include "core/text.h"
#include "mail/egress.h"

#define POST_MS     10000
#define POST_ANSWER 1024 /* bytes of the answer that are kept */
#define POST_DETAIL 160

struct post {
	const char *url;
	struct str body;
	const char *const *headers; /* "Name: value", NULL at the end */

	/* What became of it. RC_OK: an answer came, whatever it says. */
	enum rc rc;
	char detail[POST_DETAIL]; /* where none came */
	int status;
	int64_t retry_after_s; /* 0: it says nothing */
	char answer[POST_ANSWER];
	size_t answer_n;

	struct post_use *use; /* while it is under way */
};

/* RC_INVALID with a sentence: no http or https address of a host that may be
 * dialled. What its name stands for shows when it is dialled. */
enum rc post_url_check(const struct egress *, const char *url) MUST_CHECK;

struct posts;
struct posts *posts_new(const struct egress *);
void posts_free(struct posts **); /* what is under way is cut off */

/* Begins one; all that it points at stays until it comes back. */
enum rc posts_add(struct posts *, struct post *) MUST_CHECK;
size_t posts_under_way(const struct posts *);
/* How many of them had not ended at the last wait. */
size_t posts_running(const struct posts *);
/* Until something moves, `ms` at most; a signal may end it earlier. */
void posts_wait(struct posts *, int ms);
/* The next that has ended; NULL: none. */
struct post *posts_take(struct posts *);

#endif
