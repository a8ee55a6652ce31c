/* A message that a reviewer has changed: what was not changed stays, byte for
 * byte.
 *
 * The message is not taken apart and put together again. What is to be another
 * is cut out of its bytes and written anew: header fields, the content of text
 * parts, whole attachments. */
#ifndef MAIL_EDIT_H
#define MAIL_EDIT_H

#include "core/arena.h"
#include "core/buffer.h"
#include "core/result.h"
#include "core/text.h"

struct mail_edit {
	struct str subject; /* p == NULL: stays */
	/* One of them alone: the other form of the text becomes a rendering of
	 * it, so that nobody gets what was not reviewed. */
	struct str text, html;
	bool strip;           /* without attachments */
	const char *fallback; /* of a Message-ID, where there is none: "x@y" */
};

struct mail_edited {
	bool changed;           /* else `bytes` is nothing */
	struct str bytes;       /* in the arena */
	const char *message_id; /* "<edited-…>" */
	struct str *removed;    /* names of the attachments that are gone */
	size_t removed_n;
};

/* RC_CONFLICT: there is no text in it that could be another. RC_PAYLOAD: it
 * cannot be read. */
enum rc mail_edit(struct arena *, struct str raw, const struct mail_edit *,
    struct mail_edited *) MUST_CHECK;

#endif
