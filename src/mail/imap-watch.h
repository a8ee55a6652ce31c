/* A folder that is watched: a session that stays, and says when something
 * happens there. In IDLE (RFC 2177) where the server has it, else it asks with
 * NOOP at a pace. A loop from outside drives many; nothing here waits:
 *
 *	imap_watch_new(&how, &w)     its handle is in the multi handle
 *	imap_watch_dialled(w, code)  what CURLMSG_DONE said of it
 *	imap_watch_turn(w, &news)    when its socket is ready, or its time is
 *due
 *
 * The folder is only examined: nothing is changed by looking. Any failure ends
 * the session; fail_detail has the server's words. */
#ifndef MAIL_IMAP_WATCH_H
#define MAIL_IMAP_WATCH_H

#include "mail/imap-engine.h"
#include "mail/imap-link.h"

struct imap_watch_how {
	struct imap_login login;
	struct str folder;  /* in wire form */
	int64_t pace_ms;    /* between two NOOPs; 0: IDLE where there is IDLE */
	int64_t poll_ms;    /* the same where there is none */
	int64_t silence_ms; /* then a server that said nothing is asked */
	int64_t answer_ms;  /* the longest wait for an answer */
};

struct imap_watch_news {
	bool open;  /* the folder has been opened; see imap_watch_mailbox */
	bool mail;  /* there are more messages than before */
	bool other; /* flags, messages that are gone */
};

enum imap_watch_state {
	IMAP_WATCH_OPENING,
	IMAP_WATCH_IDLE,
	IMAP_WATCH_POLLING,
};

struct imap_watch;

/* `how` and what it points to outlive the watch. RC_CONFIG_HOST, RC_INVALID:
 * none is made. */
enum rc
imap_watch_new(const struct imap_watch_how *, struct imap_watch **) MUST_CHECK;
void imap_watch_free(struct imap_watch **);

CURL *imap_watch_handle(struct imap_watch *);
/* *again: another attempt has begun; its end will be said, too. */
enum rc
imap_watch_dialled(struct imap_watch *, CURLcode, bool *again) MUST_CHECK;
/* From then on. */
int imap_watch_fd(const struct imap_watch *);

/* Reads, writes and sees to what is due. */
enum rc
imap_watch_turn(struct imap_watch *, struct imap_watch_news *) MUST_CHECK;
/* When it has to have its turn at the latest (clock_steady_ms). */
int64_t imap_watch_due(const struct imap_watch *);
/* Does something wait to be written? */
bool imap_watch_writes(struct imap_watch *);

enum imap_watch_state imap_watch_state(const struct imap_watch *);
const struct imap_mailbox *imap_watch_mailbox(const struct imap_watch *);

#endif
