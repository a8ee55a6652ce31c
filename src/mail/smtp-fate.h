/* What becomes of the recipients of one message, and what replies mean. */
#ifndef MAIL_SMTP_FATE_H
#define MAIL_SMTP_FATE_H

#include "mail/smtp.h"

/* ---- replies ---- */

enum smtp_phase {
	SMTP_MAIL = 1,
	SMTP_RCPT = 2,
	SMTP_DATA = 4,
	SMTP_DOT = 8,
	SMTP_ANY = 15
};

struct smtp_meaning {
	unsigned phases;
	int code;           /* 5: any of them */
	const char *status; /* NULL: whatever it is */
	enum smtp_end end;
	enum rc rc;
	bool server; /* not this message: the next would fare alike */
};

/* NULL: it is no no. */
const struct smtp_meaning *
smtp_meaning_of(enum smtp_phase, const struct smtp_reply *);

/* ---- recipients ---- */

struct smtp_fates {
	struct arena *arena;
	const struct secret *secret; /* what says it back is not kept */
	struct smtp_report *out;
	bool *open; /* the recipients that have no fate of their own yet */
};

struct smtp_fate smtp_fate_said(const struct smtp_fates *, enum smtp_end,
    enum rc, const struct smtp_reply *);

void smtp_fate_set(struct smtp_fates *, size_t i, const struct smtp_fate *);
/* Of all that are open, which they stay. */
void smtp_fate_set_open(struct smtp_fates *, const struct smtp_fate *);
/* The same without a reply: in our words. */
void smtp_fate_set_ours(
    struct smtp_fates *, enum smtp_end, enum rc, const char *text);
bool smtp_fate_any_open(const struct smtp_fates *);

/* The message's own end, with the words of the first that has the same. */
void smtp_fate_conclude(struct smtp_fates *);

#endif
