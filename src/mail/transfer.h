/* Content transfer encodings (RFC 2045 6), decoded as a stream.
 *
 * What comes out does not depend on how the input was cut into pieces. Faults
 * are mended the way mail programs do: foreign characters in base64 are
 * skipped, a missing padding is added, a wrong =XY stays as it is. One kind of
 * decoder for whole messages and for parts fetched alone. */
#ifndef MAIL_TRANSFER_H
#define MAIL_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buffer.h"
#include "core/text.h"

enum transfer {
	TRANSFER_PLAIN, /* 7bit, 8bit, binary, absent, unknown */
	TRANSFER_BASE64,
	TRANSFER_QUOTED,
	TRANSFER_UU
};

/* By its name in Content-Transfer-Encoding, in any case. */
enum transfer transfer_of(struct str name);

/* Takes decoded bytes; another result than RC_OK ends the stream with it. */
typedef enum rc transfer_sink(void *ctx, const char *, size_t);

struct transfer_decoder {
	enum transfer kind;
	transfer_sink *sink;
	void *ctx;
	uint64_t total;  /* bytes given to the sink */
	uint32_t bits;   /* base64: what is collected of four characters */
	unsigned held_n; /* base64: how many; else bytes in `held` */
	bool inside;     /* uuencode: between begin and end */
	bool cut;        /* uuencode: this line is longer than any may be */
	char held[128]; /* quoted: blanks or a beginning =X; uuencode: a line */
	size_t out_n;
	char out[4096];
};

void transfer_begin(
    struct transfer_decoder *, enum transfer, transfer_sink *, void *ctx);
enum rc
transfer_feed(struct transfer_decoder *, const char *, size_t) MUST_CHECK;
/* The rest; to be called once. */
enum rc transfer_end(struct transfer_decoder *) MUST_CHECK;

/* All at once. */
enum rc transfer_decode(
    enum transfer, struct str, transfer_sink *, void *ctx) MUST_CHECK;

/* Writes text as quoted-printable (RFC 2045 6.7): lines that end with \n become
 * lines of the message, of 76 characters at most. */
void transfer_quote(struct buf *, struct str text);

/* Writes base64 (RFC 2045 6.8), lines of 76 characters that end with CRLF. */
void transfer_base64(struct buf *, struct str);

/* How many bytes come out. */
uint64_t transfer_size(enum transfer, struct str);

/* A transfer_sink that appends to a struct buf and ends, with RC_TOO_LARGE,
 * when that is full. */
transfer_sink transfer_to_buf;

#endif
