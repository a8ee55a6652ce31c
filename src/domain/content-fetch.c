#include "domain/content-fetch.h"

#include "domain/credential-sql.h"
#include "domain/mailbox.h"
#include "domain/reach.h"

#define SILENCE_MS 15000

static void
session_end(void *ctx)
{
	struct content_reader *r = ctx;

	imap_free(&r->imap);
}

/* A server that refuses the secret is remembered with the credential. */
static enum rc
noted(struct content_reader *r, const struct credential_access *c, enum rc why)
{
	const char *status = credential_status_of(why), *detail;

	if (status == NULL)
		return why;
	detail = arena_str(r->arena, fail_detail());
	TRY(credential_fails(r->db, r->who.account, c->id, c->secret_version,
	    status, result_code(why), detail, NULL));
	return fail(why, "%s", detail);
}

static enum rc
dial(struct content_reader *r)
{
	struct imap_params *params = ARENA_NEW(r->arena, struct imap_params);
	struct credential_access *access;
	enum rc rc;

	TRY(credential_access_get(r->db, r->who.account,
	    r->source->credential_id, r->arena, &access));
	TRY(reach_imap(
	    r->db, r->conf, r->who.account, &access, r->arena, params));
	params->idle_ms = SILENCE_MS;
	params->until = r->until;
	rc = imap_open(params, &r->imap);
	if (rc == RC_OK) {
		arena_defer(r->arena, session_end, r);
		rc = imap_ready(r->imap);
	}
	return rc == RC_OK ? RC_OK : noted(r, access, rc);
}

static enum rc
folder_open(struct content_reader *r)
{
	const struct imap_known nothing = { .uidvalidity = 0 };
	struct imap_mailbox box;
	bool qresync;
	enum rc rc =
	    imap_select(r->imap, mailbox_wire(r->arena, r->source->wire_name),
		true, &nothing, NULL, &box, &qresync);

	if (rc == RC_NO_FOLDER)
		return content_out_of_sync(
		    r, "The folder is gone; a sync is queued.");
	TRY(rc);
	if (box.uidvalidity != r->source->uidvalidity)
		return content_out_of_sync(
		    r, "The folder was made anew; a sync is queued.");
	return RC_OK;
}

static enum rc
session(struct content_reader *r)
{
	if (r->imap != NULL)
		return RC_OK;
	TRY(dial(r));
	return folder_open(r);
}

enum rc
content_fetch(struct content_reader *r, const char *section, uint64_t most,
    enum rc (*data)(void *, const void *, size_t), void *arg, uint64_t *size)
{
	enum rc rc;

	TRY(session(r));
	rc = imap_body(r->imap, (uint32_t)r->source->uid, section, 0, most,
	    data, arg, size);
	if (rc == RC_NO_MESSAGE)
		return content_out_of_sync(
		    r, "The message is gone; a sync is queued.");
	return rc;
}

/* ---- is it the message that the sync saw? ---- */

static enum rc
take_size(void *arg, const struct imap_message *m)
{
	int64_t *size = arg;

	if ((m->has & IMAP_HAS_SIZE) != 0)
		*size = (int64_t)m->size;
	return RC_OK;
}

/* Some servers tell sizes that are not those of the bytes they send. They tell
 * the same one again. */
static enum rc
size_told(struct content_reader *r, int64_t *size)
{
	struct imap_fetch how = { .message = take_size, .arg = size };
	struct imap_set uid;

	*size = -1;
	imap_set_init(&uid, r->arena);
	imap_set_add(&uid, (uint32_t)r->source->uid, (uint32_t)r->source->uid);
	return imap_fetch(r->imap, &uid, "UID RFC822.SIZE", &how);
}

enum rc
content_fetched_size(struct content_reader *r, uint64_t n)
{
	int64_t told;

	if (n >= MIME_MESSAGE_MOST)
		return fail(RC_TOO_LARGE, "The message is larger than %zu MB.",
		    MIME_MESSAGE_MOST >> 20);
	if ((int64_t)n == r->source->size_bytes)
		return RC_OK;
	TRY(size_told(r, &told));
	if (told == r->source->size_bytes)
		return RC_OK;
	return content_out_of_sync(
	    r, "The message has another size; a sync is queued.");
}
