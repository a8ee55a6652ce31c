/* Small helpers around libpq. */
#include "db/inside.h"

const char *
pq_words(const PGconn *conn, char out[WORDS_SIZE])
{
	const char *p = PQerrorMessage(conn);
	size_t n = 0;

	for (; *p != '\0' && n + 1 < WORDS_SIZE; p++) {
		bool blank = *p == '\n' || *p == '\t' || *p == ' ';

		if (!blank)
			out[n++] = *p;
		else if (n > 0 && out[n - 1] != ' ')
			out[n++] = ' ';
	}
	if (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return out;
}

int
pq_number(const PGresult *res, int row, int column)
{
	uint64_t n = 0;

	if (!str_uint(str_of(PQgetvalue(res, row, column)), INT32_MAX, &n))
		return -1;
	return (int)n;
}
