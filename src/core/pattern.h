/* Patterns: regular expressions that strangers write and strangers' text is
 * held against.
 *
 * A set of states walks over the text once, so the time is text × pattern,
 * whatever either says; there is no backtracking to blow up, and what would
 * need it (back references, look-around) is refused. Case does not matter.
 *
 *	.  [a-z] [^a-z]  \d \D \w \W \s \S  \b \B  ^ $ (of a line)
 *	a|b  (a)  (?:a)  a* a+ a? a{2} a{2,} a{2,5}   \x41 \t \n \. */
#ifndef CORE_PATTERN_H
#define CORE_PATTERN_H

#include "core/result.h"
#include "core/text.h"

#define PATTERN_CHARS 1000               /* of the expression */
#define PATTERN_TEXT  ((size_t)64 << 10) /* bytes of a text that are read */

struct pattern;

/* `text` is valid UTF-8. RC_INVALID with a sentence. */
enum rc
pattern_new(struct arena *, struct str text, struct pattern **) MUST_CHECK;

/* Is it anywhere in the text (valid UTF-8, PATTERN_TEXT bytes of it)? Uses some
 * kilobytes of the arena that the pattern lives in, once. */
bool pattern_found(struct pattern *, struct str text);

#endif
