/* One response of an IMAP server, understood (RFC 9051 7).
 *
 * Parsing never fails: a response that cannot be read is IMAP_OTHER or has a
 * `fault`, and the caller goes on with the next one. Strings live in the
 * arena and are as the server sent them. */
#ifndef MAIL_IMAP_RESPONSE_H
#define MAIL_IMAP_RESPONSE_H

#include "mail/imap-message.h"
#include "mail/imap-set.h"

/* What a server can. X(name, text) */
#define IMAP_CAP_LIST(X)                                                       \
	X(IMAP4REV1, "IMAP4rev1")                                              \
	X(IMAP4REV2, "IMAP4rev2")                                              \
	X(STARTTLS, "STARTTLS")                                                \
	X(LOGINDISABLED, "LOGINDISABLED")                                      \
	X(AUTH_PLAIN, "AUTH=PLAIN")                                            \
	X(AUTH_LOGIN, "AUTH=LOGIN")                                            \
	X(AUTH_XOAUTH2, "AUTH=XOAUTH2")                                        \
	X(AUTH_OAUTHBEARER, "AUTH=OAUTHBEARER")                                \
	X(ENABLE, "ENABLE")                                                    \
	X(CONDSTORE, "CONDSTORE")                                              \
	X(QRESYNC, "QRESYNC")                                                  \
	X(UIDPLUS, "UIDPLUS")                                                  \
	X(MOVE, "MOVE")                                                        \
	X(IDLE, "IDLE")                                                        \
	X(ESEARCH, "ESEARCH")                                                  \
	X(LIST_EXTENDED, "LIST-EXTENDED")                                      \
	X(LIST_STATUS, "LIST-STATUS")                                          \
	X(SPECIAL_USE, "SPECIAL-USE")                                          \
	X(LITERAL_PLUS, "LITERAL+")                                            \
	X(LITERAL_MINUS, "LITERAL-")                                           \
	X(UTF8_ACCEPT, "UTF8=ACCEPT")                                          \
	X(COMPRESS, "COMPRESS=DEFLATE")                                        \
	X(NAMESPACE, "NAMESPACE")                                              \
	X(UNSELECT, "UNSELECT")                                                \
	X(ID, "ID")                                                            \
	X(OBJECTID, "OBJECTID")                                                \
	X(BINARY, "BINARY")                                                    \
	X(XLIST, "XLIST")                                                      \
	X(GM_EXT_1, "X-GM-EXT-1")                                              \
	X(PARTIAL, "PARTIAL")                                                  \
	X(STATUS_SIZE, "STATUS=SIZE")

enum imap_cap_place {
#define IMAP_CAP_ENUM(name, text) IMAP_CAP_PLACE_##name,
	IMAP_CAP_LIST(IMAP_CAP_ENUM)
#undef IMAP_CAP_ENUM
};
#define IMAP_CAP(name) ((uint64_t)1 << IMAP_CAP_PLACE_##name)

/* The bits of the words in a line: "IMAP4rev1 IDLE …"; unknown ones are left
 * out. IMAP4rev2 brings what it contains (RFC 9051 appendix E). */
uint64_t imap_caps_parse(struct str);

enum imap_kind { IMAP_CONTINUE, IMAP_TAGGED, IMAP_UNTAGGED };

enum imap_word {
	IMAP_OTHER,
	/* status: `code` and `text` are set; the only ones when tagged */
	IMAP_OK,
	IMAP_NO,
	IMAP_BAD,
	IMAP_BYE,
	IMAP_PREAUTH,
	/* data */
	IMAP_CAPABILITY,
	IMAP_ENABLED,
	IMAP_ID,
	IMAP_LIST,
	IMAP_LSUB,
	IMAP_STATUS,
	IMAP_SEARCH,
	IMAP_ESEARCH,
	IMAP_FLAGS,
	IMAP_EXISTS,
	IMAP_RECENT_COUNT,
	IMAP_EXPUNGE,
	IMAP_FETCH,
	IMAP_VANISHED,
};

/* Response codes. X(name, text, kind of argument) */
#define IMAP_CODE_LIST(X)                                                      \
	X(ALERT, "ALERT", NOTHING)                                             \
	X(ALREADYEXISTS, "ALREADYEXISTS", NOTHING)                             \
	X(APPENDUID, "APPENDUID", UIDS)                                        \
	X(AUTHENTICATIONFAILED, "AUTHENTICATIONFAILED", NOTHING)               \
	X(AUTHORIZATIONFAILED, "AUTHORIZATIONFAILED", NOTHING)                 \
	X(CANNOT, "CANNOT", NOTHING)                                           \
	X(CAPABILITY, "CAPABILITY", CAPS)                                      \
	X(CLIENTBUG, "CLIENTBUG", NOTHING)                                     \
	X(CLOSED, "CLOSED", NOTHING)                                           \
	X(CONTACTADMIN, "CONTACTADMIN", NOTHING)                               \
	X(COPYUID, "COPYUID", UIDS)                                            \
	X(CORRUPTION, "CORRUPTION", NOTHING)                                   \
	X(EXPIRED, "EXPIRED", NOTHING)                                         \
	X(EXPUNGEISSUED, "EXPUNGEISSUED", NOTHING)                             \
	X(HIGHESTMODSEQ, "HIGHESTMODSEQ", NUMBER)                              \
	X(INUSE, "INUSE", NOTHING)                                             \
	X(LIMIT, "LIMIT", NOTHING)                                             \
	X(MAILBOXID, "MAILBOXID", TEXT)                                        \
	X(MODIFIED, "MODIFIED", SET)                                           \
	X(NOMODSEQ, "NOMODSEQ", NOTHING)                                       \
	X(NONEXISTENT, "NONEXISTENT", NOTHING)                                 \
	X(NOPERM, "NOPERM", NOTHING)                                           \
	X(OVERQUOTA, "OVERQUOTA", NOTHING)                                     \
	X(PARSE, "PARSE", NOTHING)                                             \
	X(PERMANENTFLAGS, "PERMANENTFLAGS", FLAGS)                             \
	X(PRIVACYREQUIRED, "PRIVACYREQUIRED", NOTHING)                         \
	X(READ_ONLY, "READ-ONLY", NOTHING)                                     \
	X(READ_WRITE, "READ-WRITE", NOTHING)                                   \
	X(SERVERBUG, "SERVERBUG", NOTHING)                                     \
	X(THROTTLED, "THROTTLED", NOTHING)                                     \
	X(TRYCREATE, "TRYCREATE", NOTHING)                                     \
	X(UIDNEXT, "UIDNEXT", NUMBER)                                          \
	X(UIDNOTSTICKY, "UIDNOTSTICKY", NOTHING)                               \
	X(UIDVALIDITY, "UIDVALIDITY", NUMBER)                                  \
	X(UNAVAILABLE, "UNAVAILABLE", NOTHING)                                 \
	X(UNKNOWN_CTE, "UNKNOWN-CTE", NOTHING)                                 \
	X(UNSEEN, "UNSEEN", NUMBER)                                            \
	X(WEBALERT, "WEBALERT", TEXT)

enum imap_code_id {
	IMAP_CODE_NONE,
	IMAP_CODE_OTHER, /* name and argument are kept as they are */
#define IMAP_CODE_ENUM(name, text, kind) IMAP_CODE_##name,
	IMAP_CODE_LIST(IMAP_CODE_ENUM)
#undef IMAP_CODE_ENUM
};

struct imap_code {
	enum imap_code_id id;
	struct str name;
	struct str argument;  /* as it is; p == NULL: none */
	uint64_t number;      /* NUMBER; the UIDVALIDITY of UIDS */
	struct imap_set from; /* COPYUID's source; in the order written */
	struct imap_set to;   /* COPYUID, APPENDUID, MODIFIED */
	struct imap_flags flags;
	uint64_t caps;
	bool fault; /* the argument could not be read */
};

#define IMAP_ATTRIBUTE_LIST(X)                                                 \
	X(NOSELECT, "\\Noselect")                                              \
	X(NONEXISTENT, "\\NonExistent")                                        \
	X(NOINFERIORS, "\\Noinferiors")                                        \
	X(HASCHILDREN, "\\HasChildren")                                        \
	X(HASNOCHILDREN, "\\HasNoChildren")                                    \
	X(SUBSCRIBED, "\\Subscribed")                                          \
	X(REMOTE, "\\Remote")                                                  \
	X(MARKED, "\\Marked")                                                  \
	X(UNMARKED, "\\Unmarked")                                              \
	/* special use: RFC 6154, RFC 8457, XLIST */                           \
	X(ALL, "\\All")                                                        \
	X(ALLMAIL, "\\AllMail")                                                \
	X(ARCHIVE, "\\Archive")                                                \
	X(DRAFTS, "\\Drafts")                                                  \
	X(STARRED, "\\Flagged")                                                \
	X(XSTARRED, "\\Starred")                                               \
	X(JUNK, "\\Junk")                                                      \
	X(SPAM, "\\Spam")                                                      \
	X(SENT, "\\Sent")                                                      \
	X(TRASH, "\\Trash")                                                    \
	X(IMPORTANT, "\\Important")                                            \
	X(INBOX, "\\Inbox")

enum imap_attribute_place {
#define IMAP_ATTRIBUTE_ENUM(name, text) IMAP_IS_PLACE_##name,
	IMAP_ATTRIBUTE_LIST(IMAP_ATTRIBUTE_ENUM)
#undef IMAP_ATTRIBUTE_ENUM
};
#define IMAP_IS(name) (1U << IMAP_IS_PLACE_##name)

/* LIST: one folder. The name is in wire form; see mutf7.h. */
struct imap_folder {
	struct str name;
	char delimiter;      /* NUL: flat */
	unsigned is;         /* IMAP_IS(…) */
	struct str old_name; /* RFC 5465: it was renamed; p == NULL: no */
};

/* STATUS; `has` tells which were said, in the order of the members. */
#define IMAP_STATUS_LIST(X)                                                    \
	X(MESSAGES, messages)                                                  \
	X(UIDNEXT, uidnext)                                                    \
	X(UIDVALIDITY, uidvalidity)                                            \
	X(HIGHESTMODSEQ, highestmodseq)                                        \
	X(UNSEEN, unseen)                                                      \
	X(RECENT, recent)                                                      \
	X(SIZE, size)                                                          \
	X(DELETED, deleted)                                                    \
	X(APPENDLIMIT, appendlimit)

struct imap_status {
	struct str name; /* wire form */
	unsigned has;    /* IMAP_SAID(…) */
#define IMAP_STATUS_MEMBER(text, member) uint64_t member;
	IMAP_STATUS_LIST(IMAP_STATUS_MEMBER)
#undef IMAP_STATUS_MEMBER
	struct str mailbox_id; /* RFC 8474; p == NULL: not said */
};
enum imap_status_place {
#define IMAP_STATUS_ENUM(text, member) IMAP_SAID_PLACE_##text,
	IMAP_STATUS_LIST(IMAP_STATUS_ENUM)
#undef IMAP_STATUS_ENUM
};
#define IMAP_SAID(name) (1U << IMAP_SAID_PLACE_##name)

/* SEARCH and ESEARCH. */
struct imap_found {
	struct str tag; /* ESEARCH: whose it is; p == NULL: not said */
	bool uid;
	bool has_count, has_min, has_max;
	uint32_t count, min, max;
	uint64_t modseq; /* 0: not said */
	struct imap_set all;
};

struct imap_response {
	enum imap_kind kind;
	enum imap_word word;
	struct str tag;  /* IMAP_TAGGED */
	uint32_t number; /* EXISTS, RECENT, EXPUNGE, FETCH */
	struct imap_code code;
	struct str text; /* of a status, of an ID, or all of an IMAP_OTHER */
	union {
		uint64_t caps; /* CAPABILITY, ENABLED; `text` has the words */
		struct imap_folder folder;   /* LIST, LSUB */
		struct imap_status status;   /* STATUS */
		struct imap_found found;     /* SEARCH, ESEARCH */
		struct imap_flags flags;     /* FLAGS */
		struct imap_message message; /* FETCH */
		struct {
			struct imap_set set;
			bool earlier;
		} vanished; /* VANISHED */
	};
	bool cut;          /* the reader left something out */
	const char *fault; /* why it could not be read; NULL */
};

void imap_response_parse(
    struct arena *, const struct imap_frame *, struct imap_response *);

#endif
