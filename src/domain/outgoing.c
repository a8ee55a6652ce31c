#include "domain/outgoing.h"

#include <stdio.h>

#include "core/buffer.h"
#include "core/effect.h"
#include "core/failpoint.h"
#include "core/secret.h"
#include "domain/job.h"
#include "domain/outgoing-sql.h"
#include "mail/address.h"
#include "mail/compose.h"
#include "mail/smtp-kept.h"

#define MEMORY             ((size_t)2 << 20)
#define MESSAGE_MOST       ((size_t)256 << 10)
#define STEM_BYTES         16
#define FINAL_MS           300000
#define LEASE_S            900 /* longer than all that is waited for */
#define PASSWORD_FILE_MOST 1024

const struct col outgoing_cols[] = {
	COL(struct outgoing, id),
	COL(struct outgoing, application_id),
	COL(struct outgoing, kind),
	COL(struct outgoing, recipient),
	COL(struct outgoing, stem),
	COL(struct outgoing, sender),
	COL_BYTES(struct outgoing, message),
	COL(struct outgoing, attempt_count),
	COL(struct outgoing, lease_token),
	COL_END,
};

const struct col outgoing_seen_cols[] = {
	COL(struct outgoing_seen, id),
	COL(struct outgoing_seen, kind),
	COL(struct outgoing_seen, recipient),
	COL(struct outgoing_seen, state),
	COL(struct outgoing_seen, attempt_count),
	COL(struct outgoing_seen, created_at),
	COL(struct outgoing_seen, run_at),
	COL(struct outgoing_seen, last_error_code),
	COL(struct outgoing_seen, last_error_detail),
	COL_END,
};

/* ---- making ---- */

/* From and Message-ID come first, when it leaves: both are of the sender that
 * is configured by then. */
static enum rc
make(struct arena *a, const struct outgoing_new *in, const char *stem,
    struct str *out)
{
	/* RFC 3834 5: nobody's absence notice answers it. */
	static const struct compose_header automatic = { STR("Auto-Submitted"),
		STR("auto-generated") };
	const struct compose_person to = { .address = str_of(in->to) };
	const struct compose message = { .to = { &to, 1 },
		.subject = str_of(in->subject),
		.text = str_of(in->text),
		.date = clock_now(),
		.extra = &automatic,
		.extras = 1,
		.seed = str_of(stem) };
	struct buf b;
	bool utf8;
	enum rc rc;

	buf_init(&b, MESSAGE_MOST);
	rc = compose(&message, &b, &utf8);
	if (rc == RC_OK)
		*out = (struct str){ arena_dup(a, b.p, b.n), b.n };
	buf_clear(&b);
	return rc;
}

static bool
is_text(const char *s)
{
	size_t n = strlen(s);

	return n <= OUTGOING_TEXT_MOST && utf8_valid(s, n);
}

enum rc
outgoing_add(struct db *db, const struct outgoing_new *in)
{
	unsigned char dice[STEM_BYTES];
	char stem[2 * STEM_BYTES + 1];
	struct arena *a;
	struct str message;
	enum rc rc;

	if (!address_ok(str_of(in->to)))
		return fail(RC_INVALID, "the address cannot be written to");
	if (!egress_text_ok(str_of(in->subject), OUTGOING_SUBJECT_MOST) ||
	    !egress_text_ok(str_of(in->kind), 64) || !is_text(in->text))
		return fail(RC_INVALID, "subject or text cannot be sent");
	random_bytes(dice, sizeof dice);
	hex_encode(dice, sizeof dice, stem);
	a = arena_new(MEMORY);
	rc = make(a, in, stem, &message);
	if (rc == RC_OK)
		rc = outgoing_insert(
		    db, in->application, in->kind, in->to, stem, message, NULL);
	arena_free(&a);
	return rc;
}

/* ---- who sends ---- */

/* "Letterrack <desk@example.org>", or the address alone. */
enum rc
outgoing_sender_read(
    const char *text, struct arena *a, struct outgoing_sender *out)
{
	struct str s = str_trim(str_of(text)), name = { "", 0 };
	const char *open = s.n > 0 ? memchr(s.p, '<', s.n) : NULL;

	if (open != NULL && s.p[s.n - 1] == '>') {
		name = str_trim((struct str){ s.p, (size_t)(open - s.p) });
		s = (struct str){ open + 1,
			(size_t)(s.p + s.n - 1 - (open + 1)) };
	}
	if (address_wire(a, s, &s) != RC_OK ||
	    (name.n > 0 && !egress_text_ok(name, OUTGOING_SUBJECT_MOST)))
		return fail(RC_INVALID, "is no mail address");
	out->address = arena_dup(a, s.p, s.n);
	out->name = arena_dup(a, name.p, name.n);
	return RC_OK;
}

const char *
outgoing_unset(const struct conf *conf)
{
	if (*conf->system_smtp_host == '\0')
		return "mail of the service waits: system_smtp_host is not set";
	if (*conf->system_from == '\0')
		return "mail of the service waits: system_from is not set";
	return NULL;
}

/* The same bytes at each try. */
static enum rc
finish(struct arena *a, const struct outgoing *o,
    const struct outgoing_sender *from, struct smtp_letter *letter)
{
	const struct compose_person person = { .name = str_of(from->name),
		.address = str_of(from->address) };
	const char *id =
	    arena_fmt(a, "%s%s", o->stem, strrchr(from->address, '@'));
	struct buf b;
	enum rc rc;

	buf_init(&b, MESSAGE_MOST + 4096);
	rc = compose_from(&person, str_of(id), &b, &letter->utf8);
	buf_add(&b, o->message.p, o->message.n);
	letter->message = (struct str){ arena_dup(a, b.p, b.n), b.n };
	buf_clear(&b);
	return rc;
}

/* ---- one message ---- */

/* A mail server that is away over a night still gets it. */
static const struct job_action how_often = { "outgoing", NULL, 30, 10, 3600 };

struct run {
	const struct outgoing_host *host;
	const struct outgoing *o;
	struct arena *arena;
	const char *sender; /* system_from as it is, or was at the first try */
	struct smtp_report report;
};

static enum rc
intend(void *arg)
{
	const struct run *r = arg;

	return outgoing_intend(
	    r->host->db, r->o->id, r->o->lease_token, r->sender, LEASE_S, NULL);
}

static bool
is_last(const struct outgoing *o)
{
	return o->attempt_count >= how_often.tries;
}

static const char *
state_of(const struct run *r)
{
	static const char *const words[] = {
		[SMTP_ACCEPTED] = "accepted",
		[SMTP_LATER] = "queued",
		[SMTP_REFUSED] = "failed",
		[SMTP_UNKNOWN] = "unknown",
	};

	return r->report.end == SMTP_LATER && is_last(r->o)
	    ? words[SMTP_REFUSED]
	    : words[r->report.end];
}

static void
tell(const struct run *r)
{
	const struct smtp_report *report = &r->report;
	const struct log *log = r->host->log;
	long long id = (long long)r->o->id;

	if (report->end == SMTP_ACCEPTED)
		log_info(log, "mail handed over outgoing=%lld kind=%s", id,
		    r->o->kind);
	else
		log_warn(log,
		    "mail not handed over outgoing=%lld kind=%s state=%s "
		    "code=%s try=%d: %s",
		    id, r->o->kind, state_of(r), result_code(report->rc),
		    r->o->attempt_count, report->detail);
}

static enum rc
write_down(void *arg)
{
	const struct run *r = arg;
	const struct smtp_report *report = &r->report;
	bool bad = report->end != SMTP_ACCEPTED;
	int wait = report->end == SMTP_LATER
	    ? job_pause(&how_often, r->o->attempt_count)
	    : 0;

	return outgoing_confirm(r->host->db, r->o->id, r->o->lease_token,
	    state_of(r), wait, bad ? result_code(report->rc) : NULL,
	    bad ? report->detail : NULL, NULL);
}

static enum rc
server_of(const struct run *r, struct smtp_server *out)
{
	const struct conf *c = r->host->conf;

	*out = (struct smtp_server){ .host = c->system_smtp_host,
		.port = (unsigned)c->system_smtp_port,
		.security = c->system_smtp_security,
		.user = c->system_smtp_user,
		.egress = r->host->egress,
		.times = { .final_ms = FINAL_MS } };
	if (*out->user == '\0')
		return RC_OK;
	TRY(secret_read(r->arena, c->system_smtp_password_file,
	    PASSWORD_FILE_MOST, &out->secret));
	/* an editor's line end */
	while (out->secret.n > 0 &&
	    (out->secret.p[out->secret.n - 1] == '\n' ||
		out->secret.p[out->secret.n - 1] == '\r'))
		out->secret.p[--out->secret.n] = '\0';
	return RC_OK;
}

static const struct effect hand_over;

/* One recipient: the row is as the report. */
static enum rc
leave(void *arg, const struct smtp_report *report)
{
	(void)report;
	return effect_intend(&hand_over, arg);
}

/* What is wrong here is an operator's to mend: it waits. */
static enum rc
send_out(void *arg)
{
	struct run *r = arg;
	struct outgoing_sender from;
	struct smtp_server server;
	struct smtp_letter letter = {
		.to = &r->o->recipient, .to_n = 1, .intent = leave, .arg = r
	};

	r->sender =
	    r->o->sender != NULL ? r->o->sender : r->host->conf->system_from;
	r->report = (struct smtp_report){ .end = SMTP_LATER, .server = true };
	r->report.rc = outgoing_sender_read(r->sender, r->arena, &from);
	if (r->report.rc == RC_OK)
		r->report.rc = server_of(r, &server);
	if (r->report.rc == RC_OK)
		r->report.rc = finish(r->arena, r->o, &from, &letter);
	if (r->report.rc != RC_OK) {
		snprintf(r->report.detail, sizeof r->report.detail, "%s",
		    fail_detail());
		return RC_OK;
	}
	letter.from = from.address;
	smtp_send(smtp_kept_get(r->host->smtp, &server), &letter, r->arena,
	    &r->report);
	return RC_OK;
}

/* The message may have left from the moment on that the server waits for its
 * first byte, not before. */
static const struct effect hand_over =
    EFFECT("outgoing", intend, send_out, write_down);

/* `*more`: there may be another. */
static enum rc
send_next(const struct outgoing_host *host, struct arena *a, bool *more)
{
	struct run r = { .host = host, .arena = a };
	struct outgoing *o;
	enum rc rc;

	*more = false;
	TRY(outgoing_claim(host->db, host->worker, LEASE_S, a, &o));
	if (o == NULL)
		return RC_OK;
	FAILPOINT("outgoing-claimed");
	r.o = o;
	TRY(hand_over.act(&r));
	*more = !r.report.server;
	rc = effect_confirm(&hand_over, &r);
	tell(&r);
	if (rc != RC_STALE)
		return rc;
	log_warn(host->log, "lease lost outgoing=%lld", (long long)o->id);
	return RC_OK;
}

enum rc
outgoing_run(const struct outgoing_host *host)
{
	struct arena *a = arena_new(MEMORY);
	bool more = true;
	enum rc rc = RC_OK;

	db_guard_none(host->db);
	while (
	    rc == RC_OK && more && (host->stop == NULL || *host->stop == 0)) {
		arena_reset(a);
		rc = send_next(host, a, &more);
	}
	arena_free(&a);
	return rc;
}
