/* Content: what an email consists of, read from its mail server on demand.
 *
 * The first read fetches the message whole, one flight at a time, into the
 * body cache (domain/body-cache.h) and records its hash; later ones find it
 * there. Of messages beyond body_cache_message only what is asked for is
 * fetched, part by part. What comes is compared with what was recorded: a
 * message that has moved, gone or changed is RC_PART_SYNC, and a sync is
 * queued; a part whose content is another than at its first read is
 * RC_PART_HASH.
 *
 * A reader is made in its arena, and what it has found or opened ends with
 * that. It has one IMAP session at most. */
#ifndef DOMAIN_CONTENT_H
#define DOMAIN_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/conf.h"
#include "db/db.h"
#include "domain/body-cache.h"
#include "domain/log.h"
#include "mail/mime.h"

#define CONTENT_MS   20000             /* for all of it */
#define CONTENT_TEXT ((size_t)1 << 20) /* of a body's text, and of its HTML */

struct content_source {
	int64_t email_id;
	int64_t application_id;
	int64_t credential_id; /* 0: made by hand */
	int64_t size_bytes;    /* as the server said */
	struct str sha256;     /* p NULL: never read */
	struct str wire_name;  /* p NULL: it is not where it was */
	int64_t uidvalidity;
	int64_t uid;
};
extern const struct col content_source_cols[];

struct content_kept {
	struct str message;
};
extern const struct col content_kept_cols[];

struct email_part {
	int64_t id;
	int64_t email_id;
	const char *part_number;
	int64_t parent_id; /* 0: none */
	const char *content_type;
	const char *charset, *filename, *disposition, *content_id, *encoding;
	int64_t size_bytes;
	const char *content_hash; /* "sha256:…"; NULL: never read */
};
extern const struct col email_part_cols[];

struct imap;

struct content_reader {
	struct db *db;
	const struct conf *conf;
	struct arena *arena;
	struct body_cache *cache;
	struct doer who;
	/* Asked once before the mail server is; may be NULL. */
	enum rc (*admit)(void *);
	void *admit_arg;
	/* private */
	struct content_source *source;
	struct imap *imap;
	struct str raw; /* the whole message, once read */
	struct mime mime;
	int64_t until;
	bool admitted;
	bool changed; /* the server has another message than at first read */
};

struct email_part_list;

/* RC_NOT_FOUND: there is no such email, or it is not the caller's to read. */
enum rc content_open(struct content_reader *, int64_t email) MUST_CHECK;

/* The message as the server has it. Each of these: RC_NO_MESSAGE where no
 * server has it (made by hand); RC_TOO_LARGE; RC_PART_SYNC; what the mail
 * server does to us (RC_TIMEOUT, RC_CONNECTION, …). */
enum rc content_raw(struct content_reader *, struct str *) MUST_CHECK;

/* Its parts, in pre-order, each with its id. */
enum rc
content_parts(struct content_reader *, struct email_part_list *) MUST_CHECK;

/* Those of them that a mail program would list as attachments. */
enum rc content_attachments(
    struct content_reader *, struct email_part_list *) MUST_CHECK;

/* What there is to read. */
enum rc content_body(struct content_reader *, struct mime_body *) MUST_CHECK;

/* A part's bytes, transfer encoding taken off. RC_PART_HASH. */
enum rc content_part(struct content_reader *, const struct email_part *,
    struct str *) MUST_CHECK;

#endif
