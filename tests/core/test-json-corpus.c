/* JSONTestSuite: y_ accepted, n_ refused, i_ either. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/json.h"
#include "lib/unit.h"

#define EXIT_SKIPPED 77 /* of automake's test driver */

/* RFC 8259 allows them and we do not: a key given twice means something else
 * to each reader (section 4), and NUL ends a text in PostgreSQL. */
static const char *const stricter[] = {
	"y_object_duplicated_key.json",
	"y_object_duplicated_key_and_value.json",
	"y_object_escaped_null_in_key.json",
	"y_string_null_escape.json",
};

static char path[1024];

static bool
is_stricter(const char *name)
{
	ARRAY_EACH (row, stricter) {
		if (strcmp(name, *row) == 0)
			return true;
	}
	return false;
}

static enum rc
scan_file(const char *name, struct json_fault *fault)
{
	static char text[1 << 20];
	char file[1400];
	FILE *f;
	size_t n;

	snprintf(file, sizeof(file), "%s/%s", path, name);
	f = fopen(file, "rb");
	ck_assert_msg(f != NULL, "%s cannot be opened", file);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	return json_scan((struct str){ text, n }, 64, fault);
}

static int
scan_all(char kind)
{
	struct dirent *entry;
	DIR *dir = opendir(path);
	int n = 0;

	ck_assert_msg(dir != NULL, "%s cannot be opened", path);
	while ((entry = readdir(dir)) != NULL) {
		struct json_fault fault = { 0 };
		bool good;

		if (entry->d_name[0] != kind || entry->d_name[1] != '_')
			continue;
		good = scan_file(entry->d_name, &fault) == RC_OK;
		n++;
		if (kind != 'i')
			ROW(entry->d_name,
			    good ==
				(kind == 'y' && !is_stricter(entry->d_name)));
		ROW(entry->d_name, good || fault.what != NULL);
	}
	closedir(dir);
	return n;
}

START_TEST(must_accept)
{
	ck_assert_int_ge(scan_all('y'), 95);
}
END_TEST

START_TEST(must_refuse)
{
	ck_assert_int_ge(scan_all('n'), 188);
}
END_TEST

START_TEST(either)
{
	ck_assert_int_ge(scan_all('i'), 35);
}
END_TEST

int
main(void)
{
	static const char *const groups = "yni";
	const struct unit_case cases[] = { UNIT(must_accept), UNIT(must_refuse),
		UNIT(either) };
	const char *corpus = getenv("LETTERRACK_CORPUS");
	DIR *dir;

	snprintf(path, sizeof(path), "%s/json", corpus != NULL ? corpus : ".");
	dir = opendir(path);
	if (dir == NULL) {
		printf("skipped: %zu groups of JSONTestSuite, for %s is not "
		       "there\n",
		    strlen(groups), path);
		return EXIT_SKIPPED;
	}
	closedir(dir);
	return unit_run("core/json-corpus", cases, 3);
}
