/* An IMAP session, used from top to bottom: each call waits for its answer,
 * within its deadline. (imap-engine.h and imap-link.h are the same without
 * the waiting.)
 *
 *	imap_open(&params, &im)
 *	imap_list(im, true, arena, &folders, &n, &whole)  one round trip
 *	imap_select(im, name, &known, …)              QRESYNC where possible
 *	imap_fetch(im, &uids, IMAP_ITEMS_META, &how)  pipelined batches
 *
 * Folder names are in wire form (mutf7.h). Every failure sets fail_detail to
 * the server's words. RC_CONNECTION, RC_TIMEOUT and RC_PAYLOAD end the
 * session: what is called afterwards returns the same. A NO is RC_NO_FOLDER,
 * RC_DENIED, … by its response code, and the session goes on. */
#ifndef MAIL_IMAP_H
#define MAIL_IMAP_H

#include "mail/imap-engine.h"
#include "mail/imap-link.h"

struct imap;

struct imap_params {
	struct imap_login login;
	/* The words of imap_caps_text of an earlier session; p == NULL:
	 * none. With them the first call costs one round trip. */
	struct str known_caps;
	int64_t idle_ms; /* longest silence while an answer is due; 0: 60 s */
	int64_t command_ms; /* longest time of one command; 0: 300 s */
	/* Fetches of many messages are compressed where a round trip takes at
	 * least so long. Not for sessions that read bodies: those are packed
	 * already, or shrink little, and cost the server more time than the
	 * wire saves. */
	bool compress;
	int64_t compress_ms;
	/* The least bytes a second of an answer to FETCH, over idle_ms of
	 * waiting; 0: any. */
	int64_t rate_least;
	int64_t until; /* the session's end (clock_steady_ms); 0: none */
	/* Called while an answer is awaited, at least every half minute; may
	 * be NULL. What it returns but RC_OK ends the session. */
	enum rc (*waiting)(void *arg);
	void *waiting_arg;
};

/* `params` and what it points to must outlive the session. */
enum rc imap_open(const struct imap_params *, struct imap **) MUST_CHECK;
/* Closes at once; after imap_logout, politely. Leaves NULL. */
void imap_free(struct imap **);
enum rc imap_logout(struct imap *) MUST_CHECK;

/* What the server can. Asks it unless it has said already; so valid before
 * any other call. */
enum rc imap_ready(struct imap *) MUST_CHECK;
uint64_t imap_caps(const struct imap *);
struct str imap_caps_text(const struct imap *); /* lives as the session */
void imap_until(struct imap *, int64_t until);
/* What the server says it is (RFC 2971): "name=Dovecot version=2.3"; "" where
 * it has said nothing, or not yet. Lives as the session. */
const char *imap_server_id(const struct imap *);
/* Are its bytes compressed now? */
bool imap_compressed(const struct imap *);

/* --- folders --- */

struct imap_listed {
	struct imap_folder folder;
	struct imap_status status;
	bool has_status; /* none where it cannot be selected or was refused */
};

#define IMAP_FOLDERS_MOST 10000

/* All folders, `counted` with their counters: LIST … RETURN (STATUS …), else
 * LIST and pipelined STATUS. *whole: each line of the LIST could be read; else
 * there may be folders that are not in it. RC_TOO_LARGE: more than
 * IMAP_FOLDERS_MOST. */
enum rc imap_list(struct imap *, bool counted, struct arena *,
    struct imap_listed **, size_t *n, bool *whole) MUST_CHECK;
enum rc imap_status(struct imap *, struct arena *, struct str name,
    struct imap_status *) MUST_CHECK;

/* What is remembered of a folder; all zero: nothing. */
struct imap_known {
	uint32_t uidvalidity;
	uint64_t modseq;
	const struct imap_set *uids; /* may be NULL */
};

/* What happens to messages while a folder is open. Any may be NULL. */
struct imap_changes {
	void (*vanished)(void *arg, const struct imap_set *, bool earlier);
	void (*message)(void *arg, const struct imap_message *);
	void (*expunged)(void *arg, uint32_t seq); /* no QRESYNC */
	void (*exists)(void *arg, uint32_t n);
	void *arg;
};

/* `changes` stays in use until the next select. *qresync: the server has told
 * all changes since `known` through it. */
enum rc imap_select(struct imap *, struct str name, bool read_only,
    const struct imap_known *, const struct imap_changes *,
    struct imap_mailbox *, bool *qresync) MUST_CHECK;
const struct imap_mailbox *imap_mailbox(const struct imap *);

/* INBOX is INBOX in any case (RFC 9051 5.1); what stands below it, and any
 * other name, is as it is written. */
bool imap_is_inbox(struct str folder);
bool imap_same_folder(struct str, struct str);

enum rc imap_folder_create(struct imap *, struct str name) MUST_CHECK;
enum rc imap_folder_delete(struct imap *, struct str name) MUST_CHECK;
enum rc
imap_folder_rename(struct imap *, struct str from, struct str to) MUST_CHECK;
enum rc
imap_folder_subscribe(struct imap *, struct str name, bool on) MUST_CHECK;

/* --- messages of the selected folder --- */

#define IMAP_ITEMS_META                                                        \
	"UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE "           \
	"BODY.PEEK[HEADER.FIELDS (REFERENCES)]"
#define IMAP_ITEMS_FLAGS "UID FLAGS"

struct imap_fetch {
	size_t first_batch;     /* UIDs of the first command; 0: 200 */
	size_t batch;           /* of the others; 0: 2000 */
	unsigned depth;         /* commands in flight, 1..4; 0: 2 */
	uint64_t changed_since; /* 0: all; else CONDSTORE's CHANGEDSINCE */
	bool vanished;          /* with it, QRESYNC's VANISHED */
	bool modseq; /* ask for MODSEQ too, where the server has it */
	/* Each message that was asked for, newest batch first. What it points
	 * to lives until this returns. A message that could not be read whole
	 * has `fault`. */
	enum rc (*message)(void *arg, const struct imap_message *);
	/* After each command, with its UIDs; may be NULL. Messages of the
	 * next commands may have come before it. */
	enum rc (*flush)(void *arg, const struct imap_set *done);
	void *arg;
};

/* Costs by the UIDs of the set, whether they exist or not: a caller takes it
 * from a search, or bounds it by UIDNEXT.
 * A failing callback ends the session: answers may still be on their way. */
enum rc imap_fetch(struct imap *, const struct imap_set *uids,
    const char *items, const struct imap_fetch *) MUST_CHECK;

/* One section of one message ("" is all of it, "1.2", "HEADER"), at most
 * `most` bytes from `origin` on, to `data` as they come. *size: how many came.
 * RC_NO_MESSAGE: the UID is gone. RC_TOO_LARGE: the server sends more. */
enum rc
imap_body(struct imap *, uint32_t uid, const char *section, uint64_t origin,
    uint64_t most, enum rc (*data)(void *arg, const void *, size_t), void *arg,
    uint64_t *size) MUST_CHECK;

/* UIDs that meet trusted criteria of our own ("ALL", "UNSEEN"), followed by
 * `text` where p != NULL ("HEADER Message-ID " and the id). ESEARCH where the
 * server has it. `out->all` lives in the arena. */
enum rc imap_search(struct imap *, struct arena *, const char *criteria,
    struct str text, struct imap_found *out) MUST_CHECK;

/* `how` is "+FLAGS.SILENT", "-FLAGS.SILENT"; `flags` "(\\Seen)" of our own.
 * unchanged_since 0: whatever their state; else `modified` (may be NULL) gets
 * the UIDs that were not touched because they had changed (RFC 7162 3.1.3). */
enum rc imap_store(struct imap *, const struct imap_set *, const char *how,
    const char *flags, uint64_t unchanged_since,
    struct imap_set *modified) MUST_CHECK;

/* COPYUID, APPENDUID. has == false: the server said OK and nothing more,
 * which also means "no such UID": the caller must look. */
struct imap_moved {
	bool has;
	uint32_t uidvalidity;
	struct imap_set from, to; /* pairwise; in the order written */
};

enum rc imap_copy(struct imap *, const struct imap_set *, struct str to,
    struct arena *, struct imap_moved *) MUST_CHECK;
/* RC_CONFLICT: no MOVE on this server. */
enum rc imap_move(struct imap *, const struct imap_set *, struct str to,
    struct arena *, struct imap_moved *) MUST_CHECK;
/* UID EXPUNGE only. RC_CONFLICT: no UIDPLUS; a plain EXPUNGE would take
 * what others have marked. */
enum rc imap_expunge(struct imap *, const struct imap_set *) MUST_CHECK;

/* `flags` of our own, "(\\Seen)" or NULL; INSTANT_NONE: no date. */
enum rc
imap_append(struct imap *, struct str folder, const char *flags, instant,
    struct str message, struct arena *, struct imap_moved *) MUST_CHECK;

/* Did it end by rate_least? */
bool imap_is_slow(const struct imap *);
/* Bytes that have come on this connection since the login. */
uint64_t imap_received(const struct imap *);
/* Makes the server talk until `bytes` have come: does the connection carry as
 * many? */
enum rc imap_prove(struct imap *, uint64_t bytes) MUST_CHECK;

/* Lets the server tell its news. */
enum rc imap_noop(struct imap *) MUST_CHECK;
/* Waits in IDLE until something happens or `ms` are over (at most 28 min).
 * RC_CONFLICT: no IDLE on this server. */
enum rc imap_idle(struct imap *, int64_t ms, bool *happened) MUST_CHECK;

#endif
