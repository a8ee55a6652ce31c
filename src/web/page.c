#include "web/page.h"

#include "core/secret.h"
#include "web/reply.h"

#define PAGE_LARGEST ((size_t)2048 * 1024) /* the manual */

/* System colours and fonts: readable in light, dark and forced colours. */
static const char style[] =
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;"
    "margin:3rem auto;padding:0 1rem}"
    "label{display:block;margin-top:1rem}"
    "input{font:inherit;width:100%;box-sizing:border-box;padding:.4rem}"
    "button{font:inherit;margin-top:1.5rem;padding:.5rem 1.5rem}"
    "[role=alert]{border-left:.3rem solid #b00020;padding:.5rem 1rem}"
    ":focus-visible{outline:.2rem solid;outline-offset:.15rem}"
    "dt{font-weight:bold}dd{margin:0 0 .5rem}"
    "summary,code{overflow-wrap:anywhere}summary{padding:.3rem 0}";

void
page_open(struct page_doc *doc, struct request *rq, const char *title)
{
	doc->rq = rq;
	doc->target = "";
	buf_init(&doc->html, PAGE_LARGEST);
	page_html(doc,
	    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width\">\n"
	    "<title>");
	page_text(doc, title);
	page_html(doc, " – Letterrack</title>\n<style>");
	page_html(doc, style);
	page_html(doc, "</style>\n</head>\n<body>\n<main>\n<h1>");
	page_text(doc, title);
	page_html(doc, "</h1>\n");
}

void
page_html(struct page_doc *doc, const char *markup)
{
	buf_puts(&doc->html, markup);
}

static const char *
entity(char c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	default: return NULL;
	}
}

void
page_text(struct page_doc *doc, const char *text)
{
	for (const char *p = text != NULL ? text : ""; *p != '\0'; p++) {
		const char *e = entity(*p);

		if (e != NULL)
			buf_puts(&doc->html, e);
		else
			buf_putc(&doc->html, *p);
	}
}

void
page_alert(struct page_doc *doc, const char *text)
{
	page_html(doc, "<p role=\"alert\">");
	page_text(doc, text);
	page_html(doc, "</p>\n");
}

void
page_hidden(struct page_doc *doc, const char *name, const char *value)
{
	if (value == NULL)
		return;
	page_html(doc, "<input type=\"hidden\" name=\"");
	page_text(doc, name);
	page_html(doc, "\" value=\"");
	page_text(doc, value);
	page_html(doc, "\">\n");
}

/* Of "https://host:port/path?query" all before the path; of "app:/path" the
 * scheme. What is neither adds nothing. */
void
page_form_to(struct page_doc *doc, const char *uri)
{
	size_t scheme = strspn(uri,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "+.-");
	size_t host;

	if (scheme == 0 || uri[scheme] != ':')
		return;
	if (strncasecmp(uri, "http:", 5) != 0 &&
	    strncasecmp(uri, "https:", 6) != 0) {
		doc->target =
		    arena_fmt(doc->rq->arena, " %.*s:", (int)scheme, uri);
		return;
	}
	if (strncmp(uri + scheme, "://", 3) != 0)
		return;
	host = strspn(uri + scheme + 3,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    ".:-");
	doc->target =
	    arena_fmt(doc->rq->arena, " %.*s", (int)(scheme + 3 + host), uri);
}

void
page_field(struct page_doc *doc, const struct page_field *f)
{
	buf_fmt(&doc->html,
	    "<label for=\"%s\">%s</label>\n"
	    "<input id=\"%s\" name=\"%s\" type=\"%s\" autocomplete=\"%s\" "
	    "required>\n",
	    f->name, f->label, f->name, f->name, f->type, f->autocomplete);
}

static const char *
policy(const struct page_doc *doc)
{
	struct request *rq = doc->rq;
	unsigned char hash[SHA256_SIZE];

	sha256(style, sizeof style - 1, hash);
	return arena_fmt(rq->arena,
	    "default-src 'none'; style-src 'sha256-%s'; form-action 'self'%s; "
	    "frame-ancestors 'none'; base-uri 'none'",
	    base64_encode(rq->arena, hash, sizeof hash), doc->target);
}

enum rc
page_reply(struct page_doc *doc, int status)
{
	enum rc rc;

	page_html(doc, "</main>\n</body>\n</html>\n");
	if (doc->html.full)
		rc = fail(RC_INTERNAL, "the page is too large");
	else
		rc = reply_page(doc->rq, status,
		    (struct str){ doc->html.p, doc->html.n }, policy(doc));
	buf_clear(&doc->html);
	return rc;
}

static bool
accepts(const struct request *rq, const char *type)
{
	const char *accept = request_var(rq, "HTTP_ACCEPT");

	return accept != NULL && strstr(accept, type) != NULL;
}

bool
page_wanted(const struct request *rq)
{
	return accepts(rq, "text/html");
}

bool
page_json_only(const struct request *rq)
{
	return accepts(rq, "json") && !accepts(rq, "text/") &&
	    !accepts(rq, "*/*");
}
