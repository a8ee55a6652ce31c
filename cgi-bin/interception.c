/* Interception: what decides about mail before anyone sees it. What waits for a
 * mail server meanwhile (release, intercept) is in providers. */
#include "interception.h"

#include "domain/rule.h"

static const struct field message_answer[] = { A_TEXT("message", 0), F_END };

#define RULES      "/api/rules"
#define RULE       "/api/rules/:rule_id"
#define NO_RULE    .missing = "RULE_NOT_FOUND"
#define TOLD_RULE  .answer = rule_answer

#define MONITOR    "/api/accounts/:provider_credential_id/monitor/"
#define OF_MAILBOX .missing = "ACCOUNT_NOT_FOUND"
#define HELD       "/api/interception/held"
#define NO_EMAIL   .missing = "EMAIL_NOT_FOUND"

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
	{ POST, MONITOR "start", watcher_begin, NEED_WRITE, ENV_OK, OF_MAILBOX,
	    .flags = PLANNED, .answer = watcher_answer,
	    .fails = { RC_CONFLICT }, .summary = "Watch a mail account",
	    .about = "Its sync_mode is idle from now on." },
	{ POST, MONITOR "stop", watcher_end, NEED_WRITE, ENV_OK, OF_MAILBOX,
	    .answer = watcher_stop_answer, .fails = { RC_CONFLICT },
	    .summary = "Watch a mail account no more",
	    .about = "Nor is it polled: its sync_mode is on_demand from now "
		     "on." },
	{ POST, MONITOR "restart", watcher_again, NEED_WRITE, ENV_OK,
	    OF_MAILBOX, .flags = PLANNED, .answer = watcher_answer,
	    .fails = { RC_CONFLICT },
	    .summary = "Watch a mail account with a new session" },
	{ GET, "/api/watchers/overview", watchers_overview, NEED_READ, ENV_OK,
	    .flags = BARE | TIMES_SPACED, .answer = watchers_answer,
	    .summary = "How each mail account is watched" },
	{ GET, HELD, held_all, NEED_READ, ENV_OK, .flags = BARE | TIMES_SPACED,
	    PARAMS(held_page), .answer = held_answer,
	    .summary = "List held mail", .about = "Newest first." },
	{ GET, HELD "/:email_id", held_one, NEED_WRITE, ENV_OK, .flags = BARE,
	    NO_EMAIL, .answer = held_one_answer, .summary = "Show held mail",
	    .about = "Also what was released or discarded, as long as it is "
		     "kept." },
	{ GET, HELD "/:email_id/diff", held_diff, NEED_WRITE, ENV_OK,
	    .flags = BARE, NO_EMAIL, .answer = held_diff_answer,
	    .summary = "Hold what came against what would go" },
	{ POST, "/api/email/:email_id/edit", held_change, NEED_WRITE, ENV_OK,
	    .flags = LARGE_BODY, NO_EMAIL, BODY(held_edit),
	    .answer = held_edit_answer, .fails = { RC_CONFLICT },
	    .summary = "Edit held mail",
	    .about = "Kept until it is released. Where only the text or only "
		     "the HTML is given, the other becomes a rendering of "
		     "it." },
	{ POST, "/api/interception/discard/:email_id", held_drop, NEED_WRITE,
	    ENV_OK, NO_EMAIL, .answer = held_discard_answer,
	    .fails = { RC_CONFLICT }, .summary = "Discard held mail",
	    .about = "It stays in the quarantine until the retention is "
		     "over." },
	{ POST, "/api/interception/bulk/discard", bulk_drop, NEED_WRITE, ENV_OK,
	    BODY(bulk_discard), .answer = bulk_discard_answer,
	    .summary = "Discard many" },
	{ GET, "/api/interception/settings", review_settings_show, NEED_READ,
	    ENV_OK, .flags = BARE, .row = review_setting_cols,
	    .summary = "Show how held mail is reviewed" },
	{ PUT, "/api/interception/settings", review_settings_put, NEED_OWNER,
	    ENV_OK, .flags = BARE, BODY(review_settings),
	    .row = review_setting_cols,
	    .summary = "Change how held mail is reviewed",
	    .about = "What is not given stays." },
	{ GET, "/api/inbox", inbox, NEED_READ, ENV_OK,
	    .flags = BARE | TIMES_SPACED, PARAMS(inbox_page),
	    .answer = inbox_answer, .summary = "List all mail that came",
	    .about = "Held or not." },
};

FAMILY(interception, QUIET);
