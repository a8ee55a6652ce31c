/* Rules: made, shown, changed, removed, and tried on mail of the last days. */
#include "domain/rule-match.h"
#include "domain/rule-sql.h"
#include "interception.h"
#include "web/audit.h"
#include "web/idempotency.h"

#define ID_RULE        ID_NUMBER
#define NAME_MOST      200
#define WEIGHT         10
#define BACKTEST_MOST  20000 /* emails that are looked at */
#define BACKTEST_CHUNK 500

/* ---- shapes ---- */

const struct field rule_page_params[] = { F_PAGE(struct rule_page, 50), F_END };

/* clang-format off */
#define F_WHAT(T, need)                                                        \
	F_ENUM(T, type, rule_types, need),                                     \
	F_ENUM(T, operator, rule_operators, OPTIONAL,                          \
	    .about = "contains, where it is not given."),                      \
	F_TEXT(T, value, 1, RULE_VALUE_MOST, need,                             \
	    .about = "A comma means \"or\", but in a pattern.")
#define F_RULE(T, need)                                                        \
	F_TEXT(T, name, 1, NAME_MOST, OPTIONAL),                               \
	F_WHAT(T, need),                                                       \
	F_ENUM(T, action, rule_actions, OPTIONAL),                             \
	F_INT(T, priority, 0, RULE_WEIGHT_MOST, OPTIONAL,                      \
	    .about = "The weight it adds to the score of what it matches."),   \
	F_BOOL(T, is_active, OPTIONAL)
/* clang-format on */
const struct field rule_post_body[] = { F_RULE(struct rule_post, REQUIRED),
	F_END };
const struct field rule_put_body[] = { F_RULE(struct rule_put, OPTIONAL),
	F_END };
const struct field backtest_body[] = {
	F_ID(struct backtest, rule_id, ID_RULE, OPTIONAL,
	    .about = "One that there is; what is given beside it is tried in "
		     "place of its own."),
	F_TEXT(struct backtest, name, 1, NAME_MOST, OPTIONAL),
	F_WHAT(struct backtest, OPTIONAL),
	F_ENUM(struct backtest, action, rule_actions, OPTIONAL),
	F_INT(struct backtest, priority, 0, RULE_WEIGHT_MOST, OPTIONAL),
	F_INT(struct backtest, days, 1, 365, OPTIONAL, PRESET(7)),
	F_INT(struct backtest, limit, 1, PAGE_MOST, CLAMP, PRESET(50)), F_END
};

static const struct field rule_fields[] = { A_ID("id", ID_RULE, 0),
	A_TEXT("name", 0), A_ENUM("type", rule_types, 0),
	A_ENUM("operator", rule_operators, 0), A_TEXT("value", 0),
	A_ENUM("action", rule_actions, 0), A_INT("priority", 0),
	A_BOOL("is_active", 0), A_TIME("created_at", 0),
	A_TIME("updated_at", 0), F_END };
const struct field rule_answer[] = { A_TEXT("message", 0),
	A_OBJECT("data", rule_fields, 0), F_END };

static const struct field keyword_field = { .kind = FIELD_TEXT };
static const struct field found_fields[] = { A_ID("id", ID_EMAIL, 0),
	A_TEXT("subject", NULLABLE), A_TEXT("sender", NULLABLE),
	A_INT("risk_score", 0), A_LIST("keywords_matched", &keyword_field, 0),
	A_TIME("created_at", 0), F_END };
const struct field backtest_answer[] = { A_INT("days", 0), A_INT("examined", 0),
	A_BOOL("all_examined", 0), A_INT("matched", 0), A_INT("held", 0),
	A_ARRAY("items", found_fields, 0), F_END };

/* ---- reading ---- */

enum rc
rules_list(struct request *rq)
{
	const struct rule_page *in = rq->params;
	int64_t account = rq->actor.account, total;
	struct rule_list rows;
	struct listing ask;
	struct list_end end;

	TRY(listing_ask(rq, &in->page, &ask));
	db_pipe_begin(rq->db);
	TRY(rule_list(
	    rq->db, account, ask.after, ask.skip, ask.most, rq->arena, &rows));
	TRY(rule_count(rq->db, account, &total));
	TRY(db_pipe_end(rq->db));
	end = listing_end(
	    &in->page, &rows.n, total, LISTING_LAST(rows, &in->page));
	return reply_rows(
	    rq, rule_cols, rows.v, rows.n, sizeof rows.v[0], &end);
}

enum rc
rules_get(struct request *rq)
{
	struct rule *row;

	TRY(rule_get(
	    rq->db, rq->actor.account, arg_id(rq, 0), rq->arena, &row));
	return reply_row(rq, 0, rule_cols, row);
}

static enum rc
told(struct request *rq, const char *what, const struct rule *row)
{
	const struct row_style style = reply_style(rq);
	struct jw *w = reply_open(rq, 0);

	JW_TEXT(w, "message", what);
	jw_key(w, "data");
	row_write(w, rule_cols, row, &style);
	return reply_close(rq);
}

/* ---- writing ---- */

/* A value that a rule can have: patterns are read, sizes are sizes. */
static enum rc
value_check(struct request *rq, const struct rule *rule)
{
	struct rule active = *rule;
	struct rule_set *set;

	active.is_active = true;
	if (rule_set_new(rq->arena, &active, 1, &set) == RC_OK)
		return RC_OK;
	return fault_add(
	    rq, "value", "invalid", arena_str(rq->arena, fail_detail()));
}

static const char *
word_or(const char *const *words, int word, const char *otherwise)
{
	return word >= 0 ? words[word] : otherwise;
}

static const char *
operator_of(int type, int operator)
{
	return word_or(rule_operators, operator,
	    rule_operators[type == RULE_REGEX ? RULE_BY_REGEX
					      : RULE_BY_CONTAINS]);
}

static struct rule
rule_of(struct request *rq, const struct rule_post *in)
{
	return (struct rule){
		.name = in->name != NULL
		    ? in->name
		    : arena_fmt(rq->arena, "%s rule", rule_types[in->type]),
		.type = rule_types[in->type],
		.operator= operator_of(in->type, in->operator),
		.value = in->value,
		.action = word_or(
		    rule_actions, in->action, rule_actions[RULE_DO_HOLD]),
		.priority = GIVEN(rq, struct rule_post, priority)
		    ? (int32_t)in->priority
		    : WEIGHT,
		.is_active =
		    !GIVEN(rq, struct rule_post, is_active) || in->is_active,
	};
}

static const char *
rule_detail(struct request *rq, const struct rule *r)
{
	return arena_fmt(rq->arena, "%s %s %s, weight %d%s", r->type,
	    r->operator, r->action, r->priority,
	    r->is_active ? "" : ", inactive");
}

static enum rc
room_check(struct db *db, int64_t account)
{
	int64_t n;

	TRY(rule_hold(db, account, NULL));
	TRY(rule_count(db, account, &n));
	if (n < RULES_MOST)
		return RC_OK;
	return fail(
	    RC_CONFLICT, "An account has at most %d rules.", RULES_MOST);
}

struct creation {
	struct request *rq;
	struct rule rule;
};

static enum rc
make(struct db *db, void *ctx, int64_t made[ONCE_MADE])
{
	struct creation *c = ctx;
	struct request *rq = c->rq;
	const struct rule *r = &c->rule;

	TRY(room_check(db, rq->actor.account));
	TRY(rule_insert(db,
	    &(struct rule_insert_args){ .account = rq->actor.account,
		.application = rq->actor.application,
		.name = r->name,
		.type = r->type,
		.operator= r->operator,
		.value = r->value,
		.action = r->action,
		.priority = r->priority,
		.is_active = r->is_active },
	    &made[0]));
	return audit(rq, "rule.make", audit_id(rq, ID_RULE, made[0]),
	    rule_detail(rq, r));
}

enum rc
rules_create(struct request *rq)
{
	struct creation c = { .rq = rq, .rule = rule_of(rq, rq->body) };
	int64_t made[ONCE_MADE];
	struct rule *row;

	TRY(value_check(rq, &c.rule));
	TRY(once(rq, make, &c, made));
	TRY(rule_get(rq->db, rq->actor.account, made[0], rq->arena, &row));
	return told(rq, "Rule created", row);
}

struct change {
	struct request *rq;
	struct rule *row; /* as it is then */
};

static void
change_take(struct request *rq, struct rule *row)
{
	const struct rule_put *in = rq->body;

	if (in->name != NULL)
		row->name = in->name;
	if (in->value != NULL)
		row->value = in->value;
	row->type = word_or(rule_types, in->type, row->type);
	row->operator= word_or(rule_operators, in->operator, row->operator);
	row->action = word_or(rule_actions, in->action, row->action);
	if (GIVEN(rq, struct rule_put, priority))
		row->priority = (int32_t)in->priority;
	if (GIVEN(rq, struct rule_put, is_active))
		row->is_active = in->is_active;
}

static enum rc
change(struct db *db, void *ctx)
{
	struct change *c = ctx;
	struct request *rq = c->rq;
	int64_t account = rq->actor.account, id = arg_id(rq, 0);
	struct rule *row;

	TRY(rule_lock(db, account, id, rq->arena, &row));
	change_take(rq, row);
	TRY(value_check(rq, row));
	TRY(rule_change(db,
	    &(struct rule_change_args){ .account = account,
		.id = id,
		.name = row->name,
		.type = row->type,
		.operator= row->operator,
		.value = row->value,
		.action = row->action,
		.priority = row->priority,
		.is_active = row->is_active }));
	TRY(audit(rq, "rule.change", audit_id(rq, ID_RULE, id),
	    rule_detail(rq, row)));
	return rule_get(db, account, id, rq->arena, &c->row);
}

enum rc
rules_put(struct request *rq)
{
	struct change c = { .rq = rq };

	TRY(db_tx(rq->db, change, &c));
	return told(rq, "Rule changed", c.row);
}

static enum rc
forget(struct db *db, void *ctx)
{
	struct request *rq = ctx;
	int64_t id = arg_id(rq, 0);

	TRY(rule_remove(db, rq->actor.account, id));
	return audit(rq, "rule.remove", audit_id(rq, ID_RULE, id), NULL);
}

enum rc
rules_delete(struct request *rq)
{
	struct jw *w;

	TRY(db_tx(rq->db, forget, rq));
	w = reply_open(rq, 0);
	JW_TEXT(w, "message", "Rule removed");
	return reply_close(rq);
}

/* ---- backtest ---- */

/* The rule that is tried: one that there is, changed by what is given. */
static enum rc
tried(struct request *rq, struct rule *out)
{
	const struct backtest *in = rq->body;
	struct rule *row;

	*out = (struct rule){ .name = "backtest",
		.action = rule_actions[RULE_DO_HOLD],
		.priority = WEIGHT };
	if (in->rule_id != 0) {
		TRY(rule_get(
		    rq->db, rq->actor.account, in->rule_id, rq->arena, &row));
		*out = *row;
	}
	out->is_active = true;
	out->type = word_or(rule_types, in->type, out->type);
	if (in->value != NULL)
		out->value = in->value;
	if (out->type == NULL)
		return fault_add(rq, "type", "required", "A rule has a type.");
	if (out->value == NULL)
		return fault_add(
		    rq, "value", "required", "A rule has a value.");
	if (out->operator== NULL || in->operator>= 0)
		out->operator=
		    operator_of(rule_word(rule_types, out->type), in->operator);
	out->action = word_or(rule_actions, in->action, out->action);
	if (GIVEN(rq, struct backtest, priority))
		out->priority = (int32_t)in->priority;
	return value_check(rq, out);
}

struct trial {
	struct request *rq;
	struct rule_set *set;
	int64_t days;
	int64_t examined, matched, held, limit;
	bool all; /* there was no more to examine */
	instant before;
	int64_t before_id;
	struct jw *w;
};

static void
found_write(
    struct trial *t, const struct rule_seen *e, const struct rule_verdict *v)
{
	const struct row_style style = reply_style(t->rq);
	struct jw *w = t->w;

	jw_object(w);
	JW_INT(w, "id", e->id);
	JW_TEXT(w, "subject", e->subject);
	JW_TEXT(w, "sender", e->sender);
	JW_INT(w, "risk_score", v->risk_score);
	jw_key(w, "keywords_matched");
	jw_array(w);
	for (size_t i = 0; i < v->keywords.n; i++)
		jw_str(w, v->keywords.v[i]);
	jw_array_end(w);
	jw_key(w, "created_at");
	jw_time(w, e->created_at, style.time);
	jw_object_end(w);
}

static void
examine(struct trial *t, const struct rule_seen *e, struct arena *a)
{
	struct rule_verdict v;
	struct rule_mail mail;

	rule_mail_of(a, e, &mail);
	rule_set_judge(t->set, &mail, a, &v);
	t->examined++;
	t->before = e->created_at;
	t->before_id = e->id;
	if (!v.tagged && !v.hold)
		return;
	t->held += v.hold;
	if (t->matched++ < t->limit)
		found_write(t, e, &v);
}

static enum rc
examine_chunk(struct trial *t)
{
	struct arena *a = arena_new((size_t)64 << 20);
	struct rule_seen_list list;
	enum rc rc = rule_seen_since(t->rq->db, t->rq->actor.account, t->days,
	    t->before, t->before_id, BACKTEST_CHUNK, a, &list);

	for (size_t i = 0; rc == RC_OK && i < list.n; i++)
		examine(t, &list.v[i], a);
	t->all = rc == RC_OK && list.n < BACKTEST_CHUNK;
	arena_free(&a);
	return rc;
}

static enum rc
examine_all(struct trial *t)
{
	do {
		TRY(examine_chunk(t));
	} while (!t->all && t->examined < BACKTEST_MOST);
	return RC_OK;
}

enum rc
rules_backtest(struct request *rq)
{
	const struct backtest *in = rq->body;
	struct trial t = { .rq = rq,
		.days = in->days,
		.limit = in->limit,
		.before = RULE_NEWEST,
		.before_id = INT64_MAX };
	struct rule rule;

	TRY(tried(rq, &rule));
	TRY(rule_set_new(rq->arena, &rule, 1, &t.set));
	t.w = reply_open(rq, 0);
	jw_key(t.w, "items");
	jw_array(t.w);
	TRY(examine_all(&t));
	jw_array_end(t.w);
	JW_INT(t.w, "days", t.days);
	JW_INT(t.w, "examined", t.examined);
	JW_BOOL(t.w, "all_examined", t.all);
	JW_INT(t.w, "matched", t.matched);
	JW_INT(t.w, "held", t.held);
	return reply_close(rq);
}
