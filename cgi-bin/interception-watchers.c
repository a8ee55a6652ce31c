/* Watchers: what people want of them, and how they are. Here only the wish is
 * written down; letterrack-watch follows it. */
#include <string.h>

#include "domain/provider-credential-sql.h"
#include "domain/smtp-server-sql.h"
#include "domain/watcher-sql.h"
#include "interception.h"
#include "web/audit.h"
#include "web/reply.h"

#define OVERVIEW_MOST 1000

const struct field watcher_answer[] = { A_TEXT("message", 0),
	A_INT("account_id", 0), A_TEXT("watcher_status", 0), F_END };
const struct field watcher_stop_answer[] = { A_TEXT("message", 0),
	A_INT("account_id", 0), F_END };

/* ---- wishes ---- */

static enum rc
mail_account(
    struct db *db, struct request *rq, struct provider_credential **row)
{
	int64_t account = rq->actor.account, user = rq->actor.user;
	int64_t id = arg_id(rq, 0);

	TRY(provider_credential_lock(db, account, user, id));
	TRY(provider_credential_get(db, account, user, id, rq->arena, row));
	if ((*row)->user_id != 0)
		return fail(
		    RC_CONFLICT, "A personal mail account is not watched.");
	return strcmp((*row)->provider_kind, "imap") == 0
	    ? RC_OK
	    : fault_add(rq, "id", "not_imap", "Only an IMAP row is watched.");
}

/* It is to be watched; a server's old refusal is tried against. */
static enum rc
want(struct db *db, struct request *rq)
{
	struct provider_credential *row;

	TRY(mail_account(db, rq, &row));
	if (!row->is_active)
		return fail(RC_CONFLICT, "The mail account is switched off.");
	return watcher_start(db, rq->actor.account, row->id);
}

static enum rc
note(struct request *rq, const char *action)
{
	return audit(
	    rq, action, audit_id(rq, ID_CREDENTIAL, arg_id(rq, 0)), NULL);
}

static enum rc
begin_tx(struct db *db, void *ctx)
{
	TRY(want(db, ctx));
	return note(ctx, "watcher.start");
}

static enum rc
again_tx(struct db *db, void *ctx)
{
	struct request *rq = ctx;

	TRY(want(db, rq));
	TRY(watcher_turn(db, rq->actor.account, arg_id(rq, 0), NULL));
	return note(rq, "watcher.restart");
}

static bool
is_watched(const struct provider_credential *row)
{
	return strcmp(row->sync_mode, "idle") == 0;
}

static enum rc
end_tx(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	int64_t account = rq->actor.account, id = arg_id(rq, 0);
	struct provider_credential *row;

	TRY(mail_account(db, rq, &row));
	TRY(watcher_stop(db, account, id, NULL));
	if (is_watched(row))
		TRY(watcher_event(db, account, id, "stopped", NULL, NULL));
	return note(rq, "watcher.stop");
}

static enum rc
told(struct request *rq, const char *what, const char *status)
{
	int64_t id = arg_id(rq, 0);
	struct jw *w = reply_open(rq, 0);

	JW_TEXT(w, "message",
	    arena_fmt(
		rq->arena, "Watcher %s for account %lld", what, (long long)id));
	JW_INT(w, "account_id", id);
	if (status != NULL)
		JW_TEXT(w, "watcher_status", status);
	return reply_close(rq);
}

enum rc
watcher_begin(struct request *rq)
{
	TRY(db_tx(rq->db, begin_tx, rq));
	return told(rq, "started", "starting");
}

enum rc
watcher_end(struct request *rq)
{
	TRY(db_tx(rq->db, end_tx, rq));
	return told(rq, "stopped", NULL);
}

enum rc
watcher_again(struct request *rq)
{
	TRY(db_tx(rq->db, again_tx, rq));
	return told(rq, "restarted", "starting");
}

/* ---- how they are ---- */

static const struct field smtp_fields[] = { A_BOOL("listening", 0),
	A_TEXT("host", 0), A_INT("port", 0),
	A_TEXT("last_selfcheck_ts", NULLABLE), F_END };
static const struct field state_fields[] = {
	A_TEXT("state", 0, .about = "idle, polling, stopped or unknown."),
	A_TEXT("last_heartbeat", NULLABLE),
	A_TEXT("error", NULLABLE, .about = "Why it is not as it should be."),
	F_END
};
static const struct field account_fields[] = { A_ID("id", ID_CREDENTIAL, 0),
	A_TEXT("account_name", 0), A_TEXT("email_address", NULLABLE),
	A_BOOL("is_active", 0), A_OBJECT("watcher", state_fields, 0), F_END };
const struct field watchers_answer[] = { A_OBJECT("smtp", smtp_fields, 0),
	A_ARRAY("accounts", account_fields, 0), F_END };

static const char *
ago(struct request *rq, int64_t ms)
{
	if (ms == INT64_MIN)
		return NULL;
	return arena_fmt(
	    rq->arena, "%.1fs ago", (double)(ms > 0 ? ms : 0) / 1000);
}

static void
account_write(struct request *rq, struct jw *w, const struct watcher_view *v)
{
	jw_object(w);
	JW_INT(w, "id", v->id);
	JW_TEXT(w, "account_name", v->account_name);
	JW_TEXT(w, "email_address", v->email_address);
	JW_BOOL(w, "is_active", v->is_active);
	jw_key(w, "watcher");
	jw_object(w);
	JW_TEXT(w, "state", v->state);
	JW_TEXT(w, "last_heartbeat", ago(rq, v->beat_ms));
	JW_TEXT(w, "error", v->error);
	jw_object_end(w);
	jw_object_end(w);
}

/* Where none was ever heard of: where one would be. */
static void
smtp_write(struct jw *w, const struct smtp_server_seen *s)
{
	jw_key(w, "smtp");
	jw_object(w);
	JW_BOOL(w, "listening", s != NULL && smtp_server_listens(s));
	JW_TEXT(w, "host", s != NULL ? s->address : "127.0.0.1");
	JW_INT(w, "port", s != NULL ? s->port : 8587);
	jw_key(w, "last_selfcheck_ts");
	s != NULL &&instant_is(s->checked_at)
	    ? jw_time(w, s->checked_at, TIME_SPACED)
	    : jw_null(w);
	jw_object_end(w);
}

enum rc
watchers_overview(struct request *rq)
{
	struct watcher_view_list list;
	struct smtp_server_seen_list proxies;
	struct jw *w;

	TRY(watcher_list(rq->db, rq->actor.account, rq->actor.user,
	    OVERVIEW_MOST, rq->arena, &list));
	TRY(smtp_servers(rq->db, rq->arena, &proxies));
	w = reply_open(rq, 0);
	rq->reply.fresh = true;
	smtp_write(w, smtp_server_best(proxies.v, proxies.n));
	jw_key(w, "accounts");
	jw_array(w);
	for (size_t i = 0; i < list.n; i++)
		account_write(rq, w, &list.v[i]);
	jw_array_end(w);
	return reply_close(rq);
}
