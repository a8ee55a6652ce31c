#include "imap-client.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/imap-show.h"
#include "number.h"

#define WORDS  6
#define NAME   "user"
#define SECRET "secret"

struct words {
	char *word[WORDS]; /* "" where there are fewer */
};

void
imap_client_init(struct imap_client *c, unsigned port)
{
	memset(c, 0, sizeof(*c));
	c->arena = arena_new((size_t)64 << 20);
	buf_init(&c->out, 16 << 20);
	c->secret = secret_new(c->arena, SECRET, strlen(SECRET));
	if (egress_new("127.0.0.0/8", "/etc/ssl/certs/ca-certificates.crt",
		&c->egress) != RC_OK)
		abort();
	c->params.login = (struct imap_login){ .host = "127.0.0.1",
		.port = port,
		.security = IMAP_PLAIN,
		.user = NAME,
		.secret = &c->secret,
		.egress = c->egress,
		.connect_ms = 3000,
		.reply_s = 3 };
	c->params.idle_ms = 3000;
}

void
imap_client_clear(struct imap_client *c)
{
	imap_free(&c->im);
	egress_free(&c->egress);
	buf_clear(&c->out);
	arena_free(&c->arena);
}

static bool
use_ca(struct imap_client *c, const char *file)
{
	egress_free(&c->egress);
	if (egress_new("127.0.0.0/8", file, &c->egress) != RC_OK)
		return false;
	c->params.login.egress = c->egress;
	return true;
}

bool
imap_client_option(struct imap_client *c, const char *line)
{
	char name[32];
	const char *value = strchr(line, ' ');
	size_t n = value != NULL ? (size_t)(value - line) : strlen(line);

	if (n >= sizeof(name))
		return false;
	memcpy(name, line, n);
	name[n] = '\0';
	value = value != NULL ? value + 1 : "";
	if (strcmp(name, "security") == 0)
		c->params.login.security = strcmp(value, "tls") == 0 ? IMAP_TLS
		    : strcmp(value, "starttls") == 0 ? IMAP_STARTTLS
						     : IMAP_PLAIN;
	else if (strcmp(name, "oauth") == 0)
		c->params.login.oauth2 = true;
	else if (strcmp(name, "known") == 0)
		c->params.known_caps = str_of(arena_str(c->arena, value));
	else if (strcmp(name, "idle_ms") == 0)
		c->params.idle_ms = ms_of(value);
	else if (strcmp(name, "rate_least") == 0)
		c->params.rate_least = ms_of(value);
	else if (strcmp(name, "command_ms") == 0)
		c->params.command_ms = ms_of(value);
	else if (strcmp(name, "compress") == 0) {
		c->params.compress = true;
		c->params.compress_ms = ms_of(value);
	} else if (strcmp(name, "ca") == 0)
		return use_ca(c, value);
	else if (strcmp(name, "secret") == 0)
		c->secret = secret_new(c->arena, value, strlen(value));
	else if (strcmp(name, "host") == 0)
		c->params.login.host = arena_str(c->arena, value);
	else if (strcmp(name, "user") == 0)
		c->params.login.user = arena_str(c->arena, value);
	else
		return false;
	return true;
}

/* --- what happens --- */

static void
on_vanished(void *arg, const struct imap_set *set, bool earlier)
{
	struct imap_client *c = arg;

	buf_fmt(&c->out, "vanished%s ", earlier ? " earlier" : "");
	imap_set_print(set, &c->out);
	buf_putc(&c->out, '\n');
}

static void
on_change(void *arg, const struct imap_message *m)
{
	struct imap_client *c = arg;

	BUF_LIT(&c->out, "change");
	imap_show_message(&c->out, m);
	buf_putc(&c->out, '\n');
}

static void
on_expunged(void *arg, uint32_t seq)
{
	struct imap_client *c = arg;

	buf_fmt(&c->out, "expunged %u\n", seq);
}

static void
on_exists(void *arg, uint32_t n)
{
	struct imap_client *c = arg;

	buf_fmt(&c->out, "exists %u\n", n);
}

static enum rc
on_message(void *arg, const struct imap_message *m)
{
	struct imap_client *c = arg;

	BUF_LIT(&c->out, "message");
	imap_show_message(&c->out, m);
	if (m->fault != NULL)
		buf_fmt(&c->out, " fault: %s", m->fault);
	buf_putc(&c->out, '\n');
	return RC_OK;
}

static enum rc
on_flush(void *arg, const struct imap_set *done)
{
	struct imap_client *c = arg;

	BUF_LIT(&c->out, "done ");
	imap_set_print(done, &c->out);
	buf_putc(&c->out, '\n');
	return RC_OK;
}

static enum rc
on_bytes(void *arg, const void *p, size_t n)
{
	struct imap_client *c = arg;

	for (size_t i = 0; i < n; i++) { /* a report has no CR */
		if (((const char *)p)[i] != '\r')
			buf_putc(&c->out, ((const char *)p)[i]);
	}
	return RC_OK;
}

/* --- calls --- */

static struct imap_set
set_of(struct imap_client *c, const char *text)
{
	struct imap_set s;

	imap_set_init(&s, c->arena);
	if (!imap_set_parse(&s, str_of(text), 0))
		abort();
	return s;
}

static enum rc
call_open(struct imap_client *c, struct words *w)
{
	(void)w;
	return imap_open(&c->params, &c->im);
}

static enum rc
call_ready(struct imap_client *c, struct words *w)
{
	(void)w;
	return imap_ready(c->im);
}

/* What the server says it is, and in which form the bytes are. */
static enum rc
call_server(struct imap_client *c, struct words *w)
{
	(void)w;
	buf_fmt(&c->out, "%s%s\n", imap_server_id(c->im),
	    imap_compressed(c->im) ? " compressed" : "");
	return RC_OK;
}

static enum rc
call_list(struct imap_client *c, struct words *w)
{
	struct imap_listed *v;
	size_t n;
	bool whole;

	(void)w;
	TRY(imap_list(c->im, true, c->arena, &v, &n, &whole));
	for (size_t i = 0; i < n; i++) {
		struct imap_response r = { .kind = IMAP_UNTAGGED,
			.word = IMAP_LIST,
			.folder = v[i].folder };

		imap_show(&c->out, &r);
		if (v[i].has_status)
			buf_fmt(&c->out,
			    " messages=%llu uidnext=%llu uidvalidity=%llu "
			    "modseq=%llu",
			    (unsigned long long)v[i].status.messages,
			    (unsigned long long)v[i].status.uidnext,
			    (unsigned long long)v[i].status.uidvalidity,
			    (unsigned long long)v[i].status.highestmodseq);
		buf_putc(&c->out, '\n');
	}
	if (!whole)
		BUF_LIT(&c->out, "not whole\n");
	return RC_OK;
}

static enum rc
call_status(struct imap_client *c, struct words *w)
{
	struct imap_status s;

	TRY(imap_status(c->im, c->arena, str_of(w->word[0]), &s));
	buf_fmt(&c->out, "messages=%llu uidnext=%llu\n",
	    (unsigned long long)s.messages, (unsigned long long)s.uidnext);
	return RC_OK;
}

static enum rc
select_as(struct imap_client *c, struct words *w, bool read_only)
{
	struct imap_changes changes = { on_vanished, on_change, on_expunged,
		on_exists, c };
	struct imap_known known = { (uint32_t)number_of(w->word[1], UINT32_MAX),
		number_of(w->word[2], UINT64_MAX), NULL };
	struct imap_mailbox box;
	bool qresync;

	TRY(imap_select(c->im, str_of(w->word[0]), read_only, &known, &changes,
	    &box, &qresync));
	buf_fmt(&c->out,
	    "exists=%u uidvalidity=%u uidnext=%u modseq=%llu%s%s\n", box.exists,
	    box.uidvalidity, box.uidnext, (unsigned long long)box.highestmodseq,
	    box.read_only ? " read-only" : "", qresync ? " qresync" : "");
	return RC_OK;
}

static enum rc
call_select(struct imap_client *c, struct words *w)
{
	return select_as(c, w, false);
}

static enum rc
call_examine(struct imap_client *c, struct words *w)
{
	return select_as(c, w, true);
}

/* fetch set [batch [items]] */
static enum rc
call_fetch(struct imap_client *c, struct words *w)
{
	struct imap_set set = set_of(c, w->word[0]);
	struct imap_fetch how = { .message = on_message,
		.flush = on_flush,
		.first_batch = number_of(w->word[1], UINT32_MAX),
		.batch = number_of(w->word[1], UINT32_MAX),
		.arg = c };

	return imap_fetch(c->im, &set,
	    w->word[2][0] != '\0' ? w->word[2] : IMAP_ITEMS_FLAGS, &how);
}

/* since set modseq */
static enum rc
call_since(struct imap_client *c, struct words *w)
{
	struct imap_set set = set_of(c, w->word[0]);
	struct imap_fetch how = { .message = on_message,
		.first_batch = 100000,
		.changed_since = number_of(w->word[1], UINT64_MAX),
		.vanished = true,
		.modseq = true,
		.arg = c };

	return imap_fetch(c->im, &set, IMAP_ITEMS_FLAGS, &how);
}

/* body uid most [section] */
static enum rc
call_body(struct imap_client *c, struct words *w)
{
	uint64_t size = 0;
	enum rc rc = imap_body(c->im,
	    (uint32_t)number_of(w->word[0], UINT32_MAX), w->word[2], 0,
	    number_of(w->word[1], UINT64_MAX), on_bytes, c, &size);

	buf_fmt(&c->out, "%ssize=%llu\n", size > 0 ? "\n" : "",
	    (unsigned long long)size);
	return rc;
}

/* search criteria [text] */
static enum rc
call_search(struct imap_client *c, struct words *w)
{
	struct imap_found f;
	struct str text = { NULL, 0 };
	char criteria[200];

	snprintf(criteria, sizeof(criteria), "%s%s", w->word[0],
	    w->word[1][0] != '\0' ? " " : "");
	if (w->word[1][0] != '\0')
		text = str_of(w->word[1]);
	TRY(imap_search(c->im, c->arena, criteria, text, &f));
	BUF_LIT(&c->out, "found ");
	imap_set_print(&f.all, &c->out);
	buf_putc(&c->out, '\n');
	return RC_OK;
}

/* store set how flags [unchangedsince] */
static enum rc
call_store(struct imap_client *c, struct words *w)
{
	struct imap_set set = set_of(c, w->word[0]), modified;
	enum rc rc;

	imap_set_init(&modified, c->arena);
	rc = imap_store(c->im, &set, w->word[1], w->word[2],
	    number_of(w->word[3], UINT64_MAX), &modified);
	if (modified.n > 0) {
		BUF_LIT(&c->out, "modified ");
		imap_set_print(&modified, &c->out);
		buf_putc(&c->out, '\n');
	}
	return rc;
}

static void
show_moved(struct imap_client *c, const struct imap_moved *m)
{
	if (!m->has) {
		BUF_LIT(&c->out, "nothing said\n");
		return;
	}
	buf_fmt(&c->out, "moved uidvalidity=%u from=", m->uidvalidity);
	imap_set_print(&m->from, &c->out);
	BUF_LIT(&c->out, " to=");
	imap_set_print(&m->to, &c->out);
	buf_putc(&c->out, '\n');
}

static enum rc
call_move(struct imap_client *c, struct words *w)
{
	struct imap_set set = set_of(c, w->word[0]);
	struct imap_moved m;

	TRY(imap_move(c->im, &set, str_of(w->word[1]), c->arena, &m));
	show_moved(c, &m);
	return RC_OK;
}

static enum rc
call_copy(struct imap_client *c, struct words *w)
{
	struct imap_set set = set_of(c, w->word[0]);
	struct imap_moved m;

	TRY(imap_copy(c->im, &set, str_of(w->word[1]), c->arena, &m));
	show_moved(c, &m);
	return RC_OK;
}

static enum rc
call_expunge(struct imap_client *c, struct words *w)
{
	struct imap_set set = set_of(c, w->word[0]);

	return imap_expunge(c->im, &set);
}

/* append folder text [flags [seconds]] */
static enum rc
call_append(struct imap_client *c, struct words *w)
{
	instant when = INSTANT_NONE;
	struct imap_moved m;

	if (w->word[3][0] != '\0')
		when.us = (int64_t)number_of(w->word[3], UINT32_MAX) * 1000000;
	TRY(imap_append(c->im, str_of(w->word[0]),
	    w->word[2][0] != '\0' ? w->word[2] : NULL, when, str_of(w->word[1]),
	    c->arena, &m));
	show_moved(c, &m);
	return RC_OK;
}

static enum rc
call_create(struct imap_client *c, struct words *w)
{
	return imap_folder_create(c->im, str_of(w->word[0]));
}

static enum rc
call_delete(struct imap_client *c, struct words *w)
{
	return imap_folder_delete(c->im, str_of(w->word[0]));
}

static enum rc
call_rename(struct imap_client *c, struct words *w)
{
	return imap_folder_rename(
	    c->im, str_of(w->word[0]), str_of(w->word[1]));
}

static enum rc
call_subscribe(struct imap_client *c, struct words *w)
{
	return imap_folder_subscribe(c->im, str_of(w->word[0]), true);
}

static enum rc
call_noop(struct imap_client *c, struct words *w)
{
	(void)w;
	return imap_noop(c->im);
}

static enum rc
call_idle(struct imap_client *c, struct words *w)
{
	bool happened = false;

	TRY(imap_idle(c->im, ms_of(w->word[0]), &happened));
	buf_puts(&c->out, happened ? "happened\n" : "quiet\n");
	return RC_OK;
}

static enum rc
call_logout(struct imap_client *c, struct words *w)
{
	(void)w;
	return imap_logout(c->im);
}

static const struct {
	const char *name;
	enum rc (*call)(struct imap_client *, struct words *);
} calls[] = {
	{ "open", call_open },
	{ "ready", call_ready },
	{ "server", call_server },
	{ "list", call_list },
	{ "status", call_status },
	{ "select", call_select },
	{ "examine", call_examine },
	{ "fetch", call_fetch },
	{ "since", call_since },
	{ "body", call_body },
	{ "search", call_search },
	{ "store", call_store },
	{ "move", call_move },
	{ "copy", call_copy },
	{ "expunge", call_expunge },
	{ "append", call_append },
	{ "create", call_create },
	{ "delete", call_delete },
	{ "rename", call_rename },
	{ "subscribe", call_subscribe },
	{ "noop", call_noop },
	{ "idle", call_idle },
	{ "logout", call_logout },
};

/* Words divided by blanks; "a b" in quotes is one; \r and \n inside. */
static char *
take_word(char **at)
{
	char *p = *at + strspn(*at, " "), *out = p, *word = p;
	bool quoted = *p == '"';

	for (p += quoted; *p != '\0' && *p != (quoted ? '"' : ' '); p++) {
		if (p[0] == '\\' && p[1] == 'r')
			*out++ = '\r', p++;
		else if (p[0] == '\\' && p[1] == 'n')
			*out++ = '\n', p++;
		else
			*out++ = *p;
	}
	*at = *p == '\0' ? p : p + 1;
	*out = '\0';
	return word;
}

bool
imap_client_call(struct imap_client *c, const char *line)
{
	char *at = arena_str(c->arena, line);
	char *name = take_word(&at);
	struct words w;
	enum rc rc;

	for (size_t i = 0; i < WORDS; i++)
		w.word[i] = take_word(&at);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(name, calls[i].name) != 0)
			continue;
		fail_clear();
		rc = calls[i].call(c, &w);
		if (rc == RC_OK)
			BUF_LIT(&c->out, "OK\n");
		else
			buf_fmt(&c->out, "%s: %s\n", result_row(rc)->name,
			    fail_detail());
		return true;
	}
	return false;
}
