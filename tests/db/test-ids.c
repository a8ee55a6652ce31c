/* Ids on the wire. */
#include "lib/unit.h"

#include "db/ids.h"

static const struct {
	const char *text;
	enum id_kind kind;
	int64_t id; /* 0: refused */
} reads[] = {
	{ "tsk_12", ID_TASK, 12 },
	{ "12", ID_TASK, 12 },
	{ "pc_7", ID_CREDENTIAL, 7 },
	{ "12", ID_NUMBER, 12 },
	{ "9223372036854775807", ID_TASK, INT64_MAX },
	{ "9223372036854775808", ID_TASK, 0 },
	{ "job_12", ID_TASK, 0 },
	{ "tsk_12", ID_NUMBER, 0 },
	{ "tsk_", ID_TASK, 0 },
	{ "tsk_tsk_1", ID_TASK, 0 },
	{ "TSK_12", ID_TASK, 0 },
	{ "tsk_012", ID_TASK, 0 },
	{ "0", ID_TASK, 0 },
	{ "tsk_0", ID_TASK, 0 },
	{ "-1", ID_TASK, 0 },
	{ "+1", ID_TASK, 0 },
	{ " 1", ID_TASK, 0 },
	{ "1 ", ID_TASK, 0 },
	{ "1.0", ID_TASK, 0 },
	{ "1e3", ID_TASK, 0 },
	{ "0x1", ID_TASK, 0 },
	{ "", ID_TASK, 0 },
};

START_TEST(parse)
{
	ARRAY_EACH (row, reads) {
		int64_t id = 0;
		bool ok = id_parse(row->kind, str_of(row->text), &id);

		ROW(row->text, ok == (row->id != 0));
		ROW(row->text, id == row->id);
	}
}
END_TEST

/* What is printed is read again, for every kind. */
START_TEST(round_trip)
{
	static const int64_t ids[] = { 1, 42, INT64_MAX };

	for (int kind = ID_NONE; kind < ID_KINDS; kind++) {
		ARRAY_EACH (id, ids) {
			char text[ID_PRINT_SIZE];
			size_t n = id_print((enum id_kind)kind, *id, text);
			int64_t again;

			ROW(text,
			    id_parse((enum id_kind)kind,
				(struct str){ text, n }, &again));
			ROW(text, again == *id);
		}
	}
}
END_TEST

UNIT_MAIN("db/ids", UNIT(parse), UNIT(round_trip))
