/* The client's side of an IMAP connection, without the connection: commands
 * and bytes from the server go in, bytes for the server and answers come out.
 * It never waits, so one loop may drive many (the watcher) or one (imap.h).
 *
 * Commands are pipelined; each untagged response is given to the oldest
 * command in flight that asks for its kind, and to `event` if there is none.
 * The first command must be CAPABILITY: libcurl loses what the server sends
 * in one segment with its answer to the login, so everything before the
 * answer to that first command is passed over (half lines too), and only what
 * follows is trusted. */
#ifndef MAIL_IMAP_ENGINE_H
#define MAIL_IMAP_ENGINE_H

#include "mail/imap-command.h"
#include "mail/imap-response.h"

/* Where the session stands; a verb says where it may be used and what it
 * expects. X(name, text, needs, takes, what a bare NO means) */
#define IMAP_VERB_LIST(X)                                                      \
	X(CAPABILITY, "CAPABILITY", IMAP_IN, TAKES(CAPABILITY), DENIED)        \
	X(ENABLE, "ENABLE", IMAP_IN, TAKES(ENABLED), DENIED)                   \
	X(COMPRESS, "COMPRESS", IMAP_IN, 0, DENIED)                            \
	X(ID, "ID", IMAP_IN, TAKES(ID), DENIED)                                \
	X(LIST, "LIST", IMAP_IN, TAKES(LIST) | TAKES(STATUS), DENIED)          \
	X(STATUS, "STATUS", IMAP_IN, TAKES(STATUS), NO_FOLDER)                 \
	X(SELECT, "SELECT", IMAP_IN, TAKES_SELECT, NO_FOLDER)                  \
	X(EXAMINE, "EXAMINE", IMAP_IN, TAKES_SELECT, NO_FOLDER)                \
	X(CREATE, "CREATE", IMAP_IN, 0, DENIED)                                \
	X(RENAME, "RENAME", IMAP_IN, 0, DENIED)                                \
	X(DELETE, "DELETE", IMAP_IN, 0, DENIED)                                \
	X(SUBSCRIBE, "SUBSCRIBE", IMAP_IN, 0, DENIED)                          \
	X(UNSUBSCRIBE, "UNSUBSCRIBE", IMAP_IN, 0, DENIED)                      \
	X(APPEND, "APPEND", IMAP_IN, 0, DENIED)                                \
	X(NOOP, "NOOP", IMAP_IN, 0, CONNECTION)                                \
	X(IDLE, "IDLE", IMAP_IN, 0, CONNECTION)                                \
	X(LOGOUT, "LOGOUT", IMAP_IN, TAKES(BYE), CONNECTION)                   \
	X(FETCH, "UID FETCH", IMAP_OPEN, TAKES(FETCH) | TAKES(VANISHED),       \
	    DENIED)                                                            \
	X(SEARCH, "UID SEARCH", IMAP_OPEN, TAKES(SEARCH) | TAKES(ESEARCH),     \
	    DENIED)                                                            \
	X(STORE, "UID STORE", IMAP_OPEN, TAKES(FETCH), DENIED)                 \
	X(COPY, "UID COPY", IMAP_OPEN, TAKES(OK), DENIED)                      \
	X(MOVE, "UID MOVE", IMAP_OPEN, TAKES(OK), DENIED)                      \
	X(EXPUNGE, "UID EXPUNGE", IMAP_OPEN, 0, DENIED)                        \
	X(UNSELECT, "UNSELECT", IMAP_OPEN, 0, DENIED)

enum imap_state {
	IMAP_OUT,  /* nothing more can be said */
	IMAP_IN,   /* logged in */
	IMAP_OPEN, /* a folder is selected */
};

enum imap_verb {
#define IMAP_VERB_ENUM(name, ...) IMAP_DO_##name,
	IMAP_VERB_LIST(IMAP_VERB_ENUM)
#undef IMAP_VERB_ENUM
	    IMAP_VERBS
};

const char *imap_verb_text(enum imap_verb);

/* What SELECT tells, and what changes afterwards. */
struct imap_mailbox {
	uint32_t exists;
	uint32_t uidvalidity;   /* 0: not said */
	uint32_t uidnext;       /* 0: not said */
	uint64_t highestmodseq; /* 0: not said, or NOMODSEQ */
	bool read_only;
	bool uids_not_sticky; /* RFC 4315: UIDs do not last */
	unsigned permanent;   /* enum imap_flag that can be stored */
};

/* One command in flight. The caller keeps it until `done`. */
struct imap_call {
	enum imap_verb verb;
	/* Each response of a kind the verb takes; may be NULL. The response
	 * lives until the function returns. */
	void (*data)(void *arg, const struct imap_response *);
	void *arg;
	/* out */
	bool done;
	enum rc rc;            /* RC_OK: the server said OK */
	struct imap_code code; /* of the answer, in `arena`; COPYUID also of an
				* untagged OK before it (RFC 6851 4.3) */
	struct arena *arena;   /* borrowed; NULL: no code is kept */
	char text[256];        /* the server's words */
	/* private */
	unsigned tag;
	struct imap_call *next;
};

struct imap_engine;

struct imap_engine *imap_engine_new(void);
void imap_engine_free(struct imap_engine **);

/* Unsolicited data: EXISTS, EXPUNGE, VANISHED, FETCH of others, ALERTs. */
void imap_engine_on_event(struct imap_engine *,
    void (*event)(void *arg, const struct imap_response *), void *arg);
struct imap_reader *imap_engine_reader(struct imap_engine *);

/* Puts a command into the queue. `text` holds what follows the verb, with its
 * leading blank, and is emptied. RC_CONFLICT: not in this state.  RC_INVALID:
 * an argument that cannot be sent. */
enum rc imap_engine_send(struct imap_engine *, struct imap_call *,
    struct imap_command *text) MUST_CHECK;
/* Ends IDLE (RFC 2177); once. */
void imap_engine_idle_done(struct imap_engine *);
bool imap_engine_idling(const struct imap_engine *); /* "+" has come */

/* What may be sent now; n == 0: nothing. */
struct str imap_engine_output(struct imap_engine *);
void imap_engine_sent(struct imap_engine *, size_t);

/* RC_PAYLOAD: the server does not speak IMAP, or a foreign tag.
 * RC_CONNECTION: it said BYE. Either ends the session: what is in flight is
 * done with that result. */
enum rc imap_engine_feed(struct imap_engine *, const char *, size_t) MUST_CHECK;
/* The connection is gone: every call in flight ends with `rc`. */
void imap_engine_end(struct imap_engine *, enum rc rc);
/* Forgets a call that its owner gives up; its answer will be dropped. */
void imap_engine_forget(struct imap_engine *, struct imap_call *);

enum imap_state imap_engine_state(const struct imap_engine *);
uint64_t imap_engine_caps(const struct imap_engine *);
struct str imap_engine_caps_text(const struct imap_engine *);
/* Remembered from an earlier session, until the server answers. */
void imap_engine_assume(struct imap_engine *, struct str caps);
const struct imap_mailbox *imap_engine_mailbox(const struct imap_engine *);
/* UIDVALIDITY changed while the folder was open: no UID means anything. */
bool imap_engine_stale(const struct imap_engine *);
/* Bytes from the server so far, as they came. */
uint64_t imap_engine_received(const struct imap_engine *);
/* COMPRESS was accepted: both directions are packed, unseen by callers. */
bool imap_engine_compressed(const struct imap_engine *);

#endif
