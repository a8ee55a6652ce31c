/* An SMTP server that is only memory: it stands in the place of smtp-link.c, so
 * that each conversation can be cut after each byte, in both directions, and
 * what the server really got is known. */
#ifndef MAIL_SMTP_PLAY_H
#define MAIL_SMTP_PLAY_H

#include "core/buffer.h"
#include "mail/smtp.h"

#define NEVER SIZE_MAX
#define MOST  ((size_t)1 << 20)

/* How the server behaves. NULL: the usual answer; "": none. */
struct play {
	struct smtp_features features;
	const char *mail, *rcpt[4], *data, *dot;
	const char *at_once;    /* said when the connection is made */
	size_t cut_out, cut_in; /* after so many bytes it is gone */
	size_t piece;           /* bytes that pass at a time; 0: all */
	size_t closes_after;    /* messages, then it leaves; 0: never */
	const char *while_data; /* said in the middle of a message */
	enum rc dial;           /* the connection does not come about */
	bool sticks;            /* takes nothing more of a message */
	bool in_time; /* what it says is there when it is looked for */
};

extern const struct play usual;

/* What the server has seen, over all connections. */
struct play_server {
	struct play play;
	unsigned dials, messages, quits;
	struct buf got, said; /* by this connection */
	size_t at;            /* of `got`, looked at; */
	size_t read;          /* of `said`, handed over */
	size_t rcpt, turns[2];
	bool data, closed;
	struct buf message; /* the last whole one, dots doubled */
	struct buf lines;   /* all commands */
};
extern struct play_server server;

void server_start(const struct play *);
void server_end(void);

/* Where it is to be found. */
struct smtp_server somewhere(void);

/* ---- letters ---- */

#define MESSAGE "Subject: x\r\n\r\n.dot\r\nend\r\n"

struct watch {
	unsigned intents, beats;
	enum rc intent, beat;
	char seen[8]; /* the ends as the intent was shown them */
};

/* For so many of three people. */
struct smtp_letter letter_for(size_t n, struct watch *);

/* "arl": what became of it for each. */
void ends(const struct smtp_report *, char *out);

/* ---- a connection and its server ---- */

struct house {
	struct smtp *s;
	struct arena *a;
	struct watch w;
	struct smtp_report r;
};

void house_open(struct house *, const struct play *);
enum smtp_end house_send(struct house *, size_t n);
void house_close(struct house *);

#endif
