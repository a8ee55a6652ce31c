/* The sync against a real Dovecot. One house for all cases; each case has an
 * IMAP user of its own. */
#include "domain/flag.h"
#include "domain/profiles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void
check_counts(void)
{
	ck_assert_str_eq(house_faults(&house), "");
	ck_assert_int_eq(missing(), 0);
}

/* By the file: quicker than by APPEND. */
static void
fill(const char *user, int n)
{
	char path[256];
	FILE *f;

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path,
		    "%s/imap/mail/%s/Maildir/cur/%d.M%dP1.test:2,", house.dir,
		    user, 1700000000 + i, i);
		f = fopen(path, "w");
		ck_assert_ptr_nonnull(f);
		fprintf(f,
		    "From: b@example.org\nSubject: number %d\n\nText %d.\n", i,
		    i);
		fclose(f);
	}
}

/* While one batch is written the next is read, and the lease renewed. */
START_TEST(renews_its_lease_meanwhile)
{
	struct sync_report r;
	struct imap *im;

	house_newcomer(&house, "lease");
	im = house_imap(&house);
	house_append(im, "INBOX", letter); /* makes the folder */
	fill("lease", 1600);
	r = house_sync(&house);
	ck_assert_int_eq(r.stored, 1601);
	check_counts();
	imap_free(&im);
}
END_TEST

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

static char *
message(int n)
{
	return arena_fmt(house.arena,
	    "From: Anna <anna@example.org>\r\n"
	    "Subject: number %d\r\n"
	    "Message-ID: <%d@example.org>\r\n"
	    "Date: Fri, 20 Nov 2026 10:00:00 +0100\r\n"
	    "\r\n"
	    "Text %d.\r\n",
	    n, n, n);
}

/* An IMAP user with `n` messages in INBOX, synced. */
static struct imap *
newcomer(const char *user, int n)
{
	struct imap *im;

	house_newcomer(&house, user);
	im = house_imap(&house);
	for (int i = 1; i <= n; i++)
		house_append(im, "INBOX", message(i));
	ck_assert_int_eq(house_sync(&house).stored, n);
	return im;
}

static const char *
one(const char *sql)
{
	return house_sql(&house, sql);
}

START_TEST(follows_flags)
{
	struct imap *im = newcomer("flags", 3);

	house_store(im, "INBOX", "2", "+FLAGS", "(\\Seen \\Flagged Later)");
	ck_assert_int_eq(house_sync(&house).flags, 1);
	ck_assert_str_eq(one("SELECT is_read, is_flagged, flags FROM email "
			     "WHERE credential_id = {c} AND uid = 2"),
	    "t|t|{Later,\"\\\\Flagged\",\"\\\\Seen\"}");
	check_counts();
	house_store(im, "INBOX", "2", "-FLAGS", "(\\Seen)");
	ck_assert_int_eq(house_sync(&house).flags, 1);
	ck_assert_str_eq(one("SELECT is_read FROM email "
			     "WHERE credential_id = {c} AND uid = 2"),
	    "f");
	check_counts();
	imap_free(&im);
}
END_TEST

START_TEST(follows_expunges)
{
	struct imap *im = newcomer("expunge", 5);
	struct sync_report r;

	house_expunge(im, "INBOX", "2,4:5");
	house_append(im, "INBOX", message(6));
	r = house_sync(&house);
	ck_assert_int_eq(r.expunged, 3);
	ck_assert_int_eq(r.stored, 1);
	ck_assert_str_eq(
	    one("SELECT string_agg(subject || coalesce(removed_why, ''), ',' "
		"ORDER BY id) FROM email WHERE credential_id = {c}"),
	    "number 1,number 2vanished,number 3,number 4vanished,"
	    "number 5vanished,number 6");
	check_counts();
	imap_free(&im);
}
END_TEST

START_TEST(follows_folders)
{
	struct imap *im = newcomer("folders", 1);
	const char *id;

	MUST(imap_folder_create(im, str_of("Work")));
	MUST(imap_folder_create(im, str_of("Work/D&APw-nn")));
	house_append(im, "Work/D&APw-nn", message(2));
	ck_assert_int_eq(house_sync(&house).stored, 1);
	ck_assert_str_eq(one("SELECT name, delimiter FROM mailbox WHERE "
			     "credential_id = {c} AND wire_name LIKE '%nn'"),
	    "Work/Dünn|/");
	ck_assert_str_eq(one("SELECT string_agg(special_use, ',' ORDER BY "
			     "special_use) FROM mailbox WHERE "
			     "credential_id = {c}"),
	    "inbox,sent,trash");
	id = one("SELECT e.id, e.mailbox_id FROM email e "
		 "WHERE credential_id = {c} AND subject = 'number 2'");

	/* A rename takes mail and ids along, and the children's too. */
	MUST(imap_folder_rename(im, str_of("Work"), str_of("Play")));
	ck_assert_int_eq(house_sync(&house).stored, 0);
	ck_assert_str_eq(one("SELECT e.id, e.mailbox_id FROM email e JOIN "
			     "mailbox m ON m.id = e.mailbox_id WHERE "
			     "m.credential_id = {c} AND m.name = 'Play/Dünn'"),
	    id);
	check_counts();

	/* A folder that goes takes its mail along. */
	MUST(imap_folder_delete(im, str_of("Play/D&APw-nn")));
	ck_assert_int_eq(house_sync(&house).expunged, 0);
	house_missed_long(&house);
	ck_assert_int_eq(house_sync(&house).expunged, 1);
	ck_assert_str_eq(one("SELECT removed_why FROM email WHERE "
			     "credential_id = {c} AND subject = 'number 2'"),
	    "vanished");
	check_counts();
	/* One of the same name is another folder. */
	MUST(imap_folder_create(im, str_of("Play/D&APw-nn")));
	house_append(im, "Play/D&APw-nn", message(3));
	ck_assert_int_eq(house_sync(&house).stored, 1);
	check_counts();
	imap_free(&im);
}
END_TEST

/* Dovecot lists a folder that was deleted as long as it holds others. */
START_TEST(follows_deleted_parent)
{
	struct imap *im = newcomer("parent", 1);

	MUST(imap_folder_create(im, str_of("Work")));
	MUST(imap_folder_create(im, str_of("Work/Sub")));
	house_append(im, "Work", message(2));
	house_append(im, "Work/Sub", message(3));
	ck_assert_int_eq(house_sync(&house).stored, 2);
	MUST(imap_folder_delete(im, str_of("Work")));
	(void)house_sync(&house);
	house_sql(&house,
	    "UPDATE mailbox SET refused_since = now() - interval '2 days' "
	    "WHERE refused_since IS NOT NULL");
	(void)house_sync(&house);
	ck_assert_str_eq(one("SELECT string_agg(subject, ',' ORDER BY id) FROM "
			     "email WHERE credential_id = {c} AND removed_at "
			     "IS NULL"),
	    "number 1,number 3");
	check_counts();
	/* Another one under its name. */
	MUST(imap_folder_create(im, str_of("Work")));
	house_append(im, "Work", message(4));
	ck_assert_int_eq(house_sync(&house).stored, 1);
	check_counts();
	imap_free(&im);
}
END_TEST

/* Names that are exchanged between two folders. */
START_TEST(follows_swapped_names)
{
	struct imap *im = newcomer("swap", 1);
	const char *ids;

	MUST(imap_folder_create(im, str_of("A")));
	MUST(imap_folder_create(im, str_of("B")));
	house_append(im, "A", message(2));
	house_append(im, "B", message(3));
	ck_assert_int_eq(house_sync(&house).stored, 2);
	ids = one("SELECT string_agg(id || subject, ',' ORDER BY id) "
		  "FROM email WHERE credential_id = {c}");
	MUST(imap_folder_rename(im, str_of("A"), str_of("C")));
	MUST(imap_folder_rename(im, str_of("B"), str_of("A")));
	MUST(imap_folder_rename(im, str_of("C"), str_of("B")));
	(void)house_sync(&house);
	ck_assert_str_eq(
	    one("SELECT string_agg(m.name || ':' || e.subject, ',' ORDER BY "
		"m.name) FROM email e JOIN mailbox m ON m.id = e.mailbox_id "
		"WHERE m.credential_id = {c} AND m.name IN ('A', 'B')"),
	    "A:number 3,B:number 2");
	ck_assert_str_eq(one("SELECT string_agg(id || subject, ',' ORDER BY "
			     "id) FROM email WHERE credential_id = {c}"),
	    ids);
	check_counts();
	imap_free(&im);
}
END_TEST

/* The server's index is lost: new UIDs, and all mail keeps its id. */
START_TEST(rematches_uidvalidity)
{
	struct imap *im = newcomer("validity", 4);
	const char *ids;

	house_append(im, "INBOX", letter);
	house_append(im, "INBOX", letter); /* alike in all we know */
	house_expunge(im, "INBOX", "1");
	(void)house_sync(&house);
	ids = one("SELECT string_agg(id || subject, ',' ORDER BY id) FROM "
		  "email WHERE credential_id = {c} AND removed_at IS NULL");
	imap_free(&im);
	house_dovecot(&house, "stop");
	ck_assert_int_eq(
	    system(arena_fmt(house.arena,
		"rm -rf %s/imap/mail/validity/Maildir/dovecot*", house.dir)),
	    0);
	house_dovecot(&house, "again");
	im = house_imap(&house);
	house_append(im, "INBOX", message(9));
	ck_assert_int_eq(house_sync(&house).stored, 1);
	ck_assert_str_eq(one("SELECT string_agg(id || subject, ',' ORDER BY "
			     "id) FROM email WHERE credential_id = {c} AND "
			     "removed_at IS NULL AND subject <> 'number 9'"),
	    ids);
	ck_assert_int_eq(house_int(&house,
			     "SELECT count(*) FROM email WHERE "
			     "credential_id = {c} AND removed_at IS NULL"),
	    6);
	check_counts();
	ck_assert_int_eq(house_sync(&house).changed, 0);
	imap_free(&im);
}
END_TEST

/* What another client moves or copies stays the email that it was, whichever of
 * the two folders is looked into first (INBOX always is). */
static void
check_moved(const char *ids, int64_t moved, const char *where)
{
	struct sync_report r = house_sync(&house);

	ck_assert_int_eq(r.moved, moved);
	ck_assert_int_eq(r.stored, 0);
	ck_assert_str_eq(one("SELECT string_agg(id || subject, ',' ORDER BY "
			     "id) FROM email WHERE credential_id = {c} AND "
			     "removed_at IS NULL"),
	    ids);
	ck_assert_str_eq(
	    one("SELECT string_agg(m.name || right(e.subject, 2), ',' ORDER "
		"BY e.id, m.name) FROM placement p JOIN email e ON e.id = "
		"p.email_id JOIN mailbox m ON m.id = p.mailbox_id WHERE "
		"m.credential_id = {c}"),
	    where);
	check_counts();
}

START_TEST(follows_moves)
{
	struct imap *im = newcomer("moves", 3);
	const char *ids;

	ck_assert_int_eq(house_run(&house, NULL), RC_OK);
	ck_assert_int_eq(house_int(&house,
			     "SELECT count(sha256) FROM email WHERE "
			     "credential_id = {c}"),
	    3);
	ids = one("SELECT string_agg(id || subject, ',' ORDER BY id) FROM "
		  "email WHERE credential_id = {c}");
	house_move(im, "INBOX", "2:3", "Trash");
	check_moved(ids, 2, "INBOX 1,Trash 2,Trash 3");
	house_store(im, "Trash", "1", "+FLAGS", "(\\Seen)");
	house_move(im, "Trash", "1", "INBOX");
	check_moved(ids, 1, "INBOX 1,INBOX 2,Trash 3");
	ck_assert_str_eq(one("SELECT is_read, uid FROM email WHERE "
			     "credential_id = {c} AND subject = 'number 2'"),
	    "t|4");
	MUST(imap_folder_create(im, str_of("New")));
	house_move(im, "Trash", "2", "New");
	check_moved(ids, 1, "INBOX 1,INBOX 2,New 3");
	house_copy(im, "INBOX", "1", "Sent");
	check_moved(ids, 1, "INBOX 1,Sent 1,INBOX 2,New 3");
	ck_assert_int_eq(house_sync(&house).changed, 0);
	imap_free(&im);
}
END_TEST

/* "Sent 1": where lists have to look for an email beside the folder that it is
 * shown under. */
static void
check_copies(const char *wanted)
{
	(void)house_sync(&house);
	ck_assert_str_eq(
	    one("SELECT string_agg(m.name || ' ' || p.uid, ',' ORDER BY "
		"m.name, p.uid) FROM placement p JOIN mailbox m ON m.id = "
		"p.mailbox_id JOIN email e ON e.id = p.email_id AND copy_at = "
		"e.received_at WHERE m.credential_id = {c}"),
	    wanted);
	ck_assert_str_eq(
	    one("SELECT p.uid FROM placement p JOIN mailbox m ON m.id = "
		"p.mailbox_id JOIN email e ON e.id = p.email_id AND copy_at "
		"<> e.received_at WHERE m.credential_id = {c}"),
	    "");
}

/* One a folder, and none in the folder shown. */
START_TEST(marks_copies)
{
	struct imap *im = newcomer("copies", 3);

	ck_assert_int_eq(house_run(&house, NULL), RC_OK); /* hashes */
	check_copies("");
	house_copy(im, "INBOX", "1:2", "Sent");
	check_copies("Sent 1,Sent 2");
	house_copy(im, "INBOX", "1", "Sent");
	house_copy(im, "INBOX", "1", "Trash");
	house_copy(im, "INBOX", "1", "INBOX");
	check_copies("Sent 2,Sent 3,Trash 1");
	house_expunge(im, "Sent", "3");
	check_copies("Sent 1,Sent 2,Trash 1");
	house_expunge(im, "INBOX", "1");
	check_copies("Sent 1,Sent 2,Trash 1");
	house_expunge(im, "INBOX", "4");
	ck_assert_int_eq(house_sync(&house).changed, 1);
	ck_assert_str_eq(
	    one("SELECT m.name FROM email e JOIN mailbox m ON m.id "
		"= e.mailbox_id WHERE e.credential_id = {c} AND "
		"subject = 'number 1'"),
	    "Sent");
	check_copies("Sent 2,Trash 1");
	imap_free(&im);
}
END_TEST

/* A message comes back: out of a folder that nobody looked into meanwhile. */
START_TEST(follows_what_had_vanished)
{
	struct imap *im = newcomer("back", 2);
	const char *ids;

	ck_assert_int_eq(house_run(&house, NULL), RC_OK);
	ids = one("SELECT string_agg(id || subject, ',' ORDER BY id) FROM "
		  "email WHERE credential_id = {c}");
	house_expunge(im, "INBOX", "1");
	ck_assert_int_eq(house_sync(&house).expunged, 1);
	house_append(im, "Sent", message(1));
	check_moved(ids, 1, "Sent 1,INBOX 2");
	imap_free(&im);
}
END_TEST

/* Where a hash is known, nothing but the bytes tells: not a Message-ID, not all
 * that a FETCH says. */
START_TEST(joins_only_the_same_bytes)
{
	struct imap *im = newcomer("bytes", 3);
	struct sync_report r;

	ck_assert_int_eq(house_run(&house, NULL), RC_OK);
	house_sql(&house,
	    "UPDATE email SET sha256 = sha256('other') WHERE credential_id = "
	    "{c} AND uid < 3");
	house_move(im, "INBOX", "1:2", "Trash");
	r = house_sync(&house);
	ck_assert_int_eq(r.stored, 2);
	ck_assert_int_eq(r.moved, 0);
	ck_assert_str_eq(
	    one("SELECT string_agg(subject || coalesce(removed_why, ''), ',' "
		"ORDER BY subject, id) FROM email WHERE credential_id = {c}"),
	    "number 1vanished,number 1,number 2vanished,number 2,number 3");
	check_counts();
	imap_free(&im);
}
END_TEST

/* A user's change wins over what a sync reads, and reaches the server. */
static enum rc
read_and_flag(struct db *db, void *arg)
{
	const bool yes = true;

	return email_flags_set(db, house.account, *(int64_t *)arg,
	    &(struct email_flags){ .is_read = &yes, .is_flagged = &yes },
	    house.arena);
}

START_TEST(tells_flags)
{
	struct imap *im = newcomer("tell", 2);
	struct sync_report r;
	int64_t email = house_int(&house,
	    "SELECT id FROM email WHERE credential_id = {c} AND uid = 1");

	house_store(im, "INBOX", "1", "+FLAGS", "(\\Answered)");
	house_as_user(&house, read_and_flag, &email);
	ck_assert_str_eq(one("SELECT is_read, is_flagged FROM email WHERE "
			     "credential_id = {c} AND uid = 1"),
	    "t|t");
	check_counts();
	ck_assert_str_eq(one("SELECT action, state FROM job WHERE "
			     "credential_id = {c} ORDER BY id DESC LIMIT 1"),
	    "imap_store_flags|queued");
	ck_assert_int_eq(house_run(&house, &r), RC_OK);
	ck_assert_int_eq(
	    house_int(&house, "SELECT count(*) FROM flag_intent"), 0);
	(void)house_sync(&house);
	ck_assert_str_eq(one("SELECT e.flags, p.flags FROM email e JOIN "
			     "placement p ON p.email_id = e.id WHERE "
			     "e.credential_id = {c} AND e.uid = 1"),
	    "{\"\\\\Answered\",\"\\\\Flagged\",\"\\\\Seen\"}|"
	    "{\"\\\\Answered\",\"\\\\Flagged\",\"\\\\Seen\"}");
	check_counts();
	imap_free(&im);
}
END_TEST

/* A server says OK to a STORE of a UID that is gone: the wish goes where the
 * message went. */
START_TEST(tells_flags_of_the_moved)
{
	struct imap *im = newcomer("astray", 2);
	int64_t email = house_int(&house,
	    "SELECT id FROM email WHERE credential_id = {c} AND uid = 1");

	ck_assert_int_eq(house_run(&house, NULL), RC_OK); /* hashes */
	house_move(im, "INBOX", "1", "Trash");
	house_as_user(&house, read_and_flag, &email);
	ck_assert_int_eq(house_run(&house, NULL), RC_OK);
	ck_assert_int_eq(
	    house_int(&house, "SELECT count(*) FROM flag_intent"), 0);
	(void)house_sync(&house);
	ck_assert_str_eq(one("SELECT e.uid, m.name, e.is_read, e.is_flagged, "
			     "p.flags FROM email e JOIN placement p ON "
			     "p.email_id = e.id JOIN mailbox m ON m.id = "
			     "p.mailbox_id WHERE e.credential_id = {c} AND "
			     "e.subject = 'number 1'"),
	    "1|Trash|t|t|{\"\\\\Flagged\",\"\\\\Seen\"}");
	check_counts();
	imap_free(&im);
}
END_TEST

/* A sync between the wish and its effect does not undo it. */
START_TEST(keeps_wishes)
{
	struct imap *im = newcomer("wish", 1);
	int64_t email = house_int(&house,
	    "SELECT id FROM email WHERE credential_id = {c} AND uid = 1");

	house_as_user(&house, read_and_flag, &email);
	house_sql(&house,
	    "UPDATE flag_intent SET credential_id = credential_id"
	    " WHERE account_id = {a}");
	/* the server says otherwise, and the wish is still on its way */
	house_sql(&house,
	    "UPDATE placement SET flags = '{Other}' WHERE "
	    "email_id = (SELECT max(id) FROM email WHERE "
	    "credential_id = {c})");
	house_store(im, "INBOX", "1", "+FLAGS", "(\\Draft)");
	(void)house_sync(&house);
	ck_assert_str_eq(one("SELECT is_read, is_flagged, is_draft FROM email "
			     "WHERE credential_id = {c}"),
	    "t|t|t");
	check_counts();
	imap_free(&im);
}
END_TEST

START_TEST(reads_first_words)
{
	struct imap *im;

	house_newcomer(&house, "words");
	im = house_imap(&house);
	house_append(im, "INBOX", letter);
	house_append(im, "INBOX",
	    "From: a@example.org\r\n"
	    "Content-Type: multipart/mixed; boundary=b\r\n"
	    "\r\n"
	    "--b\r\n"
	    "Content-Type: text/html; charset=iso-8859-1\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n"
	    "\r\n"
	    "<p>Gr=FC=DFe <b>an</b> alle</p>\r\n"
	    "--b\r\n"
	    "Content-Type: text/plain\r\n"
	    "Content-Disposition: attachment; filename=\"a b.txt\"\r\n"
	    "\r\n"
	    "not this\r\n"
	    "--b--\r\n");
	(void)house_sync(&house);
	ck_assert_int_eq(house_run(&house, NULL), RC_OK);
	ck_assert_str_eq(one("SELECT string_agg(snippet, '|' ORDER BY uid) "
			     "FROM email WHERE credential_id = {c}"),
	    "First words.|Grüße an alle");
	ck_assert_str_eq(one("SELECT has_attachments, structure::json -> 2 ->> "
			     "'f' FROM email WHERE credential_id = {c} "
			     "AND uid = 2"),
	    "t|a b.txt");
	imap_free(&im);
}
END_TEST

/* A message that was set aside before its words could be read, and is shown
 * later, when those of newer ones were: its own are read then, and no others
 * again. */
START_TEST(reads_words_of_the_mended)
{
	const char *const words = "SELECT string_agg(coalesce(snippet, '-') || "
				  "(sha256 IS NOT NULL)::text, ',' ORDER BY "
				  "uid) FROM email WHERE credential_id = {c}";
	struct sync_report r;
	struct imap *im;

	house_newcomer(&house, "mended");
	im = house_imap(&house);
	house_append(im, "INBOX", letter);
	house_append(im, "INBOX", message(2));
	(void)house_sync(&house);
	ck_assert_int_eq(house_run(&house, NULL), RC_OK);
	house_sql(&house,
	    "UPDATE email SET skip_reason = 'planted', snippet = NULL, "
	    "sha256 = NULL WHERE credential_id = {c} AND uid = 1; "
	    "UPDATE placement SET skip_reason = 'planted' WHERE uid = 1 AND "
	    "account_id = {a} AND mailbox_id = (SELECT mailbox_id FROM email "
	    "WHERE credential_id = {c} AND uid = 1); "
	    "UPDATE mailbox SET stored_messages = stored_messages - 1, "
	    "skipped_messages = 1, skips_tried_uid = 0, skips_tried_at = "
	    "now() - interval '2 days' WHERE credential_id = {c} AND name = "
	    "'INBOX'");
	r = house_sync(&house);
	ck_assert_int_eq(r.stored, 1);
	ck_assert_str_eq(one("SELECT action FROM job WHERE credential_id = {c} "
			     "AND state = 'queued'"),
	    "imap_fetch_text");
	ck_assert_int_eq(house_run(&house, &r), RC_OK);
	ck_assert_int_eq(r.texts, 1);
	ck_assert_str_eq(one(words), "First words.true,Text 2.true");
	(void)house_queue(&house, "imap_fetch_text");
	ck_assert_int_eq(house_run(&house, &r), RC_OK);
	ck_assert_int_eq(r.texts, 0);
	check_counts();
	imap_free(&im);
}
END_TEST

/* Its folder was renamed before its words could be read. */
START_TEST(reads_words_of_the_renamed)
{
	const char *const words = "SELECT snippet FROM email WHERE "
				  "credential_id = {c} AND subject = "
				  "'number 2'";
	struct imap *im = newcomer("renamed", 1);
	struct sync_report r;

	ck_assert_int_eq(house_run(&house, NULL), RC_OK);
	MUST(imap_folder_create(im, str_of("Work")));
	house_append(im, "Work", message(2));
	(void)house_sync(&house);
	MUST(imap_folder_rename(im, str_of("Work"), str_of("Play")));
	ck_assert_int_eq(house_run(&house, &r), RC_OK);
	ck_assert_int_eq(r.texts, 0);
	(void)house_sync(&house);
	ck_assert_int_eq(house_run(&house, &r), RC_OK);
	ck_assert_int_eq(r.texts, 1);
	ck_assert_str_eq(one(words), "Text 2.");
	ck_assert_int_eq(house_sync(&house).changed, 0);
	check_counts();
	imap_free(&im);
}
END_TEST

struct seen {
	char text[512];
};

static void
see(void *arg, const char *folder, const char *what)
{
	struct seen *seen = arg;
	size_t n = strlen(seen->text);

	snprintf(
	    seen->text + n, sizeof seen->text - n, "%s: %s\n", folder, what);
}

/* Telling what would be done does nothing of it. */
START_TEST(looks_without_touching)
{
	struct imap *im = newcomer("look", 2);
	const struct job_host host = { .db = house.db,
		.conf = house.conf,
		.keks = &house.keks,
		.egress = house.egress };
	const struct preview p = { .application_id = house.application,
		.account_id = house.account,
		.credential_id = house.credential };
	const char *before = house_tables(&house);
	struct seen seen = { "" };

	house_append(im, "INBOX", message(3));
	MUST(imap_folder_create(im, str_of("New")));
	MUST(imap_folder_delete(im, str_of("Trash")));
	MUST(sync_preview(&host, &p, see, &seen));
	ck_assert_ptr_nonnull(
	    strstr(seen.text, "INBOX: changed, 3 messages, 2 known\n"));
	ck_assert_ptr_nonnull(strstr(seen.text, "New: new, 0 messages\n"));
	ck_assert_str_eq(house_tables(&house), before);
	imap_free(&im);
}
END_TEST

/* What hung on a credential goes with it, without foreign keys on mail. */
START_TEST(forgets_a_credential)
{
	struct imap *im = newcomer("forget", 2);

	imap_free(&im);
	house_sql(&house,
	    "DELETE FROM task; "
	    "DELETE FROM credential WHERE id = {c}");
	ck_assert_str_eq(
	    one("SELECT (SELECT count(*) FROM email WHERE credential_id = "
		"{c}), (SELECT count(*) FROM mailbox WHERE credential_id = "
		"{c}), (SELECT count(*) FROM placement p WHERE NOT EXISTS "
		"(SELECT FROM email e WHERE e.id = p.email_id) OR NOT EXISTS "
		"(SELECT FROM mailbox m WHERE m.id = p.mailbox_id))"),
	    "0|0|0");
	/* the counters of the account are told by whoever removes it */
	house_sql(&house,
	    "UPDATE counter SET n = (SELECT count(*) FROM email "
	    "WHERE removed_at IS NULL AND (name = 'emails' OR "
	    "NOT is_read))");
}
END_TEST

START_TEST(says_what_failed)
{
	house_newcomer(&house, "wrong");
	house_sql(&house, "UPDATE credential SET port = 1 WHERE id = {c}");
	(void)house_queue(&house, "imap_sync_messages");
	ck_assert_int_eq(house_run(&house, NULL), RC_CONNECTION);
	ck_assert_str_eq(one("SELECT j.state, j.last_error_code, "
			     "j.attempt_count, j.run_at > now(), t.state, "
			     "c.last_error_code, c.status FROM job j "
			     "JOIN task t ON t.id = j.task_id JOIN credential "
			     "c ON c.id = j.credential_id WHERE c.id = {c}"),
	    "queued|transient_connection|1|t|queued|transient_connection|"
	    "unverified");
}
END_TEST

/* Mail as people and their programs wrote it. */
static size_t
append_corpus(struct imap *im, const char *name)
{
	const char *top = getenv("LETTERRACK_CORPUS");
	char *dir = arena_fmt(house.arena, "%s/%s",
	    top != NULL ? top : TOP_SRCDIR "/../shared/corpus", name);
	char *list = arena_fmt(house.arena,
	    "find %s -name '*.eml' -size +0 2>/dev/null | sort", dir);
	FILE *f = popen(list, "r");
	char path[512];
	size_t n = 0;

	while (f != NULL && fgets(path, sizeof path, f) != NULL) {
		path[strcspn(path, "\n")] = '\0';
		house_append_file(im, "INBOX", path);
		n++;
	}
	if (f != NULL)
		pclose(f);
	return n;
}

START_TEST(stores_the_corpus)
{
	struct imap *im;
	struct sync_report r;
	size_t n;

	house_newcomer(&house, "corpus");
	im = house_imap(&house);
	n = append_corpus(im, "lists") + append_corpus(im, "mime");
	imap_free(&im);
	r = house_sync(&house);
	ck_assert_uint_eq((size_t)(r.stored + r.skipped), n);
	ck_assert_int_eq(r.skipped, 0);
	ck_assert_int_eq(r.compared, 0); /* the walk itself found all */
	ck_assert_int_eq(house_run(&house, &r), RC_OK);
	check_counts();
}
END_TEST

/* A task that names a folder is about that one. */
static enum rc
sync_folder_named(const char *payload, struct sync_report *r)
{
	(void)house_queue(&house, "imap_sync_messages");
	house_sql(&house,
	    arena_fmt(house.arena,
		"UPDATE task SET payload = '%s' WHERE id = (SELECT max(id) "
		"FROM task WHERE target_credential_id = {c})",
		payload));
	return house_run(&house, r);
}

static void
check_folders(const char *wanted)
{
	ck_assert_str_eq(one("SELECT string_agg(m.name || ':' || e.subject, "
			     "',' ORDER BY e.id) FROM email e JOIN mailbox m "
			     "ON m.id = e.mailbox_id WHERE m.credential_id = "
			     "{c} AND e.removed_at IS NULL"),
	    wanted);
}

START_TEST(syncs_one_folder)
{
	struct imap *im = newcomer("onefolder", 1);
	struct sync_report r;

	house_sql(&house,
	    "DELETE FROM task WHERE task_type = "
	    "'imap_fetch_text'");
	MUST(imap_folder_create(im, str_of("D&APw-nn")));
	house_append(im, "INBOX", message(2));
	house_append(im, "Sent", message(3));
	house_append(im, "D&APw-nn", message(4));
	ck_assert_int_eq(
	    sync_folder_named("{\"folder\": \"Dünn\"}", &r), RC_OK);
	check_folders("INBOX:number 1,Dünn:number 4");
	ck_assert_int_eq(
	    sync_folder_named("{\"folder\": \"Sent\"}", &r), RC_OK);
	check_folders("INBOX:number 1,Dünn:number 4,Sent:number 3");
	ck_assert_str_eq(one("SELECT stored_messages, server_messages FROM "
			     "mailbox WHERE credential_id = {c} AND name = "
			     "'INBOX'"),
	    "1|1");
	ck_assert_int_eq(
	    sync_folder_named("{\"folder\": \"sent\"}", &r), RC_NO_FOLDER);
	ck_assert_str_eq(one("SELECT state, last_error_code, "
			     "last_error_detail FROM job WHERE credential_id "
			     "= {c} ORDER BY id DESC LIMIT 1"),
	    "failed|not_found_folder|the server has no folder sent");
	ck_assert_int_eq(sync_folder_named("{\"folder\": 7}", &r), RC_INVALID);
	ck_assert_int_eq(sync_folder_named("{\"folder\": null}", &r), RC_OK);
	check_folders("INBOX:number 1,Dünn:number 4,Sent:number 3,"
		      "INBOX:number 2");
	check_counts();
	imap_free(&im);
}
END_TEST

/* INBOX is INBOX in any case (RFC 9051 5.1), and no other name is; what stands
 * below it has its own case. */
START_TEST(inbox_in_any_case)
{
	static const struct {
		const char *name;
		enum rc rc;
	} rows[] = {
		{ "inbox", RC_OK },
		{ "Inbox", RC_OK },
		{ "iNbOx", RC_OK },
		{ "INBOX/Below", RC_OK },
		{ "inbox/Below", RC_NO_FOLDER },
		{ "INBOX/below", RC_NO_FOLDER },
		{ "inbo", RC_NO_FOLDER },
		{ "inbox ", RC_NO_FOLDER },
		{ "Inboxes", RC_NO_FOLDER },
	};
	struct imap *im = newcomer("anycase", 1);
	struct sync_report r;

	MUST(imap_folder_create(im, STR("INBOX/Below")));
	ARRAY_EACH (row, rows)
		ROW(row->name,
		    sync_folder_named(arena_fmt(house.arena,
					  "{\"folder\": \"%s\"}", row->name),
			&r) == row->rc);
	check_folders("INBOX:number 1");
	imap_free(&im);
}
END_TEST

int
main(void)
{
	const struct unit_case cases[] = {
		UNIT(first_sync),
		UNIT(renews_its_lease_meanwhile),
		UNIT(follows_flags),
		UNIT(follows_expunges),
		UNIT(follows_folders),
		UNIT(follows_deleted_parent),
		UNIT(follows_swapped_names),
		UNIT(rematches_uidvalidity),
		UNIT(follows_moves),
		UNIT(marks_copies),
		UNIT(follows_what_had_vanished),
		UNIT(joins_only_the_same_bytes),
		UNIT(tells_flags),
		UNIT(tells_flags_of_the_moved),
		UNIT(keeps_wishes),
		UNIT(reads_first_words),
		UNIT(reads_words_of_the_mended),
		UNIT(reads_words_of_the_renamed),
		UNIT(looks_without_touching),
		UNIT(forgets_a_credential),
		UNIT(syncs_one_folder),
		UNIT(inbox_in_any_case),
		UNIT(says_what_failed),
		UNIT(stores_the_corpus),
	};

	return profiles_run(
	    "domain/sync", &house, cases, sizeof cases / sizeof *cases);
}
