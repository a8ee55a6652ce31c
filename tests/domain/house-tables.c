#include <fcntl.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "domain/house.h"

/* A connection of each thread, as a psql for each question would have one. */
struct asker {
	PGconn *pg;
	pid_t pid; /* who opened it: a child has its own */
};

static pthread_key_t askers;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The parent's session goes on: its socket is not told of this. */
static void
disown(PGconn *pg)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup3(null, PQsocket(pg), O_CLOEXEC) < 0)
		die("/dev/null: %m");
	close(null);
}

static void
asker_free(void *arg)
{
	struct asker *a = arg;

	if (a->pid != getpid())
		disown(a->pg);
	PQfinish(a->pg);
	free(a);
}

static void
askers_make(void)
{
	if (pthread_key_create(&askers, asker_free) != 0)
		die("no key");
}

static PGconn *
connection(const struct house *h)
{
	struct asker *a;

	pthread_once(&once, askers_make);
	a = pthread_getspecific(askers);
	if (a != NULL && a->pid == getpid())
		return a->pg;
	if (a != NULL)
		asker_free(a);
	a = calloc(1, sizeof *a);
	*a = (struct asker){ PQconnectdb(arena_fmt(h->arena,
				 "host=%s/pg dbname=postgres user=postgres "
				 "options='-c search_path=letterrack "
				 "-c client_min_messages=error'",
				 h->dir)),
		getpid() };
	pthread_setspecific(askers, a);
	return a->pg;
}

/* A server that was started anew since the last question is asked anew. */
static PGconn *
alive(const struct house *h)
{
	PGconn *pg = connection(h);
	PGresult *r = PQexec(pg, "");

	PQclear(r);
	if (PQstatus(pg) != CONNECTION_OK)
		PQreset(pg);
	if (PQstatus(pg) != CONNECTION_OK)
		die("PostgreSQL: %s", PQerrorMessage(pg));
	return pg;
}

static void
place(struct buf *out, const struct house *h, const char *sql)
{
	for (; *sql != '\0'; sql++) {
		if (sql[0] == '{' && sql[1] != '\0' && sql[2] == '}') {
			buf_int(
			    out, sql[1] == 'a' ? h->account : h->credential);
			sql += 2;
		} else {
			buf_putc(out, *sql);
		}
	}
	buf_putc(out, '\0');
}

/* As psql's unaligned rows. */
static void
rows_add(struct buf *out, const PGresult *r)
{
	for (int i = 0; i < PQntuples(r); i++) {
		for (int j = 0; j < PQnfields(r); j++) {
			if (j > 0)
				buf_putc(out, '|');
			buf_add(out, PQgetvalue(r, i, j),
			    (size_t)PQgetlength(r, i, j));
		}
		buf_putc(out, '\n');
	}
}

static void
ask(PGconn *pg, const char *sql, struct buf *out)
{
	PGresult *r;

	if (PQsendQuery(pg, sql) != 1)
		die("%sin: %s", PQerrorMessage(pg), sql);
	while ((r = PQgetResult(pg)) != NULL) {
		switch (PQresultStatus(r)) {
		case PGRES_TUPLES_OK: rows_add(out, r); break;
		case PGRES_COMMAND_OK:
		case PGRES_EMPTY_QUERY: break;
		default: die("%sin: %s", PQresultErrorMessage(r), sql);
		}
		PQclear(r);
	}
}

const char *
house_sql(struct house *h, const char *sql)
{
	struct buf text, rows;
	char *answer;

	buf_init(&text, 1 << 20);
	buf_init(&rows, (size_t)64 * 1024 * 1024);
	place(&text, h, sql);
	ask(alive(h), text.p, &rows);
	while (rows.n > 0 && rows.p[rows.n - 1] == '\n')
		rows.n--;
	answer = arena_dup(h->arena, rows.p, rows.n);
	buf_clear(&text);
	buf_clear(&rows);
	return answer;
}

int64_t
house_int(struct house *h, const char *sql)
{
	return strtoll(house_sql(h, sql), NULL, 10);
}

/* Every email by what it is and where it lies; ids are the database's own. */
const char *
house_tables(struct house *h)
{
	return house_sql(h,
	    "SELECT b.name, b.wire_name, b.special_use, b.attributes, "
	    "b.is_selectable, b.uid_next, b.uid_low, b.server_messages, "
	    "b.stored_messages, b.skipped_messages, b.removed_at IS NULL "
	    "FROM mailbox b WHERE credential_id = {c} ORDER BY 1, 2, 11; "
	    "SELECT b.name, p.uid, p.flags, p.skip_reason, e.message_id, "
	    "e.in_reply_to, e.\"references\", e.subject, e.from_json, "
	    "e.to_json, e.cc_json, e.sent_at, e.received_at, e.size_bytes, "
	    "e.is_read, e.flags, e.has_attachments, e.structure, e.removed_at "
	    "FROM placement p JOIN email e ON e.id = p.email_id "
	    "JOIN mailbox b ON b.id = p.mailbox_id "
	    "WHERE b.credential_id = {c} ORDER BY 1, 2; "
	    "SELECT count(*), count(*) FILTER (WHERE removed_at IS NULL), "
	    "count(*) FILTER (WHERE removed_at IS NULL AND NOT is_read) "
	    "FROM email WHERE credential_id = {c}");
}

const char *
house_faults(struct house *h)
{
	return house_sql(h,
	    "SELECT 'mailbox', b.id FROM mailbox b WHERE b.removed_at IS NULL "
	    "AND (b.stored_messages, b.skipped_messages) <> (SELECT "
	    "count(*) FILTER (WHERE skip_reason IS NULL), count(skip_reason) "
	    "FROM placement p WHERE p.mailbox_id = b.id AND p.uidvalidity = "
	    "b.uidvalidity); "
	    "SELECT w.name, w.n, c.n FROM (SELECT 'emails' AS name, count(*) "
	    "AS n FROM email WHERE removed_at IS NULL UNION ALL SELECT "
	    "'unread', count(*) FROM email WHERE removed_at IS NULL AND NOT "
	    "is_read) w LEFT JOIN counter c ON c.name = w.name WHERE "
	    "coalesce(c.n, 0) <> w.n");
}
