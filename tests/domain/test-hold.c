/* Mail is held and released: nothing lost, doubled or let through, whatever the
 * server can. All cases run with MOVE, with copies, and with copies that can
 * only be marked as deleted where they were. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "domain/hold.h"
#include "domain/house.h"
#include "domain/raw-store.h"
#include "lib/unit.h"

static struct house house;
static bool marks_only; /* the server at hand has no UIDPLUS */

static const char *
one(const char *sql)
{
	return house_sql(&house, sql);
}

static const char *
letter(const char *subject, const char *more)
{
	return arena_fmt(house.arena,
	    "From: Anna <anna@example.org>\r\nTo: review@example.org\r\n"
	    "Subject: %s\r\nMessage-ID: <same@example.org>\r\n%s\r\n"
	    "Text of %s.\r\n",
	    subject, more, subject);
}

static void
arrives(struct imap *im, const char *subject)
{
	house_append(im, "INBOX", letter(subject, ""));
}

/* As another mail program does it on such a server. */
static void
moves(struct imap *im, const char *from, const char *uid, const char *to)
{
	if (imap_caps(im) & IMAP_CAP(MOVE)) {
		house_move(im, from, uid, to);
		return;
	}
	house_copy(im, from, uid, to);
	if (marks_only)
		house_store(im, from, uid, "+FLAGS", "(\\Deleted)");
	else
		house_expunge(im, from, uid);
}

/* A mailbox whose old mail is known, and which is watched from now on. */
static struct imap *
watched(const char *user, const char *policy)
{
	struct imap *im;

	house_newcomer(&house, user);
	im = house_imap(&house);
	arrives(im, "old urgent");
	(void)house_sync(&house);
	house_sql(&house,
	    arena_fmt(house.arena,
		"UPDATE credential SET hold_policy = '%s' WHERE id = {c}; "
		"DELETE FROM rule; INSERT INTO rule (application_id, "
		"account_id, name, type, operator, value, action, priority) "
		"SELECT application_id, id, 'r', 'keyword', 'contains', "
		"'urgent,payment', 'hold', 45 FROM account WHERE id = {a}",
		policy));
	return im;
}

/* Subjects of what a folder shows: what is marked as deleted is not shown. */
struct shown {
	struct buf b;
};

static enum rc
take(void *arg, const struct imap_message *m)
{
	struct shown *x = arg;

	if (m->has & IMAP_HAS_ENVELOPE && !(m->flags.system & IMAP_DELETED))
		buf_fmt(&x->b, "%.*s|", STR_FMT(m->envelope.subject));
	return RC_OK;
}

static const char *
shown(struct imap *im, const char *folder)
{
	struct shown x;
	const struct imap_fetch how = { .message = take, .arg = &x };
	struct imap_mailbox box;
	struct imap_set all;
	const char *text;
	bool qresync;

	if (imap_select(im, str_of(folder), true, NULL, NULL, &box, &qresync) !=
	    RC_OK)
		return "no folder";
	buf_init(&x.b, 65536);
	imap_set_init(&all, house.arena);
	imap_set_add(&all, 1, 1000);
	MUST(imap_fetch(im, &all, "UID FLAGS ENVELOPE", &how));
	text = arena_str(house.arena, buf_text(&x.b));
	buf_clear(&x.b);
	return text;
}

static enum rc
sum_bytes(void *arg, const void *p, size_t n)
{
	sha256_add(arg, p, n);
	return RC_OK;
}

/* Every place that the table knows has these bytes. */
static void
check_bytes(struct imap *im)
{
	struct str rest = str_of(
	    one("SELECT b.wire_name, p.uid, encode(coalesce(h.edited_sha256, "
		"h.sha256), 'hex') FROM hold h JOIN placement p ON p.email_id "
		"= h.email_id JOIN mailbox b ON b.id = p.mailbox_id WHERE "
		"h.credential_id = {c} AND h.sha256 IS NOT NULL "
		/* what could only be marked is what came */
		"AND NOT (h.edited_sha256 IS NOT NULL AND h.is_visible AND "
		"'\\Deleted' = ANY (p.flags))"));

	while (rest.n > 0) {
		struct str line = house_piece(&rest, '\n');
		struct str folder = house_piece(&line, '|');
		struct str number = house_piece(&line, '|');
		struct sha256 *sum = sha256_new();
		unsigned char hash[SHA256_SIZE];
		char hex[2 * SHA256_SIZE + 1];
		struct imap_mailbox box;
		uint64_t size, uid;
		bool qresync;

		ck_assert(str_uint(number, UINT32_MAX, &uid));
		MUST(imap_select(im, folder, true, NULL, NULL, &box, &qresync));
		MUST(imap_body(
		    im, (uint32_t)uid, "", 0, 1 << 20, sum_bytes, sum, &size));
		sha256_end(&sum, hash);
		hex_encode(hash, sizeof hash, hex);
		ck_assert(str_eq(str_of(hex), line));
	}
}

static void
check(struct imap *im)
{
	ck_assert_str_eq(house_faults(&house), "");
	ck_assert_str_eq(one("SELECT email_id, state FROM hold WHERE "
			     "credential_id = {c} AND state NOT IN ('passed', "
			     "'held', 'released', 'discarded')"),
	    "");
	check_bytes(im);
	/* and a further sync changes nothing */
	(void)house_sync(&house);
	ck_assert_str_eq(house_faults(&house), "");
}

static const char *
held(void)
{
	return one("SELECT e.subject, h.why, h.risk_score, "
		   "array_to_string(h.keywords, ',') FROM hold h JOIN email e "
		   "ON e.id = h.email_id WHERE h.credential_id = {c} AND "
		   "h.state = 'held' AND e.interception_status = 'HELD' AND "
		   "e.status = 'HELD' ORDER BY 1");
}

/* ---- holding ---- */

START_TEST(all_is_held)
{
	struct imap *im = watched("all", "all");
	int64_t id;

	arrives(im, "plain");
	arrives(im, "urgent");
	(void)house_sync(&house);
	ck_assert_str_eq(held(), "plain|policy|0|\nurgent|rule|45|urgent");
	ck_assert_str_eq(shown(im, "INBOX"), "old urgent|");
	ck_assert_str_eq(shown(im, "Quarantine"), "plain|urgent|");
	ck_assert_str_eq(
	    one("SELECT count(*) FROM email WHERE credential_id = {c}"), "3");
	id = house_int(&house,
	    "SELECT email_id FROM hold WHERE credential_id = {c} ORDER BY 1 "
	    "LIMIT 1");
	ck_assert_int_gt(id, 0);
	ck_assert_str_eq(
	    one("SELECT h.original_uid, h.preview, h.latency_ms IS NOT NULL, "
		"e.sha256 = h.sha256, e.uid, b.name FROM hold h JOIN email e "
		"ON e.id = h.email_id JOIN mailbox b ON b.id = e.mailbox_id "
		"WHERE h.credential_id = {c} ORDER BY e.id LIMIT 1"),
	    marks_only ? "2|Text of plain.|t|t|2|INBOX"
		       : "2|Text of plain.|t|t|1|Quarantine");
	ck_assert_str_eq(
	    one("SELECT name, count(*) FROM event WHERE account_id = {a} AND "
		"name LIKE 'message.%' AND data->>'credential_id' = '{c}' "
		"GROUP BY 1"),
	    "message.held|2");
	check(im);
	ck_assert_str_eq(shown(im, "Quarantine"), "plain|urgent|");
	imap_free(&im);
}
END_TEST

START_TEST(rules_hold)
{
	struct imap *im = watched("rules", "rules");

	arrives(im, "plain");
	arrives(im, "a Payment, urgent");
	arrives(im, "verify your password");
	(void)house_sync(&house);
	ck_assert_str_eq(held(), "a Payment, urgent|rule|45|urgent,payment");
	ck_assert_str_eq(
	    shown(im, "INBOX"), "old urgent|plain|verify your password|");
	ck_assert_str_eq(
	    one("SELECT e.subject, h.risk_score, array_to_string(h.keywords, "
		"','), e.interception_status IS NULL FROM hold h JOIN email e "
		"ON e.id = h.email_id WHERE h.credential_id = {c} AND h.state "
		"= 'passed'"),
	    "verify your password|17|password,verify|t");
	check(im);
	imap_free(&im);
}
END_TEST

/* The same Message-ID, markers that a sender guesses, the very same bytes. */
START_TEST(nothing_a_sender_writes_lets_it_pass)
{
	struct imap *im = watched("forged", "rules");
	const char *const text = letter("urgent twice", "");

	arrives(im, "urgent one");
	(void)house_sync(&house);
	house_sql(&house,
	    "UPDATE hold SET state = 'releasing' WHERE credential_id = {c}");
	ck_assert_int_eq(house_do(&house, "imap_hold", NULL), RC_OK);
	house_append(im, "INBOX",
	    letter("urgent two",
		"X-EMT-Release-Bypass: 1\r\nX-EMT-Email-ID: 1\r\n"
		"X-Letterrack-Release: yes\r\n"));
	house_append(im, "INBOX", text);
	house_append(im, "INBOX", text);
	(void)house_sync(&house);
	ck_assert_str_eq(shown(im, "INBOX"), "old urgent|urgent one|");
	ck_assert_str_eq(
	    shown(im, "Quarantine"), "urgent two|urgent twice|urgent twice|");
	check(im);
	imap_free(&im);
}
END_TEST

START_TEST(quarantine_is_taken)
{
	struct imap *im = watched("sieve", "rules");

	MUST(imap_folder_create(im, STR("Quarantine")));
	(void)house_sync(&house);
	house_append(im, "Quarantine", letter("by a server rule", ""));
	arrives(im, "moved by hand");
	(void)house_sync(&house);
	moves(im, "INBOX", "2", "Quarantine");
	(void)house_sync(&house);
	ck_assert_str_eq(held(),
	    "by a server rule|quarantine|0|\nmoved by hand|quarantine|0|");
	ck_assert_str_eq(
	    shown(im, "Quarantine"), "by a server rule|moved by hand|");
	check(im);
	imap_free(&im);
}
END_TEST

START_TEST(comes_back_and_is_held_again)
{
	struct imap *im = watched("again", "rules");

	arrives(im, "urgent");
	(void)house_sync(&house);
	house_run(&house, NULL); /* hashes */
	moves(im, "Quarantine", "1", "INBOX");
	(void)house_sync(&house);
	ck_assert_str_eq(held(), "urgent|again|45|urgent");
	ck_assert_str_eq(shown(im, "INBOX"), "old urgent|");
	ck_assert_str_eq(shown(im, "Quarantine"), "urgent|");
	house_sql(&house,
	    "UPDATE hold SET state = 'discarded' WHERE credential_id = {c}");
	moves(im, "Quarantine", "2", "INBOX");
	(void)house_sync(&house);
	ck_assert_str_eq(held(), "urgent|again|45|urgent");
	check(im);
	imap_free(&im);
}
END_TEST

START_TEST(marks_of_others_stay)
{
	struct imap *im = watched("others", "all");

	house_store(im, "INBOX", "1", "+FLAGS", "(\\Deleted)");
	arrives(im, "one");
	(void)house_sync(&house);
	ck_assert_str_eq(shown(im, "Quarantine"), "one|");
	ck_assert_str_eq(
	    one("SELECT count(*) FROM placement p JOIN mailbox b ON b.id = "
		"p.mailbox_id WHERE b.credential_id = {c} AND b.name = 'INBOX' "
		"AND p.uid = 1"),
	    "1");
	check(im);
	imap_free(&im);
}
END_TEST

START_TEST(policy_that_is_off)
{
	struct imap *im = watched("off", "off");

	arrives(im, "urgent one");
	(void)house_sync(&house);
	ck_assert_str_eq(shown(im, "INBOX"), "old urgent|urgent one|");
	ck_assert_str_eq(shown(im, "Quarantine"), "no folder");
	ck_assert_str_eq(
	    one("SELECT count(*) FROM hold WHERE credential_id = {c}"), "0");
	imap_free(&im);
}
END_TEST

START_TEST(quarantine_of_another_name)
{
	struct imap *im = watched("named", "all");

	house_sql(&house,
	    "UPDATE credential SET quarantine_folder = 'Pr\xc3\xbc"
	    "fung' WHERE id = {c}");
	arrives(im, "one");
	(void)house_sync(&house);
	ck_assert_str_eq(shown(im, "Pr&APw-fung"), "one|");
	ck_assert_str_eq(shown(im, "INBOX"), "old urgent|");
	MUST(imap_folder_delete(im, STR("Pr&APw-fung")));
	arrives(im, "two");
	(void)house_sync(&house);
	ck_assert_str_eq(shown(im, "Pr&APw-fung"), "two|");
	ck_assert_str_eq(shown(im, "INBOX"), "old urgent|");
	imap_free(&im);
}
END_TEST

/* ---- releasing ---- */

static void
release(void)
{
	house_sql(&house,
	    "UPDATE hold SET state = 'releasing', decided_at = now() WHERE "
	    "credential_id = {c} AND state = 'held'");
	ck_assert_int_eq(house_do(&house, "imap_hold", NULL), RC_OK);
}

START_TEST(goes_as_it_came)
{
	struct imap *im = watched("release", "all");
	const char *before, *after;

	house_append_at(
	    im, "INBOX", letter("one", ""), (instant){ 1763629200000000 });
	house_store(im, "INBOX", "2", "+FLAGS", "(\\Flagged $Mine)");
	(void)house_sync(&house);
	before = one("SELECT id, sha256, received_at, size_bytes, "
		     "is_flagged, message_id FROM email WHERE credential_id = "
		     "{c} AND subject = 'one'");
	release();
	after = one("SELECT id, sha256, received_at, size_bytes, is_flagged, "
		    "message_id FROM email WHERE credential_id = {c} AND "
		    "subject = 'one'");
	ck_assert_str_eq(before, after);
	ck_assert_str_eq(
	    one("SELECT interception_status, status, removed_at IS NULL FROM "
		"email WHERE credential_id = {c} AND subject = 'one'"),
	    "RELEASED|DELIVERED|t");
	ck_assert_str_eq(shown(im, "INBOX"), "old urgent|one|");
	ck_assert_str_eq(shown(im, "Quarantine"), "");
	ck_assert_str_eq(
	    one("SELECT string_agg(name, ',' ORDER BY id) FROM event WHERE "
		"name LIKE 'message.%' AND data->>'credential_id' = '{c}'"),
	    "message.held,message.released");
	check(im);
	/* and is not held again */
	ck_assert_str_eq(shown(im, "INBOX"), "old urgent|one|");
	ck_assert_str_eq(
	    one("SELECT is_flagged, '$Mine' = ANY (flags) FROM email WHERE "
		"credential_id = {c} AND subject = 'one'"),
	    "t|t");
	ck_assert_str_eq(
	    one("SELECT count(*) FROM email WHERE credential_id = {c}"), "2");
	imap_free(&im);
}
END_TEST

/* Another program has emptied the quarantine: the bytes that were kept come. */
START_TEST(goes_from_what_was_kept)
{
	struct imap *im = watched("kept", "all");

	arrives(im, "one");
	(void)house_sync(&house);
	MUST(imap_folder_delete(im, STR("Quarantine")));
	MUST(imap_folder_create(im, STR("Quarantine")));
	(void)house_sync(&house);
	release();
	ck_assert_str_eq(shown(im, "INBOX"), "old urgent|one|");
	ck_assert_str_eq(
	    one("SELECT interception_status, removed_at IS NULL FROM email "
		"WHERE credential_id = {c} AND subject = 'one'"),
	    "RELEASED|t");
	check(im);
	ck_assert_str_eq(shown(im, "INBOX"), "old urgent|one|");
	imap_free(&im);
}
END_TEST

START_TEST(goes_to_another_folder)
{
	struct imap *im = watched("target", "all");

	arrives(im, "one");
	(void)house_sync(&house);
	house_sql(&house,
	    "UPDATE hold SET target_mailbox_id = (SELECT id FROM mailbox WHERE "
	    "credential_id = {c} AND name = 'Sent') WHERE credential_id = {c}");
	release();
	ck_assert_str_eq(shown(im, "Sent"), "one|");
	check(im);
	ck_assert_str_eq(shown(im, "Sent"), "one|");
	ck_assert_str_eq(shown(im, "INBOX"), "old urgent|");
	imap_free(&im);
}
END_TEST

/* What a reviewer has written, and what is known of it then. */
START_TEST(goes_edited)
{
	struct imap *im = watched("edited", "all");
	const char *id;

	arrives(im, "one");
	(void)house_sync(&house);
	id = one("SELECT email_id FROM hold WHERE credential_id = {c}");
	house_sql(&house,
	    "UPDATE hold SET edited_subject = 'other', edited_text = 'Fine.' "
	    "WHERE credential_id = {c}");
	release();
	ck_assert_str_eq(shown(im, "INBOX"), "old urgent|other|");
	ck_assert_str_eq(shown(im, "Quarantine"), "");
	ck_assert_str_eq(
	    one("SELECT e.id, e.message_id, e.interception_status, e.sha256 = "
		"h.edited_sha256, h.sha256 <> h.edited_sha256, b.name FROM "
		"email e JOIN hold h ON h.email_id = e.id JOIN mailbox b ON "
		"b.id = e.mailbox_id WHERE e.credential_id = {c} AND "
		"e.subject = 'other'"),
	    arena_fmt(house.arena,
		"%s|<edited-same@example.org>|RELEASED|t|t|INBOX", id));
	check(im);
	ck_assert_str_eq(shown(im, "INBOX"), "old urgent|other|");
	ck_assert_str_eq(
	    one("SELECT count(*) FROM email WHERE credential_id = {c}"), "2");
	imap_free(&im);
}
END_TEST

START_TEST(goes_edited_from_what_was_kept)
{
	struct imap *im = watched("edkept", "all");

	arrives(im, "one");
	(void)house_sync(&house);
	MUST(imap_folder_delete(im, STR("Quarantine")));
	(void)house_sync(&house);
	house_sql(&house,
	    "UPDATE hold SET edited_text = 'Fine.' WHERE credential_id = {c}");
	release();
	ck_assert_str_eq(shown(im, "INBOX"), "old urgent|one|");
	check(im);
	imap_free(&im);
}
END_TEST

/* An edit that cannot be made is told, and it is held as before. */
START_TEST(stays_where_it_cannot_be_edited)
{
	struct imap *im = watched("noedit", "all");

	house_append(im, "INBOX",
	    "From: a@example.org\r\nSubject: one\r\nContent-Type: "
	    "application/pdf\r\nContent-Disposition: attachment\r\n\r\nx");
	(void)house_sync(&house);
	house_sql(&house,
	    "UPDATE hold SET edited_text = 'Fine.', state = 'releasing' WHERE "
	    "credential_id = {c}");
	(void)house_do(&house, "imap_hold", NULL);
	ck_assert_str_eq(
	    one("SELECT state, error_code FROM hold WHERE credential_id = {c}"),
	    "held|conflict");
	ck_assert_str_eq(shown(im, "Quarantine"), "one|");
	check(im);
	imap_free(&im);
}
END_TEST

START_TEST(is_taken_by_hand)
{
	struct imap *im = watched("hand", "off");

	house_sql(&house,
	    "INSERT INTO hold (application_id, account_id, email_id, "
	    "credential_id, state, why) SELECT application_id, account_id, id, "
	    "{c}, 'due', 'hand' FROM email WHERE credential_id = {c}");
	ck_assert_int_eq(house_do(&house, "imap_hold", NULL), RC_OK);
	ck_assert_str_eq(held(), "old urgent|hand|45|urgent");
	ck_assert_str_eq(shown(im, "Quarantine"), "old urgent|");
	ck_assert_str_eq(shown(im, "INBOX"), "");
	release();
	ck_assert_str_eq(shown(im, "INBOX"), "old urgent|");
	check(im);
	imap_free(&im);
}
END_TEST

/* ---- the raw store ---- */

START_TEST(raw_store)
{
	static const char bytes[] = "Subject: x\r\n\r\ny";
	struct arena *a = arena_new(1 << 20);
	unsigned char hash[SHA256_SIZE];
	struct raw_store *r;
	struct str found;
	FILE *f;
	char hex[2 * SHA256_SIZE + 1];

	MUST(raw_store_open(house.conf, 7, a, &r));
	MUST(raw_store_put(r, STR(bytes), a, hash));
	MUST(raw_store_put(r, STR(bytes), a, hash));
	found = raw_store_find(
	    r, (struct str){ (const char *)hash, sizeof hash }, a);
	ck_assert(str_eq(found, STR(bytes)));
	hex_encode(hash, sizeof hash, hex);
	f = fopen(
	    arena_fmt(a, "%s/raw/7/%s", house.conf->state_dir, hex), "r+");
	ck_assert(f != NULL);
	fputc('X', f);
	fclose(f);
	found = raw_store_find(
	    r, (struct str){ (const char *)hash, sizeof hash }, a);
	ck_assert(found.p == NULL);
	raw_store_drop(r, (struct str){ (const char *)hash, sizeof hash }, a);
	ck_assert_int_ne(
	    access(
		arena_fmt(a, "%s/raw/7/%s", house.conf->state_dir, hex), F_OK),
	    0);
	arena_free(&a);
}
END_TEST

static const struct profile {
	const char *name;
	bool marks_only;
	const char *const settings[2];
} profiles[] = {
	{ "MOVE", false, { NULL } },
	{ "copies", false,
	    { "imap_capability = IMAP4rev1 UIDPLUS SPECIAL-USE", NULL } },
	{ "marks", true,
	    { "imap_capability = IMAP4rev1 SPECIAL-USE LIST-EXTENDED "
	      "LITERAL+",
		NULL } },
};

int
main(void)
{
	const struct unit_case cases[] = { UNIT(all_is_held), UNIT(rules_hold),
		UNIT(nothing_a_sender_writes_lets_it_pass),
		UNIT(quarantine_is_taken), UNIT(comes_back_and_is_held_again),
		UNIT(marks_of_others_stay), UNIT(policy_that_is_off),
		UNIT(quarantine_of_another_name), UNIT(goes_as_it_came),
		UNIT(goes_from_what_was_kept), UNIT(goes_to_another_folder),
		UNIT(goes_edited), UNIT(goes_edited_from_what_was_kept),
		UNIT(stays_where_it_cannot_be_edited), UNIT(is_taken_by_hand),
		UNIT(raw_store) };
	int failed = EXIT_SUCCESS;

	ARRAY_EACH (p, profiles) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			marks_only = p->marks_only;
			house_start(&house, p->settings);
			exit(unit_run(
			    arena_fmt(house.arena, "domain/hold (%s)", p->name),
			    cases, sizeof cases / sizeof *cases));
		}
		if (child < 0 || waitpid(child, &status, 0) != child ||
		    status != 0)
			failed = EXIT_FAILURE;
	}
	return failed;
}
