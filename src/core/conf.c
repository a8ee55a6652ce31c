#include "core/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/external.h"
#include "core/log.h"
#include "core/text.h"

#define FILE_MOST      ((size_t)256 * 1024)
#define MEMORY_MOST    ((size_t)2 * 1024 * 1024)
#define ISSUERS_MEMORY ((size_t)256 * 1024)
#define ENV_PREFIX     "LETTERRACK_"

#define CONF_K_TEXT    CONF_TEXT
#define CONF_K_INT     CONF_INT
#define CONF_K_BOOL    CONF_BOOL
#define CONF_K_SECONDS CONF_SECONDS
#define CONF_K_SIZE    CONF_SIZE
#define CONF_K_PATH    CONF_PATH
#define CONF_K_LIST    CONF_LIST_OF
#define CONF_K_LINES   CONF_LINES
#define CONF_ROW(kind, name, preset, least, most, what)                        \
	{ CONF_K_##kind, #name, preset, least, most, what,                     \
		offsetof(struct conf, name) },
const struct conf_row conf_rows[] = { CONF_LIST(CONF_ROW) };
#undef CONF_ROW
const size_t conf_rows_count = sizeof(conf_rows) / sizeof(*conf_rows);

/* Where a value comes from, for the message. */
struct origin {
	const char *file; /* or the environment variable's name */
	unsigned line;    /* 0: none */
};

static enum rc
refuse(const struct origin *o, const char *name, const char *why)
{
	if (o->line == 0)
		return fail(RC_INVALID, "%s: %s", o->file, why);
	return fail(RC_INVALID, "%s:%u: %s%s%s", o->file, o->line, name,
	    name[0] != '\0' ? ": " : "", why);
}

/* Kinds: text to member */

struct unit {
	char suffix;
	int64_t factor;
};

static const struct unit units_none[] = { { '\0', 1 } };
static const struct unit units_time[] = { { '\0', 1 }, { 's', 1 }, { 'm', 60 },
	{ 'h', 3600 }, { 'd', 86400 }, { '\0', 0 } };
static const struct unit units_size[] = { { '\0', 1 }, { 'k', 1 << 10 },
	{ 'm', 1 << 20 }, { 'g', 1 << 30 }, { '\0', 0 } };

static int64_t
take_unit(struct str *s, const struct unit *units)
{
	for (const struct unit *u = units + 1;
	     units != units_none && u->factor > 0; u++) {
		if (s->n > 0 && s->p[s->n - 1] == u->suffix) {
			s->n--;
			return u->factor;
		}
	}
	return units->factor;
}

static const char *
set_number(const struct conf_row *row, struct str s, const struct unit *units,
    int64_t *out)
{
	int64_t factor = take_unit(&s, units);
	uint64_t value;

	if (!str_uint(s, (uint64_t)(INT64_MAX / factor), &value))
		return "not a number of this kind";
	if ((int64_t)value * factor < row->least ||
	    (int64_t)value * factor > row->most)
		return "out of range";
	*out = (int64_t)value * factor;
	return NULL;
}

static const char *
set_bool(struct str s, bool *out)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = { { "yes", true }, { "no", false }, { "true", true },
		{ "false", false }, { "on", true }, { "off", false } };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (str_eq(s, str_of(words[i].word))) {
			*out = words[i].value;
			return NULL;
		}
	}
	return "neither yes nor no";
}

static const char *
set_text(
    struct arena *a, const struct conf_row *row, struct str s, const char **out)
{
	if (s.n < (size_t)row->least)
		return "too short";
	if (s.n > (size_t)row->most)
		return "too long";
	if (row->kind == CONF_PATH && s.p[0] != '/')
		return "not an absolute path";
	*out = arena_dup(a, s.p, s.n);
	return NULL;
}

static const char *
add_line(
    struct arena *a, const struct conf_row *row, struct str s, const char **out)
{
	const char *before = *out != NULL ? *out : "";

	if (strlen(before) + 1 + s.n > (size_t)row->most)
		return "too long";
	*out = arena_fmt(
	    a, "%s%s%.*s", before, *before != '\0' ? "\n" : "", STR_FMT(s));
	return NULL;
}

/* NULL, or why not. */
static const char *
set_member(struct conf *c, const struct conf_row *row, struct str s)
{
	void *member = (char *)c + row->offset;

	switch (row->kind) {
	case CONF_INT: return set_number(row, s, units_none, member);
	case CONF_SECONDS: return set_number(row, s, units_time, member);
	case CONF_SIZE: return set_number(row, s, units_size, member);
	case CONF_BOOL: return set_bool(s, member);
	case CONF_TEXT:
	case CONF_PATH:
	case CONF_LIST_OF: return set_text(c->arena, row, s, member);
	case CONF_LINES: return add_line(c->arena, row, s, member);
	}
	return "of an unknown kind";
}

/* What a row's kind and range cannot say. */

static bool
is_level(const char *value)
{
	enum log_level level;

	return log_level_parse(value, &level);
}

static bool
is_issuers(const char *value)
{
	struct external_issuers list;
	struct arena *a = arena_new(ISSUERS_MEMORY);
	bool ok = external_issuers_read(value, a, &list) == RC_OK;

	arena_free(&a);
	return ok;
}

static bool
is_url(const char *value)
{
	return str_starts(str_of(value), STR("http://")) ||
	    str_starts(str_of(value), STR("https://"));
}

static bool
is_security(const char *value)
{
	return strcmp(value, "ssl_tls") == 0 ||
	    strcmp(value, "starttls") == 0 || strcmp(value, "none") == 0;
}

static bool
is_factor(const char *value)
{
	static const char *const words[] = { "optional", "admins", "owners",
		"everybody" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(value, words[i]) == 0)
			return true;
	return false;
}

static const struct {
	size_t offset;
	bool (*good)(const char *);
	const char *want;
} checks[] = {
	{ offsetof(struct conf, log_level), is_level,
	    "none of error, warn, info, debug" },
	{ offsetof(struct conf, external_issuer), is_issuers,
	    "not three words: issuer, audience, https URL of its keys; or an "
	    "issuer twice" },
	{ offsetof(struct conf, base_url), is_url,
	    "begins with neither http:// nor https://" },
	{ offsetof(struct conf, system_smtp_security), is_security,
	    "none of ssl_tls, starttls, none" },
	{ offsetof(struct conf, second_factor), is_factor,
	    "none of optional, admins, owners, everybody" },
};

static const char *
check_member(const struct conf *c, const struct conf_row *row)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		const char *value;

		if (checks[i].offset != row->offset)
			continue;
		value = *(const char *const *)((const char *)c + row->offset);
		if (!checks[i].good(value))
			return checks[i].want;
	}
	return NULL;
}

static bool
has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') ||
		    s.p[i] == 0x7f)
			return true;
	}
	return false;
}

static enum rc
set(struct conf *c, const struct conf_row *row, struct str value,
    const struct origin *o)
{
	const char *why;

	if (has_control(value) || !utf8_valid(value.p, value.n))
		return refuse(o, row->name, "not plain text");
	why = set_member(c, row, value);
	if (why == NULL)
		why = check_member(c, row);
	return why == NULL ? RC_OK : refuse(o, row->name, why);
}

/* Lines */

static const struct conf_row *
row_of(struct str name)
{
	for (size_t i = 0; i < conf_rows_count; i++) {
		if (str_eq(name, str_of(conf_rows[i].name)))
			return &conf_rows[i];
	}
	return NULL;
}

static bool
unquote(struct str *s)
{
	if (s->n == 0 || s->p[0] != '"')
		return true;
	if (s->n < 2 || s->p[s->n - 1] != '"')
		return false;
	*s = (struct str){ s->p + 1, s->n - 2 };
	return memchr(s->p, '"', s->n) == NULL;
}

static enum rc
read_line(struct conf *c, struct str line, bool *seen, const struct origin *o)
{
	const struct conf_row *row;
	const char *equals;
	struct str name, value;

	line = str_trim(line);
	if (line.n == 0 || line.p[0] == '#')
		return RC_OK;
	equals = memchr(line.p, '=', line.n);
	if (equals == NULL)
		return refuse(o, "", "neither a comment nor name = value");
	name = str_trim((struct str){ line.p, (size_t)(equals - line.p) });
	value = str_trim(
	    (struct str){ equals + 1, (size_t)(line.p + line.n - equals - 1) });
	row = row_of(name);
	if (row == NULL)
		return refuse(o, "",
		    arena_fmt(c->arena, "unknown name \"%.*s\"",
			(int)(name.n < 64 ? name.n : 64), name.p));
	if (seen[row - conf_rows] && row->kind != CONF_LINES)
		return refuse(o, row->name, "given twice");
	seen[row - conf_rows] = true;
	if (!unquote(&value))
		return refuse(o, row->name, "quotes do not match");
	return set(c, row, value, o);
}

static enum rc
read_lines(struct conf *c, struct str text)
{
	bool *seen = ARENA_ARRAY(c->arena, bool, conf_rows_count);
	struct origin o = { c->file, 0 };

	while (text.n > 0) {
		const char *eol = memchr(text.p, '\n', text.n);
		size_t n = eol != NULL ? (size_t)(eol - text.p) : text.n;

		o.line++;
		TRY(read_line(c, (struct str){ text.p, n }, seen, &o));
		n += eol != NULL;
		text = (struct str){ text.p + n, text.n - n };
	}
	return RC_OK;
}

/* Files and the environment */

static enum rc
read_file(struct conf *c, int fd)
{
	char *text = arena_alloc(c->arena, FILE_MOST + 1);
	size_t n = 0;
	ssize_t got;

	do {
		got = read(fd, text + n, FILE_MOST + 1 - n);
		if (got < 0 && errno != EINTR)
			return fail(
			    RC_INVALID, "%s: %s", c->file, strerror(errno));
		n += got > 0 ? (size_t)got : 0;
	} while (got != 0 && n <= FILE_MOST);
	if (n > FILE_MOST)
		return fail(RC_INVALID, "%s: larger than %zu bytes", c->file,
		    FILE_MOST);
	return read_lines(c, (struct str){ text, n });
}

static enum rc
open_and_read(struct conf *c, bool may_be_missing)
{
	int fd = open(c->file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	enum rc rc;

	if (fd < 0 && errno == ENOENT && may_be_missing)
		return RC_OK;
	if (fd < 0)
		return fail(RC_INVALID, "%s: %s", c->file, strerror(errno));
	rc = read_file(c, fd);
	close(fd);
	return rc;
}

static const char *
variable_of(struct arena *a, const struct conf_row *row)
{
	char *name = arena_fmt(a, ENV_PREFIX "%s", row->name);

	for (char *p = name; *p != '\0'; p++) {
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	}
	return name;
}

/* What the environment says takes the place of all lines. */
static void
lines_forget(struct conf *c, const struct conf_row *row)
{
	*(const char **)(void *)((char *)c + row->offset) = "";
}

static enum rc
read_environment(struct conf *c)
{
	for (size_t i = 0; i < conf_rows_count; i++) {
		struct origin o = { variable_of(c->arena, &conf_rows[i]), 0 };
		const char *value = getenv(o.file);

		if (value != NULL && conf_rows[i].kind == CONF_LINES)
			lines_forget(c, &conf_rows[i]);
		if (value != NULL)
			TRY(set(c, &conf_rows[i], str_of(value), &o));
	}
	return RC_OK;
}

static enum rc
read_presets(struct conf *c)
{
	for (size_t i = 0; i < conf_rows_count; i++) {
		struct origin o = { conf_rows[i].name, 0 };

		TRY(set(c, &conf_rows[i], str_of(conf_rows[i].preset), &o));
	}
	return RC_OK;
}

static enum rc
read_all(struct conf *c, const char *path)
{
	const char *chosen = path != NULL ? path : getenv("LETTERRACK_CONF");

	c->file = arena_str(
	    c->arena, chosen != NULL ? chosen : SYSCONFDIR "/letterrack.conf");
	if (read_presets(c) != RC_OK)
		die("preset out of its own range: %s", fail_detail());
	TRY(open_and_read(c, chosen == NULL));
	return read_environment(c);
}

enum rc
conf_read(const char *path, struct conf **out)
{
	struct arena *a = arena_new(MEMORY_MOST);
	struct conf *c = ARENA_NEW(a, struct conf);
	enum rc rc;

	c->arena = a;
	rc = read_all(c, path);
	if (rc != RC_OK)
		conf_free(&c);
	*out = c;
	return rc;
}

void
conf_free(struct conf **pc)
{
	struct arena *a;

	if (*pc == NULL)
		return;
	a = (*pc)->arena;
	arena_free(&a); /* it holds the struct, too */
	*pc = NULL;
}
