# embed.awk: makes a C table of the migrations, so that a program carries them.
#
#   awk -f embed.awk sql/migrations/0001-foundation.sql ...
#
# The files come in order; a number may be left out, so that changes made side
# by side keep theirs. POSIX awk only.

function complain(text) {
	print FILENAME ":1: " text > "/dev/stderr"
	failed = 1
}

FNR == 1 {
	if (count > 0)
		print "\t},"
	else {
		print "/* Made by sql/embed.awk; not to be edited. */"
		print "#include \"db/migrate.h\""
		print ""
		print "const struct migration migrations[] = {"
	}
	name = FILENAME
	sub(/^.*\//, "", name)
	sub(/\.sql$/, "", name)
	count++
	if (name !~ /^[0-9][0-9][0-9][0-9]-[a-z0-9-]+$/)
		complain("a migration is called NNNN-name.sql")
	else if (substr(name, 1, 4) + 0 <= number)
		complain("the next migration has a number above " number)
	number = substr(name, 1, 4) + 0
	print "\t{ " number ", \"" name "\","
}

{
	gsub(/\\/, "&&")
	gsub(/"/, "\\\"")
	gsub(/\t/, "\\t")
	print "\t    \"" $0 "\\n\""
}

END {
	if (failed)
		exit 1
	if (count == 0)
		exit 1
	print "\t},"
	print "};"
	print "const size_t migrations_n = " count ";"
}
