#include "web/cursor.h"

#include "core/clock.h"
#include "core/secret.h"
#include "web/fill.h"
#include "web/request.h"

#define CHECK_SIZE 8
#define TEXT_MOST  1024

/* version, at, id, text, check */
struct packed {
	unsigned char p[1 + 8 + 8 + TEXT_MOST + CHECK_SIZE];
	size_t n;
};

static void
put(struct packed *b, const void *p, size_t n)
{
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

/* ---- what chooses the rows of a list ---- */

static void
items_add(struct buf *b, const struct field *item, const struct items *items)
{
	for (size_t i = 0; i < items->n; i++) {
		if (item->kind == FIELD_TEXT || item->kind == FIELD_EMAIL)
			buf_add(b, ITEM(struct str, items, i).p,
			    ITEM(struct str, items, i).n + 1);
		else
			buf_add(b, (char *)items->p + i * fill_item_size(item),
			    fill_item_size(item));
	}
}

static void
value_add(struct buf *b, const struct field *f, const char *into)
{
	const char *text;
	struct items items;

	switch (f->kind) {
	case FIELD_TEXT:
	case FIELD_EMAIL:
		memcpy(&text, into + f->offset, sizeof text);
		if (text != NULL)
			buf_puts(b, text);
		break;
	case FIELD_BOOL: buf_add(b, into + f->offset, sizeof(bool)); break;
	case FIELD_ENUM: buf_add(b, into + f->offset, sizeof(int)); break;
	case FIELD_INT:
	case FIELD_ID:
	case FIELD_TIME: buf_add(b, into + f->offset, sizeof(int64_t)); break;
	case FIELD_LIST:
		memcpy(&items, into + f->offset, sizeof items);
		items_add(b, f->of, &items);
		break;
	default: break;
	}
	buf_putc(b, '\0');
}

static void
shape_add(struct buf *b, const struct shape *shape, const void *into)
{
	if (shape->rows == NULL || into == NULL)
		return;
	for (const struct field *f = shape->rows; f->kind != FIELD_END; f++)
		if ((f->flags & PAGING) == 0)
			value_add(b, f, into);
}

/* Over the key, the route, the path's ids, the account and the filters. */
static void
check(const struct request *rq, const struct packed *key,
    unsigned char out[CHECK_SIZE])
{
	unsigned char hash[SHA256_SIZE];
	struct buf b;

	buf_init(&b, (size_t)4 << 20);
	buf_add(&b, key->p, key->n);
	buf_puts(&b, rq->route->path);
	for (size_t i = 0; i < ROUTE_ARGS; i++)
		buf_fmt(&b, "/%lld", (long long)rq->args[i].id);
	buf_fmt(&b, "/%lld/%lld", (long long)rq->actor.application,
	    (long long)rq->actor.account);
	shape_add(&b, &rq->route->params, rq->params);
	shape_add(&b, &rq->route->body, rq->body);
	sha256(b.p, b.n, hash);
	memcpy(out, hash, CHECK_SIZE);
	buf_clear(&b);
}

/* ---- the two ways ---- */

const char *
cursor_write(struct request *rq, const struct cursor *c)
{
	unsigned char sum[CHECK_SIZE];
	struct packed b = { .n = 0 };
	struct str text = c->text;

	if (text.n > TEXT_MOST)
		text.n = TEXT_MOST;
	put(&b, "\1", 1);
	put(&b, &c->at, sizeof c->at);
	put(&b, &c->id, sizeof c->id);
	if (text.n > 0)
		put(&b, text.p, text.n);
	check(rq, &b, sum);
	put(&b, sum, sizeof sum);
	return base64url_encode(rq->arena, b.p, b.n);
}

static enum rc
refuse(struct request *rq)
{
	struct place at = { NULL, "cursor", 0 };

	(void)fill_fault(rq, &at, "malformed",
	    "It is damaged, or of another list, filter or order.");
	return fail(RC_MALFORMED, "the cursor cannot be used here");
}

enum rc
cursor_read(struct request *rq, const char *text, struct cursor *out)
{
	unsigned char sum[CHECK_SIZE];
	struct packed b = { .n = 0 };
	struct str raw;

	*out = (struct cursor){ .is = text != NULL };
	if (text == NULL)
		return RC_OK;
	if (!base64url_decode(rq->arena, str_of(text), &raw) ||
	    raw.n < 17 + CHECK_SIZE || raw.n > sizeof b.p || raw.p[0] != 1)
		return refuse(rq);
	put(&b, raw.p, raw.n - CHECK_SIZE);
	check(rq, &b, sum);
	if (memcmp(sum, raw.p + b.n, CHECK_SIZE) != 0)
		return refuse(rq);
	memcpy(&out->at, raw.p + 1, sizeof out->at);
	memcpy(&out->id, raw.p + 9, sizeof out->id);
	/* The check holds no secret: this one was not made here. */
	if (!instant_is((instant){ out->at }))
		return refuse(rq);
	if (b.n > 17)
		out->text =
		    (struct str){ arena_dup(rq->arena, raw.p + 17, b.n - 17),
			    b.n - 17 };
	return RC_OK;
}
