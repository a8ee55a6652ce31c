/* Mail that a program hands over finished: bytes, and the envelope they go with
 * (the SMTP proxy). What leaves are these bytes, but for a Bcc, which is
 * nobody's business, and a Message-ID and a date where they are missing
 * (RFC 6409 8).
 *
 * Who may send as whom is decided here, in the transaction that takes the
 * message: the envelope's sender and each address of From and Sender belong to
 * credentials of the account that the caller sees. */
#ifndef DOMAIN_GIVEN_H
#define DOMAIN_GIVEN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buffer.h"
#include "core/conf.h"
#include "core/secret.h"
#include "db/db.h"
#include "domain/log.h"
#include "mail/compose.h"

#define GIVEN_HEADER_MOST ((size_t)1 << 20)
/* Messages up to this size are kept in the database, larger ones in the raw
 * store. */
#define GIVEN_ROW_MOST ((size_t)256 << 10)

/* What a header says. */
struct given_head {
	const char *message_id;
	bool own;  /* Message-ID and date came with it */
	bool utf8; /* it is not ASCII */
	instant date;
	struct str subject, in_reply_to, references;
	struct compose_people from, sender, to, cc, reply_to;
};

/* Reads a header, its empty line included, and writes what goes on of it.
 * RC_INVALID: fail_detail is a sentence. */
enum rc given_head_read(struct arena *, struct str header, const char *sender,
    struct given_head *, struct buf *out) MUST_CHECK;

struct given_sender {
	int64_t id;
	const char *email_address;
	int64_t owner_id; /* the mail account that it belongs to */
	const char *policy;
	bool may;
};
extern const struct col given_sender_cols[];

/* Of a message that waits for review. */
struct given_envelope {
	int64_t credential_id; /* SMTP */
	bool is_utf8;
	const char *message_id;
};
extern const struct col given_envelope_cols[];

struct given {
	const struct conf *conf;
	struct doer who;
	const char *sender;
	struct texts recipients;
	const struct given_head *head;
	struct str bytes;
	unsigned char hash[SHA256_SIZE]; /* of the bytes */
	bool kept;                       /* they are in the raw store */
	bool utf8;                       /* only for servers with SMTPUTF8 */
	instant told;
};

struct given_taken {
	int64_t email_id; /* 0: it had been taken before */
	bool held;
};

/* One of several that are taken together. */
struct given_item {
	const struct given *in;
	struct arena *arena;
	/* What came of it: RC_OK, or RC_FORBIDDEN, and nothing is written of
	 * it: the caller may not send as that. */
	enum rc rc;
	const char *why;
	struct given_taken out;
};

/* All of them, in the transaction at hand, with whose commit they are taken; of
 * one account and one user. Another result than RC_OK has ended it. */
enum rc given_take(struct db *, struct given_item *, size_t n) MUST_CHECK;

#endif
