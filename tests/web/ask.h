/* Asking a family of routes without FastCGI, nginx and database. */
#ifndef TESTS_WEB_ASK_H
#define TESTS_WEB_ASK_H

#include "web/dispatch.h"

struct question {
	const char *method, *uri;
	const char *type;    /* Content-Type; NULL: none */
	const char *body;    /* NULL: none */
	const char *more[6]; /* "HTTP_X=…"; NULL at the end */
};

/* Valid until the next ask. */
struct answer {
	int status;
	const char *head; /* "Status: …" and the lines behind it */
	const char *body;
};

void ask_begin(const struct family *);
void ask_end(void);
struct answer ask(const struct question *);
struct answer ask_get(const char *uri);

/* The value of a header line, or "". Valid until the next call. */
const char *answer_header(const struct answer *, const char *name);

#endif
