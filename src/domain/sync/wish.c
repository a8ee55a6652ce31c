/* What flags and deletions have in common on their way to the server. */
#include "domain/sync/run.h"

/* A name that is gone waits for the sync to find out what became of it, a new
 * UIDVALIDITY until the folder's mail is matched. */
enum rc
sync_wish_open(
    struct sync *s, const struct sync_place *place, int64_t *open, bool *known)
{
	struct imap_mailbox mailbox;
	bool qresync;
	enum rc rc = RC_OK;

	if (*open != place->mailbox) {
		*open = 0;
		rc = imap_select(s->imap, place->wire_name, false, NULL, NULL,
		    &mailbox, &qresync);
	}
	*known = rc == RC_OK &&
	    imap_mailbox(s->imap)->uidvalidity == (uint32_t)place->uidvalidity;
	if (rc == RC_OK)
		*open = place->mailbox;
	return rc == RC_NO_FOLDER ? RC_OK : rc;
}

static enum rc
take_there(void *arg, const struct imap_message *m)
{
	if (m->uid != 0)
		imap_set_gather(arg, m->uid, m->uid);
	return RC_OK;
}

enum rc
sync_wish_there(
    struct sync *s, const struct imap_set *uids, struct imap_set *there)
{
	const struct imap_fetch how = { .message = take_there, .arg = there };

	imap_set_init(there, s->folder);
	TRY(imap_fetch(s->imap, uids, IMAP_ITEMS_FLAGS, &how));
	imap_set_settle(there);
	return RC_OK;
}

enum rc
sync_wishes_tell(struct sync *s)
{
	s->wishes_left = s->wishes_wait = false;
	TRY(sync_flags_tell(s));
	return sync_expunges_tell(s);
}
