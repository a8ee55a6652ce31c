/* What the files of the family `interception` share. */
#ifndef CGI_BIN_INTERCEPTION_H
#define CGI_BIN_INTERCEPTION_H

#include "domain/interception.h"
#include "mail/mime.h"
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

/* ---- interception-held.c ---- */

struct held_page {
	int64_t account_id;
	struct page page;
};
extern const struct field held_page_params[];
extern const struct field held_answer[], held_one_answer[];
enum rc held_all(struct request *) MUST_CHECK;
enum rc held_one(struct request *) MUST_CHECK;

/* What was kept of one, taken apart. */
struct held_opened {
	struct str raw; /* p == NULL: this host does not have it */
	struct mime mime;
	struct mime_body body;
};
#define HELD_TEXT_MOST    ((size_t)1 << 20)
#define HELD_HEADER_BYTES 8192

/* The one that the path names. */
enum rc held_open(
    struct request *, struct held_full **, struct held_opened *) MUST_CHECK;
/* Its bytes, or others. */
enum rc held_parse(struct request *, struct held_opened *) MUST_CHECK;
/* What there is to read of it as plain text. */
struct str held_text(struct request *, const struct held_opened *);

/* ---- interception-diff.c ---- */

struct held_edit {
	const char *subject, *body_text, *body_html;
};
extern const struct field held_edit_body[];
extern const struct field held_edit_answer[], held_diff_answer[];
enum rc held_diff(struct request *) MUST_CHECK;
enum rc held_change(struct request *) MUST_CHECK;

/* ---- interception-discard.c ---- */

struct bulk_discard {
	struct ids email_ids;
};
extern const struct field bulk_discard_body[];
extern const struct field held_discard_answer[], bulk_discard_answer[];
enum rc held_drop(struct request *) MUST_CHECK;
enum rc bulk_drop(struct request *) MUST_CHECK;

/* ---- interception-settings.c ---- */

struct review_settings {
	int review_policy, hold_expiry_action;
	int64_t hold_expiry_days;
};
extern const struct field review_settings_body[];
enum rc review_settings_show(struct request *) MUST_CHECK;
enum rc review_settings_put(struct request *) MUST_CHECK;

/* ---- interception-inbox.c ---- */

struct inbox_page {
	const char *q;
	int status;
	struct page page;
};
extern const struct field inbox_page_params[];
extern const struct field inbox_answer[];
enum rc inbox(struct request *) MUST_CHECK;

#endif
