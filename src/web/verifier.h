/* The verifier: was this token made by us, or by an issuer that the operator
 * has named, and what does it say? Whether that is still so the database
 * knows. One of a process, since it keeps keys and tokens seen right. */
#ifndef WEB_VERIFIER_H
#define WEB_VERIFIER_H

#include "core/conf.h"
#include "core/token.h"

struct verifier;
struct verifier *verifier_new(const struct conf *);
void verifier_free(struct verifier **);

/* RC_UNAUTHORIZED, also where there is no verifier (NULL); RC_RETRY: our own
 * keys cannot be read. */
enum rc
verifier_check(struct verifier *, struct str token, struct claims *) MUST_CHECK;

/* Whose token it was found to be, as in `iss`. */
const char *verifier_issuer(const struct verifier *, const struct claims *);

#endif
