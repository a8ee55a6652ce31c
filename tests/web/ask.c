#include "web/ask.h"

#include <stdio.h>
#include <stdlib.h>

#define VARS 16

static struct responder responder;
static struct conf *conf;
static struct buf head, body;

void
ask_begin(const struct family *family)
{
	log_open("test", LOG_ERROR_, false);
	setenv("LETTERRACK_BASE_URL", "http://rack.test", 1);
	if (conf_read("/dev/null", &conf) != RC_OK)
		die("%s", fail_detail());
	responder_init(&responder, family, conf, NULL, NULL);
	buf_init(&head, (size_t)64 << 10);
	buf_init(&body, (size_t)64 << 20);
}

void
ask_end(void)
{
	responder_clear(&responder);
	buf_clear(&head);
	buf_clear(&body);
	conf_free(&conf);
}

static size_t
read_text(void *from, char *p, size_t n)
{
	struct str *rest = from;

	n = n < rest->n ? n : rest->n;
	memcpy(p, rest->p, n);
	rest->p += n;
	rest->n -= n;
	return n;
}

static char *
var(struct arena *a, const char *name, const char *value)
{
	return arena_fmt(a, "%s=%s", name, value);
}

struct answer
ask(const struct question *q)
{
	struct arena *a = arena_new((size_t)64 << 20);
	struct str rest = str_of(q->body);
	char *vars[VARS + 1] = { NULL };
	struct request rq;
	size_t n = 0;
	int status;

	vars[n++] = var(a, "REQUEST_METHOD", q->method);
	vars[n++] = var(a, "REQUEST_URI", q->uri);
	vars[n++] = var(a, "LR_REQUEST_ID", "test-1");
	vars[n++] = var(a, "HTTP_HOST", "rack.test");
	if (q->type != NULL)
		vars[n++] = var(a, "CONTENT_TYPE", q->type);
	if (q->body != NULL)
		vars[n++] = arena_fmt(a, "CONTENT_LENGTH=%zu", rest.n);
	for (size_t i = 0; i < 6 && q->more[i] != NULL; i++)
		vars[n++] = arena_str(a, q->more[i]);
	dispatch(&responder, &rq, vars, read_text, &rest);
	buf_reset(&head);
	buf_reset(&body);
	dispatch_head(&rq, &head);
	buf_add(&body, rq.reply.body.p, rq.reply.body.n);
	status = rq.reply.status;
	dispatch_done(&responder, &rq);
	arena_free(&a);
	return (struct answer){ status, buf_text(&head), buf_text(&body) };
}

struct answer
ask_get(const char *uri)
{
	return ask(&(struct question){ .method = "GET", .uri = uri });
}

const char *
answer_header(const struct answer *a, const char *name)
{
	static char value[1024];
	size_t n = strlen(name);

	value[0] = '\0';
	for (const char *p = a->head; p != NULL && *p != '\0';) {
		const char *end = strstr(p, "\r\n");

		if (strncasecmp(p, name, n) == 0 && p[n] == ':') {
			snprintf(value, sizeof value, "%.*s",
			    (int)(end - p - (long)n - 2), p + n + 2);
			break;
		}
		p = end != NULL ? end + 2 : NULL;
	}
	return value;
}
