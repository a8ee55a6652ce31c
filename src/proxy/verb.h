/* What a client may say: a verb is a row and a function. */
#ifndef PROXY_VERB_H
#define PROXY_VERB_H

#include "proxy/talk.h"

/* A line with its CRLF; the longest is an answer to AUTH. */
#define VERB_LINE_MOST 2048

void verb_run(struct talk *, struct str line);

#endif
