/* Composing: a finished message (RFC 5322, MIME) of what somebody wants to say.
 *
 * The same input gives the same bytes, so that a message which is built again
 * for another try is the same message. All of it is 7-bit but for addresses
 * whose local part is not (`utf8`). Nothing that comes from a user can begin a
 * header line or end one: controls are refused, all else is encoded. There is
 * no Bcc here: who gets the message is the envelope's matter (smtp.h). */
#ifndef MAIL_COMPOSE_H
#define MAIL_COMPOSE_H

#include <stdbool.h>

#include "core/buffer.h"
#include "core/clock.h"
#include "core/text.h"

#define COMPOSE_NAME_MOST    300
#define COMPOSE_SUBJECT_MOST 998
#define COMPOSE_PEOPLE_MOST  1000 /* of each list */
#define COMPOSE_FILES_MOST   200
#define COMPOSE_EXTRA_MOST   50

/* p == NULL: absent, everywhere. Texts are UTF-8 of one line. */
struct compose_person {
	struct str name;
	struct str address; /* bare */
};

struct compose_people {
	const struct compose_person *v;
	size_t n;
};

struct compose_file {
	struct str filename;
	struct str content_type; /* "image/png"; absent: what nobody knows */
	struct str bytes;
	bool is_inline;        /* shown, not listed */
	struct str content_id; /* without < >; with one and is_inline it
				* belongs to the HTML */
};

struct compose_header {
	struct str name, value;
};

struct compose {
	struct compose_person from;   /* address absent: see below */
	struct compose_person sender; /* whoever really sends, if another */
	struct compose_people to, cc, reply_to;
	struct str subject;
	struct str text, html; /* any line ends; with neither the text is "" */
	const struct compose_file *file;
	size_t files;
	struct str message_id; /* own; with or without < > */
	struct str in_reply_to;
	/* Message-IDs, oldest first, divided by blanks. A list without end
	 * keeps its first and its last ones. */
	struct str references;
	instant date;
	const struct compose_header *extra; /* "Auto-Submitted" */
	size_t extras;
	struct str seed; /* what boundaries are made of; best the Message-ID */
};

/* Writes the message into `out`, whose limit is the message's. RC_TOO_LARGE: it
 * does not fit. RC_INVALID: fail_detail begins with the field at fault, as
 * "to[1].address: …", "attachments[0].content_type: …". *utf8: only servers
 * with SMTPUTF8 take it (smtp_letter.utf8).
 *
 * Without a `from.address` the message has neither From nor Message-ID: they
 * are put before it by compose_from. */
enum rc compose(const struct compose *, struct buf *out, bool *utf8) MUST_CHECK;

/* The two lines that a message without a sender waits for. */
enum rc compose_from(const struct compose_person *from, struct str message_id,
    struct buf *out, bool *utf8) MUST_CHECK;

#endif
