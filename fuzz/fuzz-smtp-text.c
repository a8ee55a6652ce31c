/* The message behind DATA: in whatever pieces it comes it is the same; it ends
 * at CRLF . CRLF and nowhere else; with its dots put back it is what came. */
#include "fuzz.h"

#include "mail/smtp-text.h"

#define MOST ((size_t)20000)

struct reading {
	char out[MOST + 2 * SMTP_TEXT_MORE];
	size_t n, used;
	bool ended, bare;
};

/* `step` bytes at a time. */
static void
take(struct str in, size_t step, struct reading *r)
{
	struct smtp_text t = { .ended = false };
	char piece[MOST + SMTP_TEXT_MORE];

	r->n = r->used = 0;
	while (!t.ended && r->used < in.n) {
		size_t left = in.n - r->used, n, got;
		struct str some = { in.p + r->used, left < step ? left : step };

		got = smtp_text_take(&t, some, piece, &n);
		HOLDS(got > 0 && got <= some.n && n <= some.n + SMTP_TEXT_MORE);
		HOLDS(t.ended || got == some.n);
		HOLDS(r->n + n <= sizeof r->out);
		memcpy(r->out + r->n, piece, n);
		r->n += n;
		r->used += got;
	}
	r->ended = t.ended;
	r->bare = t.bare;
}

static void
end_holds(struct str in, const struct reading *r)
{
	HOLDS(r->used >= 3 && memcmp(in.p + r->used - 3, ".\r\n", 3) == 0 &&
	    (r->used == 3 ||
		(r->used >= 5 && memcmp(in.p + r->used - 5, "\r\n", 2) == 0)));
}

/* No end before it: what stands between is one message for everybody. */
static void
first_end_holds(struct str in, const struct reading *r)
{
	size_t n = r->ended ? r->used : in.n;
	const char *at = memmem(in.p, n, "\r\n.\r\n", 5);

	if (n >= 3 && memcmp(in.p, ".\r\n", 3) == 0)
		HOLDS(r->ended && r->used == 3);
	else if (at != NULL)
		HOLDS(r->ended && r->used == (size_t)(at - in.p) + 5);
}

/* Dots put back, and the end. */
static void
same_again(struct str in, const struct reading *r)
{
	size_t at = 0;
	bool begin = true;

	for (size_t i = 0; i < r->n; i++) {
		if (begin && r->out[i] == '.')
			HOLDS(at < in.n && in.p[at++] == '.');
		/* A dot that only hides what is none. */
		else if (begin && at < in.n && in.p[at] == '.')
			at++;
		HOLDS(at < in.n && in.p[at++] == r->out[i]);
		begin = r->out[i] == '\n';
	}
	HOLDS(at + 3 == r->used);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct reading whole, pieces;
	struct str in = { (const char *)data + 1, n > 0 ? n - 1 : 0 };

	if (n < 2 || in.n > MOST)
		return 0;
	take(in, in.n, &whole);
	take(in, 1 + data[0] % 7, &pieces);
	HOLDS(whole.ended == pieces.ended && whole.bare == pieces.bare);
	HOLDS(whole.used == pieces.used);
	first_end_holds(in, &whole);
	if (whole.ended)
		end_holds(in, &whole);
	if (whole.bare)
		return 0;
	HOLDS(
	    whole.n == pieces.n && memcmp(whole.out, pieces.out, whole.n) == 0);
	if (whole.ended)
		same_again(in, &whole);
	return 0;
}
