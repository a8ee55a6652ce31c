#include "mail/imap-engine.h"

#include <stdlib.h>

#include "core/log.h"
#include "mail/imap-deflate.h"
#include "mail/imap-outgoing.h"

#define ARENA_MOST  (96 << 20) /* the largest response and its parse */
#define CAPS_MOST   4000
#define PACK_MOST   65536 /* of a command at a time */

#define TAKES(word) (1U << IMAP_##word)
#define TAKES_SELECT                                                           \
	(TAKES(OK) | TAKES(FLAGS) | TAKES(EXISTS) | TAKES(RECENT_COUNT) |      \
	    TAKES(VANISHED) | TAKES(FETCH))

static const struct verb {
	const char *text;
	enum imap_state needs;
	unsigned takes;
	enum rc refusal;
} verbs[] = {
#define VERB_ROW(name, text, needs, takes, refusal)                            \
	[IMAP_DO_##name] = { text, needs, takes, RC_##refusal },
	IMAP_VERB_LIST(VERB_ROW)
#undef VERB_ROW
};

/* What a NO with one of these codes means, whatever the verb. */
static const struct {
	enum imap_code_id code;
	enum rc rc;
} refusals[] = {
	{ IMAP_CODE_NONEXISTENT, RC_NO_FOLDER },
	{ IMAP_CODE_TRYCREATE, RC_NO_FOLDER },
	{ IMAP_CODE_ALREADYEXISTS, RC_CONFLICT },
	{ IMAP_CODE_NOPERM, RC_DENIED },
	{ IMAP_CODE_CANNOT, RC_DENIED },
	{ IMAP_CODE_OVERQUOTA, RC_DENIED },
	{ IMAP_CODE_CONTACTADMIN, RC_DENIED },
	{ IMAP_CODE_AUTHORIZATIONFAILED, RC_DENIED },
	{ IMAP_CODE_AUTHENTICATIONFAILED, RC_AUTH_FAILED },
	{ IMAP_CODE_EXPIRED, RC_AUTH_EXPIRED },
	{ IMAP_CODE_PRIVACYREQUIRED, RC_CONFIG_TLS },
	{ IMAP_CODE_EXPUNGEISSUED, RC_NO_MESSAGE },
	{ IMAP_CODE_INUSE, RC_CONNECTION },
	{ IMAP_CODE_UNAVAILABLE, RC_CONNECTION },
	{ IMAP_CODE_LIMIT, RC_CONNECTION },
	{ IMAP_CODE_THROTTLED, RC_CONNECTION },
	{ IMAP_CODE_SERVERBUG, RC_CONNECTION },
	{ IMAP_CODE_CORRUPTION, RC_CONNECTION },
	{ IMAP_CODE_CLIENTBUG, RC_PAYLOAD },
};

struct imap_engine {
	struct imap_reader *reader;
	struct arena *arena;
	struct imap_call *first, *last;
	struct imap_outgoing out;
	void (*event)(void *, const struct imap_response *);
	void *event_arg;
	unsigned tags;
	enum imap_state state;
	uint64_t caps, enabled;
	char caps_text[CAPS_MOST];
	size_t caps_n;
	struct imap_mailbox mailbox;
	uint64_t received;
	struct imap_deflate *deflate; /* owned; NULL: bytes are as they are */
	struct buf packed;            /* waits to be sent */
	bool in_step, stale, idling, idle_ended;
};

const char *
imap_verb_text(enum imap_verb v)
{
	return verbs[v].text;
}

struct imap_engine *
imap_engine_new(void)
{
	static const struct imap_limits before = {
		.line = IMAP_LINE_MOST, .skip = 1 << 20, .lines_only = true
	};
	struct imap_engine *e = calloc(1, sizeof(*e));

	if (e == NULL)
		die("out of memory");
	e->reader = imap_reader_new();
	imap_reader_limit(e->reader, &before);
	e->arena = arena_new(ARENA_MOST);
	buf_init(&e->packed, (size_t)2 * PACK_MOST);
	e->state = IMAP_IN;
	return e;
}

void
imap_engine_free(struct imap_engine **ep)
{
	struct imap_engine *e = *ep;

	if (e == NULL)
		return;
	imap_outgoing_clear(&e->out);
	imap_reader_free(&e->reader);
	imap_deflate_free(&e->deflate);
	buf_clear(&e->packed);
	arena_free(&e->arena);
	free(e);
	*ep = NULL;
}

void
imap_engine_on_event(struct imap_engine *e,
    void (*event)(void *, const struct imap_response *), void *arg)
{
	e->event = event;
	e->event_arg = arg;
}

struct imap_reader *
imap_engine_reader(struct imap_engine *e)
{
	return e->reader;
}

static void
call_append(struct imap_engine *e, struct imap_call *c)
{
	c->next = NULL;
	if (e->last != NULL)
		e->last->next = c;
	else
		e->first = c;
	e->last = c;
}

static void
call_remove(struct imap_engine *e, struct imap_call *c)
{
	struct imap_call **at = &e->first;

	e->last = NULL;
	while (*at != NULL) {
		if (*at == c)
			*at = c->next;
		else {
			e->last = *at;
			at = &(*at)->next;
		}
	}
}

static void
call_end(struct imap_engine *e, struct imap_call *c, enum rc rc)
{
	call_remove(e, c);
	c->rc = rc;
	c->done = true;
}

void
imap_engine_forget(struct imap_engine *e, struct imap_call *c)
{
	call_remove(e, c);
}

void
imap_engine_end(struct imap_engine *e, enum rc rc)
{
	while (e->first != NULL)
		call_end(e, e->first, rc);
	e->state = IMAP_OUT;
}

/* SELECT is on its way: what follows it may already use the folder. */
static bool
may_send(const struct imap_engine *e, const struct verb *v)
{
	if (e->state == IMAP_OUT)
		return false;
	if (v->needs == IMAP_IN || e->state == IMAP_OPEN)
		return true;
	for (const struct imap_call *c = e->first; c != NULL; c = c->next) {
		if (c->verb == IMAP_DO_SELECT || c->verb == IMAP_DO_EXAMINE)
			return true;
	}
	return false;
}

/* What comes from here on is about the folder that `c` selects. */
static void
mailbox_begin(struct imap_engine *e, const struct imap_call *c)
{
	if (c == NULL ||
	    (c->verb != IMAP_DO_SELECT && c->verb != IMAP_DO_EXAMINE))
		return;
	e->mailbox = (struct imap_mailbox){ .exists = 0 };
	e->stale = false;
}

enum rc
imap_engine_send(
    struct imap_engine *e, struct imap_call *c, struct imap_command *text)
{
	bool fault = text->fault || text->text.full;
	bool may = may_send(e, &verbs[c->verb]);

	c->done = false;
	c->rc = RC_OK;
	c->text[0] = '\0';
	c->code = (struct imap_code){ .id = IMAP_CODE_NONE };
	if (may && !fault) {
		c->tag = ++e->tags;
		imap_outgoing_add(&e->out, c->tag, verbs[c->verb].text, text);
		call_append(e, c);
		if (e->first == c)
			mailbox_begin(e, c);
	}
	imap_command_clear(text);
	if (fault)
		return fail(RC_INVALID, "%s: an argument cannot be sent",
		    verbs[c->verb].text);
	return may
	    ? RC_OK
	    : fail(RC_CONFLICT, "%s is not possible now", verbs[c->verb].text);
}

static struct imap_call *
call_by_verb(const struct imap_engine *e, enum imap_verb v)
{
	struct imap_call *c = e->first;

	while (c != NULL && c->verb != v)
		c = c->next;
	return c;
}

void
imap_engine_idle_done(struct imap_engine *e)
{
	if (!e->idling || e->idle_ended)
		return;
	imap_outgoing_done(&e->out);
	e->idle_ended = true;
}

bool
imap_engine_idling(const struct imap_engine *e)
{
	return e->idling;
}

/* Between IDLE and DONE nothing else may be sent (RFC 2177 3), and behind
 * COMPRESS nothing until it is known in which form (RFC 4978 3). */
static bool
must_wait(const struct imap_engine *e, unsigned tag)
{
	static const enum imap_verb closing[] = { IMAP_DO_IDLE,
		IMAP_DO_COMPRESS };

	for (size_t i = 0; i < sizeof(closing) / sizeof(closing[0]); i++) {
		const struct imap_call *c = call_by_verb(e, closing[i]);

		if (c != NULL && c->tag < tag)
			return true;
	}
	return false;
}

static struct str
plain_output(const struct imap_engine *e)
{
	unsigned tag;

	if (!imap_outgoing_next(&e->out, &tag) || must_wait(e, tag))
		return (struct str){ "", 0 };
	return imap_outgoing_bytes(&e->out);
}

struct str
imap_engine_output(struct imap_engine *e)
{
	struct str plain;

	if (e->deflate == NULL)
		return plain_output(e);
	plain = plain_output(e);
	if (e->packed.n == 0 && plain.n > 0) {
		plain.n = plain.n < PACK_MOST ? plain.n : PACK_MOST;
		imap_deflate_pack(e->deflate, plain.p, plain.n, &e->packed);
		imap_outgoing_sent(&e->out, plain.n);
	}
	return (struct str){ buf_text(&e->packed), e->packed.n };
}

void
imap_engine_sent(struct imap_engine *e, size_t n)
{
	if (e->deflate != NULL)
		buf_drop(&e->packed, n);
	else
		imap_outgoing_sent(&e->out, n);
}

static void
continued(struct imap_engine *e)
{
	if (imap_outgoing_continued(&e->out))
		return;
	if (call_by_verb(e, IMAP_DO_IDLE) != NULL) {
		e->idling = true;
		e->idle_ended = false;
	}
}

static void
caps_set(struct imap_engine *e, struct str text)
{
	e->caps = imap_caps_parse(text);
	e->caps_n = text.n < CAPS_MOST ? text.n : 0;
	memcpy(e->caps_text, text.p, e->caps_n);
}

static void
uidvalidity_note(struct imap_engine *e, const struct imap_code *code)
{
	bool selecting = call_by_verb(e, IMAP_DO_SELECT) != NULL ||
	    call_by_verb(e, IMAP_DO_EXAMINE) != NULL;

	if (code->fault || code->number == 0 || code->number > UINT32_MAX)
		return;
	if (!selecting && e->mailbox.uidvalidity != (uint32_t)code->number)
		e->stale = true;
	e->mailbox.uidvalidity = (uint32_t)code->number;
}

static void
code_note(struct imap_engine *e, const struct imap_code *code)
{
	switch (code->id) {
	case IMAP_CODE_UIDVALIDITY: uidvalidity_note(e, code); break;
	case IMAP_CODE_UIDNEXT:
		if (!code->fault && code->number <= UINT32_MAX)
			e->mailbox.uidnext = (uint32_t)code->number;
		break;
	case IMAP_CODE_HIGHESTMODSEQ:
		if (!code->fault)
			e->mailbox.highestmodseq = code->number;
		break;
	case IMAP_CODE_NOMODSEQ: e->mailbox.highestmodseq = 0; break;
	case IMAP_CODE_UIDNOTSTICKY: e->mailbox.uids_not_sticky = true; break;
	case IMAP_CODE_READ_ONLY: e->mailbox.read_only = true; break;
	case IMAP_CODE_READ_WRITE: e->mailbox.read_only = false; break;
	case IMAP_CODE_PERMANENTFLAGS:
		e->mailbox.permanent = code->flags.system;
		break;
	/* The folder before is closed; what follows is of the new one. */
	case IMAP_CODE_CLOSED:
		e->mailbox = (struct imap_mailbox){ .exists = 0 };
		break;
	default: break;
	}
}

static void
mailbox_note(struct imap_engine *e, const struct imap_response *r)
{
	switch (r->word) {
	case IMAP_OK:
	case IMAP_NO: code_note(e, &r->code); break;
	case IMAP_EXISTS: e->mailbox.exists = r->number; break;
	case IMAP_EXPUNGE:
		if (r->fault == NULL && e->mailbox.exists > 0)
			e->mailbox.exists--;
		break;
	case IMAP_VANISHED:
		if (!r->vanished.earlier) {
			uint64_t n = imap_set_count(&r->vanished.set);

			e->mailbox.exists -= n < e->mailbox.exists
			    ? (uint32_t)n
			    : e->mailbox.exists;
		}
		break;
	case IMAP_ENABLED: e->enabled |= r->caps; break;
	case IMAP_CAPABILITY: caps_set(e, r->text); break;
	default: break;
	}
}

static struct imap_set
set_copy(struct arena *a, const struct imap_set *from)
{
	struct imap_set to;

	imap_set_init(&to, a);
	for (size_t i = 0; i < from->n; i++)
		imap_set_gather(&to, from->range[i].first, from->range[i].last);
	return to;
}

static void
code_keep(struct imap_call *c, const struct imap_code *code)
{
	if (c->arena == NULL || code->id == IMAP_CODE_NONE ||
	    c->code.id == IMAP_CODE_COPYUID)
		return;
	c->code = *code;
	c->code.name =
	    (struct str){ arena_dup(c->arena, code->name.p, code->name.n),
		    code->name.n };
	c->code.argument = (struct str){ NULL, 0 };
	c->code.flags.keywords = 0;
	c->code.flags.keyword = NULL;
	c->code.from = set_copy(c->arena, &code->from);
	c->code.to = set_copy(c->arena, &code->to);
}

static void
dispatch(struct imap_engine *e, const struct imap_response *r)
{
	for (struct imap_call *c = e->first; c != NULL; c = c->next) {
		if ((verbs[c->verb].takes >> r->word & 1) == 0)
			continue;
		if (r->word == IMAP_OK)
			code_keep(c, &r->code);
		if (c->data != NULL)
			c->data(c->arg, r);
		return;
	}
	if (e->event != NULL)
		e->event(e->event_arg, r);
}

static enum rc
refusal(const struct imap_call *c, const struct imap_response *r)
{
	if (r->word == IMAP_OK)
		return RC_OK;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (refusals[i].code == r->code.id)
			return refusals[i].rc;
	}
	return r->word == IMAP_BAD ? RC_PAYLOAD : verbs[c->verb].refusal;
}

static void
state_after(struct imap_engine *e, const struct imap_call *c, bool ok)
{
	switch (c->verb) {
	case IMAP_DO_SELECT:
	case IMAP_DO_EXAMINE:
		e->state = ok ? IMAP_OPEN : IMAP_IN;
		e->mailbox.read_only |= c->verb == IMAP_DO_EXAMINE;
		break;
	case IMAP_DO_UNSELECT: e->state = ok ? IMAP_IN : e->state; break;
	case IMAP_DO_LOGOUT: e->state = IMAP_OUT; break;
	case IMAP_DO_COMPRESS:
		if (ok && e->deflate == NULL)
			e->deflate = imap_deflate_new();
		break;
	case IMAP_DO_IDLE: e->idling = false; break;
	default: break;
	}
}

static struct imap_call *
call_by_tag(const struct imap_engine *e, struct str tag)
{
	uint64_t number;
	struct imap_call *c = e->first;

	if (tag.n < 2 || tag.p[0] != 'L' ||
	    !str_uint(
		(struct str){ tag.p + 1, tag.n - 1 }, UINT32_MAX, &number))
		return NULL;
	while (c != NULL && c->tag != number)
		c = c->next;
	return c;
}

static enum rc
answered(struct imap_engine *e, const struct imap_response *r)
{
	struct imap_call *c = call_by_tag(e, r->tag);
	bool oldest = c == e->first;
	bool status =
	    r->word == IMAP_OK || r->word == IMAP_NO || r->word == IMAP_BAD;

	if (c == NULL || !status)
		return e->in_step
		    ? fail(RC_PAYLOAD, "an answer to a command never sent")
		    : RC_OK;
	if (r->code.id == IMAP_CODE_CAPABILITY)
		e->caps |= r->code.caps;
	code_note(e, &r->code);
	code_keep(c, &r->code);
	memcpy(c->text, r->text.p,
	    utf8_cut(r->text.p, r->text.n, sizeof(c->text) - 1));
	c->text[utf8_cut(r->text.p, r->text.n, sizeof(c->text) - 1)] = '\0';
	imap_outgoing_refused(&e->out, c->tag);
	state_after(e, c, r->word == IMAP_OK);
	if (c->verb == IMAP_DO_CAPABILITY && !e->in_step) {
		e->in_step = true;
		imap_reader_limit(e->reader, &imap_limits_usual);
	}
	call_end(e, c, refusal(c, r));
	if (oldest)
		mailbox_begin(e, e->first);
	return RC_OK;
}

/* Before the first answer: half a line may stand in front of anything. */
static bool
passed_over(const struct imap_engine *e, const struct imap_response *r)
{
	return !e->in_step && r->kind != IMAP_TAGGED &&
	    r->word != IMAP_CAPABILITY && r->word != IMAP_BYE;
}

static enum rc
response(struct imap_engine *e, const struct imap_response *r)
{
	if (passed_over(e, r))
		return RC_OK;
	if (r->kind == IMAP_CONTINUE) {
		continued(e);
		return RC_OK;
	}
	if (r->kind == IMAP_TAGGED)
		return answered(e, r);
	mailbox_note(e, r);
	dispatch(e, r);
	if (r->word == IMAP_BYE && call_by_verb(e, IMAP_DO_LOGOUT) == NULL)
		return fail(RC_CONNECTION, "%.*s", STR_FMT(r->text));
	return RC_OK;
}

static enum rc
framed(struct imap_engine *e, const struct imap_frame *f)
{
	struct imap_response r;
	enum rc rc;

	imap_response_parse(e->arena, f, &r);
	rc = response(e, &r);
	arena_reset(e->arena);
	return rc;
}

/* As far as the bytes are in the same form: what stands behind the answer to
 * COMPRESS is compressed. */
static enum rc
feed_plain(struct imap_engine *e, const char *p, size_t n, size_t *used)
{
	const struct imap_deflate *form = e->deflate;

	*used = 0;
	while (*used < n && e->deflate == form) {
		const struct imap_frame *f;
		size_t step;
		enum rc rc = imap_reader_feed(
		    e->reader, p + *used, n - *used, &step, &f);

		*used += step;
		if (rc == RC_OK && f != NULL)
			rc = framed(e, f);
		TRY(rc);
	}
	return RC_OK;
}

static enum rc
feed_unpacked(void *arg, const char *p, size_t n)
{
	size_t used;

	return feed_plain(arg, p, n, &used);
}

enum rc
imap_engine_feed(struct imap_engine *e, const char *p, size_t n)
{
	size_t used = 0;
	enum rc rc = RC_OK;

	e->received += n;
	if (e->deflate == NULL)
		rc = feed_plain(e, p, n, &used);
	if (rc == RC_OK && used < n)
		rc = imap_deflate_unpack(
		    e->deflate, p + used, n - used, feed_unpacked, e);
	if (rc != RC_OK)
		imap_engine_end(e, rc);
	return rc;
}

enum imap_state
imap_engine_state(const struct imap_engine *e)
{
	return e->state;
}

uint64_t
imap_engine_caps(const struct imap_engine *e)
{
	return e->caps;
}

struct str
imap_engine_caps_text(const struct imap_engine *e)
{
	return (struct str){ e->caps_text, e->caps_n };
}

void
imap_engine_assume(struct imap_engine *e, struct str caps)
{
	caps_set(e, caps);
}

const struct imap_mailbox *
imap_engine_mailbox(const struct imap_engine *e)
{
	return &e->mailbox;
}

bool
imap_engine_stale(const struct imap_engine *e)
{
	return e->stale;
}

uint64_t
imap_engine_received(const struct imap_engine *e)
{
	return e->received;
}

bool
imap_engine_compressed(const struct imap_engine *e)
{
	return e->deflate != NULL;
}
