/* What is known of a letter. */
#include "letter-parts.h"

static int
answered(const struct correspondence *c, uint32_t number, uint32_t *parent)
{
	struct dice d = dice_of(c->seed, number, FACTS);

	if (number == 0 || dice_roll(&d, 100) >= 45)
		return 0;
	*parent = number - 1 - dice_roll(&d, number < 20 ? number : 20);
	return 1;
}

static const struct tongue *
tongue_of(const struct correspondence *c, uint32_t root)
{
	struct dice d = dice_of(c->seed, root, WORDS);
	uint32_t n = dice_roll(&d, 10);

	return &tongues[n < tongues_count ? n : 0];
}

static void
facts_find(const struct correspondence *c, uint32_t number, struct facts *f)
{
	struct dice d = dice_of(c->seed, number, FACTS);
	uint32_t at = number, parent;

	*f = (struct facts){ .number = number };
	while (answered(c, at, &parent)) {
		if (f->chain_size < CHAIN_MOST)
			f->chain[f->chain_size++] = parent;
		at = parent;
	}
	f->root = at;
	f->tongue = tongue_of(c, at);
	dice_next(&d);
	dice_next(&d);
	f->author = dice_roll(&d, 1000);
	f->kind = dice_roll(&d, 100);
	f->oddity = dice_roll(&d, ODD) ? 0 : 1 + dice_roll(&d, ODDITIES);
	f->date = c->newest - (int64_t)(c->count - 1 - number) * c->pause;
}

/* A Message-ID is missing here and there, and doubled elsewhere. */
int
letter_message_id(const struct correspondence *c, uint32_t number, struct sheet *s)
{
	struct dice d;

	if (number % NO_ID == NO_ID - 1)
		return 0;
	if (number % SAME_ID == SAME_ID - 1)
		number -= 3;
	d = dice_of(c->seed, number, FACTS);
	sheet_print(s, "<%u.%012llx@mail.example.%s>", number,
	    (unsigned long long)dice_next(&d) >> 16,
	    number % 3 ? "com" : "org");
	return 1;
}

void
letter_write(const struct correspondence *c, uint32_t number, struct letter *l)
{
	static const char *const flags[] = { "", "S", "S", "RS", "FS" };
	struct writer w = { .c = c, .l = l };

	l->raw.size = 0;
	facts_find(c, number, &w.f);
	w.dice = dice_of(c->seed, number, WORDS + 16);
	l->date = w.f.date;
	l->flags = flags[w.f.author % COUNT(flags)];
	letter_headers(&w);
	letter_body(&w);
}

void
letter_clear(struct letter *l)
{
	size_t i;

	sheet_clear(&l->raw);
	for (i = 0; i < COUNT(l->scratch); i++)
		sheet_clear(&l->scratch[i]);
}
