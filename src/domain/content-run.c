/* The job that brings a message into the body cache before somebody reads it.
 */
#include "core/json-tree.h"
#include "domain/content.h"
#include "domain/job-run.h"

/* The email that the task names. */
static enum rc
email_wanted(struct job_run *r, int64_t *id)
{
	struct json_object *payload;
	struct str text;

	TRY(json_tree(r->arena, r->lease->payload, 16, &payload));
	if (json_text(payload, "email_id", &text) &&
	    id_parse(ID_EMAIL, text, id))
		return RC_OK;
	return fail(RC_INVALID, "the task names no email");
}

static enum rc
no_message(enum rc rc)
{
	if (rc != RC_NOT_FOUND)
		return rc;
	return fail(RC_NO_MESSAGE, "the email is not there any more");
}

/* What the cache keeps is this host's; that the message is what the sync saw,
 * and its hash, are told everywhere. */
enum rc
content_fetch_run(struct job_run *r)
{
	struct content_reader reader = { .db = r->db,
		.conf = r->host->conf,
		.arena = r->arena,
		.who = { .application = r->lease->application_id,
		    .account = r->account,
		    .user = -1 } };
	struct str raw;
	int64_t id;

	TRY(email_wanted(r, &id));
	TRY(body_cache_open(r->host->conf, 1, &reader.cache));
	TRY(no_message(content_open(&reader, id)));
	return content_raw(&reader, &raw);
}
