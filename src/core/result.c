#include "core/result.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/text.h"

#define RESULT_ROW(name, in_data, elsewhere, data, success, ok, text)          \
	[RC_##name] = { #name, { in_data, elsewhere }, { data, success, ok },  \
		text },
static const struct result rows[RC_COUNT] = { RESULT_LIST(RESULT_ROW) };
#undef RESULT_ROW

/* What each envelope reads of a row. */
static const struct {
	unsigned char status;
	unsigned char word;
} columns[] = {
	[ENV_DATA] = { 0, 0 },
	[ENV_RAW] = { 0, 0 },
	[ENV_SUCCESS] = { 1, 1 },
	[ENV_OK] = { 1, 2 },
	[ENV_PAGE] = { 1, 0 },
};

#undef fail

static const bool transient[RC_COUNT] = {
	[RC_RATE_LIMIT] = true,
	[RC_RETRY] = true,
	[RC_TIMEOUT] = true,
	[RC_CONNECTION] = true,
};

static _Thread_local char detail[512];

const struct result *
result_row(enum rc rc)
{
	return &rows[(unsigned)rc < RC_COUNT ? rc : RC_INTERNAL];
}

int
result_status(enum rc rc, enum envelope envelope)
{
	return result_row(rc)->status[columns[envelope].status];
}

const char *
result_word(enum rc rc, enum envelope envelope)
{
	return result_row(rc)->word[columns[envelope].word];
}

const char *
result_code(enum rc rc)
{
	return result_row(rc)->word[0];
}

enum rc
result_of_code(const char *code)
{
	for (int rc = 0; rc < RC_COUNT; rc++)
		if (strcmp(result_code((enum rc)rc), code) == 0)
			return (enum rc)rc;
	return RC_INTERNAL;
}

int
result_is_transient(enum rc rc)
{
	return (unsigned)rc < RC_COUNT && transient[rc];
}

enum rc
fail(enum rc rc, const char *fmt, ...)
{
	char text[sizeof(detail) + 4]; /* so that utf8_cut sees what follows */
	va_list ap;
	size_t n;

	/* Not straight into `detail`: an argument may be fail_detail(). */
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = utf8_cut(text, strlen(text), sizeof(detail) - 1);
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = ' ';
	}
	text[n] = '\0';
	memcpy(detail, text, n + 1);
	return rc;
}

const char *
fail_detail(void)
{
	return detail;
}

void
fail_clear(void)
{
	detail[0] = '\0';
}
