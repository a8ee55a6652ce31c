/* Conversations with IMAP servers: imap/<name>.wire. Besides the server's
 * lines (scripted-server.h) a script has
 *
 *	@ name value   how to connect
 *	> call …       what the client does (imap-client.c)
 *	= text         the next line that it reports
 *	login          libcurl's part: greeting, CAPABILITY, AUTHENTICATE
 *	caps WORDS     our CAPABILITY and its answer
 *	id TAG         our ID
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "imap-client.h"
#include "lib/unit.h"
#include "scripted-server.h"

#define LINES_MOST  600
#define SCRIPT_MOST ((size_t)1 << 20) /* bytes */

struct script {
	struct arena *arena; /* owned; the lines live there */
	const char *line[LINES_MOST];
	size_t n;
};

static void
add(struct script *s, const char *line)
{
	ck_assert_uint_lt(s->n, LINES_MOST);
	s->line[s->n++] = arena_str(s->arena, line);
}

static void
add_login(struct script *s)
{
	static const char *const lines[] = { "S: * OK ready",
		"C: A001 CAPABILITY",
		"S: * CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN",
		"S: A001 OK done",
		"C: A002 AUTHENTICATE PLAIN AHVzZXIAc2VjcmV0",
		"S: A002 OK in" };

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		add(s, lines[i]);
}

static void
add_caps(struct script *s, const char *words)
{
	static char line[100100];

	add(s, "C: L1 CAPABILITY");
	snprintf(line, sizeof(line), "S: * CAPABILITY IMAP4rev1 %s", words);
	add(s, line);
	add(s, "S: L1 OK done");
}

static void
add_id(struct script *s, const char *tag)
{
	char line[200];

	snprintf(line, sizeof(line),
	    "C: %.20s ID (\"name\" \"Letterrack\" \"version\" \"%s\")", tag,
	    PACKAGE_VERSION);
	add(s, line);
}

static void
add_line(struct script *s, const char *line)
{
	if (strcmp(line, "login") == 0)
		add_login(s);
	else if (strncmp(line, "caps", 4) == 0)
		add_caps(s, line[4] == ' ' ? line + 5 : "");
	else if (strncmp(line, "id ", 3) == 0)
		add_id(s, line + 3);
	else if (line[0] != '#' && line[0] != '\0')
		add(s, line);
}

static void
script_read(struct script *s, const char *path)
{
	FILE *f = fopen(path, "r");
	static char line[100000];

	ck_assert_msg(f != NULL, "%s", path);
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		add_line(s, line);
	}
	fclose(f);
}

static void
script_clear(struct script *s)
{
	arena_free(&s->arena);
	s->n = 0;
}

/* Takes one line of what the client reported. */
static bool
reported(struct imap_client *c, size_t *at, const char *want, const char **got,
    size_t *got_n)
{
	const char *line = buf_text(&c->out) + *at;
	size_t n = strcspn(line, "\n");

	*got = line;
	*got_n = n;
	*at += n + (line[n] == '\n');
	return strlen(want) == n && memcmp(line, want, n) == 0;
}

/* Plays a script; what went wrong, or "". */
static char *
play(const struct script *s)
{
	struct scripted_server *server;
	struct imap_client client;
	unsigned port;
	size_t at = 0;
	char *fault, *client_fault = NULL;

	server = scripted_server_start(s->line, s->n, &port);
	imap_client_init(&client, port);
	for (size_t i = 0; i < s->n && client_fault == NULL; i++) {
		const char *line = s->line[i], *got;
		size_t n;
		bool ok = true;

		if (line[0] == '@')
			ok = imap_client_option(&client, line + 2);
		else if (line[0] == '>')
			ok = imap_client_call(&client, line + 2);
		if (!ok)
			ck_abort_msg("no such thing: %s", line);
		if (line[0] == '=' &&
		    !reported(&client, &at, line + 2, &got, &n) &&
		    asprintf(&client_fault, "want \"%s\", got \"%.*s\"",
			line + 2, (int)n, got) < 0)
			abort();
	}
	if (client_fault == NULL && at < client.out.n &&
	    asprintf(&client_fault, "also reported: %s",
		buf_text(&client.out) + at) < 0)
		abort();
	imap_client_clear(&client);
	fault = scripted_server_stop(&server);
	if (client_fault != NULL && fault[0] == '\0') {
		free(fault);
		return client_fault;
	}
	free(client_fault);
	return fault;
}

static int
is_script(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return dot != NULL && strcmp(dot, ".wire") == 0;
}

START_TEST(conversations)
{
	const char *source = getenv("srcdir");
	char folder[400];
	struct dirent **entry;
	int n, failed = 0;

	snprintf(folder, sizeof(folder), "%s/tests/wire/imap",
	    source != NULL ? source : ".");
	n = scandir(folder, &entry, is_script, alphasort);
	ck_assert_msg(n > 0, "no scripts in %s", folder);
	for (int i = 0; i < n; i++) {
		struct script s = { .arena = arena_new(SCRIPT_MOST) };
		char path[800];
		char *fault;

		snprintf(path, sizeof(path), "%s/%s", folder, entry[i]->d_name);
		script_read(&s, path);
		if (getenv("WIRE_VERBOSE") != NULL)
			fprintf(stderr, "%s\n", entry[i]->d_name);
		fault = play(&s);
		if (fault[0] != '\0') {
			fprintf(
			    stderr, "FAIL %s: %s\n", entry[i]->d_name, fault);
			failed++;
		}
		free(fault);
		free(entry[i]);
		script_clear(&s);
	}
	free(entry);
	printf("%d conversations, %d failed\n", n, failed);
	ck_assert_int_eq(failed, 0);
}
END_TEST

static const char fetch_answer[] =
    "* 1 FETCH (UID 5 FLAGS (\\Seen) BODY[] {4}\r\nabcd)\r\nL3 OK done\r\n";

/* Cut at every byte of a FETCH answer: a clear failure, and a message is
 * reported only when it was there whole. */
START_TEST(cut_at_every_byte)
{
	size_t whole = (size_t)(strstr(fetch_answer, "L3") - fetch_answer);

	for (size_t n = 0; n <= strlen(fetch_answer); n++) {
		struct script s = { .arena = arena_new(SCRIPT_MOST) };
		char line[400] = "s: ";
		char *fault;

		add(&s, "> open");
		add_login(&s);
		add(&s, "= OK");
		add(&s, "> select x");
		add_caps(&s, "");
		add(&s, "C: L2 SELECT \"x\"");
		add(&s, "S: * 1 EXISTS");
		add(&s, "S: * OK [UIDVALIDITY 7] x");
		add(&s, "S: L2 OK done");
		add(&s, "= exists=1 uidvalidity=7 uidnext=0 modseq=0");
		add(&s, "= OK");
		add(&s, "> fetch 5");
		add(&s, "C: L3 UID FETCH 5 (UID FLAGS)");
		for (size_t i = 0; i < n; i++) {
			size_t at = strlen(line);

			snprintf(line + at, sizeof(line) - at, "\\x%02x",
			    (unsigned char)fetch_answer[i]);
		}
		add(&s, line);
		add(&s, "X:");
		if (n >= whole)
			add(&s,
			    "= message seq=1 uid=5 flags=SEEN, []{4}\"abcd\"");
		if (n == strlen(fetch_answer)) {
			add(&s, "= done 5");
			add(&s, "= OK");
		} else {
			add(&s,
			    "= CONNECTION: the server closed the connection");
		}
		fault = play(&s);
		ck_assert_msg(fault[0] == '\0', "cut at %zu: %s", n, fault);
		free(fault);
		script_clear(&s);
	}
}
END_TEST

UNIT_MAIN("wire/imap", UNIT(conversations), UNIT(cut_at_every_byte))
