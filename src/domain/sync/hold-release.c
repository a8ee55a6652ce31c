/* Mail leaves the quarantine, as a reviewer has decided.
 *
 * As it came it is moved back: bytes, INTERNALDATE and flags stay what they
 * were. Where the quarantine does not have it any more, the bytes that were
 * kept are appended instead. What was edited is hold-edited.c's. */
#include "domain/sync/hold.h"

#include "core/effect.h"
#include "core/failpoint.h"
#include "domain/hold-sql.h"

#define FLAGS_MOST 4000

/* ---- what is appended ---- */

/* "(\Seen $Label)": as the copy in the quarantine has them. */
static const char *
flags_text(struct holding *h)
{
	struct buf b;
	const char *text;

	buf_init(&b, FLAGS_MOST);
	buf_putc(&b, '(');
	for (size_t i = 0; i < h->w->flags.n; i++) {
		struct str f = h->w->flags.v[i];

		if (str_ieq(f, STR("\\Recent")) || str_ieq(f, STR("\\Deleted")))
			continue;
		if (b.n > 1)
			buf_putc(&b, ' ');
		buf_add(&b, f.p, f.n);
	}
	buf_putc(&b, ')');
	text = b.full ? "()" : arena_str(h->arena, buf_text(&b));
	buf_clear(&b);
	return text;
}

enum rc
hold_append(struct holding *h, struct str bytes)
{
	struct imap_moved moved;
	uint32_t uid;

	FAILPOINT("release-append-before");
	TRY(imap_append(h->s->imap, h->to.wire_name, flags_text(h),
	    h->w->received_at, bytes, h->arena, &moved));
	FAILPOINT("release-append-after");
	if (moved.has && moved.uidvalidity == (uint32_t)h->to.uidvalidity &&
	    imap_set_count(&moved.to) == 1 &&
	    imap_set_nth(&moved.to, 0, &uid)) {
		h->to_uid = uid;
		return RC_OK;
	}
	TRY(hold_find(h, &h->to_uid));
	return h->to_uid != 0
	    ? RC_OK
	    : fail(RC_DENIED, "the server takes a message, and there is none");
}

static enum rc
append_kept(struct holding *h)
{
	h->raw = raw_store_find(h->raws, h->w->sha256, h->arena);
	if (h->raw.p == NULL)
		return fail(RC_NO_MESSAGE,
		    "neither the quarantine nor this host has it any more");
	return hold_append(h, h->raw);
}

/* ---- the effect ---- */

static enum rc
intend(void *arg)
{
	struct holding *h = arg;
	struct sync *s = h->s;
	const bool is = h->at.mailbox != 0;

	return hold_leave(s->db,
	    &(struct hold_leave_args){ .account = s->account,
		.email = h->w->email_id,
		.edited_sha256 = { NULL, 0 },
		.flags = h->w->flags,
		.at_mailbox = h->at.mailbox,
		.at_uidvalidity = is ? &h->at.uidvalidity : NULL,
		.at_uid = is ? &(int64_t){ h->at_uid } : NULL,
		.to_mailbox = h->to.mailbox,
		.to_uidvalidity = h->to.uidvalidity,
		.to_uidnext = h->to_next });
}

/* A folder that was made anew has given its UIDs to the table by the next sync.
 */
static enum rc
carried(struct holding *h, enum carried how)
{
	if (how == CARRIED)
		return RC_OK;
	return how == LOST
	    ? append_kept(h)
	    : fail(RC_CONNECTION, "the quarantine is not the one it was");
}

static enum rc
act(void *arg)
{
	struct holding *h = arg;
	enum carried how = LOST;

	if (h->at.mailbox != 0)
		TRY(hold_carry(h, &how));
	return carried(h, how);
}

static enum rc
act_again(void *arg)
{
	struct holding *h = arg;
	enum carried how = LOST;

	if (h->at.mailbox == 0)
		TRY(hold_find(h, &h->to_uid));
	else
		TRY(hold_carry_again(h, &how));
	if (h->to_uid != 0)
		return RC_OK;
	if (how == LEFT)
		TRY(hold_carry(h, &how));
	return carried(h, how);
}

static enum rc
confirm_tx(struct db *db, void *arg)
{
	struct holding *h = arg;
	int64_t account = h->s->account, email = h->w->email_id;

	TRY(hold_place_move(h));
	TRY(hold_copied(db, account, email, h->to_uid));
	TRY(hold_released(db, account, email, h->visible));
	return hold_event(db, account, email, "message.released", NULL);
}

static enum rc
confirm(void *arg)
{
	struct holding *h = arg;

	TRY(db_tx(h->s->db, confirm_tx, h));
	h->s->report->released++;
	log_info(&h->s->log, "released email=%lld mailbox=%lld",
	    (long long)h->w->email_id, (long long)h->to.mailbox);
	return RC_OK;
}

static const struct effect release = EFFECT("release", intend, act, confirm);
static const struct effect release_again =
    EFFECT("release-again", NULL, act_again, confirm);

/* ---- one email ---- */

static enum rc
begin(struct holding *h)
{
	const struct hold_work *w = h->w;
	struct hold_folder *f;

	TRY(hold_target(h->s->db, h->s->account, h->s->access->id,
	    w->target_mailbox_id, h->arena, &f));
	if (f == NULL || f->uidvalidity == 0)
		return fail(RC_NO_FOLDER,
		    "the folder that it is released to is not there");
	h->to = (struct sync_place){
		.wire_name = mailbox_wire(h->arena, f->wire_name),
		.name = f->name,
		.mailbox = f->id,
		.uidvalidity = f->uidvalidity,
	};
	h->hash = w->sha256;
	h->size = w->size_bytes;
	TRY(hold_edited_form(h));
	TRY(hold_aim_at(h));
	return h->edited.p != NULL ? hold_edited_release(h)
				   : effect_run(&release, h);
}

/* What the server does not do, the reviewer is told, and may decide again. What
 * it cannot do now is tried again. */
static enum rc
refused(struct holding *h, enum rc rc)
{
	struct sync *s = h->s;
	const char *why = arena_str(h->arena, fail_detail());

	if (h->filed || sync_is_ours(s, rc) || result_is_transient(rc) ||
	    !sync_alive(s))
		return fail(rc, "%s", why);
	TRY(hold_refused(
	    s->db, s->account, h->w->email_id, result_code(rc), why));
	return fail(rc, "%s", why);
}

enum rc
hold_release(struct holding *h)
{
	bool sent;
	enum rc rc = hold_send(h, &sent);

	if (rc != RC_OK)
		return refused(h, rc);
	if (sent)
		return RC_OK;
	if (hold_is(h->w->state, HOLD_FILED))
		return hold_edited_end(h);
	rc = h->w->to_mailbox_id == 0       ? begin(h)
	    : h->w->edited_sha256.p != NULL ? hold_edited_release(h)
					    : effect_run(&release_again, h);
	return rc == RC_OK ? RC_OK : refused(h, rc);
}
