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
	const struct given *in;
	struct arena *arena;
	struct given_sender *from;
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

static enum rc
sender_find(struct taking *t)
{
	const struct given *in = t->in;
	const struct given_head *h = in->head;
	struct str *froms =
	    ARENA_ARRAY(t->arena, struct str, h->from.n + h->sender.n);
	size_t n = 0;

	addresses_add(froms, &n, &h->from);
	addresses_add(froms, &n, &h->sender);
	TRY(given_sender(t->db, in->who.account, in->who.user, in->sender,
	    (struct texts){ froms, n }, t->arena, &t->from));
	return t->from != NULL && t->from->may
	    ? RC_OK
	    : fail(RC_FORBIDDEN, "You may not send as this address.");
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
is_new(struct taking *t, bool *yes)
{
	const struct given *in = t->in;
	unsigned char key[SHA256_SIZE];
	struct sha256 *sum;

	*yes = true;
	if (!in->head->own)
		return RC_OK;
	sum = sha256_new();
	part_add(sum, in->hash, sizeof in->hash);
	part_add(sum, in->sender, strlen(in->sender));
	for (size_t i = 0; i < in->recipients.n; i++)
		part_add(sum, in->recipients.v[i].p, in->recipients.v[i].n);
	sha256_end(&sum, key);
	return given_is_new(t->db, in->who.account, in->who.application,
	    (struct str){ (const char *)key, sizeof key }, yes);
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
is_held(struct taking *t, bool *yes)
{
	*yes = false;
	if (strcmp(t->from->policy, "off") == 0)
		return RC_OK;
	TRY(judge(t));
	*yes = t->verdict.hold || strcmp(t->from->policy, "all") == 0;
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

static enum rc
queue(struct taking *t, struct given_taken *out)
{
	const struct given *in = t->in;
	const struct given_head *h = in->head;
	struct str hash = { (const char *)in->hash, SHA256_SIZE };
	struct submission_made made;
	struct submission_insert_args row = { .credential = t->from->id,
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
		row.raw = hash;
	else
		row.message = in->bytes;
	FAILPOINT("given-queue-before");
	TRY(submission_write(t->db, &in->who, 0, &row, t->arena, &made));
	out->email_id = made.email_id;
	return RC_OK;
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
	TRY(submission_email_id(t->db, &out->email_id));
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

enum rc
given_take(struct db *db, const struct given *in, struct arena *a,
    struct given_taken *out)
{
	struct taking t = { .db = db, .in = in, .arena = a };
	bool yes;

	*out = (struct given_taken){ .email_id = 0 };
	TRY(sender_find(&t));
	TRY(is_new(&t, &yes));
	if (!yes)
		return RC_OK;
	kinds_find(&t);
	look(&t);
	TRY(is_held(&t, &yes));
	return yes ? hold(&t, out) : queue(&t, out);
}
