/* Errors in the envelope of the request. */
#include <ctype.h>
#include <stdio.h>

#include "core/clock.h"
#include "web/body.h"
#include "web/page.h"
#include "web/reply.h"

static struct extra *
extra_new(struct request *rq, const char *name)
{
	struct extra *e;

	if (rq->extras_n == EXTRAS_MOST)
		die("more than %d members in an error answer", EXTRAS_MOST);
	e = &rq->extras[rq->extras_n++];
	*e = (struct extra){ .name = name };
	return e;
}

void
error_int(struct request *rq, const char *name, int64_t value)
{
	extra_new(rq, name)->number = value;
}

void
error_text(struct request *rq, const char *name, const char *value)
{
	struct extra *e = extra_new(rq, name);

	e->is_text = true;
	e->text = str_of(arena_str(rq->arena, value));
}

static void
extras_write(struct jw *w, const struct request *rq)
{
	for (size_t i = 0; i < rq->extras_n; i++) {
		const struct extra *e = &rq->extras[i];

		jw_key(w, e->name);
		if (e->is_text)
			jw_str(w, e->text);
		else
			jw_int(w, e->number);
	}
}

static void
faults_write(struct jw *w, const struct request *rq)
{
	jw_array(w);
	for (const struct fault *f = rq->faults; f != NULL; f = f->next) {
		jw_object(w);
		JW_TEXT(w, "field", f->field);
		JW_TEXT(w, "code", f->code);
		JW_TEXT(w, "message", f->message);
		jw_object_end(w);
	}
	jw_array_end(w);
}

/* What the caller may read of the detail: words about its own input, or what a
 * mail server said to it. What broke inside, why a credential was refused and
 * how a row is missing stay in the log. */
static const char *
detail(enum rc rc)
{
	switch (rc) {
	case RC_UNAUTHORIZED:
	case RC_BAD_LOGIN:
	case RC_BAD_TOKEN:
	case RC_NOT_FOUND:
	case RC_INTERNAL:
	case RC_RETRY: return "";
	default: return fail_detail();
	}
}

static const char *
word(const struct request *rq, enum rc rc)
{
	if (rq->word != NULL)
		return rq->word;
	if (rc == RC_NOT_FOUND && rq->route != NULL &&
	    rq->route->missing != NULL)
		return rq->route->missing;
	return result_word(rc, rq->env);
}

/* problem+json (RFC 9457). */
static void
write_problem(struct jw *w, const struct request *rq, enum rc rc, int status)
{
	const char *code = word(rq, rc);

	jw_object(w);
	JW_TEXT(w, "type", arena_fmt(rq->arena, "urn:letterrack:%s", code));
	JW_TEXT(w, "title", result_row(rc)->text);
	JW_INT(w, "status", status);
	JW_TEXT(w, "detail",
	    detail(rc)[0] != '\0' ? detail(rc) : result_row(rc)->text);
	JW_TEXT(w, "code", code);
	JW_TEXT(w, "request_id", rq->id);
	extras_write(w, rq);
	if (rq->faults != NULL) {
		jw_key(w, "errors");
		faults_write(w, rq);
	}
	jw_object_end(w);
}

/* "Email not found", of EMAIL_NOT_FOUND. */
static const char *
sentence_of(struct arena *a, const char *code)
{
	char *text = arena_str(a, code);

	for (char *p = text; *p != '\0'; p++)
		*p = *p == '_' ? ' '
		    : p > text ? (char)tolower((unsigned char)*p)
			       : *p;
	return text;
}

static const char *
text_of(const struct request *rq, enum rc rc)
{
	if (rc == RC_NOT_FOUND && rq->route != NULL &&
	    rq->route->missing != NULL)
		return sentence_of(rq->arena, word(rq, rc));
	/* The third document's words. */
	if (rq->env == ENV_OK && rc == RC_UNAUTHORIZED)
		return "Authentication required";
	return detail(rc)[0] != '\0' ? detail(rc) : result_row(rc)->text;
}

/* {"success": false, …} and {"ok": false, …}. */
static void
write_flag(struct jw *w, const struct request *rq, enum rc rc)
{
	jw_object(w);
	JW_BOOL(w, rq->env == ENV_OK ? "ok" : "success", false);
	JW_TEXT(w, "error", text_of(rq, rc));
	JW_TEXT(w, "code", word(rq, rc));
	extras_write(w, rq);
	if (rq->faults != NULL) {
		jw_key(w, "details");
		faults_write(w, rq);
	} else if (rq->env == ENV_SUCCESS) {
		jw_key(w, "details");
		jw_null(w);
	}
	JW_TEXT(w, "request_id", rq->id);
	jw_object_end(w);
}

/* {"error", "error_description"} (RFC 6749 5.2). */
static const struct {
	enum rc rc;
	int status;
	const char *word;
} oauth_words[] = {
	{ RC_MALFORMED, 400, "invalid_request" },
	{ RC_INVALID, 400, "invalid_request" },
	{ RC_METHOD, 405, "invalid_request" },
	{ RC_MEDIA_TYPE, 415, "invalid_request" },
	{ RC_UNAUTHORIZED, 401, "invalid_client" },
	{ RC_BAD_LOGIN, 400, "invalid_grant" },
	{ RC_FORBIDDEN, 403, "access_denied" },
	{ RC_CSRF, 403, "access_denied" },
	{ RC_NOT_FOUND, 404, "invalid_request" },
	{ RC_TOO_LARGE, 413, "invalid_request" },
	{ RC_RATE_LIMIT, 429, "slow_down" },
	{ RC_RETRY, 503, "temporarily_unavailable" },
};

/* RFC 6749 5.2 knows neither quotes nor backslashes in a description. */
static const char *
plain(const struct request *rq, const char *text)
{
	char *out = arena_str(rq->arena, text);

	for (char *p = out; *p != '\0'; p++)
		if (*p == '"' || *p == '\\')
			*p = '\'';
		else if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			*p = '?';
	return out;
}

/* Who asks with a secret is a client; elsewhere a token was wrong. */
static bool
asks_client(const struct request *rq)
{
	return rq->route->need == NEED_PUBLIC || rq->route->need == NEED_OWN;
}

static const char *
describe_oauth(const struct request *rq, enum rc rc)
{
	if (rq->faults != NULL)
		return plain(rq,
		    arena_fmt(rq->arena, "%s: %s", rq->faults->field,
			rq->faults->message));
	if (rc == RC_UNAUTHORIZED && asks_client(rq))
		return "The client is not known here, or its secret is wrong.";
	return plain(
	    rq, detail(rc)[0] != '\0' ? detail(rc) : result_row(rc)->text);
}

static bool
is_oauth(const struct request *rq)
{
	return rq->route != NULL && (rq->route->flags & OAUTH) != 0;
}

static int
write_oauth(struct jw *w, const struct request *rq, enum rc rc, int status)
{
	const char *code = "server_error";

	for (size_t i = 0; i < sizeof oauth_words / sizeof oauth_words[0];
	     i++) {
		if (oauth_words[i].rc == rc) {
			code = oauth_words[i].word;
			status = oauth_words[i].status;
		}
	}
	if (rc == RC_UNAUTHORIZED && !asks_client(rq))
		code = "invalid_token";
	jw_object(w);
	JW_TEXT(w, "error", rq->word != NULL ? rq->word : code);
	JW_TEXT(w, "error_description", describe_oauth(rq, rc));
	extras_write(w, rq);
	jw_object_end(w);
	return status;
}

static void
retry_after(struct request *rq, enum rc rc)
{
	char text[16];

	if (rc == RC_RETRY && rq->retry_after == 0)
		rq->retry_after = 2;
	if (rq->retry_after == 0)
		return;
	snprintf(text, sizeof text, "%d", rq->retry_after);
	reply_header(rq, "Retry-After", text);
}

/* A page of the OAuth server, for whoever does not insist on JSON. */
static bool
is_page(const struct request *rq)
{
	return is_oauth(rq) && rq->route->type != NULL && !page_json_only(rq);
}

static void
write_page(struct request *rq, enum rc rc, int status)
{
	struct page_doc doc;

	page_open(&doc, rq, "This did not work");
	page_alert(&doc, describe_oauth(rq, rc));
	if (page_reply(&doc, status) != RC_OK)
		log_error(&rq->log, "no page: %s", fail_detail());
}

/* A challenge with each 401 (RFC 9110 11.6.1, RFC 6750 3). */
static void
challenge(struct request *rq)
{
	if (is_oauth(rq) && asks_client(rq))
		reply_header(
		    rq, "WWW-Authenticate", "Basic realm=\"letterrack\"");
	else if (rq->credential_refused)
		reply_header(rq, "WWW-Authenticate",
		    "Bearer realm=\"letterrack\", error=\"invalid_token\"");
	else
		reply_header(
		    rq, "WWW-Authenticate", "Bearer realm=\"letterrack\"");
}

void
reply_error(struct request *rq, enum rc rc)
{
	struct reply *r = &rq->reply;
	int status = result_status(rc, rq->env);
	struct jw w = jw_on(&r->body);

	buf_reset(&r->body);
	buf_reset(&r->head);
	r->stream = NULL;
	r->opened = false;
	r->type = NULL;
	if (rq->env == ENV_SUCCESS || rq->env == ENV_OK) {
		write_flag(&w, rq, rc);
	} else if (is_oauth(rq)) {
		status = write_oauth(&w, rq, rc, status);
	} else {
		r->type = "application/problem+json";
		write_problem(&w, rq, rc, status);
	}
	r->status = status;
	if (is_page(rq))
		write_page(rq, rc, status);
	retry_after(rq, rc);
	if (status == 401)
		challenge(rq);
	if (rq->allow != NULL)
		reply_header(rq, "Allow", rq->allow);
}
