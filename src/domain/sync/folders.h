/* The folders of an account: what the server lists against what is known. */
#ifndef DOMAIN_SYNC_FOLDERS_H
#define DOMAIN_SYNC_FOLDERS_H

#include "domain/mailbox.h"
#include "mail/imap.h"

/* One that the server lists. */
struct sync_folder {
	struct str wire_name;
	struct str name;     /* UTF-8 */
	struct str old_name; /* wire form; p == NULL: not said */
	const char *delimiter;
	const char *special_use;
	struct texts attributes;
	bool is_selectable;
	struct imap_status status;    /* `has` 0: not asked or not said */
	struct mailbox_cursor *known; /* NULL: a new one, till it is added */
	bool is_renamed;
};

struct sync_folders {
	struct sync_folder *v;
	size_t n;
	bool whole; /* what is not in it is not on the server */
};

/* What the server listed, each once; what it points to stays in use. */
void sync_folders_take(struct sync_folders *, const struct imap_listed *,
    size_t n, struct arena *);

/* Finds for each listed folder the known one: by name, where its UIDVALIDITY
 * is still the same; by the name it had (OLDNAME); by UIDVALIDITY, where only
 * one listed and only one known folder has it and UIDNEXT is not behind: it
 * was renamed, or names were exchanged; and at last by name alone: a folder
 * whose UIDVALIDITY is new. What is left of `known` is marked in `gone`, `n`
 * flags. */
void sync_folders_match(
    struct sync_folders *, struct mailbox_cursor *known, size_t n, bool *gone);

/* Does what LIST says of it differ from what is known? */
bool sync_folder_differs(const struct sync_folder *);

/* Is one of this name listed? */
bool sync_folders_have(const struct sync_folders *, struct str wire_name);

/* Could there be news in it? Of a folder whose `known` is set. */
bool sync_folder_is_due(const struct sync_folder *, bool condstore);

#endif
