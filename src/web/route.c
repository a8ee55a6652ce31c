#include "web/route.h"

#include <stdio.h>

#include "core/arena.h"

#define URI_MOST      8192
#define SEGMENTS_MOST 16

static const char *const method_names[METHOD_COUNT] = {
	[METHOD_NONE] = "",
	[GET] = "GET",
	[POST] = "POST",
	[PUT] = "PUT",
	[PATCH] = "PATCH",
	[DELETE] = "DELETE",
};

static const char *const need_names[NEED_COUNT] = {
	[NEED_PUBLIC] = "public",
	[NEED_MAYBE] = "public",
	[NEED_ANY] = "any",
	[NEED_READ] = "viewer",
	[NEED_WRITE] = "member",
	[NEED_OWNER] = "owner",
	[NEED_USER] = "self",
	[NEED_SELF] = "admin-or-self",
	[NEED_ADMIN] = "admin",
	[NEED_APP_ADMIN] = "app-admin",
	[NEED_OWN] = "own",
};

const char *
method_name(enum method m)
{
	return method_names[m];
}

enum method
method_parse(struct str text)
{
	for (enum method m = GET; m < METHOD_COUNT; m++)
		if (str_eq(text, str_of(method_names[m])))
			return m;
	return METHOD_NONE;
}

const char *
need_name(enum need n)
{
	return need_names[n];
}

static const struct {
	const char *name;
	enum id_kind kind;
} arg_kinds[] = {
	{ "account_id", ID_ACCOUNT },
	{ "application_id", ID_APPLICATION },
	{ "attachment_id", ID_PART },
	{ "delivery_id", ID_NUMBER },
	{ "email_id", ID_EMAIL },
	{ "imap_account_id", ID_CREDENTIAL },
	{ "invite_id", ID_INVITE },
	{ "job_id", ID_JOB },
	{ "label_id", ID_NUMBER },
	{ "log_id", ID_LOG },
	{ "member_id", ID_MEMBER },
	{ "note_id", ID_NUMBER },
	{ "part_id", ID_PART },
	{ "provider_credential_id", ID_CREDENTIAL },
	{ "rule_id", ID_NUMBER },
	{ "saved_reply_id", ID_NUMBER },
	{ "signature_id", ID_NUMBER },
	{ "subscription_id", ID_SUBSCRIPTION },
	{ "task_id", ID_TASK },
	{ "thread_id", ID_NUMBER },
	{ "user_id", ID_USER },
	{ "webhook_id", ID_NUMBER },
};

bool
route_arg_kind(const struct route *r, struct str name, enum id_kind *kind)
{
	if (str_eq(name, STR("id"))) {
		*kind = r->id;
		return true;
	}
	for (size_t i = 0; i < sizeof arg_kinds / sizeof arg_kinds[0]; i++) {
		if (str_eq(name, str_of(arg_kinds[i].name))) {
			*kind = arg_kinds[i].kind;
			return true;
		}
	}
	return false;
}

/* ---- what a URI may look like ---- */

/* The byte at `*i`, an escape decoded; -1: a broken escape. */
static int
path_byte(struct str s, size_t *i)
{
	int hi, lo;

	if (s.p[*i] != '%')
		return (unsigned char)s.p[(*i)++];
	if (s.n - *i < 3)
		return -1;
	hi = hex_value(s.p[*i + 1]);
	lo = hex_value(s.p[*i + 2]);
	*i += 3;
	return hi < 0 || lo < 0 ? -1 : hi * 16 + lo;
}

static enum rc
segment_check(struct str segment, bool last)
{
	size_t dots = 0, bytes = 0, before;
	bool raw;
	int c;

	for (size_t i = 0; i < segment.n; bytes++) {
		before = i;
		c = path_byte(segment, &i);
		if (c < 0)
			return fail(RC_MALFORMED, "broken escape in the path");
		if (c == '/' || c == '\\')
			return fail(RC_MALFORMED, "encoded slash in the path");
		raw = i == before + 1;
		if (c < ' ' || c == 0x7f)
			return fail(RC_MALFORMED, "control byte in the path");
		if (raw && (c == ' ' || c > 0x7f))
			return fail(
			    RC_MALFORMED, "a byte that must be escaped");
		dots += c == '.';
	}
	if (bytes == 0 && !last)
		return fail(RC_MALFORMED, "empty segment in the path");
	if (dots == bytes && (dots == 1 || dots == 2))
		return fail(RC_MALFORMED, "dot segment in the path");
	return RC_OK;
}

/* Cuts the next segment off `rest`, which begins with '/'. */
static struct str
segment_next(struct str *rest)
{
	const char *slash;
	struct str segment;

	rest->p++;
	rest->n--;
	slash = rest->n == 0 ? NULL : memchr(rest->p, '/', rest->n);
	segment.p = rest->p;
	segment.n = slash == NULL ? rest->n : (size_t)(slash - rest->p);
	rest->p += segment.n;
	rest->n -= segment.n;
	return segment;
}

static enum rc
query_check(struct str query)
{
	for (size_t i = 0; i < query.n; i++) {
		unsigned char c = (unsigned char)query.p[i];

		if (c <= ' ' || c == 0x7f)
			return fail(RC_MALFORMED, "control byte in the query");
	}
	return RC_OK;
}

enum rc
route_split(struct str uri, struct str *path, struct str *query)
{
	const char *mark;
	struct str rest;

	*path = *query = (struct str){ "", 0 };
	if (uri.n == 0 || uri.p[0] != '/')
		return fail(RC_MALFORMED, "the path does not begin with /");
	if (uri.n > URI_MOST)
		return fail(RC_MALFORMED, "the URL is longer than 8 KiB");
	*path = uri;
	mark = memchr(uri.p, '?', uri.n);
	if (mark != NULL) {
		path->n = (size_t)(mark - uri.p);
		query->p = mark + 1;
		query->n = uri.n - path->n - 1;
	}
	for (rest = *path; rest.n > 0;) {
		struct str segment = segment_next(&rest);

		TRY(segment_check(segment, rest.n == 0));
	}
	return query_check(*query);
}

/* ---- which row ---- */

struct segments {
	struct str s[SEGMENTS_MOST];
	size_t n; /* SEGMENTS_MOST + 1: more than any row has */
};

static void
segments_cut(struct str path, struct segments *out)
{
	out->n = 0;
	while (path.n > 0) {
		if (out->n == SEGMENTS_MOST) {
			out->n++;
			return;
		}
		out->s[out->n++] = segment_next(&path);
	}
}

/* How a path compares with a row. */
struct score {
	size_t common;     /* leading segments that agree */
	bool whole;        /* all of both */
	unsigned literals; /* a bit a literal segment, the first highest */
};

static struct score
score(const struct route *r, const struct segments *have)
{
	struct str rest = str_of(r->path);
	struct score sc = { 0, false, 0 };

	while (rest.n > 0) {
		struct str want = segment_next(&rest);
		bool literal = want.n == 0 || want.p[0] != ':';

		if (sc.common >= have->n || sc.common >= SEGMENTS_MOST)
			return sc;
		if (literal ? !str_eq(want, have->s[sc.common])
			    : have->s[sc.common].n == 0)
			return sc;
		if (literal)
			sc.literals |= 1u << (SEGMENTS_MOST - sc.common);
		sc.common++;
	}
	sc.whole = sc.common == have->n;
	return sc;
}

/* Reads the path's ids. A text that cannot be an id of its kind is
 * RC_NOT_FOUND: it answers as a row that does not exist. */
static enum rc
args_read(const struct route *r, const struct segments *have,
    struct arena *arena, struct route_match *m)
{
	struct str rest = str_of(r->path);
	size_t n = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; rest.n > 0 && i < have->n; i++) {
		struct str want = segment_next(&rest);
		enum id_kind kind;

		if (want.n == 0 || want.p[0] != ':')
			continue;
		want.p++;
		want.n--;
		m->args[n] = (struct route_arg){ have->s[i], 0 };
		if (route_arg_kind(r, want, &kind)) {
			if (!id_parse(kind, have->s[i], &m->args[n].id))
				rc = RC_NOT_FOUND;
			if (str_eq(want, STR("account_id")))
				m->account = m->args[n].id;
		} else if (!percent_decode(
			       arena, have->s[i], false, &m->args[n].text) ||
		    !utf8_valid(m->args[n].text.p, m->args[n].text.n)) {
			rc = RC_NOT_FOUND;
		}
		n++;
	}
	return rc;
}

/* Where no row shares more than its first segment with the path, the door
 * tells which document the caller has read. */
static enum envelope
nearest_env(const struct family *f, const struct segments *have, enum door door)
{
	enum envelope env = door == DOOR_REVIEW ? ENV_OK : ENV_DATA;
	struct score best = { 1, true, 0 };

	for (size_t i = 0; i < f->count; i++) {
		struct score sc = score(&f->routes[i], have);

		if (sc.common > best.common ||
		    (sc.common == best.common && sc.whole && !best.whole)) {
			best = sc;
			env = f->routes[i].env;
		}
	}
	return env;
}

static bool
better(const struct route *r, const struct route *than, enum door door)
{
	return than == NULL || (r->door == door && than->door != door);
}

enum rc
route_find(const struct family *f, enum method method, enum door door,
    struct str path, struct arena *arena, struct route_match *m)
{
	struct segments have = { .n = 0 };
	unsigned literals = 0;

	memset(m, 0, sizeof *m);
	segments_cut(path, &have);
	for (size_t i = 0; i < f->count; i++) {
		const struct route *r = &f->routes[i];
		struct score sc = score(r, &have);

		if (!sc.whole || (r->door != DOOR_ANY && r->door != door) ||
		    sc.literals < literals)
			continue;
		if (sc.literals > literals) {
			literals = sc.literals;
			m->route = NULL;
			m->allowed = 0;
		}
		if (m->allowed == 0)
			m->env = r->env;
		m->allowed |= 1u << r->method;
		if (r->method == method && better(r, m->route, door))
			m->route = r;
	}
	if (m->allowed == 0) {
		m->env = nearest_env(f, &have, door);
		return RC_NOT_FOUND;
	}
	if (m->route == NULL)
		return RC_METHOD;
	m->env = m->route->env;
	return args_read(m->route, &have, arena, m);
}

enum envelope
route_env(const struct family *f, enum door door, struct str path)
{
	struct segments have = { .n = 0 };

	segments_cut(path, &have);
	return nearest_env(f, &have, door);
}

const char *
route_allow(struct arena *arena, unsigned allowed)
{
	char text[64];
	int n = 0;

	for (enum method m = GET; m < METHOD_COUNT; m++) {
		if ((allowed & (1u << m)) == 0)
			continue;
		n += snprintf(text + n, sizeof text - (size_t)n, "%s%s%s",
		    n > 0 ? ", " : "", method_names[m],
		    m == GET ? ", HEAD" : "");
	}
	return arena_dup(arena, text, (size_t)n);
}
