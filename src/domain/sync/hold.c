/* Mail is held: judged, kept, moved into the quarantine, written down.
 *
 * The order is what makes it safe to be killed anywhere. The message's bytes
 * are on the disk, with their name, before a row says where it is about to go
 * and from which UID on it may be found there; that is committed before the
 * server is told; and what the server answers is committed before anything else
 * is begun. Whoever comes after looks at both folders first (hold-carry.c), and
 * every run of this mail account begins with what was left half done: so no
 * sync sees a message between two folders.
 *
 * Which message it is, folder, UIDVALIDITY, UID and the hash of its bytes say.
 * Nothing that a sender writes does: no Message-ID, no header lets mail pass.
 */
#include "domain/sync/hold.h"

#include <string.h>

#include "core/clock.h"
#include "core/effect.h"
#include "core/failpoint.h"
#include "domain/hold-sql.h"
#include "domain/rule-sql.h"
#include "mail/mime.h"
#include "mail/mutf7.h"

#define WORK_MOST     100
#define ARENA_EMAIL   ((size_t)512 << 20)
#define PREVIEW_FROM  ((size_t)64 << 10)
#define PREVIEW_CHARS 200

/* ---- the message ---- */

static enum rc
raw_fetch(struct holding *h, struct raw_file *f)
{
	uint64_t size;
	bool known;

	TRY(sync_wish_open(h->s, &h->at, &h->open, &known));
	if (!known)
		return fail(RC_NO_MESSAGE, "its folder was made anew");
	return imap_body(h->s->imap, h->at_uid, "", 0, UINT64_MAX / 2,
	    raw_file_write, f, &size);
}

enum rc
hold_read_raw(struct holding *h)
{
	unsigned char *hash = arena_alloc(h->arena, SHA256_SIZE);

	TRY(raw_file_new(h->raws, h->arena, &h->file));
	TRY(raw_fetch(h, h->file));
	TRY(raw_file_read(h->file, hash, &h->raw));
	h->hash = (struct str){ (const char *)hash, SHA256_SIZE };
	h->size = (int64_t)h->raw.n;
	return RC_OK;
}

static const char *
preview_of(struct arena *a, struct str raw)
{
	struct mime_body body;
	struct str text;
	struct mime m;

	if (raw.n > MIME_MESSAGE_MOST)
		raw.n = MIME_MESSAGE_MOST;
	if (mime_parse(a, raw, MIME_PARTS_SHOWN, &m) != RC_OK)
		return NULL;
	mime_body(a, &m, PREVIEW_FROM, &body);
	text = mime_snippet(a, &body, PREVIEW_CHARS);
	return text.n > 0 ? arena_dup(a, text.p, text.n) : NULL;
}

/* ---- judging ---- */

static bool
is_judged(const struct holding *h)
{
	return strcmp(h->w->why, "policy") == 0;
}

static bool
policy_is(const struct holding *h, const char *policy)
{
	return strcmp(h->s->access->hold_policy, policy) == 0;
}

/* Who switches the policy off lets pass what has not been judged. */
static bool
judge(struct holding *h)
{
	struct rule_mail mail;

	rule_mail_read(h->arena, h->raw, h->size, &mail);
	rule_set_judge(h->rules, &mail, h->arena, &h->verdict);
	h->preview = preview_of(h->arena, h->raw);
	h->why = h->w->why;
	if (!is_judged(h))
		return true;
	if (h->verdict.hold && !policy_is(h, "off"))
		h->why = "rule";
	return policy_is(h, "all") ||
	    (policy_is(h, "rules") && h->verdict.hold);
}

static enum rc
let_pass(struct holding *h)
{
	struct sync *s = h->s;
	const struct rule_verdict *v = &h->verdict;

	FAILPOINT("hold-pass-before");
	TRY(hold_pass(s->db, s->account, h->w->email_id, v->risk_score,
	    v->keywords, v->tags, h->hash, NULL));
	if (v->risk_score == 0 && v->tags.n == 0)
		TRY(hold_forget(s->db, s->account, h->w->email_id, NULL));
	FAILPOINT("hold-pass-after");
	return RC_OK;
}

/* ---- the quarantine ---- */

static struct sync_place
place_of(struct holding *h, const struct hold_folder *f)
{
	return (struct sync_place){
		.wire_name = mailbox_wire(h->arena, f->wire_name),
		.name = f->name,
		.mailbox = f->id,
		.uidvalidity = f->uidvalidity,
	};
}

static enum rc
try_create(struct holding *h, const char *name)
{
	struct str wire;

	TRY(mutf7_encode(h->arena, str_of(name), &wire));
	FAILPOINT("hold-create-before");
	TRY(imap_folder_create(h->s->imap, wire));
	FAILPOINT("hold-create-after");
	/* Nobody misses a subscription that a server does not want. */
	if (imap_folder_subscribe(h->s->imap, wire, true) != RC_OK)
		fail_clear();
	return RC_OK;
}

/* Some servers have folders below INBOX only. */
static enum rc
create(struct holding *h)
{
	const char *name = h->s->access->quarantine_folder;
	struct hold_folder *inbox;
	enum rc rc = try_create(h, name);

	if (rc == RC_OK || !sync_alive(h->s))
		return rc;
	TRY(hold_inbox(
	    h->s->db, h->s->account, h->s->access->id, h->arena, &inbox));
	if (inbox == NULL || inbox->delimiter == NULL)
		return fail(rc, "the quarantine folder cannot be made");
	return try_create(
	    h, arena_fmt(h->arena, "INBOX%s%s", inbox->delimiter, name));
}

static const struct sync_folder *
listed(const struct sync_folders *list, int64_t mailbox)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].known != NULL && list->v[i].known->id == mailbox)
			return &list->v[i];
	return NULL;
}

/* Brings it into step, so that its UIDVALIDITY is known and what lies in it. */
static enum rc
look_into(struct holding *h, int64_t mailbox)
{
	const struct sync_folder *f;
	struct sync_folders list;
	bool condstore;
	enum rc rc;

	/* Whoever lends a session waits for it: a worker has the time. */
	if (h->s->standing)
		return sync_stop(h->s);
	TRY(sync_list(h->s, &list, false, &condstore));
	f = listed(&list, mailbox);
	h->open = 0;
	if (f == NULL)
		return RC_OK;
	rc = sync_folder(h->s, f);
	sync_batch_reset(h->s->batch);
	return rc;
}

/* `again`: the table is not to be trusted. */
static enum rc
quarantine(struct holding *h, bool again)
{
	struct sync *s = h->s;
	struct hold_folder *f;

	TRY(hold_quarantine(s->db, s->account, s->access->id, h->arena, &f));
	if (f == NULL || again) {
		if (f == NULL)
			TRY(create(h));
		TRY(look_into(h, f != NULL ? f->id : 0));
		TRY(hold_quarantine(
		    s->db, s->account, s->access->id, h->arena, &f));
	}
	if (f != NULL && f->uidvalidity == 0) {
		TRY(look_into(h, f->id));
		TRY(hold_quarantine(
		    s->db, s->account, s->access->id, h->arena, &f));
	}
	if (f == NULL || f->uidvalidity == 0)
		return fail(RC_NO_FOLDER, "there is no quarantine folder");
	h->to = place_of(h, f);
	return RC_OK;
}

enum rc
hold_aim_at(struct holding *h)
{
	struct imap_status st;

	TRY(imap_status(h->s->imap, h->arena, h->to.wire_name, &st));
	if (!(st.has & IMAP_SAID(UIDVALIDITY)) ||
	    st.uidvalidity != (uint32_t)h->to.uidvalidity)
		return fail(RC_CONFLICT, "the folder was made anew");
	h->to_next = st.has & IMAP_SAID(UIDNEXT) ? (uint32_t)st.uidnext : 1;
	return RC_OK;
}

/* What the table says of it may be of yesterday. */
static enum rc
aim_at_quarantine(struct holding *h)
{
	enum rc rc;

	TRY(quarantine(h, false));
	rc = hold_aim_at(h);
	if (rc == RC_NO_FOLDER) {
		TRY(create(h));
		rc = RC_CONFLICT;
	}
	if (rc != RC_CONFLICT)
		return rc;
	TRY(quarantine(h, true));
	return hold_aim_at(h);
}

/* ---- the effect ---- */

static bool
stays(const struct holding *h)
{
	return h->to.mailbox == 0;
}

static enum rc
intent_write(struct holding *h)
{
	struct sync *s = h->s;
	const int64_t to[] = { h->to.uidvalidity, h->to_next };

	return hold_intend(s->db,
	    &(struct hold_intend_args){ .account = s->account,
		.email = h->w->email_id,
		.why = h->why,
		.sha256 = h->hash,
		.size = h->size,
		.flags = h->w->flags,
		.preview = h->preview,
		.score = h->verdict.risk_score,
		.keywords = h->verdict.keywords,
		.tags = h->verdict.tags,
		.at_mailbox = h->at.mailbox,
		.at_uidvalidity = h->at.uidvalidity,
		.at_uid = h->at_uid,
		.to_mailbox = h->to.mailbox,
		.to_uidvalidity = stays(h) ? NULL : &to[0],
		.to_uidnext = stays(h) ? NULL : &to[1] });
}

/* Row and bytes reach the disk side by side, and both are there before anything
 * is done to the message. Where the row alone has come there, the bytes are
 * read once more (bytes_kept). */
static enum rc
intend(void *arg)
{
	struct holding *h = arg;
	struct db *db = h->s->db;
	enum rc rc, kept;

	db_lazy(db, false);
	db_pipe_begin(db);
	rc = intent_write(h);
	if (rc == RC_OK)
		rc = db_pipe_send(db);
	kept = raw_file_keep(h->file, h->hash);
	if (rc == RC_OK)
		rc = db_pipe_wait(db);
	db_lazy(db, h->s->standing);
	return rc == RC_OK ? kept : rc;
}

/* Whoever took the message has it; the place it had is no more. */
static enum rc
taken_away(struct holding *h)
{
	log_info(&h->s->log, "gone before it was held email=%lld",
	    (long long)h->w->email_id);
	return hold_gone(h->s->db, h->s->account, h->w->email_id, NULL);
}

static enum rc
not_carried(struct holding *h, enum carried how)
{
	if (how == LOST)
		TRY(taken_away(h));
	else
		TRY(hold_due_again(
		    h->s->db, h->s->account, h->w->email_id, NULL));
	return fail(RC_NO_MESSAGE, "it is not where it was");
}

static enum rc
act(void *arg)
{
	struct holding *h = arg;
	enum carried how;

	if (stays(h))
		return RC_OK;
	TRY(hold_carry(h, &how));
	return how == CARRIED ? RC_OK : not_carried(h, how);
}

/* A run that was killed behind the intent may not have kept them. Not `same`:
 * the message is another, and is judged anew. */
static enum rc
bytes_kept(struct holding *h, bool *same)
{
	struct str hash = h->hash;

	*same = raw_store_find(h->raws, hash, h->arena).p != NULL;
	if (*same)
		return RC_OK;
	TRY(hold_read_raw(h));
	*same = str_eq(h->hash, hash);
	return *same ? raw_file_keep(h->file, hash) : RC_OK;
}

static enum rc
act_again(void *arg)
{
	struct holding *h = arg;
	enum carried how;
	enum rc rc;
	bool same;

	how = stays(h) ? LEFT : CARRIED;
	if (!stays(h))
		TRY(hold_carry_again(h, &how));
	if (how != LEFT)
		return how == CARRIED ? RC_OK : not_carried(h, how);
	rc = bytes_kept(h, &same);
	if (rc == RC_NO_MESSAGE || (rc == RC_OK && !same))
		return not_carried(h, rc == RC_OK ? LEFT : LOST);
	TRY(rc);
	return act(h);
}

/* Where it lies now; the emails whose places that changes are settled. */
enum rc
hold_place_move(struct holding *h)
{
	struct sync *s = h->s;
	int64_t ids[] = { h->w->email_id, 0 }, owner;

	TRY(hold_place_owner(s->db, s->account, h->to.mailbox,
	    h->to.uidvalidity, h->to_uid, &owner));
	ids[1] = owner;
	TRY(hold_place(s->db,
	    &(struct hold_place_args){ .account = s->account,
		.email = h->w->email_id,
		.from_mailbox = h->at.mailbox,
		.from_uidvalidity = &h->at.uidvalidity,
		.from_uid = &(int64_t){ h->at_uid },
		.stays = h->visible,
		.to_mailbox = h->to.mailbox,
		.to_uidvalidity = h->to.uidvalidity,
		.to_uid = h->to_uid,
		.flags = h->w->flags },
	    NULL));
	return sync_emails_settle(s,
	    (struct ids){ ids, owner != 0 && owner != h->w->email_id ? 2 : 1 });
}

static enum rc
confirm_tx(struct db *db, void *arg)
{
	struct holding *h = arg;
	int64_t account = h->s->account, email = h->w->email_id;

	if (!stays(h)) {
		TRY(hold_place_move(h));
		TRY(hold_copied(db, account, email, h->to_uid));
	}
	TRY(hold_held(
	    db, account, email, h->visible, clock_steady_ms() - h->away_ms));
	return hold_event(db, account, email, "message.held", NULL);
}

static enum rc
confirm(void *arg)
{
	struct holding *h = arg;

	h->away_ms = clock_steady_ms();
	TRY(db_tx(h->s->db, confirm_tx, h));
	if (h->s->held_next != NULL && *h->s->held_next == h->to_uid)
		++*h->s->held_next;
	h->s->report->held++;
	log_info(&h->s->log, "held email=%lld why=%s score=%d",
	    (long long)h->w->email_id, h->why, h->verdict.risk_score);
	return RC_OK;
}

static const struct effect hold_it = EFFECT("hold", intend, act, confirm);
/* The intent is there; whether it happened is not known. */
static const struct effect hold_it_again =
    EFFECT("hold-again", NULL, act_again, confirm);

/* ---- one email ---- */

void
hold_at_take(struct holding *h)
{
	const struct hold_work *w = h->w;

	h->at = (struct sync_place){
		.wire_name = mailbox_wire(h->arena, w->at_wire),
		.name = w->at_name,
		.mailbox = w->at_mailbox_id,
		.uidvalidity = w->at_uidvalidity,
	};
	h->at_uid = (uint32_t)w->at_uid;
}

static void
to_take(struct holding *h)
{
	const struct hold_work *w = h->w;

	h->to = (struct sync_place){
		.wire_name = mailbox_wire(h->arena, w->to_wire),
		.name = w->to_name,
		.mailbox = w->to_mailbox_id,
		.uidvalidity = w->to_uidvalidity,
	};
	h->to_next = (uint32_t)w->to_uidnext;
	h->hash = w->sha256;
	h->size = w->size_bytes;
}

static enum rc
due(struct holding *h)
{
	enum rc rc;

	if (h->w->at_mailbox_id == 0)
		return taken_away(h);
	rc = hold_read_raw(h);
	if (rc == RC_NO_MESSAGE)
		return taken_away(h);
	TRY(rc);
	if (!judge(h))
		return let_pass(h);
	TRY(aim_at_quarantine(h));
	if (h->to.mailbox == h->at.mailbox)
		h->to = (struct sync_place){ .mailbox = 0 };
	return effect_run(&hold_it, h);
}

static enum rc
moving(struct holding *h)
{
	h->why = h->w->why;
	return effect_run(&hold_it_again, h);
}

static enum rc
work_one(struct holding *h)
{
	hold_at_take(h);
	if (h->w->to_mailbox_id != 0)
		to_take(h);
	if (hold_is(h->w->state, HOLD_DUE))
		return due(h);
	if (hold_is(h->w->state, HOLD_MOVING))
		return moving(h);
	return hold_release(h);
}

/* ---- all of them ---- */

struct round {
	struct sync *s;
	struct arena *arena; /* rules and rows */
	struct raw_store *raws;
	struct rule_set *rules;
	bool given; /* only what was handed over, and without a server */
	int64_t open;
	bool news_only; /* what is over is left to other runs */
	enum rc rc;     /* the first failure */
	const char *why;
};

/* One that fails does not keep the others. */
static enum rc
work_on(struct round *r, const struct hold_work *w)
{
	struct holding h = { .s = r->s,
		.raws = r->raws,
		.rules = r->rules,
		.arena = arena_new(ARENA_EMAIL),
		.w = w,
		.open = r->open };
	enum rc rc = work_one(&h);

	r->open = h.open;
	arena_free(&h.arena);
	if (rc == RC_OK || rc == RC_NO_MESSAGE)
		return RC_OK;
	log_warn(&r->s->log, "hold failed email=%lld state=%s code=%s: %s",
	    (long long)w->email_id, w->state, result_code(rc), fail_detail());
	if (sync_is_ours(r->s, rc))
		return rc;
	if (r->rc == RC_OK) {
		r->rc = rc;
		r->why = arena_str(r->s->arena, fail_detail());
	}
	r->open = 0;
	return r->given || sync_alive(r->s) ? RC_OK : rc;
}

/* What there is to do behind `last`, and the rules, the first time. */
static enum rc
round_read(struct round *r, int64_t last, struct hold_work_list *work,
    struct rule_list *rules)
{
	struct sync *s = r->s;

	db_pipe_begin(s->db);
	if (r->news_only && last == 0)
		TRY(hold_return(s->db, s->account, s->access->id, NULL));
	TRY(hold_work(s->db, s->account, s->access->id, last, r->given,
	    WORK_MOST, r->arena, work));
	if (r->rules == NULL)
		TRY(rule_list(
		    s->db, s->account, 0, 0, RULES_MOST, r->arena, rules));
	return db_pipe_end(s->db);
}

/* Nothing of it lies in a folder. */
static bool
only_sends(const struct sync *s)
{
	return strcmp(s->access->provider_kind, "smtp") == 0;
}

static enum rc
round_run(struct round *r)
{
	struct sync *s = r->s;
	struct hold_work_list work;
	struct rule_list rules;
	int64_t last = 0;

	if (!r->news_only && (!r->given || only_sends(s)))
		TRY(hold_end_old(s, r->raws, r->arena));
	for (;;) {
		TRY(round_read(r, last, &work, &rules));
		if (work.n == 0)
			return r->rc == RC_OK ? RC_OK
					      : fail(r->rc, "%s", r->why);
		if (r->rules == NULL)
			TRY(rule_set_new(
			    r->arena, rules.v, rules.n, &r->rules));
		for (size_t i = 0; i < work.n; i++) {
			last = work.v[i].email_id;
			TRY(work_on(r, &work.v[i]));
			TRY(sync_beat(s));
			if (sync_stopped(s))
				return sync_stop(s);
		}
	}
}

static enum rc
round_all(struct round *r)
{
	struct sync *s = r->s;
	enum rc rc = sync_settle(s);

	r->arena = arena_new((size_t)64 << 20);
	if (rc == RC_OK)
		rc = raw_store_open(
		    s->host->conf, s->account, r->arena, &r->raws);
	if (rc == RC_OK)
		rc = round_run(r);
	arena_free(&r->arena);
	return rc;
}

enum rc
sync_holds(struct sync *s)
{
	struct round r = { .s = s };

	return round_all(&r);
}

enum rc
sync_holds_new(struct sync *s, int64_t *open)
{
	struct round r = { .s = s, .open = *open, .news_only = true };
	enum rc rc = round_all(&r);

	*open = r.open;
	return rc;
}

enum rc
sync_holds_given(struct sync *s, bool *more)
{
	struct round r = { .s = s, .given = true };
	enum rc rc = round_all(&r);

	*more = false;
	if (only_sends(s) || sync_is_ours(s, rc))
		return rc;
	TRY(hold_waits(s->db, s->account, s->access->id, more));
	return *more ? RC_OK : rc; /* its row says what was wrong */
}

enum rc
sync_holds_of(struct sync *s, const struct sync_folder *f)
{
	struct hold_folder *q;

	if (strcmp(s->access->hold_policy, "off") == 0)
		return RC_OK;
	TRY(hold_quarantine(s->db, s->account, s->access->id, s->folder, &q));
	if (q != NULL && q->id == f->known->id)
		TRY(hold_take(s->db, s->account, s->access->id, q->id, NULL));
	else if (imap_is_inbox(f->name))
		TRY(hold_return(s->db, s->account, s->access->id, NULL));
	else
		return RC_OK;
	return sync_holds(s);
}
