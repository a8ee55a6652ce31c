/* A configuration that is accepted, written out and read again, is the same. */

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/buffer.h"
#include "core/conf.h"
#include "core/text.h"
#include "fuzz.h"

static enum rc
read_bytes(const void *p, size_t n, struct conf **c)
{
	char path[64];
	int fd = memfd_create("conf", MFD_CLOEXEC);
	enum rc rc;

	HOLDS(fd >= 0);
	HOLDS(write(fd, p, n) == (ssize_t)n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = conf_read(path, c);
	close(fd);
	return rc;
}

static bool
is_text(const struct conf_row *row)
{
	return row->kind == CONF_TEXT || row->kind == CONF_PATH ||
	    row->kind == CONF_LIST_OF;
}

static const char *
text_of(const struct conf *c, const struct conf_row *row)
{
	return *(const char *const *)((const char *)c + row->offset);
}

static int64_t
number_of(const struct conf *c, const struct conf_row *row)
{
	const char *member = (const char *)c + row->offset;

	return row->kind == CONF_BOOL ? *(const bool *)member
				      : *(const int64_t *)member;
}

static void
print_row(struct buf *b, const struct conf *c, const struct conf_row *row)
{
	if (row->kind == CONF_BOOL)
		buf_fmt(b, "%s = %s\n", row->name,
		    number_of(c, row) != 0 ? "yes" : "no");
	else if (!is_text(row))
		buf_fmt(
		    b, "%s = %lld\n", row->name, (long long)number_of(c, row));
	else if (strchr(text_of(c, row), '"') != NULL)
		buf_fmt(b, "%s = %s\n", row->name, text_of(c, row));
	else
		buf_fmt(b, "%s = \"%s\"\n", row->name, text_of(c, row));
}

static void
compare(const struct conf *a, const struct conf *b)
{
	for (size_t i = 0; i < conf_rows_count; i++) {
		const struct conf_row *row = &conf_rows[i];

		if (is_text(row))
			HOLDS(strcmp(text_of(a, row), text_of(b, row)) == 0);
		else
			HOLDS(number_of(a, row) == number_of(b, row));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct conf *first, *again;
	struct buf b;

	if (read_bytes(p, n, &first) != RC_OK) {
		HOLDS(first == NULL && fail_detail()[0] != '\0');
		return 0;
	}
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < conf_rows_count; i++)
		print_row(&b, first, &conf_rows[i]);
	HOLDS(read_bytes(b.p, b.n, &again) == RC_OK);
	compare(first, again);
	buf_clear(&b);
	conf_free(&first);
	conf_free(&again);
	return 0;
}
