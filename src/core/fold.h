/* Letters without their case, as far as one letter stands for one: Latin,
 * Greek, Cyrillic, Armenian, full width. Whatever the locale is; without the
 * tables of all of Unicode. */
#ifndef CORE_FOLD_H
#define CORE_FOLD_H

#include "core/text.h"

uint32_t fold_letter(uint32_t cp);

/* One character of valid UTF-8 at *at, which moves behind it. */
uint32_t utf8_next(struct str, size_t *at);

/* A folded copy of valid UTF-8; runs of blanks, line ends and control
 * characters are one blank, and none is at either end. */
struct str fold_text(struct arena *, struct str);

#endif
