/* The header of a message that a program hands over: what goes on of it has one
 * From, one Message-ID, a date and no Bcc; and read again it is the same. */
#include "fuzz.h"

#include "domain/given.h"
#include "mail/header.h"
#include "mail/smtp-text.h"

#define MOST   ((size_t)20000)
#define SENDER "a@example.org"

static unsigned
count(struct str header, const char *name)
{
	size_t at = 0;
	struct str field, value;
	unsigned n = 0;

	while (header_next(header, &at, &field, &value))
		n += str_ieq(field, str_of(name));
	return n;
}

/* As it comes: without a CR or LF that stands alone. */
static struct str
header_of(struct str in, char *out)
{
	struct smtp_text t = { .ended = false };
	size_t n;
	const char *end;

	smtp_text_take(&t, in, out, &n);
	end = t.bare ? NULL : memmem(out, n, "\r\n\r\n", 4);
	if (n >= 2 && !t.bare && memcmp(out, "\r\n", 2) == 0)
		return (struct str){ out, 2 };
	return (struct str){ out, end != NULL ? (size_t)(end - out) + 4 : 0 };
}

static void
written_holds(struct arena *a, const struct given_head *head, struct str out)
{
	struct given_head again;
	struct buf second;

	HOLDS(count(out, "From") == 1 && count(out, "Message-ID") == 1);
	HOLDS(count(out, "Date") == 1 && count(out, "Sender") <= 1);
	HOLDS(count(out, "Bcc") == 0 && count(out, "Resent-Bcc") == 0);
	HOLDS(head->from.n > 0);
	buf_init(&second, MOST * 4);
	HOLDS(given_head_read(a, out, SENDER, &again, &second) == RC_OK);
	HOLDS(str_eq((struct str){ second.p, second.n }, out));
	HOLDS(strcmp(again.message_id, head->message_id) == 0);
	HOLDS(again.from.n == head->from.n);
	buf_clear(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char text[MOST + SMTP_TEXT_MORE];
	struct arena *a = arena_new((size_t)64 << 20);
	struct str in = { (const char *)data, n > MOST ? 0 : n };
	struct str header = header_of(in, text);
	struct given_head head;
	struct buf out;

	buf_init(&out, MOST * 4);
	if (header.n > 0 &&
	    given_head_read(a, header, SENDER, &head, &out) == RC_OK)
		written_holds(a, &head, (struct str){ out.p, out.n });
	buf_clear(&out);
	arena_free(&a);
	return 0;
}
