#include "domain/given.h"

#include <string.h>

#include "core/failpoint.h"
#include "domain/given-sql.h"
#include "domain/hold-sql.h"
#include "domain/raw-store.h"
#include "domain/rule-match.h"
#include "domain/rule-sql.h"
#include "domain/submission-sql.h"
#include "domain/submission.h"
#include "mail/mime.h"

/* What a list shows of a message stands near its beginning. */
#define LOOK_MOST     ((size_t)1 << 20)
#define PREVIEW_FROM  ((size_t)64 << 10)
#define PREVIEW_CHARS 200

const struct col given_sender_cols[] = {
	COL(struct given_sender, id),
	COL(struct given_sender, email_address),
	COL(struct given_sender, owner_id),
	COL(struct given_sender, policy),
	COL(struct given_sender, may),
	COL_END,
};

const struct col given_envelope_cols[] = {
	COL(struct given_envelope, credential_id),
	COL(struct given_envelope, is_utf8),
	COL(struct given_envelope, message_id),
	COL_END,
};

struct taking {
	struct db *db;
	struct given_item *item;
	const struct given *in; /* the item's, as is the arena */
	struct arena *arena;
	struct texts froms; /* of From and Sender */
	struct given_sender *from;
	const struct taking *like; /* an earlier one from the same */
	int64_t email;
	bool is_new, is_held;
	struct texts kinds;
	struct compose_people bcc;
	struct mime mime; /* of the beginning */
	bool judged;
	struct rule_verdict verdict;
};

/* ---- who ---- */

static void
addresses_add(struct str *v, size_t *n, const struct compose_people *people)
{
	for (size_t i = 0; i < people->n; i++)
		v[(*n)++] = people->v[i].address;
}

static void
froms_find(struct taking *t)
{
	const struct given_head *h = t->in->head;
	struct str *froms =
	    ARENA_ARRAY(t->arena, struct str, h->from.n + h->sender.n);
	size_t n = 0;

	addresses_add(froms, &n, &h->from);
	addresses_add(froms, &n, &h->sender);
	t->froms = (struct texts){ froms, n };
}

static bool
is_alike(const struct taking *a, const struct taking *b)
{
	if (strcmp(a->in->sender, b->in->sender) != 0 ||
	    a->froms.n != b->froms.n)
		return false;
	for (size_t i = 0; i < a->froms.n; i++)
		if (!str_eq(a->froms.v[i], b->froms.v[i]))
			return false;
	return true;
}

static const struct taking *
like_find(const struct taking *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].like == NULL && is_alike(&v[i], &v[n]))
			return &v[i];
	return NULL;
}

/* Each sender is asked for once. */
static enum rc
senders_ask(struct db *db, struct taking *v, size_t n)
{
	db_pipe_begin(db);
	for (size_t i = 0; i < n; i++) {
		const struct given *in = v[i].in;

		froms_find(&v[i]);
		v[i].like = like_find(v, i);
		TRY(submission_email_id(db, &v[i].email));
		if (v[i].like == NULL)
			TRY(given_sender(db, in->who.account, in->who.user,
			    in->sender, v[i].froms, v[i].arena, &v[i].from));
	}
	return db_pipe_end(db);
}

static enum rc
senders_find(struct db *db, struct taking *v, size_t n)
{
	TRY(senders_ask(db, v, n));
	for (size_t i = 0; i < n; i++) {
		if (v[i].like != NULL)
			v[i].from = v[i].like->from;
		if (v[i].from != NULL && v[i].from->may)
			continue;
		v[i].item->rc = RC_FORBIDDEN;
		v[i].item->why = "You may not send as this address.";
	}
	return RC_OK;
}

static bool
is_among(const struct compose_people *people, struct str address)
{
	for (size_t i = 0; i < people->n; i++)
		if (str_ieq(people->v[i].address, address))
			return true;
	return false;
}

/* As what each is listed: whoever no header names is a Bcc. */
static void
kinds_find(struct taking *t)
{
	const struct given *in = t->in;
	size_t n = in->recipients.n;
	struct str *kinds = ARENA_ARRAY(t->arena, struct str, n);
	struct compose_person *bcc =
	    ARENA_ARRAY(t->arena, struct compose_person, n);

	t->kinds = (struct texts){ kinds, n };
	t->bcc.v = bcc;
	for (size_t i = 0; i < n; i++) {
		struct str to = in->recipients.v[i];

		if (is_among(&in->head->to, to))
			kinds[i] = STR("to");
		else if (is_among(&in->head->cc, to))
			kinds[i] = STR("cc");
		else {
			kinds[i] = STR("bcc");
			bcc[t->bcc.n++].address = to;
		}
	}
}

/* ---- once ---- */

static void
part_add(struct sha256 *sum, const void *p, size_t n)
{
	uint64_t size = n;

	sha256_add(sum, &size, sizeof size);
	sha256_add(sum, p, n);
}

/* The same bytes to the same people; without a name of its own a message is
 * another each time. */
static enum rc
is_new_ask(struct taking *t)
{
	const struct given *in = t->in;
	unsigned char key[SHA256_SIZE];
	struct sha256 *sum;

	t->is_new = true;
	if (!in->head->own)
		return RC_OK;
	sum = sha256_new();
	part_add(sum, in->hash, sizeof in->hash);
	part_add(sum, in->sender, strlen(in->sender));
	for (size_t i = 0; i < in->recipients.n; i++)
		part_add(sum, in->recipients.v[i].p, in->recipients.v[i].n);
	sha256_end(&sum, key);
	return given_is_new(t->db, in->who.account, in->who.application,
	    (struct str){ (const char *)key, sizeof key }, &t->is_new);
}

static bool
is_allowed(const struct taking *t)
{
	return t->item->rc == RC_OK;
}

static enum rc
new_find(struct db *db, struct taking *v, size_t n)
{
	db_pipe_begin(db);
	for (size_t i = 0; i < n; i++)
		if (is_allowed(&v[i]))
			TRY(is_new_ask(&v[i]));
	return db_pipe_end(db);
}

/* ---- judging ---- */

static enum rc
judge(struct taking *t)
{
	const struct given *in = t->in;
	struct rule_list rules;
	struct rule_set *set;
	struct rule_mail mail;

	TRY(rule_list(
	    t->db, in->who.account, 0, 0, RULES_MOST, t->arena, &rules));
	TRY(rule_set_new(t->arena, rules.v, rules.n, &set));
	rule_mail_read(t->arena, in->bytes, (int64_t)in->bytes.n, &mail);
	rule_set_judge(set, &mail, t->arena, &t->verdict);
	t->judged = true;
	return RC_OK;
}

static enum rc
held_find(struct taking *t)
{
	if (strcmp(t->from->policy, "off") == 0)
		return RC_OK;
	TRY(judge(t));
	t->is_held = t->verdict.hold || strcmp(t->from->policy, "all") == 0;
	return RC_OK;
}

/* ---- the rows ---- */

static void
look(struct taking *t)
{
	struct str beginning = t->in->bytes;

	if (beginning.n > LOOK_MOST)
		beginning.n = LOOK_MOST;
	if (mime_parse(t->arena, beginning, MIME_PARTS_SHOWN, &t->mime) !=
	    RC_OK)
		t->mime.n = 0;
}

static const char *
preview(struct taking *t)
{
	struct mime_body body;
	struct str text;

	if (t->mime.n == 0)
		return NULL;
	mime_body(t->arena, &t->mime, PREVIEW_FROM, &body);
	text = mime_snippet(t->arena, &body, PREVIEW_CHARS);
	return text.n > 0 ? arena_dup(t->arena, text.p, text.n) : NULL;
}

static const char *
text_of(struct taking *t, struct str s)
{
	return s.p != NULL ? arena_dup(t->arena, s.p, s.n) : NULL;
}

static struct str
people(struct taking *t, const struct compose_people *list)
{
	return submission_people(list, t->arena);
}

static void
row_fill(struct taking *t, struct submission_insert_args *row)
{
	const struct given *in = t->in;
	const struct given_head *h = in->head;
	struct str hash = { (const char *)in->hash, SHA256_SIZE };

	*row = (struct submission_insert_args){ .credential = t->from->id,
		.owner = t->from->owner_id,
		.email = t->email,
		.message_id = h->message_id,
		.in_reply_to = text_of(t, h->in_reply_to),
		.references = text_of(t, h->references),
		.subject = text_of(t, h->subject),
		.from_json = people(t, &h->from),
		.to_json = people(t, &h->to),
		.cc_json = people(t, &h->cc),
		.bcc_json = people(t, &t->bcc),
		.reply_to_json = people(t, &h->reply_to),
		.sent_at = h->date,
		.attachments = mime_has_attachments(&t->mime),
		.size = (int64_t)in->bytes.n,
		.sha256 = hash,
		.is_utf8 = in->utf8,
		.sender = in->sender,
		.send_at = INSTANT_NONE,
		.addresses = in->recipients,
		.kinds = t->kinds };
	if (in->kept)
		row->raw = hash;
	else
		row->message = in->bytes;
}

static bool
is_to_go(const struct taking *t)
{
	return is_allowed(t) && t->is_new && !t->is_held;
}

static enum rc
queue_all(struct db *db, struct taking *v, size_t n)
{
	struct arena *a = v[0].arena;
	struct submission_insert_args *rows =
	    ARENA_ARRAY(a, struct submission_insert_args, n);
	struct submission_writing *w =
	    ARENA_ARRAY(a, struct submission_writing, n);
	size_t to_go = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_to_go(&v[i]))
			continue;
		row_fill(&v[i], &rows[to_go]);
		w[to_go] = (struct submission_writing){ .who = &v[i].in->who,
			.row = &rows[to_go],
			.arena = v[i].arena };
		v[i].item->out.email_id = v[i].email;
		to_go++;
	}
	if (to_go == 0)
		return RC_OK;
	FAILPOINT("given-queue-before");
	return submission_write(db, 0, w, to_go);
}

/* Its bytes are on the disk before a row says so. */
static enum rc
keep(struct taking *t)
{
	unsigned char hash[SHA256_SIZE];
	struct raw_store *raws;

	if (t->in->kept)
		return RC_OK;
	TRY(raw_store_open(t->in->conf, t->in->who.account, t->arena, &raws));
	return raw_store_put(raws, t->in->bytes, t->arena, hash);
}

static enum rc
note(struct taking *t, int64_t email)
{
	const struct log_note n = { "email", "hold", RC_OK,
		"Message waits for review", "email_id", ID_EMAIL, email };

	return log_write(t->db, &t->in->who, &n);
}

static enum rc
hold(struct taking *t, struct given_taken *out)
{
	const struct given *in = t->in;
	const struct given_head *h = in->head;
	int64_t account = in->who.account;

	TRY(keep(t));
	out->email_id = t->email;
	FAILPOINT("given-hold-before");
	TRY(given_hold(t->db,
	    &(struct given_hold_args){ .account = account,
		.application = in->who.application,
		.credential = t->from->id,
		.owner = t->from->owner_id,
		.email = out->email_id,
		.message_id = h->message_id,
		.in_reply_to = text_of(t, h->in_reply_to),
		.references = text_of(t, h->references),
		.subject = text_of(t, h->subject),
		.from_json = people(t, &h->from),
		.to_json = people(t, &h->to),
		.cc_json = people(t, &h->cc),
		.bcc_json = people(t, &t->bcc),
		.reply_to_json = people(t, &h->reply_to),
		.sent_at = h->date,
		.size = (int64_t)in->bytes.n,
		.attachments = mime_has_attachments(&t->mime),
		.sha256 = { (const char *)in->hash, SHA256_SIZE },
		.is_utf8 = in->utf8,
		.sender = in->sender,
		.addresses = in->recipients,
		.kinds = t->kinds,
		.why = t->verdict.hold ? "rule" : "policy",
		.preview = preview(t),
		.score = t->verdict.risk_score,
		.keywords = t->verdict.keywords,
		.tags = t->verdict.tags,
		.told = in->told },
	    NULL));
	out->held = true;
	TRY(hold_event(t->db, account, out->email_id, "message.held", NULL));
	return note(t, out->email_id);
}

static enum rc
judge_all(struct taking *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_allowed(&v[i]) || !v[i].is_new)
			continue;
		kinds_find(&v[i]);
		look(&v[i]);
		TRY(held_find(&v[i]));
	}
	return RC_OK;
}

static enum rc
hold_all(struct taking *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].is_held)
			TRY(hold(&v[i], &v[i].item->out));
	return RC_OK;
}

enum rc
given_take(struct db *db, struct given_item *items, size_t n)
{
	struct taking *v = ARENA_ARRAY(items[0].arena, struct taking, n);

	for (size_t i = 0; i < n; i++) {
		items[i].rc = RC_OK;
		items[i].out = (struct given_taken){ .email_id = 0 };
		v[i] = (struct taking){ .db = db,
			.item = &items[i],
			.in = items[i].in,
			.arena = items[i].arena };
	}
	TRY(senders_find(db, v, n));
	TRY(new_find(db, v, n));
	TRY(judge_all(v, n));
	TRY(queue_all(db, v, n));
	return hold_all(v, n);
}
