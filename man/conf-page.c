/* Prints letterrack.conf(5) from the options' rows; or, with --example, a file
 * with every option as a comment. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/conf.h"
#include "core/text.h"

static const char head[] =
    ".Dd $Mdocdate$\n"
    ".Dt LETTERRACK.CONF 5\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm letterrack.conf\n"
    ".Nd configuration of Letterrack's programs\n"
    ".Sh DESCRIPTION\n"
    "All programs of Letterrack read one file, named by the environment\n"
    "variable\n"
    ".Ev LETTERRACK_CONF ,\n"
    "else\n"
    ".Pa " SYSCONFDIR "/letterrack.conf ;\n"
    "a missing default file counts as empty.\n"
    "It is read strictly: an unknown name, a name given twice (unless it says\n"
    "below that it may come again) or a value out\n"
    "of range is an error that names file and line, and no program starts.\n"
    ".Ql letterrackctl configtest\n"
    "tells without starting anything.\n"
    ".Pp\n"
    "A line is empty, a comment beginning with\n"
    ".Ql # ,\n"
    "or\n"
    ".Dl name = value\n"
    "A value that begins or ends with a blank stands in double quotes.\n"
    "The environment variable\n"
    ".Ev LETTERRACK_ Ns Ar NAME ,\n"
    "the name in capitals, overrides a line.\n"
    ".Sh OPTIONS\n"
    ".Bl -tag -width Ds\n";

static const char tail[] = ".El\n"
			   ".Sh FILES\n"
			   ".Bl -tag -width Ds\n"
			   ".It Pa " SYSCONFDIR "/letterrack.conf\n"
			   "The default.\n"
			   ".El\n";

/* What a kind accepts, in the words of the manual; unit NULL: no range. */
static const struct {
	const char *text, *unit;
} forms[] = {
	[CONF_TEXT] = { "Text", " bytes" },
	[CONF_INT] = { "A whole number", "" },
	[CONF_BOOL] = { "yes or no", NULL },
	[CONF_SECONDS] = { "A number of seconds, or one with s, m, h or d "
			   "behind it",
	    " seconds" },
	[CONF_SIZE] = { "A number of bytes, or one with k, m or g behind it",
	    " bytes" },
	[CONF_PATH] = { "An absolute path", " bytes" },
	[CONF_LINES] = { "Text; the name may come again, for one more; all "
			 "together",
	    " bytes" },
	[CONF_LIST_OF] = { "Words with blanks between them", " bytes" },
};

/* Text of a mdoc line: nothing in it is a request or an escape. */
static void
print_text(const char *s)
{
	if (*s == '.' || *s == '\'')
		fputs("\\&", stdout);
	for (; *s != '\0'; s++) {
		if (*s == '\\')
			fputs("\\e", stdout);
		else if (*s == '-')
			fputs("\\-", stdout);
		else
			putchar(*s);
	}
	putchar('\n');
}

static void
print_form(const struct conf_row *row)
{
	fputs(forms[row->kind].text, stdout);
	if (forms[row->kind].unit != NULL)
		printf(", %lld to %lld%s", (long long)row->least,
		    (long long)row->most, forms[row->kind].unit);
	puts(".");
	if (row->preset[0] == '\0') {
		puts("Default: empty.");
		return;
	}
	puts("Default:");
	fputs(".Ql ", stdout);
	print_text(row->preset);
}

static void
page(void)
{
	fputs(head, stdout);
	for (size_t i = 0; i < conf_rows_count; i++) {
		printf(".It Cm %s\n", conf_rows[i].name);
		print_text(conf_rows[i].what);
		puts(".br");
		print_form(&conf_rows[i]);
	}
	fputs(tail, stdout);
}

/* What changes nothing while it is a comment; tests' options are left out. */
static void
example(void)
{
	puts("# Letterrack: see letterrack.conf(5). Each line shows its "
	     "default.");
	for (size_t i = 0; i < conf_rows_count; i++) {
		const struct conf_row *row = &conf_rows[i];
		bool quoted = row->kind == CONF_TEXT ||
		    row->kind == CONF_LIST_OF || row->kind == CONF_LINES;

		if (strcmp(row->name, "failpoint") != 0)
			printf(quoted ? "\n# %s\n#%s = \"%s\"\n"
				      : "\n# %s\n#%s = %s\n",
			    row->what, row->name, row->preset);
	}
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--example") == 0)
		example();
	else
		page();
	return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS
						      : EXIT_FAILURE;
}
