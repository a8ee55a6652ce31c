/* What the files of the hold share; nobody else includes this. */
#ifndef DOMAIN_SYNC_HOLD_H
#define DOMAIN_SYNC_HOLD_H

#include "domain/hold.h"
#include "domain/raw-store.h"
#include "domain/rule-match.h"
#include "domain/sync/run.h"

/* One email at a time. */
struct holding {
	struct sync *s;
	struct raw_store *raws;
	struct rule_set *rules;
	struct arena *arena;       /* as long as the email at hand */
	const struct hold_work *w; /* the email */
	int64_t open;              /* the folder that is selected; 0: none */
	/* where it lies, where it goes; of `to` uidvalidity is what the server
	 * says */
	struct sync_place at, to;
	uint32_t at_uid, to_uid, to_next;
	struct str hash; /* of what is to be found at `to` */
	int64_t size;
	bool visible;    /* it could only be marked where it was */
	int64_t away_ms; /* steady: when the server had it away */
	/* what is known of it */
	struct raw_file *file; /* of `raw` */
	struct str raw;
	struct rule_verdict verdict;
	const char *why, *preview;
	/* of a release */
	struct str edited; /* p == NULL: it goes as it came */
	const char *message_id;
	struct texts removed;
	bool filed; /* it lies there: nobody can decide otherwise any more */
};

/* ---- hold.c ---- */

/* The bytes of the email, not kept yet. RC_NO_MESSAGE: it is gone. */
enum rc hold_read_raw(struct holding *) MUST_CHECK;
/* Where it lies, from the row. */
void hold_at_take(struct holding *);
/* Where the folder `to` stands now; RC_NO_FOLDER. */
enum rc hold_aim_at(struct holding *) MUST_CHECK;

/* Where it lies now: its place moves from `at` to `to`. In a transaction. */
enum rc hold_place_move(struct holding *) MUST_CHECK;

/* ---- hold-carry.c: from one folder to another, once ---- */

enum carried {
	CARRIED, /* it lies at `to`, under to_uid, and nowhere else */
	LEFT,    /* it lies where it was */
	LOST,    /* it is in neither */
};

/* Moves it. */
enum rc hold_carry(struct holding *, enum carried *) MUST_CHECK;
/* The same where it may have happened already: looks first. */
enum rc hold_carry_again(struct holding *, enum carried *) MUST_CHECK;
/* A message of these bytes at `to`, from to_next on, that is nobody's; 0: none.
 */
enum rc hold_find(struct holding *, uint32_t *uid) MUST_CHECK;
/* Does the folder have it? RC_OK with *there false also where the folder is
 * another by now. */
enum rc hold_is_there(struct holding *, const struct sync_place *, uint32_t uid,
    bool *there) MUST_CHECK;
/* Has it the bytes of `hash`? false also where it is gone. */
enum rc hold_has_bytes(struct holding *, const struct sync_place *,
    uint32_t uid, bool *same) MUST_CHECK;
/* Takes it away at `at`; `visible` where it is only marked. */
enum rc hold_take_away(struct holding *) MUST_CHECK;

/* ---- hold-send.c ---- */

/* Sends it, where `*is`: it has been handed over to be sent. */
enum rc hold_send(struct holding *, bool *is) MUST_CHECK;

/* ---- hold-release.c ---- */

enum rc hold_release(struct holding *) MUST_CHECK;
/* Puts these bytes into `to`, with flags and date of what is held. */
enum rc hold_append(struct holding *, struct str bytes) MUST_CHECK;

/* ---- hold-over.c ---- */

/* Decides what nobody has decided in time, and clears away what is over. */
enum rc
hold_end_old(struct sync *, struct raw_store *, struct arena *) MUST_CHECK;

/* ---- hold-edited.c ---- */

/* The form that a reviewer wants, kept; `edited.p` stays NULL where nothing of
 * it would be another. RC_CONFLICT: it cannot be made. */
enum rc hold_edited_form(struct holding *) MUST_CHECK;
/* It goes to `to`, begun or not. */
enum rc hold_edited_release(struct holding *) MUST_CHECK;
/* It lies there already. */
enum rc hold_edited_end(struct holding *) MUST_CHECK;

#endif
