#include "domain/signature.h"

#include "mail/html.h"

const struct col signature_cols[] = {
	COL_ID(struct signature, id, ID_NUMBER),
	COL(struct signature, name),
	COL(struct signature, body_text),
	COL(struct signature, body_html),
	COL(struct signature, is_default),
	COL(struct signature, created_at),
	COL(struct signature, updated_at),
	COL_END,
};

void
signature_put(struct arena *a, const struct signature *s, const char **text,
    const char **html)
{
	const char *own = s->body_html != NULL
	    ? s->body_html
	    : html_of_text(a, str_of(s->body_text)).p;

	if (*html != NULL)
		*html = arena_fmt(a, "%s<br><br>-- <br>\n%s", *html, own);
	if (*text != NULL || *html == NULL)
		*text = arena_fmt(a, "%s\n\n-- \n%s",
		    *text != NULL ? *text : "", s->body_text);
}
