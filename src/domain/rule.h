/* Rules: what mail is held for, marked or counted, as an account has set them
 * up. rule-match.h holds mail against them. */
#ifndef DOMAIN_RULE_H
#define DOMAIN_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/result.h"
#include "db/row.h"

#define RULE_VALUE_MOST  1000 /* characters */
#define RULE_WEIGHT_MOST 100
#define RULES_MOST       200 /* of an account */

/* X(name, as written) */
#define RULE_TYPES(X)                                                          \
	X(KEYWORD, "keyword") /* subject and text */                           \
	X(SENDER, "sender")                                                    \
	X(RECIPIENT, "recipient")                                              \
	X(DOMAIN, "domain") /* the sender's */                                 \
	X(SUBJECT, "subject")                                                  \
	X(REGEX, "regex")           /* as keyword, by a pattern */             \
	X(ATTACHMENT, "attachment") /* file names and types */                 \
	X(HEADER, "header")         /* "Name: value" */                        \
	X(SIZE, "size")             /* "10m": so large or larger; "<1k" */

#define RULE_OPERATORS(X)                                                      \
	X(CONTAINS, "contains")                                                \
	X(EQUALS, "equals")                                                    \
	X(STARTS_WITH, "starts_with")                                          \
	X(ENDS_WITH, "ends_with")                                              \
	X(REGEX, "regex")

#define RULE_ACTIONS(X)                                                        \
	X(HOLD, "hold")                                                        \
	X(TAG, "tag") /* with the rule's name */                               \
	X(SCORE, "score")

enum rule_type {
#define RULE_TYPE_ENUM(name, word) RULE_##name,
	RULE_TYPES(RULE_TYPE_ENUM)
#undef RULE_TYPE_ENUM
	    RULE_TYPE_COUNT
};
enum rule_operator {
#define RULE_OPERATOR_ENUM(name, word) RULE_BY_##name,
	RULE_OPERATORS(RULE_OPERATOR_ENUM)
#undef RULE_OPERATOR_ENUM
	    RULE_OPERATOR_COUNT
};
enum rule_action {
#define RULE_ACTION_ENUM(name, word) RULE_DO_##name,
	RULE_ACTIONS(RULE_ACTION_ENUM)
#undef RULE_ACTION_ENUM
	    RULE_ACTION_COUNT
};
/* NULL at the end. */
extern const char *const rule_types[];
extern const char *const rule_operators[];
extern const char *const rule_actions[];

struct rule {
	int64_t id;
	const char *name;
	const char *type;
	const char *operator;
	const char *value;
	const char *action;
	int32_t priority; /* its weight */
	bool is_active;
	instant created_at;
	instant updated_at;
};
extern const struct col rule_cols[];

/* Of an email, as rules see it without its bytes: what a backtest looks at. */
struct rule_seen {
	int64_t id;
	const char *subject;
	const char *sender, *senders, *recipients;
	struct texts files;
	const char *snippet;
	int64_t size_bytes;
	instant created_at;
};
extern const struct col rule_seen_cols[];

/* What the first page of mail stands behind: nothing is later. */
#define RULE_NEWEST ((instant){ 253402300799000000 }) /* 9999-12-31 */

/* The place of a word in such a list; -1: not there. */
int rule_word(const char *const *words, const char *word);

#endif
