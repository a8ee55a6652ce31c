/* How an account reviews its held mail. */
#include "interception.h"

#include "domain/interception-sql.h"
#include "web/audit.h"

const struct field review_settings_body[] = {
	F_ENUM(struct review_settings, review_policy, review_policies, OPTIONAL,
	    .about = "four_eyes: nobody releases what they have edited, and "
		     "who releases names the content_hash."),
	F_INT(struct review_settings, hold_expiry_days, 1, 365, NULLABLE,
	    .about = "Mail that nobody has decided about by then is; null: "
		     "never."),
	F_ENUM(struct review_settings, hold_expiry_action, hold_expiry_actions,
	    OPTIONAL, .about = "What it is then."),
	F_END
};

static enum rc
settings_read(struct request *rq, struct review_setting **row)
{
	return review_setting_get(rq->db, rq->actor.account, rq->arena, row);
}

enum rc
review_settings_show(struct request *rq)
{
	struct review_setting *row;

	TRY(settings_read(rq, &row));
	return reply_row(rq, 0, review_setting_cols, row);
}

static void
settings_take(struct request *rq, struct review_setting *row)
{
	const struct review_settings *in = rq->body;

	if (in->review_policy >= 0)
		row->review_policy = review_policies[in->review_policy];
	if (GIVEN(rq, struct review_settings, hold_expiry_days))
		row->hold_expiry_days = in->hold_expiry_days;
	if (in->hold_expiry_action >= 0)
		row->hold_expiry_action =
		    hold_expiry_actions[in->hold_expiry_action];
}

static enum rc
settings_change(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	struct review_setting *row;
	const char *days;

	TRY(settings_read(rq, &row));
	settings_take(rq, row);
	TRY(review_setting_put(db, rq->actor.account, rq->actor.application,
	    row->review_policy,
	    row->hold_expiry_days != 0 ? &row->hold_expiry_days : NULL,
	    row->hold_expiry_action));
	days = row->hold_expiry_days != 0
	    ? arena_fmt(rq->arena, "%s after %lld days",
		  row->hold_expiry_action, (long long)row->hold_expiry_days)
	    : "no expiry";
	return audit(rq, "review.change", NULL,
	    arena_fmt(rq->arena, "%s, %s", row->review_policy, days));
}

enum rc
review_settings_put(struct request *rq)
{
	TRY(db_tx(rq->db, settings_change, rq));
	return review_settings_show(rq);
}
