/* What clients say: lines, paths, parameters. */
#include "mail/smtp-command.h"

#include "core/buffer.h"
#include "lib/unit.h"

START_TEST(lines)
{
	static const struct {
		struct str in;
		enum smtp_line how;
		size_t used;
	} rows[] = {
		{ STR("NOOP\r\n"), SMTP_LINE_WHOLE, 6 },
		{ STR("\r\n"), SMTP_LINE_WHOLE, 2 },
		{ STR("NOOP\r\nQUIT\r\n"), SMTP_LINE_WHOLE, 6 },
		{ STR(""), SMTP_LINE_MORE, 0 },
		{ STR("NOOP"), SMTP_LINE_MORE, 0 },
		{ STR("NOOP\r"), SMTP_LINE_MORE, 0 },
		{ STR("NOOP\n"), SMTP_LINE_BARE, 0 },
		{ STR("\n"), SMTP_LINE_BARE, 0 },
		{ STR("NOOP\rQUIT\r\n"), SMTP_LINE_BARE, 0 },
		{ STR("NOOP\r\r\n"), SMTP_LINE_BARE, 0 },
		{ STR("NOOP\nQUIT\r\n"), SMTP_LINE_BARE, 0 },
		{ STR("12345678\r\n"), SMTP_LINE_WHOLE, 10 },
		{ STR("123456789\r\n"), SMTP_LINE_LONG, 0 },
		{ STR("123456789"), SMTP_LINE_LONG, 0 },
		{ STR("12345678"), SMTP_LINE_MORE, 0 },
	};

	ARRAY_EACH (row, rows) {
		struct str line = { NULL, 0 };
		size_t used = 0;
		enum smtp_line how = smtp_line_read(row->in, 10, &line, &used);

		ROW(row->in.p, how == row->how);
		ROW(row->in.p, used == row->used);
		ROW(row->in.p,
		    how != SMTP_LINE_WHOLE || line.n == row->used - 2);
	}
}
END_TEST

START_TEST(verbs)
{
	static const struct {
		struct str line, verb, args;
	} rows[] = {
		{ STR("NOOP"), STR("NOOP"), STR("") },
		{ STR("MAIL FROM:<a@b>"), STR("MAIL"), STR("FROM:<a@b>") },
		{ STR("EHLO  x "), STR("EHLO"), STR("x") },
		{ STR(""), STR(""), STR("") },
		{ STR(" NOOP"), STR(""), STR("NOOP") },
	};

	ARRAY_EACH (row, rows) {
		struct str args, verb = smtp_verb_read(row->line, &args);

		ROW(row->line.p, str_eq(verb, row->verb));
		ROW(row->line.p, str_eq(args, row->args));
	}
}
END_TEST

START_TEST(paths)
{
	static const struct {
		struct str args;
		enum smtp_path_fault fault;
		struct str address, rest;
	} rows[] = {
		{ STR("FROM:<a@b.test>"), SMTP_PATH_OK, STR("a@b.test"),
		    STR("") },
		{ STR("from: <a@b.test> SIZE=1"), SMTP_PATH_OK, STR("a@b.test"),
		    STR(" SIZE=1") },
		{ STR("FROM:<>"), SMTP_PATH_OK, STR(""), STR("") },
		{ STR("FROM:<a@B\xc3\xbc.test>"), SMTP_PATH_OK,
		    STR("a@xn--b-eha.test"), STR("") },
		{ STR("FROM:<\xc3\xbc@b.test>"), SMTP_PATH_OK,
		    STR("\xc3\xbc@b.test"), STR("") },
		{ STR("FROM:a@b.test"), SMTP_PATH_SYNTAX, STR(""), STR("") },
		{ STR("FROM:<a@b.test"), SMTP_PATH_SYNTAX, STR(""), STR("") },
		{ STR("FROM:<a@b.test>SIZE=1"), SMTP_PATH_SYNTAX, STR(""),
		    STR("") },
		{ STR("TO:<a@b.test>"), SMTP_PATH_SYNTAX, STR(""), STR("") },
		{ STR("FROM"), SMTP_PATH_SYNTAX, STR(""), STR("") },
		{ STR("FROM:"), SMTP_PATH_SYNTAX, STR(""), STR("") },
		{ STR(""), SMTP_PATH_SYNTAX, STR(""), STR("") },
		{ STR("FROM:<@evil.test:a@b.test>"), SMTP_PATH_ADDRESS, STR(""),
		    STR("") },
		{ STR("FROM:<a@b@c.test>"), SMTP_PATH_ADDRESS, STR(""),
		    STR("") },
		{ STR("FROM:<\"a b\"@c.test>"), SMTP_PATH_ADDRESS, STR(""),
		    STR("") },
		{ STR("FROM:<a b@c.test>"), SMTP_PATH_ADDRESS, STR(""),
		    STR("") },
		{ STR("FROM:<a\r\nRCPT@c.test>"), SMTP_PATH_ADDRESS, STR(""),
		    STR("") },
		{ STR("FROM:<a\0@c.test>"), SMTP_PATH_ADDRESS, STR(""),
		    STR("") },
		{ STR("FROM:<a>"), SMTP_PATH_ADDRESS, STR(""), STR("") },
		{ STR("FROM:<a@>"), SMTP_PATH_ADDRESS, STR(""), STR("") },
		{ STR("FROM:<@b.test>"), SMTP_PATH_ADDRESS, STR(""), STR("") },
		{ STR("FROM:<a@[127.0.0.1]>"), SMTP_PATH_ADDRESS, STR(""),
		    STR("") },
		{ STR("FROM:<a@b..test>"), SMTP_PATH_ADDRESS, STR(""),
		    STR("") },
		{ STR("FROM:< a@b.test>"), SMTP_PATH_ADDRESS, STR(""),
		    STR("") },
		{ STR("FROM:<a@b.test\xff>"), SMTP_PATH_ADDRESS, STR(""),
		    STR("") },
	};
	struct arena *a = arena_new((size_t)1 << 20);

	ARRAY_EACH (row, rows) {
		struct str address = STR(""), rest = STR("");
		enum smtp_path_fault fault =
		    smtp_path_read(a, row->args, "FROM", &address, &rest);

		ROW(row->args.p, fault == row->fault);
		if (fault != SMTP_PATH_OK)
			continue;
		ROW(row->args.p, str_eq(address, row->address));
		ROW(row->args.p, str_eq(rest, row->rest));
	}
	arena_free(&a);
}
END_TEST

/* Names and values as "NAME=value|", what is left behind them. */
START_TEST(parameters)
{
	static const struct {
		struct str in, told, left;
	} rows[] = {
		{ STR(""), STR(""), STR("") },
		{ STR("  "), STR(""), STR("") },
		{ STR(" SIZE=12"), STR("SIZE=12|"), STR("") },
		{ STR(" SIZE=12 SMTPUTF8"), STR("SIZE=12|SMTPUTF8|"), STR("") },
		{ STR(" A=  B-2=x=y "), STR("A=|B-2=x=y|"), STR("") },
		{ STR(" =x"), STR(""), STR(" =x") },
		{ STR(" A <x>"), STR("A|"), STR(" <x>") },
		{ STR(" A;B"), STR(""), STR(" A;B") },
	};

	ARRAY_EACH (row, rows) {
		struct str s = row->in, name, value;
		struct buf told;

		buf_init(&told, 1000);
		while (smtp_parameter_next(&s, &name, &value)) {
			buf_add(&told, name.p, name.n);
			if (value.p != NULL)
				buf_putc(&told, '=');
			buf_add(&told, value.p, value.n);
			buf_putc(&told, '|');
		}
		ROW(row->in.p,
		    str_eq((struct str){ told.p, told.n }, row->told));
		ROW(row->in.p, str_eq(s, row->left));
		buf_clear(&told);
	}
}
END_TEST

UNIT_MAIN("mail/smtp-command", UNIT(lines), UNIT(verbs), UNIT(paths),
    UNIT(parameters))
