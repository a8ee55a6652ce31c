/* Patterns of SQL's LIKE, for words that somebody looks for. */
#ifndef WEB_LIKE_H
#define WEB_LIKE_H

struct arena;

/* Finds `words` anywhere; NULL where there are none. */
const char *like_pattern(struct arena *, const char *words);

#endif
