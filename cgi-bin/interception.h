/* What the files of the family `interception` share. */
#ifndef CGI_BIN_INTERCEPTION_H
#define CGI_BIN_INTERCEPTION_H

#include "web/body.h"
#include "web/listing.h"

/* ---- interception-rules.c ---- */

struct rule_page {
	struct page page;
};
extern const struct field rule_page_params[];

struct rule_post {
	const char *name, *value;
	int type, operator, action;
	int64_t priority;
	bool is_active;
};
extern const struct field rule_post_body[];
extern const struct field rule_answer[];

struct rule_put {
	const char *name, *value;
	int type, operator, action;
	int64_t priority;
	bool is_active;
};
extern const struct field rule_put_body[];

struct backtest {
	int64_t rule_id;
	const char *name, *value;
	int type, operator, action;
	int64_t priority, days, limit;
};
extern const struct field backtest_body[];
extern const struct field backtest_answer[];

enum rc rules_list(struct request *) MUST_CHECK;
enum rc rules_get(struct request *) MUST_CHECK;
enum rc rules_create(struct request *) MUST_CHECK;
enum rc rules_put(struct request *) MUST_CHECK;
enum rc rules_delete(struct request *) MUST_CHECK;
enum rc rules_backtest(struct request *) MUST_CHECK;

/* ---- interception-watchers.c ---- */

extern const struct field watcher_answer[], watcher_stop_answer[];
extern const struct field watchers_answer[];

enum rc watcher_begin(struct request *) MUST_CHECK;
enum rc watcher_end(struct request *) MUST_CHECK;
enum rc watcher_again(struct request *) MUST_CHECK;
enum rc watchers_overview(struct request *) MUST_CHECK;

#endif
