/* The sync against a real Dovecot. One house for all cases; each case has an
 * IMAP user of its own. */
#include "domain/house.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/unit.h"

static struct house house;

static const char letter[] = "From: Anna <anna@example.org>\r\n"
			     "To: b@example.org\r\n"
			     "Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=\r\n"
			     "Message-ID: <one@example.org>\r\n"
			     "Date: Fri, 20 Nov 2026 10:00:00 +0100\r\n"
			     "\r\n"
			     "First words.\r\n";

static const char nameless[] = "From: c@example.org\r\n"
			       "Subject: without an id\r\n"
			       "\r\n"
			       "Text.\r\n";

static int64_t
missing(void)
{
	return house_int(&house,
	    "SELECT coalesce(sum(server_messages - stored_messages - "
	    "skipped_messages), -1) FROM mailbox "
	    "WHERE credential_id = {c} AND removed_at IS NULL");
}

/* Every count that is kept, against the rows. */
static void
check_counts(void)
{
	ck_assert_str_eq(
	    house_sql(&house,
		"SELECT b.id FROM mailbox b WHERE b.removed_at IS NULL AND "
		"(b.stored_messages, b.skipped_messages) <> (SELECT "
		"count(*) FILTER (WHERE skip_reason IS NULL), "
		"count(skip_reason) FROM placement p WHERE p.mailbox_id = "
		"b.id AND p.uidvalidity = b.uidvalidity)"),
	    "");
	ck_assert_str_eq(
	    house_sql(&house,
		"SELECT coalesce((SELECT n FROM counter WHERE name = "
		"'emails'), 0) - (SELECT count(*) FROM email WHERE "
		"removed_at IS NULL), coalesce((SELECT n FROM counter WHERE "
		"name = 'unread'), 0) - (SELECT count(*) FROM email WHERE "
		"removed_at IS NULL AND NOT is_read)"),
	    "0|0");
	ck_assert_int_eq(missing(), 0);
}

START_TEST(first_sync)
{
	struct sync_report r;
	struct imap *im;

	house_newcomer(&house, "firstsync");
	im = house_imap(&house);
	house_append(im, "INBOX", letter);
	house_append(im, "INBOX", nameless);
	house_append(im, "INBOX", letter);
	imap_free(&im);
	r = house_sync(&house);
	ck_assert_int_eq(r.stored, 3);
	ck_assert_int_eq(r.missing, 0);
	ck_assert_str_eq(
	    house_sql(&house,
		"SELECT subject, from_json, to_json, message_id, is_read, "
		"has_attachments, extract(epoch FROM sent_at)::bigint FROM "
		"email WHERE credential_id = {c} AND uid = 1"),
	    "Grüße|[{\"name\":\"Anna\",\"address\":\"anna@example.org\"}]|"
	    "[{\"name\":null,\"address\":\"b@example.org\"}]|"
	    "<one@example.org>|f|f|1795165200");
	check_counts();
	r = house_sync(&house);
	ck_assert_int_eq(r.changed, 0);
}
END_TEST

int
main(void)
{
	const struct unit_case cases[] = {
		UNIT(first_sync),
	};

	house_start(&house, NULL);
	return unit_run("domain/sync", cases, sizeof cases / sizeof *cases);
}
