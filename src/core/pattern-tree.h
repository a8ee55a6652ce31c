/* A pattern's expression as a tree; for pattern.c. */
#ifndef CORE_PATTERN_TREE_H
#define CORE_PATTERN_TREE_H

#include "core/pattern.h"

struct letters {
	uint32_t first, last;
};

struct class {
	struct letters *v;
	size_t n, room;
	bool is_not;
};
bool class_has(const struct class *, uint32_t cp);

/* What \w stands for. */
bool pattern_is_word(uint32_t cp);

enum node_kind {
	NODE_EMPTY,
	NODE_LETTER,
	NODE_ANY, /* but the end of a line */
	NODE_CLASS,
	NODE_LINE_BEGIN,
	NODE_LINE_END,
	NODE_WORD_EDGE,
	NODE_NO_WORD_EDGE,
	NODE_BOTH, /* one behind the other; leans to the left */
	NODE_EITHER,
	NODE_REPEAT,
};

struct node {
	enum node_kind kind;
	uint32_t letter; /* folded */
	const struct class *class;
	struct node *left, *right;
	int least, most; /* most -1: without end */
};

/* RC_INVALID with a sentence. */
enum rc
pattern_read(struct arena *, struct str text, struct node **) MUST_CHECK;

#endif
