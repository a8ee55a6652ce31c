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
 * the session; fail_detail has the server's words.
 *
 * When there is news the session may be lent, also to another thread: then it
 * is one that waits (imap.h), with the folder open, and has no turns until it
 * is given back. */
#ifndef MAIL_IMAP_WATCH_H
#define MAIL_IMAP_WATCH_H

#include "mail/imap.h"

struct imap_watch_how {
	struct imap_login login;
	struct str folder;  /* in wire form */
	int64_t pace_ms;    /* between two NOOPs; 0: IDLE where there is IDLE */
	int64_t poll_ms;    /* the same where there is none */
	int64_t silence_ms; /* then a server that said nothing is asked */
	int64_t answer_ms;  /* the longest wait for an answer */
	/* Another folder, in wire form, that is asked after now and then (n ==
	 * 0: none), and its UIDNEXT as far as that is known. */
	struct str also;
	int64_t also_ms;
	uint32_t also_next;
};

struct imap_watch_news {
	bool open;  /* the folder has been opened; see imap_watch_mailbox */
	bool mail;  /* there are more messages than before */
	bool other; /* flags, messages that are gone */
	bool also;  /* the other folder has mail that is not known */
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

/* Ends IDLE, which takes a round trip. May it be lent now?  RC_CONFLICT: no,
 * its folder is not open. Whatever the result, *out is to be given back;
 * `params` and what it points to last until then. */
enum rc imap_watch_lend(struct imap_watch *, const struct imap_params *,
    struct imap **out) MUST_CHECK;
/* With all that the folder tells of by now seen to: there is news only of what
 * comes from here on. What has broken it shows at its next turn, which is due;
 * not `whole`: the folder is not open any more. */
void imap_watch_return(struct imap_watch *, struct imap **, bool whole);

/* UIDNEXT of the other folder, as far as it is known. */
uint32_t *imap_watch_also_next(struct imap_watch *);

enum imap_watch_state imap_watch_state(const struct imap_watch *);
const struct imap_mailbox *imap_watch_mailbox(const struct imap_watch *);

#endif
