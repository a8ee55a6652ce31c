/* Rows as JSON. */
#include "lib/unit.h"

#include "db/row.h"

struct every {
	int64_t id, other_id, plain, zero;
	int32_t small;
	bool yes;
	const char *text;
	instant at;
	struct str json, bytes, str;
	struct ids ids, labels;
	struct texts texts;
	const char *dflt, *secret;
};

static const struct col every_cols[] = {
	COL_ID(struct every, id, ID_TASK),
	COL_ID(struct every, other_id, ID_EMAIL),
	COL(struct every, plain),
	COL_INT0(struct every, zero),
	COL(struct every, small),
	COL(struct every, yes),
	COL(struct every, text),
	COL(struct every, at),
	COL_JSON(struct every, json),
	COL_BYTES(struct every, bytes),
	COL_STR(struct every, str, .content = true),
	COL(struct every, ids),
	COL_ID(struct every, labels, ID_NUMBER),
	COL(struct every, texts, .note = "Words."),
	COL_AS(struct every, dflt, "default"),
	COL(struct every, secret, .hidden = true),
	COL_END,
};

static const struct str words[] = { { "a\"b", 3 }, { NULL, 0 } };
static const int64_t numbers[] = { 3, 4 };

static const struct every full = {
	.id = 12,
	.other_id = 7,
	.plain = -5,
	.zero = 1,
	.small = INT32_MIN,
	.yes = true,
	.text = "x\ny",
	.at = { 1760797425999999 },
	.json = { "{\"a\": 1}", 8 },
	.bytes = { "\0", 1 },
	.str = { "words", 5 },
	.ids = { numbers, 2 },
	.labels = { numbers, 1 },
	.texts = { words, 2 },
	.dflt = "",
	.secret = "never",
};
static const struct every empty = { .at = { INT64_MIN } };

static const struct {
	const char *name;
	const struct every *row;
	struct row_style style;
	const char *json;
} rows[] = {
	{ "prefixed", &full, { .prefixed = true, .time = TIME_Z },
	    "{\"id\":\"tsk_12\",\"other_id\":\"eml_7\",\"plain\":-5,\"zero\":1,"
	    "\"small\":-2147483648,\"yes\":true,\"text\":\"x\\ny\","
	    "\"at\":\"2025-10-18T14:23:45Z\",\"json\":{\"a\": 1},"
	    "\"str\":\"words\",\"ids\":[3,4],\"labels\":[3],"
	    "\"texts\":[\"a\\\"b\",null],\"default\":\"\"}" },
	{ "numbers", &full, { .time = TIME_SPACED, .viewer = true },
	    "{\"id\":12,\"other_id\":7,\"plain\":-5,\"zero\":1,"
	    "\"small\":-2147483648,\"yes\":true,\"text\":\"x\\ny\","
	    "\"at\":\"2025-10-18 14:23:45\",\"json\":{\"a\": 1},"
	    "\"str\":null,\"ids\":[3,4],\"labels\":[3],"
	    "\"texts\":[\"a\\\"b\",null],\"default\":\"\"}" },
	{ "nothing", &empty, { .prefixed = true, .time = TIME_Z },
	    "{\"id\":null,\"other_id\":null,\"plain\":0,\"zero\":null,"
	    "\"small\":0,\"yes\":false,\"text\":null,\"at\":null,"
	    "\"json\":null,\"str\":null,\"ids\":[],\"labels\":[],"
	    "\"texts\":[],\"default\":null}" },
	{ "no row", NULL, { .time = TIME_Z }, "null" },
};

START_TEST(one)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	ARRAY_EACH (row, rows) {
		struct jw w = jw_on(&b);

		buf_reset(&b);
		row_write(&w, every_cols, row->row, &row->style);
		ck_assert_msg(strcmp(buf_text(&b), row->json) == 0,
		    "row \"%s\": %s", row->name, buf_text(&b));
	}
	buf_clear(&b);
}
END_TEST

static const struct col id_cols[] = {
	COL_ID(struct every, id, ID_TASK),
	COL_END,
};

START_TEST(many)
{
	const struct every two[] = { full, empty };
	const struct row_style style = { .prefixed = true };
	struct buf b;
	struct jw w;

	buf_init(&b, 1 << 16);
	w = jw_on(&b);
	jw_object(&w);
	jw_key(&w, "none");
	rows_write(&w, id_cols, two, 0, sizeof *two, &style);
	jw_key(&w, "two");
	rows_write(&w, id_cols, two, 2, sizeof *two, &style);
	jw_key(&w, "more");
	jw_object(&w);
	JW_INT(&w, "n", 1);
	row_members(&w, id_cols, &full, &style);
	JW_INT(&w, "m", 2);
	jw_object_end(&w);
	jw_object_end(&w);
	ck_assert_str_eq(buf_text(&b),
	    "{\"none\":[],\"two\":[{\"id\":\"tsk_12\"},{\"id\":null}],"
	    "\"more\":{\"n\":1,\"id\":\"tsk_12\",\"m\":2}}");
	buf_clear(&b);
}
END_TEST

/* Wherever the buffer ends, nothing is written beyond it. */
START_TEST(full_buffer)
{
	const struct row_style style = { .prefixed = true };

	for (size_t max = 1; max < 400; max++) {
		struct buf b;
		struct jw w;

		buf_init(&b, max);
		w = jw_on(&b);
		rows_write(&w, every_cols, &full, 1, sizeof full, &style);
		ck_assert_uint_le(b.n, max);
		ck_assert(b.full || b.n < max + 1);
		buf_clear(&b);
	}
}
END_TEST

UNIT_MAIN("db/row", UNIT(one), UNIT(many), UNIT(full_buffer))
