/* What the files of imap.h share. */
#ifndef MAIL_IMAP_SESSION_H
#define MAIL_IMAP_SESSION_H

#include "mail/imap.h"

struct imap {
	const struct imap_params *params; /* borrowed */
	struct imap_link *link;
	struct imap_engine *engine;
	struct imap_changes changes;
	/* the greeting's pipeline */
	struct imap_call caps_call, enable_call, id_call;
	bool greeted; /* CAPABILITY and ENABLE are on their way, or answered */
	bool enable_sent, id_sent, compress_asked;
	char server_id[256];
	bool happened; /* an event since it was last cleared */
	bool garbled;  /* likewise: a line that could not be read */
	bool slow;     /* less came than params->rate_least */
	int64_t until;
	uint64_t received; /* bytes from the server */
	enum rc broken;    /* RC_OK: usable */
	char why[512];     /* of `broken` */
	char input[IMAP_LINK_PIECE];
};

/* A session of a connection that is open and signed in, whose capabilities are
 * known, as it stands: nothing is enabled or packed any more. The connection
 * stays its owner's, and is so again behind imap_part. */
struct imap *imap_adopt(
    const struct imap_params *, struct imap_link *, struct imap_engine *);
void imap_part(struct imap **);

/* A command for `im`, and its sending; both begin by asking for the
 * capabilities where they are unknown. */
enum rc imap_begin(struct imap *, struct imap_command *) MUST_CHECK;
enum rc
imap_send(struct imap *, struct imap_call *, struct imap_command *) MUST_CHECK;

/* Reads and writes until the call is done; then its result. */
enum rc imap_wait(struct imap *, struct imap_call *) MUST_CHECK;
/* begin .. send .. wait in one, for a command that is complete. */
enum rc
imap_run(struct imap *, struct imap_call *, struct imap_command *) MUST_CHECK;
/* Asks for compression, once, where there is reason to. A server that refuses
 * is spoken to as before. Nothing is in flight. */
enum rc imap_compress(struct imap *) MUST_CHECK;
/* One turn: sends, receives, waits at most until `until`. */
enum rc imap_turn(struct imap *, int64_t until) MUST_CHECK;
/* The same for who may wait in vain: that is no fault. */
enum rc imap_turn_quiet(struct imap *, int64_t until) MUST_CHECK;
/* Ends the session with this result. */
enum rc imap_break(struct imap *, enum rc);

#define IMAP_CALL(v, fn, a)                                                    \
	{                                                                      \
		.verb = (v), .data = (fn), .arg = (a)                          \
	}

#endif
