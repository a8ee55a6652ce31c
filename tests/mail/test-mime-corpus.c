/* Real mail: every message parses, every text is UTF-8, and GMime, the second
 * parser, where it is there, finds the same leaves with the same bytes. */
#ifdef HAVE_GMIME
#include <gmime/gmime.h>
#endif

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/unit.h"
#include "mail/mime.h"
#include "mail/rows.h"

#define EXIT_SKIPPED 77
#define FILE_MOST    ((size_t)4 << 20)

static struct arena *a;
static size_t messages, parts, bodies, alike;

static struct str
slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *p = arena_alloc(a, FILE_MOST);
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(p, 1, FILE_MOST, f);
	ck_assert(feof(f));
	fclose(f);
	return (struct str){ p, n };
}

static void
valid(const char *path, struct str text)
{
	ck_assert_msg(utf8_valid(text.p, text.n) &&
		(text.n == 0 || memchr(text.p, 0, text.n) == NULL),
	    "%s: not UTF-8", path);
}

static struct str
our_content(const struct mime_part *p)
{
	struct buf b;
	struct str out;

	buf_init(&b, FILE_MOST);
	ck_assert_int_eq(mime_content(p, transfer_to_buf, &b), RC_OK);
	ck_assert_uint_eq(b.n, mime_size(p));
	out = (struct str){ arena_dup(a, b.n > 0 ? b.p : "", b.n), b.n };
	buf_clear(&b);
	return out;
}

#ifdef HAVE_GMIME

/* Leaves in pre-order, as GMime sees them. */
struct leaves {
	GPtrArray *list;
};

static void
each_leaf(GMimeObject *o, struct leaves *l)
{
	if (GMIME_IS_MULTIPART(o)) {
		for (int i = 0; i < g_mime_multipart_get_count((void *)o); i++)
			each_leaf(g_mime_multipart_get_part((void *)o, i), l);
	} else if (GMIME_IS_MESSAGE_PART(o)) {
		GMimeMessage *m = g_mime_message_part_get_message((void *)o);

		if (m != NULL && g_mime_message_get_mime_part(m) != NULL)
			each_leaf(g_mime_message_get_mime_part(m), l);
	} else
		g_ptr_array_add(l->list, o);
}

static struct str
gmime_content(GMimeObject *o)
{
	GMimeStream *mem = g_mime_stream_mem_new();
	GMimeDataWrapper *w =
	    GMIME_IS_PART(o) ? g_mime_part_get_content(GMIME_PART(o)) : NULL;
	GByteArray *bytes;
	struct str out;

	if (w != NULL)
		g_mime_data_wrapper_write_to_stream(w, mem);
	bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(mem));
	out = (struct str){ arena_dup(a, bytes->data, bytes->len), bytes->len };
	g_object_unref(mem);
	return out;
}

/* Line ends at the end of a part and blanks before soft breaks are a matter
 * of taste; the rest is not. */
static bool
same_content(struct str x, struct str y)
{
	x = str_trim(x);
	y = str_trim(y);
	return str_eq(x, y);
}

static void
compare(const char *path, struct str raw, const struct mime *m)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(raw.p, raw.n);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	struct leaves l = { g_ptr_array_new() };
	size_t k = 0;
	bool same = true;

	if (message != NULL)
		each_leaf(g_mime_message_get_mime_part(message), &l);
	for (size_t i = 0; i < m->n; i++) {
		const struct mime_part *p = &m->part[i];

		if (p->multipart || p->message)
			continue;
		same = same && k < l.list->len &&
		    same_content(
			our_content(p), gmime_content(l.list->pdata[k]));
		k++;
	}
	same = same && k == l.list->len;
	alike += same;
	if (!same)
		printf("differs from GMime: %s (%zu leaves, %u)\n", path, k,
		    l.list->len);
	g_ptr_array_free(l.list, TRUE);
	if (message != NULL)
		g_object_unref(message);
	g_object_unref(parser);
	g_object_unref(stream);
}

static void
second_parser(void)
{
	g_mime_init();
}

/* Every one but those named: where GMime and Dovecot differ, or where GMime
 * gives up. */
static void
judge(unsigned percent)
{
	ck_assert_uint_ge(alike * 100, messages * percent);
}

#else

static void
compare(const char *path, struct str raw, const struct mime *m)
{
	(void)path;
	(void)raw;
	(void)m;
}

static void
second_parser(void)
{
	puts("skipped: the comparison with GMime, which is not there");
}

static void
judge(unsigned percent)
{
	(void)percent;
}

#endif

static void
look(const char *path)
{
	struct str raw = slurp(path);
	struct mime_body body;
	struct mime m;

	ck_assert_int_eq(mime_parse(a, raw, MIME_PARTS_MOST, &m), RC_OK);
	ck_assert(m.n > 0 && !m.cut);
	for (size_t i = 0; i < m.n; i++) {
		const struct mime_part *p = &m.part[i];

		valid(path, p->type);
		valid(path, p->charset);
		valid(path, p->filename);
		valid(path, p->disposition);
		valid(path, p->content_id);
		ck_assert(p->body.p >= raw.p &&
		    p->body.p + p->body.n <= raw.p + raw.n);
		ck_assert_ptr_eq(mime_find(&m, p->number), p);
		ck_assert(str_eq(our_content(p), our_content(p)));
	}
	mime_body(a, &m, 1 << 20, &body);
	valid(path, body.text);
	valid(path, body.html);
	valid(path, mime_snippet(a, &body, 200));
	valid(path, header_text(a, m.part[0].header, "Subject", 1000));
	messages++;
	parts += m.n;
	bodies += body.text.n > 0 || body.html.n > 0;
	compare(path, raw, &m);
}

static int
visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	size_t n = strlen(path);

	(void)st;
	(void)ftw;
	if (type == FTW_F && n > 4 && strcmp(path + n - 4, ".eml") == 0) {
		a = arena_new(512 << 20);
		look(path);
		arena_free(&a);
	}
	return 0;
}

static const char *
folder(const char *name)
{
	static char path[4096];
	const char *corpus = getenv("LETTERRACK_CORPUS");

	snprintf(
	    path, sizeof(path), "%s/%s", corpus != NULL ? corpus : ".", name);
	return path;
}

START_TEST(lists)
{
	ck_assert_int_eq(nftw(folder("lists"), visit, 16, 0), 0);
	printf("lists: %zu messages, %zu parts, %zu with text, %zu as GMime\n",
	    messages, parts, bodies, alike);
	judge(100);
	ck_assert_uint_eq(messages, bodies);
}
END_TEST

START_TEST(fixtures)
{
	ck_assert_int_eq(nftw(folder("mime"), visit, 16, 0), 0);
	printf("mime: %zu messages, %zu parts, %zu with text, %zu as GMime\n",
	    messages, parts, bodies, alike);
	judge(90);
}
END_TEST

int
main(void)
{
	const struct unit_case cases[] = { UNIT(lists), UNIT(fixtures) };

	if (access(folder("lists"), R_OK) != 0) {
		printf("skipped: 367 messages, for %s is not there\n",
		    folder("lists"));
		return EXIT_SKIPPED;
	}
	second_parser();
	return unit_run("mail/mime-corpus", cases, 2);
}
