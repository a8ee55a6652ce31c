/* What the files of letter.h share; nobody else includes this. */
#ifndef BENCH_LETTER_PARTS_H
#define BENCH_LETTER_PARTS_H

#include "letter.h"
#include "words.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What the dice are thrown for. */
enum purpose { FACTS = 1, WORDS, BODY, BYTES };

enum { CHAIN_MOST = 12 };

/* What can be known of a letter without writing it. */
struct facts {
	uint32_t number;
	uint32_t root;              /* the letter that began the thread */
	uint32_t chain[CHAIN_MOST]; /* what it answers, nearest first */
	uint32_t chain_size;
	const struct tongue *tongue;
	uint32_t author;
	uint32_t oddity; /* 0: none; see odd_header */
	uint32_t kind;
	int64_t date;
};

/* One letter in this many goes without a Message-ID, or carries another's. */
enum { NO_ID = 97, SAME_ID = 89, ODD = 11, ODDITIES = 9 };

struct writer {
	const struct correspondence *c;
	struct letter *l;
	struct facts f;
	struct dice dice;
};

/* 0: it has none. */
int letter_message_id(
    const struct correspondence *, uint32_t number, struct sheet *);
int letter_is_ascii(const char *, size_t);

/* The words it says, and those of the letters that it answers. */
void letter_text(const struct writer *, struct sheet *);

void letter_headers(struct writer *);
/* From the MIME headers on. */
void letter_body(struct writer *);

#endif
