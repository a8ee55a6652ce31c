/* Changes of all kinds in a mailbox, by the dice. */
#include <string.h>

#include "crash/crash.h"
#include "domain/expunge.h"
#include "domain/flag.h"

#define FOLDER_MOST 40 /* messages; half of them go then */

struct stirring {
	struct house *house;
	struct imap *imap;
	struct rounds *dice;
	struct arena *arena;
};

static const char *const folders[] = { "INBOX", "Sent", "Trash" };

static const char *
any_folder(struct stirring *x)
{
	return folders[rounds_roll(x->dice, 3)];
}

/* "12", or NULL of an empty folder; selects it. */
static char *
any_uid(struct stirring *x, const char *folder)
{
	struct imap_mailbox mailbox;
	struct imap_found found;
	bool qresync;
	uint32_t uid;

	MUST(imap_select(
	    x->imap, str_of(folder), false, NULL, NULL, &mailbox, &qresync));
	MUST(imap_search(
	    x->imap, x->arena, "ALL", (struct str){ NULL, 0 }, &found));
	if (found.all.n == 0)
		return NULL;
	(void)imap_set_nth(&found.all,
	    (uint64_t)rounds_roll(x->dice, (int)imap_set_count(&found.all)),
	    &uid);
	return arena_fmt(x->arena, "%u", uid);
}

/* ---- the changes ---- */

/* No two of them are alike: those would be one email to a sync that knows the
 * hash of the first. */
void
crash_fill(struct imap *im, const char *folder, int from, int n)
{
	static int serial;
	struct arena *a = arena_new(65536);

	for (int i = from; i < from + n; i++) {
		house_append(im, folder,
		    arena_fmt(a,
			"From: Anna <anna@example.org>\r\n"
			"To: b%d@example.org, c@example.org\r\n"
			"%s%d@example.org>\r\n"
			"Subject: number %d\r\n"
			"X-Serial: %d\r\n"
			"\r\n"
			"Text %d.\r\n",
			i % 3, i % 7 == 0 ? "References: <" : "Message-ID: <",
			i % 5 == 0 ? i - 1 : i, i, ++serial, i));
		arena_reset(a);
	}
	arena_free(&a);
}

static void
append(struct stirring *x)
{
	crash_fill(x->imap, any_folder(x), (int)x->dice->n * 100,
	    1 + rounds_roll(x->dice, 5));
}

static void
store(struct stirring *x)
{
	static const char *const flags[] = { "(\\Seen)", "(\\Flagged Later)",
		"(\\Answered)", "($Label1 \\Seen)" };
	const char *folder = any_folder(x), *uid = any_uid(x, folder);

	if (uid != NULL)
		house_store(x->imap, folder,
		    rounds_roll(x->dice, 3) ? uid
					    : arena_fmt(x->arena, "1:%s", uid),
		    rounds_roll(x->dice, 3) ? "+FLAGS" : "-FLAGS",
		    flags[rounds_roll(x->dice, 4)]);
}

static void
expunge(struct stirring *x)
{
	const char *folder = any_folder(x), *uid = any_uid(x, folder);

	if (uid != NULL)
		house_expunge(x->imap, folder, uid);
}

static void
move(struct stirring *x)
{
	const char *from = any_folder(x), *to = any_folder(x);
	const char *uid = any_uid(x, from);

	if (uid != NULL && strcmp(from, to) != 0)
		house_move(x->imap, from, uid, to);
}

/* Created, with a message in it; renamed; deleted: by what is there. */
static void
folder(struct stirring *x)
{
	const struct str name = STR("Box"), other = STR("Case");

	if (imap_folder_delete(x->imap, other) == RC_OK)
		return;
	if (imap_folder_rename(x->imap, name, other) == RC_OK)
		return;
	MUST(imap_folder_create(x->imap, name));
	crash_fill(x->imap, "Box", (int)x->dice->n * 100 + 50, 2);
}

/* An email that is shown; 0: there is none. */
static int64_t
any_email(struct stirring *x)
{
	return house_int(x->house,
	    arena_fmt(x->arena,
		"SELECT id FROM email WHERE credential_id = {c} AND removed_at "
		"IS NULL ORDER BY md5(id::text || '%d') LIMIT 1",
		rounds_roll(x->dice, 1000)));
}

struct wish {
	struct stirring *x;
	int64_t email;
	bool read, flagged;
};

static enum rc
wish_tx(struct db *db, void *arg)
{
	struct wish *w = arg;
	struct email_flags f = { .is_flagged = &w->flagged };

	if (rounds_roll(w->x->dice, 2))
		f.is_read = &w->read;
	return email_flags_set(
	    db, w->x->house->account, w->email, &f, w->x->arena);
}

static void
wish(struct stirring *x)
{
	struct wish w = { .x = x,
		.read = rounds_roll(x->dice, 2),
		.flagged = rounds_roll(x->dice, 2) };

	w.email = any_email(x);
	if (w.email != 0)
		house_as_user(x->house, wish_tx, &w);
}

static enum rc
erase_tx(struct db *db, void *arg)
{
	struct wish *w = arg;

	return email_expunge(db, w->x->house->account, w->email, w->x->arena);
}

/* By the user, here and on the server. */
static void
erase(struct stirring *x)
{
	struct wish w = { .x = x, .email = any_email(x) };

	if (w.email != 0)
		house_as_user(x->house, erase_tx, &w);
}

static void
thin_out(struct stirring *x, const char *name)
{
	const char *uid = any_uid(x, name);

	if (uid != NULL && imap_mailbox(x->imap)->exists > FOLDER_MOST)
		house_expunge(x->imap, name, arena_fmt(x->arena, "1:%s", uid));
}

static void (*const changes[])(struct stirring *) = { append, append, store,
	store, expunge, move, folder, wish, wish, erase };
#define CHANGES ((int)(sizeof changes / sizeof *changes))

void
crash_stir(struct house *h, struct imap *im, struct rounds *dice)
{
	struct stirring x = { .house = h,
		.imap = im,
		.dice = dice,
		.arena = arena_new((size_t)4 * 1024 * 1024) };
	int n = 1 + rounds_roll(dice, 5);

	while (n-- > 0)
		changes[rounds_roll(dice, CHANGES)](&x);
	thin_out(&x, any_folder(&x));
	arena_free(&x.arena);
}
