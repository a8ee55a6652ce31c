#include "domain/odd.h"

#include <stdlib.h>

#include "lib/unit.h"
#include "wire/scripted-server.h"

/* One folder is known and was not looked into yet, so that the server is asked
 * for numbers. */
static void
come(struct house *h)
{
	house_newcomer(h, "odd");
	house_sql(h,
	    "INSERT INTO mailbox (application_id, account_id, credential_id, "
	    "name, wire_name) SELECT application_id, account_id, id, 'INBOX', "
	    "'INBOX' FROM credential WHERE id = {c}");
}

static void
lead_to(struct house *h, unsigned port)
{
	unsigned dovecot = h->port;

	h->port = port;
	if (h->credential == 0)
		come(h);
	else
		house_sql(h,
		    arena_fmt(h->arena,
			"UPDATE credential SET port = %u WHERE id = {c}",
			port));
	h->port = dovecot;
}

/* `action` NULL: `job` is queued. */
static enum rc
play(struct house *h, const char *action, int64_t job, const char *const *line,
    size_t n, struct sync_report *report)
{
	struct scripted_server *server;
	unsigned port;
	enum rc rc;
	char *fault;

	server = scripted_server_start(line, n, &port);
	lead_to(h, port);
	if (action != NULL)
		job = house_queue(h, action);
	rc = house_do_job(h, job, report);
	fault = scripted_server_stop(&server);
	ck_assert_str_eq(fault, "");
	free(fault);
	return rc;
}

enum rc
odd_do(struct house *h, const char *action, const char *const *line, size_t n,
    struct sync_report *report)
{
	return play(h, action, 0, line, n, report);
}

enum rc
odd_do_job(struct house *h, int64_t job, const char *const *line, size_t n,
    struct sync_report *report)
{
	return play(h, NULL, job, line, n, report);
}
