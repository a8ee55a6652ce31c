#include "domain/rule.h"

#include <string.h>

#define WORD(name, word) word,
const char *const rule_types[] = { RULE_TYPES(WORD) NULL };
const char *const rule_operators[] = { RULE_OPERATORS(WORD) NULL };
const char *const rule_actions[] = { RULE_ACTIONS(WORD) NULL };
#undef WORD

const struct col rule_cols[] = {
	COL(struct rule, id),
	COL(struct rule, name),
	COL(struct rule, type),
	COL(struct rule, operator),
	COL(struct rule, value),
	COL(struct rule, action),
	COL(struct rule, priority),
	COL(struct rule, is_active),
	COL(struct rule, created_at),
	COL(struct rule, updated_at),
	COL_END,
};

const struct col rule_seen_cols[] = {
	COL_ID(struct rule_seen, id, ID_EMAIL),
	COL(struct rule_seen, subject),
	COL(struct rule_seen, sender),
	COL(struct rule_seen, senders),
	COL(struct rule_seen, recipients),
	COL(struct rule_seen, files),
	COL(struct rule_seen, snippet),
	COL(struct rule_seen, size_bytes),
	COL(struct rule_seen, created_at),
	COL_END,
};

int
rule_word(const char *const *words, const char *word)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return -1;
}
