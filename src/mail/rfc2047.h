/* Encoded words in header text (RFC 2047). */
#ifndef MAIL_RFC2047_H
#define MAIL_RFC2047_H

#include "core/arena.h"
#include "core/text.h"

/* Decodes a header's text. Adjacent words are joined before their charset is
 * applied, so that a character split between them survives; blanks between
 * them vanish, folds and control characters become one blank. Bytes outside
 * of words are UTF-8 or else windows-1252. The result is valid UTF-8 without
 * NUL, of at most `max` bytes, cut between characters. Linear; what is not a
 * proper word stays as it is. p == NULL stays NULL. */
struct str rfc2047_decode(struct arena *, struct str, size_t max);

/* Writes text as header text that begins in `column` of its line: plain where
 * it is printable ASCII, else in words of UTF-8 in base64 (rfc2047_words). */
struct str rfc2047_encode(struct arena *, struct str text, size_t column);

/* In words in any case, of at most 75 bytes each, on lines of 76; divided by
 * CRLF SP, which comes first where not even one character fits. `text` is valid
 * UTF-8; control characters become blanks. */
struct str rfc2047_words(struct arena *, struct str text, size_t column);

#endif
