/* Forging tokens: a right one, and the means to make wrong ones of it. */
#ifndef TESTS_CORE_FORGE_H
#define TESTS_CORE_FORGE_H

#include "core/jws.h"
#include "core/token.h"

#define NOW      INT64_C(1790000000)
#define ISSUER   "https://auth.example"
#define OTHER    "https://other.example"
#define AUDIENCE "https://api.example"

/* The keys of an issuer that signs here, of a foreign one, and of nobody. */
extern struct jwk_set ours, others;
extern struct jwk stranger, *rsa, *ec, *ed;
extern const struct token_rules rules;
extern struct arena *arena;
extern int refused; /* how many must_refuse has seen */

void make_keys(void);
void drop_keys(void);

struct claim {
	const char *name;
	const char *json; /* NULL: leave it out */
};

/* The right token's claims with one of them replaced; NULL: as they are. */
const char *payload_with(const char *name, const char *json);
const char *header_of(const struct jwk *);
const char *
signed_by(const struct jwk *, const char *header, const char *payload);
const char *right_token(const struct jwk *);
const char *b64(const void *, size_t);

/* `row` says in a failure which it was. */
void must_refuse_n(const char *row, const char *token, size_t n);
void must_refuse(const char *row, const char *token);
void must_accept(const char *row, const char *token);

#endif
