/* MIME (RFC 2045-2049): a message's parts, found in its raw bytes.
 *
 * One pass over the lines, without recursion and without a tree: what a part
 * is made of are two runs of bytes in the message. Parts are numbered as
 * IMAP's BODYSTRUCTURE numbers them, and the odd cases (boundaries that are
 * prefixes of others, missing ends, a multipart without boundary) are decided
 * as Dovecot does, so that a part read from the raw message and one fetched
 * alone are the same part.
 *
 * GMime is not used here. Its tree costs 145 MB and 1.3 s at 100,000 parts,
 * and a scan in front of it that knows enough to refuse those is this one. It
 * is the second opinion in the tests. */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include "core/arena.h"
#include "core/buffer.h"
#include "core/text.h"
#include "mail/header.h"
#include "mail/transfer.h"

#define MIME_MESSAGE_MOST ((size_t)50 * 1024 * 1024)
#define MIME_DEPTH_MOST   100
#define MIME_PARTS_MOST   10000
#define MIME_PARTS_SHOWN  1000 /* what is enough for display */
#define MIME_NO_PARENT    SIZE_MAX

/* All texts are valid UTF-8; p == NULL where the header says nothing. */
struct mime_part {
	struct str number; /* "1.2"; a multipart that is all of a message:
			    * "TEXT", "2.TEXT" */
	size_t parent;     /* index, or MIME_NO_PARENT */
	size_t level;      /* how many parts it lies in */
	struct str type;   /* "text/plain", in lower case; never absent */
	struct str charset;
	struct str filename;    /* at most 512 bytes; may be any text */
	struct str disposition; /* lower case */
	struct str content_id;  /* without < > */
	struct str encoding;    /* as named, lower case; "7bit" by default */
	enum transfer transfer;
	bool multipart;
	bool message;      /* message/rfc822; its content is its child */
	struct str header; /* runs in the raw message */
	struct str body;
};

/* Pre-order; part[0] is the message itself. */
struct mime {
	struct mime_part *part;
	size_t n;
	bool cut; /* there were more parts, or deeper ones, than allowed */
};

/* `raw` may be anything, empty included; `most` is the number of parts.
 * RC_PAYLOAD: longer than MIME_MESSAGE_MOST. What is found borrows from `raw`
 * and takes at most 1.5 KB a part of the arena. */
enum rc mime_parse(
    struct arena *, struct str raw, size_t most, struct mime *) MUST_CHECK;

/* The part of this number; NULL: not there. */
const struct mime_part *mime_find(const struct mime *, struct str number);

/* A part's content, transfer encoding taken off; of a multipart or message
 * its bytes. */
enum rc
mime_content(const struct mime_part *, transfer_sink *, void *ctx) MUST_CHECK;
uint64_t mime_size(const struct mime_part *);

/* What a mail program would list as an attachment: not text to read, not a
 * picture of the HTML, not a signature. */
bool mime_is_attachment(const struct mime *, size_t part);
bool mime_has_attachments(const struct mime *);

/* What there is to read. Texts of several parts stand one below the other. */
struct mime_body {
	struct str text; /* p == NULL: no such part */
	struct str html;
	struct str charset; /* of the first text part, else HTML part */
	bool truncated;     /* either was longer than `max` bytes */
	bool lossy;         /* bytes that their charset does not know */
};
void
mime_body(struct arena *, const struct mime *, size_t max, struct mime_body *);

/* The first `chars` characters of what there is to read, on one line, quoted
 * lines left out; "" where there is none. */
struct str mime_snippet(struct arena *, const struct mime_body *, size_t chars);

/* Text in `charset` as the content of a part fetched alone: valid UTF-8, line
 * ends LF, at most `max` bytes. */
struct str mime_text(struct arena *, struct str content, struct str charset,
    size_t max, bool *truncated, bool *lossy);

#endif
