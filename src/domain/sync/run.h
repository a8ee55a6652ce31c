/* What the files of the sync share; nobody else includes this. */
#ifndef DOMAIN_SYNC_RUN_H
#define DOMAIN_SYNC_RUN_H

#include "domain/credential.h"
#include "domain/sync/batch.h"
#include "domain/sync/folders.h"
#include "domain/sync/sync.h"
#include "mail/imap.h"

enum sync_way {
	SYNC_DOWN, /* newest first; uid_low follows */
	SYNC_UP,   /* oldest first; uid_next follows */
	SYNC_ANY,  /* what was missed; no cursor */
};

/* One run. */
struct sync {
	struct job_run *run;
	const struct job_host *host;
	struct db *db;
	const struct lease *lease;
	int64_t account;
	struct log log;
	struct credential_access *access;
	struct imap_params params;
	struct credential_secret secret;
	struct imap *imap;            /* owned */
	struct arena *arena;          /* as long as the run */
	struct arena *folder;         /* as long as a folder */
	struct arena *step;           /* reset often */
	struct sync_batch *batch;     /* being filled */
	struct sync_batch *sent;      /* on its way into the table */
	struct sync_sending *sending; /* store.c's; NULL: nothing is */
	struct folder *slot;          /* folder.c's */
	struct sync_report *report;
	int64_t unseen; /* of the messages fetched of this folder */
	unsigned reconnects;
	bool texts_queued;
	bool wishes_left;   /* their mail is not where it was */
	bool wishes_wait;   /* the server does not take them now */
	bool has_last_word; /* what the server refuses ends with this run */
	enum rc refused_rc; /* the last deletion that it refused */
	const char *refused_why;
	int64_t *astray; /* deletions whose mail lies nowhere that is known */
	size_t astray_n;
	bool resumable; /* what is being read is kept, however far it comes */
	bool looking;   /* nothing is written */
	bool standing;  /* the session is another's: no other is dialled */
	uint32_t *held_next; /* UIDNEXT of the quarantine, for who asks after it
			      * (NULL: nobody): what is put there is no news */
	bool bodies;         /* it reads little else */
	instant told_at;  /* when the server told of news; INSTANT_NONE: now */
	enum rc holds_rc; /* why some mail could not be held or released */
	const char *holds_why;
	/* The message of the folder at hand that has broken the connection, not
	 * often enough to be set aside; uid 0: none. */
	struct {
		uint32_t uid;
		enum sync_way way;
		enum rc rc;
		const char *why;
	} waits;
	struct {
		bool asked, off; /* is there anything to be found? */
		bool away;       /* another folder is open meanwhile */
		int64_t looked;  /* messages whose envelopes were, in vain */
		int64_t hashed;  /* messages that were fetched for it */
		uint64_t bytes;
	} moves;
};

/* Is a failure this side's (the lease, the database, a stop), whatever the mail
 * server does? */
bool sync_is_ours(const struct sync *, enum rc);

/* Shall the run end here? Asked between batches and folders. */
bool sync_stopped(const struct sync *);
/* The same in the middle of an answer: a run whose time is up leaves only what
 * the next can take up. */
bool sync_interrupted(const struct sync *);

/* Ends the run behind what is committed: RC_RETRY, and `stopping`. */
enum rc sync_stop(struct sync *) MUST_CHECK;

/* Renews the lease when it is time. RC_STALE: it is gone. */
enum rc sync_beat(struct sync *) MUST_CHECK;

/* ---- connect.c ---- */

/* How long this run waits for answers, whoever has dialled. */
void sync_params_wait(struct sync *);

/* Reads the credential, whatever kind it is of. */
enum rc sync_credential(struct sync *) MUST_CHECK;
/* The same of one to sync with; then opens its secret, dials and logs in. What
 * comes of it is noted with the credential. */
enum rc sync_access(struct sync *) MUST_CHECK;
enum rc sync_dial(struct sync *) MUST_CHECK;
/* Both. */
enum rc sync_connect(struct sync *) MUST_CHECK;
/* The server answers: remembers that, and what it can. */
enum rc sync_connected(struct sync *) MUST_CHECK;
/* After a lost connection. */
enum rc sync_reconnect(struct sync *) MUST_CHECK;
/* Does the session answer? */
bool sync_alive(struct sync *);

/* ---- store.c: writing ---- */

/* Where a batch belongs. */
struct sync_place {
	struct str wire_name;
	struct str name;
	int64_t mailbox;
	int64_t uidvalidity;
	int64_t news_from; /* the first UID that is news */
	bool rematch;      /* mail of another UIDVALIDITY waits to be matched */
};
/* How far the folder is with the batch; NULL: as far as before. */
struct sync_step {
	const int64_t *uid_next;
	const int64_t *uid_low;
};

/* The job that reads texts is there before the first message is: a run
 * that ends early leaves none without them. It waits for the end of this one,
 * which is at work on the same server. */
enum rc sync_texts_queue(struct sync *) MUST_CHECK;

/* Writes the batch and resets it. The cursor moves with its last row. What the
 * database refuses is kept as a row with a reason. */
enum rc sync_store(struct sync *, const struct sync_place *,
    const struct sync_step *) MUST_CHECK;

/* The same while the caller goes on: the batch is another one afterwards, and
 * how the write ended is known at the next call, or at sync_settle. `place`
 * lives until then. */
enum rc sync_store_begin(struct sync *, const struct sync_place *,
    const struct sync_step *) MUST_CHECK;
enum rc sync_settle(struct sync *) MUST_CHECK;

/* Flags of UIDs as the server has them. */
enum rc sync_store_flags(struct sync *, const struct sync_place *,
    const int64_t *uid, const struct str *flags, size_t n) MUST_CHECK;

struct placed_list;
/* Makes emails agree with their placements; in a transaction. */
enum rc sync_emails_settle(struct sync *, struct ids) MUST_CHECK;
enum rc
sync_placed_settle(struct sync *, const struct placed_list *) MUST_CHECK;

/* UIDs that are gone from the folder. */
enum rc sync_store_gone(struct sync *, const struct sync_place *,
    const struct imap_set *) MUST_CHECK;

/* All of a folder. */
enum rc
sync_store_all_gone(struct sync *, const struct sync_place *) MUST_CHECK;

/* What is left of other UIDVALIDITYs; what lies in folders that are gone. */
enum rc
sync_store_stale_gone(struct sync *, const struct sync_place *) MUST_CHECK;
enum rc sync_store_removed_gone(struct sync *) MUST_CHECK;

/* The UIDs that are known of a folder, into an empty set. */
enum rc sync_known(
    struct sync *, const struct sync_place *, struct imap_set *) MUST_CHECK;

/* ---- fetch.c ---- */

/* Fetches and stores the messages of these UIDs in the selected folder. One
 * that the server refuses to show, or that breaks the connection each time,
 * is set aside with a reason. Those that do not come back are gone. RC_OK with
 * s->waits of this way: all but that one, and the cursor stands before it. */
enum rc sync_fetch(struct sync *, const struct sync_place *,
    const struct imap_set *, enum sync_way) MUST_CHECK;

/* What the server is asked of a message. */
const char *sync_fetch_items(const struct sync *);

/* ---- move.c ---- */

/* Of new messages in the selected folder: those that are mail we know from
 * elsewhere are placed with it, and leave the set. What cannot be looked into
 * stays in it, and is new mail. */
enum rc sync_moves(
    struct sync *, const struct sync_place *, struct imap_set *) MUST_CHECK;

/* ---- proof.c: for move.c ---- */

/* hash.p == NULL: it is not to be had, or not in this run. */
struct sync_hashed {
	struct str hash;
	uint64_t size;
};
/* The hash of a message of the folder that is open; lives as the batch. */
enum rc sync_hash(
    struct sync *, int64_t uid, int64_t size, struct sync_hashed *) MUST_CHECK;
/* May one of that size be fetched for it in this run? */
bool sync_may_hash(const struct sync *, int64_t size);

struct move_lying_list;
/* Looks where emails lie that new mail of `place` is alike to. Those that are
 * there get a hash, as far as that may be fetched; those that are in none of
 * their places are `gone`, which lives as the batch. */
enum rc sync_prove(struct sync *, const struct sync_place *,
    const struct move_lying_list *, struct ids *gone) MUST_CHECK;
/* Opens the folder again, where another one is open. */
enum rc sync_come_back(struct sync *, const struct sync_place *) MUST_CHECK;

/* ---- same.c ---- */

/* A message's bytes. */
struct sync_bytes {
	int64_t size;
	struct str sha256;
};
/* Which message of the open folder has these bytes, of `among`; 0: none. */
enum rc sync_find_same(struct sync *, const struct imap_set *among,
    const struct sync_bytes *, uint32_t *uid) MUST_CHECK;

/* ---- skipped.c ---- */

/* Tries some of the selected folder's messages again that were set aside. What
 * goes wrong with them is no fault of the folder. */
enum rc sync_skipped_retry(struct sync *, const struct sync_place *) MUST_CHECK;

/* ---- list.c ---- */

/* What the server lists now, `counted` with numbers. */
enum rc
sync_list_ask(struct sync *, bool counted, struct sync_folders *) MUST_CHECK;

/* What is known. */
struct mailbox_cursor_list;
enum rc sync_list_known(struct sync *, struct mailbox_cursor_list *) MUST_CHECK;

/* Lists the folders, in one round trip where the server can, and brings the
 * table of mailboxes into step. An account seen for the first time is not asked
 * for numbers, but where they are all that is wanted: each folder will be
 * opened, and a server may take as long to count one. *condstore: the counters
 * tell of changed flags. */
enum rc sync_list(struct sync *, struct sync_folders *, bool counted,
    bool *condstore) MUST_CHECK;

/* ---- folder.c ---- */

/* Brings one folder into step. */
enum rc sync_folder(struct sync *, const struct sync_folder *) MUST_CHECK;
/* Opens it again after sync_reconnect, where it is still the same. */
enum rc sync_reopen(struct sync *, const struct sync_place *) MUST_CHECK;

/* ---- run.c ---- */

void sync_begin(struct sync *, struct job_run *, struct sync_report *);
void sync_end(struct sync *);
/* What is told to the job, of what was done. */
void sync_report_write(const struct sync_report *, struct buf *);
/* The new mail of a run that ended so is put into its threads, or a job does
 * that. */
enum rc sync_and_thread(struct sync *, enum rc) MUST_CHECK;

/* ---- wish.c: what users want of the server ---- */

/* Opens a folder that is to be written to. *open: which one is, 0: none.
 * *known: it is the one of the table. */
enum rc sync_wish_open(struct sync *, const struct sync_place *, int64_t *open,
    bool *known) MUST_CHECK;
/* Which of these UIDs the selected folder has. */
enum rc sync_wish_there(
    struct sync *, const struct imap_set *uids, struct imap_set *) MUST_CHECK;
/* Tells all that waits. `wishes_left` and `wishes_wait` say what still does. */
enum rc sync_wishes_tell(struct sync *) MUST_CHECK;

enum rc sync_flags_tell(struct sync *) MUST_CHECK; /* tell.c */

/* ---- expunge.c ---- */

enum rc sync_expunges_tell(struct sync *) MUST_CHECK;
/* All folders have been looked into since: mail that lay nowhere before, and
 * does so still, is gone. */
enum rc sync_expunges_end(struct sync *) MUST_CHECK;

/* ---- the actions ---- */

enum rc sync_texts(struct sync *) MUST_CHECK;     /* text.c */
enum rc sync_sent(struct sync *) MUST_CHECK;      /* sent.c */
enum rc sync_transfers(struct sync *) MUST_CHECK; /* transfer.c */
enum rc sync_reports(struct sync *) MUST_CHECK;   /* report.c */

/* ---- hold.c ---- */

/* All that is to be held or released. */
enum rc sync_holds(struct sync *) MUST_CHECK;
/* What programs have handed over and is released: no server is asked. `more`:
 * there is something that one has to be asked for. */
enum rc sync_holds_given(struct sync *, bool *more) MUST_CHECK;
/* The same as sync_holds behind the sync of one folder, where that may have
 * brought some. */
enum rc sync_holds_of(struct sync *, const struct sync_folder *) MUST_CHECK;
/* What has just come is judged and held; *open: the folder that is selected, 0:
 * none. */
enum rc sync_holds_new(struct sync *, int64_t *open) MUST_CHECK;

#endif
