#include "web/params.h"

#include "web/body.h"
#include "web/fill.h"

/* Cuts "name=value" off `rest`; false at the end. Empty pairs ("a=1&&b=2")
 * are skipped. */
static bool
pair_next(struct str *rest, struct str *pair)
{
	const char *amp;

	while (rest->n > 0 && rest->p[0] == '&') {
		rest->p++;
		rest->n--;
	}
	if (rest->n == 0)
		return false;
	amp = memchr(rest->p, '&', rest->n);
	pair->p = rest->p;
	pair->n = amp == NULL ? rest->n : (size_t)(amp - rest->p);
	rest->p += pair->n;
	rest->n -= pair->n;
	return true;
}

static bool
text_decode(struct arena *arena, struct str s, struct str *out)
{
	return percent_decode(arena, s, true, out) &&
	    utf8_valid(out->p, out->n);
}

static enum rc
pair_decode(struct arena *arena, struct str pair, struct pair *out)
{
	const char *eq = memchr(pair.p, '=', pair.n);
	struct str name = pair, value = { "", 0 };

	if (eq != NULL) {
		name.n = (size_t)(eq - pair.p);
		value = (struct str){ eq + 1, pair.n - name.n - 1 };
	}
	if (!text_decode(arena, name, &out->name))
		return fail(RC_MALFORMED,
		    "a parameter's name has a broken escape, or is not UTF-8");
	if (!text_decode(arena, value, &out->value))
		return fail(RC_MALFORMED,
		    "the parameter \"%.64s\" has a broken escape, or is not "
		    "UTF-8",
		    out->name.p);
	return RC_OK;
}

enum rc
pairs_read(struct arena *arena, struct str text, struct pairs *out)
{
	struct str pair;

	out->n = 0;
	while (pair_next(&text, &pair)) {
		struct pair *p = &out->v[out->n];

		if (out->n == PAIRS_MOST)
			return fail(RC_MALFORMED, "more than %d parameters",
			    PAIRS_MOST);
		TRY(pair_decode(arena, pair, p));
		for (size_t i = 0; i < out->n; i++)
			if (str_eq(out->v[i].name, p->name))
				return fail(RC_MALFORMED,
				    "the parameter \"%.64s\" comes twice",
				    p->name.p);
		out->n++;
	}
	return RC_OK;
}

void
pairs_fill(struct request *rq, const struct pairs *pairs,
    const struct field *rows, void *into, uint64_t *given)
{
	for (size_t i = 0; rows[i].kind != FIELD_END; i++) {
		struct place at = { NULL, rows[i].name, 0 };

		for (size_t k = 0; k < pairs->n; k++) {
			if (!str_eq(pairs->v[k].name, str_of(rows[i].name)))
				continue;
			*given |= UINT64_C(1) << i;
			(void)fill_from_text(
			    rq, &rows[i], &at, pairs->v[k].value, into);
		}
	}
	(void)fill_missing(rq, rows, NULL, *given);
}

enum rc
params_fill(struct request *rq)
{
	const struct shape *shape = &rq->route->params;
	struct pairs *pairs;

	if (rq->query.n == 0 && shape->rows == NULL)
		return RC_OK;
	pairs = ARENA_NEW(rq->arena, struct pairs);
	TRY(pairs_read(rq->arena, rq->query, pairs));
	if (shape->rows == NULL)
		return RC_OK;
	rq->params = arena_alloc(rq->arena, shape->size);
	fill_presets(shape->rows, rq->params);
	pairs_fill(rq, pairs, shape->rows, rq->params, &rq->params_given);
	return fault_rc(rq);
}
