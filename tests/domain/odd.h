/* A house whose mail server follows a script (wire/scripted-server.h), and what
 * such scripts say again and again. */
#ifndef DOMAIN_ODD_H
#define DOMAIN_ODD_H

#include "domain/house.h"

#define DIAL                                                                   \
	"S: * OK ready", "C: A001 CAPABILITY",                                 \
	    "S: * CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN", "S: A001 OK done", \
	    "C: A002 AUTHENTICATE PLAIN AG9kZABzZWNyZXQ=", "S: A002 OK in"
#define LOGIN_CAN(caps)                                                        \
	DIAL, "C: L1 CAPABILITY", "S: * CAPABILITY IMAP4rev1" caps,            \
	    "S: L1 OK done"
#define LOGIN LOGIN_CAN("")

#define ITEMS                                                                  \
	"(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE "          \
	"BODY.PEEK[HEADER.FIELDS (REFERENCES)])"
#define STATUS_OF "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"

#define OPENED(tag, n, next)                                                   \
	"C: L" tag " EXAMINE \"INBOX\"", "S: * " n " EXISTS",                  \
	    "S: * OK [UIDVALIDITY 7] x", "S: * OK [UIDNEXT " next "] x",       \
	    "S: L" tag " OK done"

#define NOOP(tag) "C: L" tag " NOOP", "S: L" tag " OK done"

/* What a message says; `more` are items behind it. */
#define MESSAGE_WITH(uid, more)                                                \
	"S: * " uid " FETCH (UID " uid                                         \
	" FLAGS () INTERNALDATE \"20-Nov-2026 10:00:00 +0000\" "               \
	"RFC822.SIZE 100 ENVELOPE (NIL \"number " uid                          \
	"\" NIL NIL NIL NIL NIL NIL NIL NIL) BODYSTRUCTURE (\"TEXT\" "         \
	"\"PLAIN\" NIL NIL NIL \"7BIT\" 10 1) "                                \
	"BODY[HEADER.FIELDS (REFERENCES)] \"\"" more ")"
#define MESSAGE(uid) MESSAGE_WITH(uid, "")

/* Leads the house's credential (a new one, where there is none) to the script
 * and runs a job of this action. The script must be met to its end. */
enum rc odd_do(struct house *, const char *action, const char *const *line,
    size_t n, struct sync_report *);
/* The same with a job that is queued. */
enum rc odd_do_job(struct house *, int64_t job, const char *const *line,
    size_t n, struct sync_report *);

/* What follows is said by tests whose house is named `house`. */
#define ODD_DO(action, script, report)                                         \
	odd_do(                                                                \
	    &house, action, script, sizeof(script) / sizeof *(script), report)
#define ODD_SYNC(script, report) ODD_DO("imap_sync_messages", script, report)
#define CHECK_COUNTS()           ck_assert_str_eq(house_faults(&house), "")

#define INBOX_AND(line)                                                        \
	"C: L2 LIST \"\" \"*\"", "S: * LIST () \"/\" INBOX", line,             \
	    "S: L2 OK done", "C: L3 STATUS \"INBOX\" " STATUS_OF,              \
	    "S: * STATUS INBOX (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 7 UNSEEN 0)", \
	    "S: L3 OK done"
/* An INBOX that is empty, and Work with one message. */
#define WITH_WORK                                                              \
	LOGIN, INBOX_AND("S: * LIST () \"/\" Work"),                           \
	    "C: L4 STATUS \"Work\" " STATUS_OF, "S: L4 NO x",                  \
	    "C: L5 EXAMINE \"INBOX\"", "S: * 0 EXISTS",                        \
	    "S: * OK [UIDVALIDITY 7] x", "S: * OK [UIDNEXT 1] x",              \
	    "S: L5 OK done", "C: L6 EXAMINE \"Work\"", "S: * 1 EXISTS",        \
	    "S: * OK [UIDVALIDITY 8] x", "S: * OK [UIDNEXT 2] x",              \
	    "S: L6 OK done", "C: L7 UID FETCH 1 " ITEMS, MESSAGE("1"),         \
	    "S: L7 OK done"

#endif
