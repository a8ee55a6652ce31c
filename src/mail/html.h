/* HTML to plain text, for snippets and search: not for display, not for
 * safety. What comes out may hold "<" and must be escaped like any text. */
#ifndef MAIL_HTML_H
#define MAIL_HTML_H

#include "core/arena.h"
#include "core/text.h"

/* The text that a reader would see: tags, comments, script, style, head and
 * title left out, references resolved, blanks joined, blocks on lines of
 * their own. `html` is valid UTF-8, so is the result, of at most `max` bytes.
 * Linear; reads no further than it writes. */
struct str html_text(struct arena *, struct str html, size_t max);

/* The same text as HTML: what would be markup is escaped, lines stay lines. */
struct str html_of_text(struct arena *, struct str text);

/* What stands in a document's body: without <html>, <head> and <body>, so that
 * it can be put into another. Borrows from `html`. */
struct str html_inside(struct str html);

#endif
