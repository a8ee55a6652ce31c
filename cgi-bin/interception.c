/* Interception: what decides about mail before anyone sees it. What waits for a
 * mail server meanwhile (release, intercept) is in providers. */
#include "interception.h"

#include "domain/rule.h"

static const struct field message_answer[] = { A_TEXT("message", 0), F_END };

#define RULES     "/api/rules"
#define RULE      "/api/rules/:rule_id"
#define NO_RULE   .missing = "RULE_NOT_FOUND"
#define TOLD_RULE .answer = rule_answer

static const struct route routes[] = {
	{ GET, RULES, rules_list, NEED_READ, ENV_OK, .flags = BARE,
	    PARAMS(rule_page), .row = rule_cols, .many = true,
	    .summary = "List rules" },
	{ POST, RULES, rules_create, NEED_WRITE, ENV_OK, .status = 201,
	    .flags = IDEMPOTENT, BODY(rule_post), TOLD_RULE,
	    .fails = { RC_CONFLICT }, .summary = "Make a rule",
	    .about = "It is held against mail that comes from now on." },
	{ GET, RULE, rules_get, NEED_READ, ENV_OK, .flags = BARE, NO_RULE,
	    .row = rule_cols, .summary = "Show a rule" },
	{ PUT, RULE, rules_put, NEED_WRITE, ENV_OK, NO_RULE, BODY(rule_put),
	    TOLD_RULE, .summary = "Change a rule" },
	{ DELETE, RULE, rules_delete, NEED_WRITE, ENV_OK, NO_RULE,
	    .answer = message_answer, .summary = "Remove a rule" },
	{ POST, RULES "/backtest", rules_backtest, NEED_WRITE, ENV_OK, NO_RULE,
	    BODY(backtest), .answer = backtest_answer,
	    .fails = { RC_NOT_FOUND },
	    .summary = "Try a rule on mail of the last days",
	    .about = "Of mail that is not fetched whole the first words of the "
		     "text are looked at, and of its headers subject and "
		     "people." },
};

FAMILY(interception, QUIET);
