/* Links that are mailed: made, looked at, used. */
#include "auth.h"

#include "domain/one-time-sql.h"
#include "domain/outgoing.h"
#include "web/audit.h"
#include "web/body.h"
#include "web/gate.h"

#define MINUTE 60
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

const struct link_row link_rows[LINKS] = {
	[LINK_VERIFY] = { "verify", DAY, "24 hours", "/auth/verify",
	    "Confirm your address", "user.sign-up" },
	[LINK_MAGIC] = { "magic", 15 * MINUTE, "15 minutes", "/auth/magic",
	    "Your link to sign in", "link.send" },
	[LINK_RESET] = { "reset", HOUR, "1 hour", "/auth/reset",
	    "Set a new password", "password.ask" },
	[LINK_INVITE] = { "invite", 7 * DAY, "7 days", "/auth/invite",
	    "You are invited to an account", "invite.send" },
};

/* ---- making ---- */

/* Never by the request's Host: whoever asks could name his own. */
static const char *
link_text(struct request *rq, const struct link_new *new, const char *token)
{
	const struct link_row *row = &link_rows[new->kind];
	struct str base = str_of(rq->conf->base_url);

	if (new->linkless)
		return new->words;
	while (base.n > 0 && base.p[base.n - 1] == '/')
		base.n--;
	return arena_fmt(rq->arena,
	    "%s\n\n%.*s%s?token=%s\n\n"
	    "The link works once, and for %s. A newer one takes its place.\n"
	    "If you do not want this, do nothing: then nothing happens.\n",
	    new->words, STR_FMT(base), row->page, token, row->life_text);
}

static enum rc
link_audit(
    struct request *rq, const struct link_new *new, const struct one_time *made)
{
	const char *action = link_rows[new->kind].action;
	const struct audit_actor nobody = { .application = new->application };
	const char *who =
	    new->user == 0 ? NULL : audit_id(rq, ID_USER, new->user);

	if (new->kind == LINK_INVITE)
		return audit(rq, action,
		    audit_id(rq, ID_INVITE, made != NULL ? made->id : 0),
		    new->role);
	return audit_as(rq, &nobody, action, who, NULL);
}

enum rc
link_mail(struct request *rq, struct db *db, const struct link_new *new,
    struct one_time **made)
{
	const struct link_row *row = &link_rows[new->kind];
	struct secret token = secret_token(rq->arena);
	unsigned char hash[SHA256_SIZE];
	const struct one_time_add_args add = { row->name, new->application,
		{ (char *)hash, sizeof hash }, new->address, new->user,
		new->password_hash, new->account, new->role, row->life,
		(int32_t)rq->conf->link_rate };
	const struct outgoing_new mail = {
		.application = new->application,
		.to = new->address,
		.subject = new->subject != NULL ? new->subject : row->subject,
		.text = link_text(rq, new, (const char *)token.p),
		.kind = row->name,
	};
	enum rc rc;

	sha256(token.p, token.n, hash);
	TRY(one_time_add(db, &add, rq->arena, made));
	rc = outgoing_add(db, &mail);
	if (rc == RC_INVALID)
		return fault_add(rq, "email", "malformed",
		    "No mail can be sent to this address.");
	TRY(rc);
	return link_audit(rq, new, *made);
}

/* ---- using ---- */

enum rc
link_look(struct request *rq, enum link_kind kind, const struct secret *token,
    struct one_time **found)
{
	unsigned char hash[SHA256_SIZE];

	*found = NULL;
	if (one_time_hash(token, hash))
		TRY(one_time_look(rq->db, link_rows[kind].name,
		    (struct str){ (char *)hash, sizeof hash }, rq->arena,
		    found));
	return *found != NULL ? RC_OK : RC_BAD_LINK;
}

enum rc
link_use(struct request *rq, struct db *db, enum link_kind kind,
    const struct secret *token, const char *client, struct one_time **used)
{
	unsigned char hash[SHA256_SIZE];

	*used = NULL;
	if (one_time_hash(token, hash))
		TRY(one_time_use(db, link_rows[kind].name,
		    (struct str){ (char *)hash, sizeof hash }, client,
		    rq->arena, used));
	return *used != NULL ? RC_OK : RC_BAD_LINK;
}

enum rc
link_password(struct request *rq, const struct secret *password,
    const struct one_time *link, char hash[PASSWORD_HASH_MAX])
{
	const struct chosen chosen = { "password", *password, link->user_name,
		link->address };

	return gate_hash(rq, &chosen, hash);
}
