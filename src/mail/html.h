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

#endif
