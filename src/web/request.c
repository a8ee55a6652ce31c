#include "web/request.h"

static const char *const role_names[] = {
	[ROLE_NONE] = "none",
	[ROLE_VIEWER] = "viewer",
	[ROLE_MEMBER] = "member",
	[ROLE_OWNER] = "owner",
};

const char *
role_name(enum role role)
{
	return role_names[role];
}

enum role
role_parse(struct str text)
{
	for (enum role r = ROLE_VIEWER; r <= ROLE_OWNER; r++)
		if (str_eq(text, str_of(role_names[r])))
			return r;
	return ROLE_NONE;
}

const char *
request_var(const struct request *rq, const char *name)
{
	size_t n = strlen(name);

	for (char *const *v = rq->env_vars; *v != NULL; v++)
		if (strncmp(*v, name, n) == 0 && (*v)[n] == '=')
			return *v + n + 1;
	return NULL;
}

/* The next "name=value" of a Cookie header (RFC 6265 4.2.1). */
static bool
cookie_next(struct str *rest, struct str *name, struct str *value)
{
	const char *semi, *eq;
	struct str pair;

	if (rest->n == 0)
		return false;
	semi = memchr(rest->p, ';', rest->n);
	pair.p = rest->p;
	pair.n = semi == NULL ? rest->n : (size_t)(semi - rest->p);
	rest->p += pair.n + (semi != NULL);
	rest->n -= pair.n + (semi != NULL);
	pair = str_trim(pair);
	eq = pair.n == 0 ? NULL : memchr(pair.p, '=', pair.n);
	*name = pair;
	*value = (struct str){ pair.p + pair.n, 0 };
	if (eq != NULL) {
		name->n = (size_t)(eq - pair.p);
		*value = (struct str){ eq + 1, pair.n - name->n - 1 };
	}
	return true;
}

struct str
request_cookie(const struct request *rq, const char *wanted)
{
	struct str rest = str_of(request_var(rq, "HTTP_COOKIE"));
	struct str name, value, found = { NULL, 0 };

	while (cookie_next(&rest, &name, &value)) {
		if (!str_eq(name, str_of(wanted)))
			continue;
		if (found.p != NULL) /* somebody planted a second one */
			return (struct str){ NULL, 0 };
		found = value;
	}
	return found;
}

bool
request_given(const struct request *rq, const struct shape *shape,
    uint64_t bits, size_t offset)
{
	(void)rq;
	if (shape->rows == NULL)
		return false;
	for (size_t i = 0; shape->rows[i].kind != FIELD_END; i++)
		if (shape->rows[i].offset == offset)
			return (bits >> i & 1) != 0;
	return false;
}
