/* What the files of the family `emails` share; nobody else includes this. */
#ifndef CGI_BIN_EMAILS_H
#define CGI_BIN_EMAILS_H

#include "web/request.h"

/* ---- emails-search.c ---- */

enum { EMAILS_INBOUND, EMAILS_OUTBOUND };
extern const char *const email_directions[];

struct email_search {
	struct page page;
	const char *query;
	int sort;
	int64_t credential_id;
	int64_t mailbox;
	bool is_read;
	bool is_flagged;
	bool has_attachments;
	instant from;
	instant to;
	int direction;
};
extern const struct field email_search_body[];

struct mail_search {
	struct page page;
	const char *query;
	int sort;
};
extern const struct field mail_search_params[];

enum rc email_search(struct request *) MUST_CHECK; /* POST …/emails/search */
enum rc mail_search(struct request *) MUST_CHECK;  /* GET /api/search */

#endif
