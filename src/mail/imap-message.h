/* What a FETCH response says of one message (RFC 9051 7.5.2).
 *
 * All strings are as the server sent them (undecoded, any bytes) and live in
 * the arena the response was parsed into. p == NULL is NIL. */
#ifndef MAIL_IMAP_MESSAGE_H
#define MAIL_IMAP_MESSAGE_H

#include "core/clock.h"
#include "mail/imap-lexer.h"
#include "mail/parameter.h"

/* Groups are flattened: each member carries the name of its group; a group
 * without members is one entry with mailbox.p == NULL. */
struct imap_address {
	struct str name, mailbox, host, group;
};

struct imap_addresses {
	const struct imap_address *v;
	size_t n;
};

struct imap_envelope {
	struct str date, subject, in_reply_to, message_id;
	struct imap_addresses from, sender, reply_to, to, cc, bcc;
};

#define IMAP_PARTS_MOST 1000
#define IMAP_NO_PARENT  SIZE_MAX

/* One part. `number` is what BODY[number] takes and is unique in a message:
 * "1", "2.1"; a multipart that is the whole of a message has no number of its
 * own and is called "TEXT", "2.TEXT" (RFC 9051 6.4.5.1). */
struct imap_part {
	struct str number;
	size_t parent; /* its place in the array, or IMAP_NO_PARENT */
	struct str type, subtype;
	const struct parameter *parameter; /* undecoded */
	size_t parameters;
	struct str id, description, encoding, md5;
	uint64_t size; /* encoded bytes; 0 for multiparts */
	uint64_t lines;
	struct str disposition;
	const struct parameter *disposition_parameter;
	size_t disposition_parameters;
	struct str language, location;
	const struct imap_envelope *envelope; /* of message/rfc822, else NULL */
};

/* Pre-order; parents before children. */
struct imap_structure {
	const struct imap_part *part;
	size_t n;
	bool cut; /* there were more than IMAP_PARTS_MOST */
};

/* BODY[section]<origin>, BINARY[section]. */
struct imap_section {
	struct str section; /* "1.2.MIME", "HEADER.FIELDS (REFERENCES)", "" */
	bool partial;
	uint64_t origin;
	struct str data; /* p == NULL: NIL */
	uint64_t size;   /* bytes the server announced */
	bool taken;      /* the reader's sink got them */
};

#define IMAP_FLAG_LIST(X)                                                      \
	X(SEEN, "\\Seen")                                                      \
	X(ANSWERED, "\\Answered")                                              \
	X(FLAGGED, "\\Flagged")                                                \
	X(DELETED, "\\Deleted")                                                \
	X(DRAFT, "\\Draft")                                                    \
	X(RECENT, "\\Recent")                                                  \
	X(ANY, "\\*")

enum imap_flag_place {
#define IMAP_FLAG_ENUM(name, text) IMAP_FLAG_PLACE_##name,
	IMAP_FLAG_LIST(IMAP_FLAG_ENUM)
#undef IMAP_FLAG_ENUM
};
enum imap_flag {
#define IMAP_FLAG_ENUM(name, text) IMAP_##name = 1 << IMAP_FLAG_PLACE_##name,
	IMAP_FLAG_LIST(IMAP_FLAG_ENUM)
#undef IMAP_FLAG_ENUM
};

struct imap_flags {
	unsigned system;           /* enum imap_flag */
	const struct str *keyword; /* the others, as written */
	size_t keywords;
};

enum imap_has {
	IMAP_HAS_FLAGS = 1,
	IMAP_HAS_DATE = 2,
	IMAP_HAS_SIZE = 4,
	IMAP_HAS_MODSEQ = 8,
	IMAP_HAS_ENVELOPE = 16,
	IMAP_HAS_STRUCTURE = 32,
	IMAP_HAS_LABELS = 64,
};

struct imap_message {
	uint32_t seq;
	uint32_t uid; /* 0: the response does not say */
	unsigned has; /* enum imap_has */
	struct imap_flags flags;
	instant internal_date; /* INSTANT_NONE where unreadable */
	uint64_t size;
	uint64_t modseq;
	uint64_t gm_msgid, gm_thrid;    /* X-GM-EXT-1; 0: not said */
	struct str email_id, thread_id; /* RFC 8474 */
	const struct str *label;        /* X-GM-LABELS */
	size_t labels;
	struct imap_envelope envelope;
	struct imap_structure structure;
	const struct imap_section *section;
	size_t sections;
	/* One item that could not be read does not take the others with it:
	 * `fault` says why, `fault_item` which, and its `has` bit is unset. */
	const char *fault;
	struct str fault_item;
};

/* The first section of that name in any case; a name that ends with a blank
 * stands for all that begin so ("HEADER.FIELDS "). NULL: none. */
const struct imap_section *
imap_message_section(const struct imap_message *, const char *name);

/* For the parser of responses. Behind "n FETCH ". */
bool imap_message_parse(struct imap_lexer *, struct imap_message *);
bool imap_flags_parse(struct imap_lexer *, struct imap_flags *);
bool imap_envelope_parse(struct imap_lexer *, struct imap_envelope *);
bool imap_structure_parse(struct imap_lexer *, struct imap_structure *);

#endif
