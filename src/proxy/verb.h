/* What a client may say: a verb is a row (verb.c) and a function. */
#ifndef PROXY_VERB_H
#define PROXY_VERB_H

#include "proxy/talk.h"

/* A line with its CRLF; the longest is an answer to AUTH. */
#define VERB_LINE_MOST 2048

void verb_run(struct talk *, struct str line);

/* ---- for the rows ---- */

/* Under TLS, or where it is not needed. */
bool verb_may_plain(const struct talk *);

void verb_auth(struct talk *, struct str args); /* verb-auth.c */
void verb_mail(struct talk *, struct str args); /* verb-envelope.c */
void verb_rcpt(struct talk *, struct str args);
void verb_data(struct talk *, struct str args);

#endif
