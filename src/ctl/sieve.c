/* letterrackctl sieve: the rule (RFC 5228) by which a mail server itself puts
 * all that comes into the quarantine, so that no mail program sees it before it
 * was looked at. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/ctl.h"
#include "mail/mutf7.h"

#define FOLDER     "Quarantine" /* quarantine_folder, where nothing was said */
#define NAME_ARENA ((size_t)1 << 16)

/* What is a folder's name to a server is one to Sieve (RFC 5228 2.4.2). */
static bool
is_name(const char *name)
{
	struct arena *a = arena_new(NAME_ARENA);
	struct str wire;
	bool ok = name[0] != '\0' && strlen(name) <= 255 &&
	    mutf7_encode(a, str_of(name), &wire) == RC_OK;

	for (const char *p = name; *p != '\0'; p++)
		ok &= (unsigned char)*p >= ' ' && *p != 0x7f;
	arena_free(&a);
	return ok;
}

static void
put_quoted(const char *text)
{
	putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

int
ctl_sieve(struct ctl *ctl)
{
	const char *folder = ctl->argc > 1 ? ctl->argv[1] : FOLDER;

	if (ctl->argc > 2) {
		ctl_complain(ctl, "usage: sieve [FOLDER]");
		return EX_USAGE;
	}
	if (!is_name(folder)) {
		ctl_complain(ctl, "this is not a folder's name");
		return EX_USAGE;
	}
	puts("# All mail waits for review; Letterrack lets it into INBOX.\n"
	     "require [\"fileinto\", \"mailbox\"];");
	fputs("fileinto :create ", stdout);
	put_quoted(folder);
	puts(";\nstop;");
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}
