/* Dates: what was read prints and reads again as the same instant. */
#include "fuzz.h"

#include "mail/date.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str in = { (const char *)data, n };
	char text[DATE_TEXT];
	instant t, again;

	if (date_parse(in, &t)) {
		HOLDS(date_print(t, text) < DATE_TEXT);
		/* A zone may carry the first and last hours out of range. */
		if (date_parse(str_of(text), &again))
			HOLDS(again.us / 1000000 == t.us / 1000000);
	}
	if (date_internal_parse(in, &t)) {
		HOLDS(date_internal_print(t, text) < DATE_TEXT);
		if (date_internal_parse(str_of(text), &again))
			HOLDS(again.us == t.us);
	}
	return 0;
}
