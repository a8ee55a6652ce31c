/* An edited form of held mail goes where the reviewer sends it.
 *
 * It is made of the bytes that were kept, which stay, and is kept itself, with
 * its hash, before the server is told to take it: so whoever comes after a
 * killed run knows what to look for. That it lies at its target is committed
 * before the copy in the quarantine goes. */
#include "domain/sync/hold.h"

#include "core/effect.h"
#include "core/failpoint.h"
#include "domain/hold-sql.h"
#include "domain/threading-sql.h"
#include "domain/threading.h"
#include "mail/edit.h"
#include "mail/threading.h"

#define SCRATCH_MOST ((size_t)4 << 20)
#define HEX_OF_ID    8 /* bytes of the hash in a Message-ID of our own */

/* ---- the form ---- */

static struct str
text_or_none(const char *s)
{
	return s != NULL ? str_of(s) : (struct str){ NULL, 0 };
}

static bool
is_wanted(const struct hold_work *w)
{
	return w->edited_subject != NULL || w->edited_text != NULL ||
	    w->edited_html != NULL || w->strip_attachments;
}

/* What was kept; what the quarantine has only where it is the same. */
static enum rc
original(struct holding *h, struct str *raw)
{
	*raw = raw_store_find(h->raws, h->w->sha256, h->arena);
	if (raw->p != NULL)
		return RC_OK;
	if (h->at.mailbox == 0)
		return fail(RC_NO_MESSAGE,
		    "neither the quarantine nor this host has it any more");
	TRY(hold_read_raw(h));
	*raw = h->raw;
	if (!str_eq(h->hash, h->w->sha256))
		return fail(
		    RC_CONFLICT, "the quarantine's copy is not what was held");
	return raw_file_keep(h->file, h->hash);
}

/* The domain of a Message-ID that a mail came without. */
static const char *
own_id(struct holding *h)
{
	char hex[2 * HEX_OF_ID + 1];

	hex_encode(h->w->sha256.p, HEX_OF_ID, hex);
	return arena_fmt(h->arena, "%s@letterrack.invalid", hex);
}

static void
take(struct holding *h, const struct mail_edited *e)
{
	h->edited = e->bytes;
	h->message_id = e->message_id;
	h->removed = (struct texts){ e->removed, e->removed_n };
}

enum rc
hold_edited_form(struct holding *h)
{
	const struct hold_work *w = h->w;
	unsigned char *hash = arena_alloc(h->arena, SHA256_SIZE);
	const struct mail_edit edit = {
		.subject = text_or_none(w->edited_subject),
		.text = text_or_none(w->edited_text),
		.html = text_or_none(w->edited_html),
		.strip = w->strip_attachments,
		.fallback = own_id(h),
	};
	struct mail_edited out;
	struct str raw;

	if (!is_wanted(w))
		return RC_OK;
	TRY(original(h, &raw));
	TRY(mail_edit(h->arena, raw, &edit, &out));
	if (!out.changed)
		return RC_OK;
	take(h, &out);
	TRY(raw_store_put(h->raws, h->edited, h->arena, hash));
	h->hash = (struct str){ (const char *)hash, SHA256_SIZE };
	h->size = (int64_t)h->edited.n;
	return RC_OK;
}

/* The same again, for a run that was killed. */
static enum rc
form_again(struct holding *h)
{
	struct str was = h->w->edited_sha256;

	TRY(hold_edited_form(h));
	if (h->edited.p == NULL || !str_eq(h->hash, was))
		return fail(RC_CONFLICT,
		    "the edited form cannot be made again as it was");
	return RC_OK;
}

/* ---- into its folder ---- */

static enum rc
intend(void *arg)
{
	struct holding *h = arg;
	const bool is = h->at.mailbox != 0;

	return hold_leave(h->s->db,
	    &(struct hold_leave_args){ .account = h->s->account,
		.email = h->w->email_id,
		.edited_sha256 = h->hash,
		.message_id = h->message_id,
		.removed_files = h->removed,
		.flags = h->w->flags,
		.at_mailbox = h->at.mailbox,
		.at_uidvalidity = is ? &h->at.uidvalidity : NULL,
		.at_uid = is ? &(int64_t){ h->at_uid } : NULL,
		.to_mailbox = h->to.mailbox,
		.to_uidvalidity = h->to.uidvalidity,
		.to_uidnext = h->to_next });
}

static enum rc
act(void *arg)
{
	struct holding *h = arg;

	return hold_append(h, h->edited);
}

static enum rc
act_again(void *arg)
{
	struct holding *h = arg;

	TRY(hold_find(h, &h->to_uid));
	return h->to_uid != 0 ? RC_OK : act(h);
}

static enum rc
confirm(void *arg)
{
	struct holding *h = arg;

	TRY(hold_filed(
	    h->s->db, h->s->account, h->w->email_id, (int64_t)h->to_uid));
	h->filed = true;
	return RC_OK;
}

static const struct effect file =
    EFFECT("release-edited", intend, act, confirm);
static const struct effect file_again =
    EFFECT("release-edited-again", NULL, act_again, confirm);

/* ---- out of the quarantine ---- */

struct form {
	struct holding *h;
	struct buf scratch;
	struct sync_row row; /* uid 0: it is gone already */
};

static enum rc
note_form(void *arg, const struct imap_message *m)
{
	struct form *f = arg;

	if (m->uid == f->h->to_uid && m->has & IMAP_HAS_ENVELOPE)
		sync_row_make(m, f->h->arena, &f->scratch, &f->row);
	return RC_OK;
}

/* What the server tells of it, as of any new mail. */
static enum rc
form_read(struct form *f)
{
	const struct imap_fetch how = { .message = note_form, .arg = f };
	struct holding *h = f->h;
	struct imap_set one;
	bool known;

	TRY(sync_wish_open(h->s, &h->to, &h->open, &known));
	if (!known)
		return RC_OK;
	imap_set_init(&one, h->arena);
	imap_set_add(&one, h->to_uid, h->to_uid);
	return imap_fetch(h->s->imap, &one, sync_fetch_items(h->s), &how);
}

static enum rc
clear_out(void *arg)
{
	struct holding *h = ((struct form *)arg)->h;
	bool there;

	if (h->at.mailbox != 0) {
		TRY(hold_is_there(h, &h->at, h->at_uid, &there));
		if (there)
			TRY(hold_take_away(h));
	}
	return form_read(arg);
}

/* Who answers the form names its Message-ID: that leads to its thread, too. */
static enum rc
lead(struct holding *h, struct db *db, int64_t thread)
{
	const struct str none = { NULL, 0 };
	struct threading_mail mail;

	threading_mail_read(
	    h->arena, str_of(h->message_id), none, none, none, &mail);
	if (thread == 0 || mail.key == 0)
		return RC_OK;
	return threading_lead(db, h->s->account, h->s->lease->application_id,
	    (struct ints){ &mail.key, 1 }, (struct ids){ &thread, 1 }, NULL);
}

static const char *
copy(struct holding *h, struct str s)
{
	return s.p != NULL ? arena_dup(h->arena, s.p, s.n) : NULL;
}

/* The email is the form from here on. */
static enum rc
become(struct form *f, struct db *db)
{
	struct holding *h = f->h;
	const struct sync_row *r = &f->row;
	int64_t thread;

	if (r->uid == 0 || r->skip_reason.p != NULL)
		return hold_form_lost(db, h->s->account, h->w->email_id, NULL);
	TRY(hold_form(db,
	    &(struct hold_form_args){ .account = h->s->account,
		.email = h->w->email_id,
		.message_id = copy(h, r->message_id),
		.subject = copy(h, r->subject),
		.structure = copy(h, r->structure),
		.has_attachments = r->has_attachments,
		.size = r->size,
		.server_id = copy(h, r->server_id) },
	    &thread));
	return lead(h, db, thread);
}

static enum rc
end_tx(struct db *db, void *arg)
{
	struct form *f = arg;
	struct holding *h = f->h;
	int64_t account = h->s->account, email = h->w->email_id;

	TRY(become(f, db));
	TRY(hold_place_move(h));
	/* What could only be marked where it came to still lies there. */
	TRY(hold_released(db, account, email, h->visible || h->w->is_visible));
	return hold_event(db, account, email, "message.released", NULL);
}

static enum rc
end(void *arg)
{
	struct form *f = arg;
	struct holding *h = f->h;

	TRY(db_tx(h->s->db, end_tx, f));
	h->s->report->released++;
	log_info(&h->s->log, "released edited email=%lld mailbox=%lld",
	    (long long)h->w->email_id, (long long)h->to.mailbox);
	return RC_OK;
}

static const struct effect leave =
    EFFECT("release-leave", NULL, clear_out, end);

enum rc
hold_edited_end(struct holding *h)
{
	struct form f = { .h = h };
	enum rc rc;

	if (!h->filed) {
		h->to_uid = (uint32_t)h->w->to_uid;
		h->message_id = h->w->edited_message_id;
	}
	buf_init(&f.scratch, SCRATCH_MOST);
	rc = sync_texts_queue(h->s);
	if (rc == RC_OK)
		rc = effect_run(&leave, &f);
	buf_clear(&f.scratch);
	return rc;
}

enum rc
hold_edited_release(struct holding *h)
{
	if (h->w->to_mailbox_id != 0)
		TRY(form_again(h));
	TRY(effect_run(h->w->to_mailbox_id != 0 ? &file_again : &file, h));
	return hold_edited_end(h);
}
