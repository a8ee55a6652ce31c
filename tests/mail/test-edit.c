/* What a reviewer changes is changed, and every other byte stays. */
#include "mail/edit.h"

#include "mail/header.h"
#include "mail/mime.h"
#include "rows.h"

#define NONE                                                                   \
	{                                                                      \
		NULL, 0                                                        \
	}
#define HEAD                                                                   \
	"From: Anna <anna@example.org>\r\nX-Odd:  kept \t as it is\r\n"        \
	"Message-ID: <a@example.org>\r\n"
#define HEAD_EDITED                                                            \
	"From: Anna <anna@example.org>\r\nX-Odd:  kept \t as it is\r\n"        \
	"Message-ID: <edited-a@example.org>\r\n"
#define MIXED                                                                  \
	"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
#define PDF                                                                    \
	"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: "        \
	"attachment; filename=i.pdf\r\n\r\n%PDF\r\n"

static const struct {
	const char *name;
	struct mail_edit edit;
	struct str raw, want; /* want.p == NULL: nothing is changed */
} rows[] = {
	{ "nothing", { NONE, NONE, NONE, false, "f@x" },
	    STR(HEAD "Subject: a\r\n\r\nx\r\n"), NONE },
	{ "a subject", { STR("b"), NONE, NONE, false, "f@x" },
	    STR(HEAD "Subject: a\r\n folded\r\nTo: b\r\n\r\nx\r\n"),
	    STR(HEAD_EDITED "Subject: b\r\nTo: b\r\n\r\nx\r\n") },
	{ "a subject that comes twice", { STR("b"), NONE, NONE, false, "f@x" },
	    STR("Subject: a\r\n" HEAD "SUBJECT: c\r\n\r\nx\r\n"),
	    STR("Subject: b\r\n" HEAD_EDITED "\r\nx\r\n") },
	{ "a subject where there is none",
	    { STR("b"), NONE, NONE, false, "f@x" }, STR(HEAD "\r\nx\r\n"),
	    STR(HEAD_EDITED "Subject: b\r\n\r\nx\r\n") },
	{ "no Message-ID", { STR("b"), NONE, NONE, false, "f@x" },
	    STR("Subject: a\r\n\r\nx\r\n"),
	    STR("Subject: b\r\nMessage-ID: <edited-f@x>\r\n\r\nx\r\n") },
	{ "a Message-ID that is none", { STR("b"), NONE, NONE, false, "f@x" },
	    STR("Message-ID: <a b@c>\r\nSubject: a\r\n\r\nx\r\n"),
	    STR("Message-ID: <edited-f@x>\r\nSubject: b\r\n\r\nx\r\n") },
	{ "a text", { NONE, STR("new"), NONE, false, "f@x" },
	    STR(HEAD MIXED
		"\r\n--b\r\nContent-Type: text/plain\r\n\r\nold\r\n" PDF
		"--b--\r\n"),
	    STR(HEAD_EDITED MIXED
		"\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: "
		"quoted-printable\r\n\r\nnew\r\n\r\n" PDF "--b--\r\n") },
	{ "without attachments", { NONE, NONE, NONE, true, "f@x" },
	    STR(HEAD MIXED
		"\r\n--b\r\nContent-Type: text/plain\r\n\r\nold\r\n" PDF
		"--b--\r\n"),
	    STR(HEAD_EDITED MIXED "\r\n--b\r\nContent-Type: "
				  "text/plain\r\n\r\nold\r\n--b--\r\n") },
	{ "none to be left out", { NONE, NONE, NONE, true, "f@x" },
	    STR(HEAD "Subject: a\r\n\r\nx\r\n"), NONE },
};

START_TEST(bytes)
{
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct arena *a = arena_new((size_t)16 << 20);
		struct mail_edited out;

		ROW(rows[i].name,
		    mail_edit(a, rows[i].raw, &rows[i].edit, &out) == RC_OK);
		ROW(rows[i].name, out.changed == (rows[i].want.p != NULL));
		if (out.changed)
			SAME_TEXT(i, out.bytes, rows[i].want);
		arena_free(&a);
	}
}
END_TEST

static struct str
body_after(struct arena *a, struct str raw, const struct mail_edit *edit,
    struct mime_body *out)
{
	struct mail_edited edited;
	struct mime m;

	ck_assert_int_eq(mail_edit(a, raw, edit, &edited), RC_OK);
	ck_assert_int_eq(
	    mime_parse(a, edited.bytes, MIME_PARTS_MOST, &m), RC_OK);
	mime_body(a, &m, 1 << 20, out);
	return edited.bytes;
}

#define BOTH                                                                   \
	STR(HEAD                                                               \
	    "Content-Type: multipart/alternative; boundary=b\r\n\r\n"          \
	    "--b\r\nContent-Type: text/plain\r\n\r\nbad plain\r\n--b\r\n"      \
	    "Content-Type: text/html\r\n\r\n<p>bad html</p>\r\n--b--\r\n")

/* Nobody receives what was not reviewed. */
START_TEST(one_form_replaces_the_other)
{
	static const struct {
		struct mail_edit edit;
		struct str text, html;
	} all[] = {
		{ { NONE, STR("a < b\nc"), NONE, false, "f@x" },
		    STR("a < b\nc"),
		    STR("<html><body><p>a &lt; b<br>\nc</p></body></html>") },
		{ { NONE, NONE, STR("<p>a &lt; b</p>"), false, "f@x" },
		    STR("a < b"), STR("<p>a &lt; b</p>") },
		{ { NONE, STR("one"), STR("<p>two</p>"), false, "f@x" },
		    STR("one"), STR("<p>two</p>") },
	};

	for (size_t i = 0; i < ROWS(all); i++) {
		struct arena *a = arena_new((size_t)16 << 20);
		struct mime_body got;

		(void)body_after(a, BOTH, &all[i].edit, &got);
		SAME_TEXT(i, str_trim(got.text), all[i].text);
		SAME_TEXT(i, str_trim(got.html), all[i].html);
		arena_free(&a);
	}
}
END_TEST

/* In any script, at any length of a line. */
START_TEST(text_comes_back)
{
	static const char *const texts[] = { "Gr\xc3\xbc\xc3\x9f"
					     "e, \xe6\x97\xa5\xe6\x9c\xac",
		".\n..\nFrom me\n=41 \n", "a\r\nb" };

	ARRAY_EACH (text, texts) {
		struct arena *a = arena_new((size_t)16 << 20);
		const struct mail_edit edit = { .subject =
						    str_of("S\xc3\xbc\xc3\x9f"),
			.text = str_of(*text),
			.fallback = "f@x" };
		struct mime_body got;
		struct str raw =
		    body_after(a, STR(HEAD "\r\nold\r\n"), &edit, &got);
		struct str subject = header_text(a, raw, "Subject", 998);

		ROW(*text, str_eq(subject, str_of("S\xc3\xbc\xc3\x9f")));
		ROW(*text, got.text.n > 0 && !got.lossy);
		arena_free(&a);
	}
}
END_TEST

/* A mail that is nothing but its attachment has no text to be another. */
START_TEST(no_text)
{
	struct arena *a = arena_new((size_t)16 << 20);
	const struct mail_edit edit = { .text = STR("x"), .fallback = "f@x" };
	struct mail_edited out;

	ck_assert_int_eq(
	    mail_edit(a,
		STR(HEAD "Content-Type: application/pdf\r\n"
			 "Content-Disposition: attachment\r\n\r\n%PDF\r\n"),
		&edit, &out),
	    RC_CONFLICT);
	arena_free(&a);
}
END_TEST

/* No reviewer's text and no sender's bytes end the header early, or leave a
 * text behind that was to be another. */
START_TEST(odd_bytes)
{
	static const char *const odd[] = { "", "\r\n", "Subject", "Subject: a",
		"Subject: a\n\nx", "\r\n\r\n--b--",
		"Content-Type: "
		"multipart/mixed; "
		"boundary=b\r\n\r\n--b",
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n",
		"Content-Type: multipart/mixed; boundary=b\r\n\r\nold",
		"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nold" };

	ARRAY_EACH (raw, odd) {
		struct arena *a = arena_new((size_t)16 << 20);
		const struct mail_edit edit = { .subject = STR("new"),
			.text = STR("new"),
			.strip = true,
			.fallback = "f@x" };
		struct mail_edited out;
		enum rc rc = mail_edit(a, str_of(*raw), &edit, &out);

		ROW(*raw,
		    rc == RC_CONFLICT || rc == RC_PAYLOAD ||
			(rc == RC_OK &&
			    str_eq(header_text(a, out.bytes, "Subject", 998),
				STR("new"))));
		arena_free(&a);
	}
}
END_TEST

UNIT_MAIN("mail/edit", UNIT(bytes), UNIT(one_form_replaces_the_other),
    UNIT(text_comes_back), UNIT(no_text), UNIT(odd_bytes))
