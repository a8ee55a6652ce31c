# typed.awk: makes typed C functions of sql/queries/<noun>.sql.
#
#   awk -v out=h -v noun=task [-v room=domain] -f typed.awk task.sql
#   awk -v out=c ...                       the source beside that header
#   awk -v out=table -f typed.awk *.sql    all statements, for the meta tests
#
# A statement:
#
#   -- What it is for; carried into the header.
#   -- name: task_trigger :one
#   -- args: account id, id id
#   -- row:  task
#   UPDATE task SET ... WHERE account_id = $1 AND id = $2 RETURNING ...;
#
# :one :maybe :many   rows of `struct task`, columns `task_cols`
# :exec :must         the number of rows; :must refuses 0
# :value              `-- value: TYPE`, one value of one row
# :guard              for db_guard; a row if it has `-- row:`
#
# `-- args: type name, ...` numbers $1 on; the line may come again. More than
# six make a `struct task_trigger_args`. `-- scope: global: why` stands where
# the first argument is no account; `-- plan: custom` where the values matter.
# `-- uses: email` at the top of a file includes that noun's rows too.
#
# POSIX awk only (Debian's is mawk). A mistake stops the build as file:line.

BEGIN {
	if (room == "")
		room = "domain"
	rows("account  ACCOUNT   int64_t              i")
	rows("id       ID        int64_t              i")
	rows("id?      ID_NULL   int64_t              i")
	rows("int      INT       int64_t              i")
	rows("int?     INT_NULL  const_int64_t_*      ip")
	rows("int4     INT4      int32_t              i")
	rows("bool     BOOL      bool                 i")
	rows("bool?    BOOL_NULL const_bool_*         bp")
	rows("text     TEXT      const_char_*         text")
	rows("text?    TEXT_NULL const_char_*         text")
	rows("str      STR       struct_str           str")
	rows("json     JSON      struct_str           str")
	rows("bytes    BYTES     struct_str           str")
	rows("time     TIME      instant              time")
	rows("time?    TIME_NULL instant              time")
	rows("ids      IDS       struct_ids           ids")
	rows("ints     INTS      struct_ints          ints")
	rows("int4s    INT4S     struct_int4s         int4s")
	rows("bools    BOOLS     struct_bools         bools")
	rows("times    TIMES     struct_instants      times")
	rows("texts    TEXTS     struct_texts         texts")
	rows("jsons    JSONS     struct_texts         texts")
	rows("bytess   BYTESS    struct_texts         texts")

	# What :value gives: column type, C type, whether it needs an arena.
	gives("int   INT   int64_t       0")
	gives("bool  BOOL  bool          0")
	gives("time  TIME  instant       0")
	gives("text  TEXT  const_char_*  1")
	gives("str   STR   struct_str    1")
	gives("json  JSON  struct_str    1")
	gives("bytes BYTES struct_str    1")
	gives("ids   IDS   struct_ids    1")
	gives("texts TEXTS struct_texts  1")

	split("one maybe many exec must value guard", list, " ")
	for (i in list)
		cards[list[i]] = toupper(list[i])
	count = 0
	state = "between" # between, head, body
}

function rows(line, f) {
	split(line, f, " +")
	kind[f[1]] = f[2]
	ctype[f[1]] = spaced(f[3])
	member[f[1]] = f[4]
}

function gives(line, f) {
	split(line, f, " +")
	value_col[f[1]] = f[2]
	value_type[f[1]] = spaced(f[3])
	value_arena[f[1]] = f[4]
}

# "const_char_*" to "const char *", "int64_t" stays: a type's own _t.
function spaced(s) {
	gsub(/_/, " ", s)
	gsub(/ t /, "_t ", s)
	sub(/ t$/, "_t", s)
	return s
}

function complain(line, text) {
	printf "%s:%d: %s\n", file, line, text > "/dev/stderr"
	failed = 1
}

FNR == 1 {
	finish()
	file = FILENAME
	doc = ""
	base = FILENAME
	sub(/^.*\//, "", base)
}

{ sub(/[ \t\r]+$/, "") }

state == "body" {
	sql_line($0)
	next
}

/^[ \t]*$/ {
	if (state == "head")
		complain(FNR, "an empty line between the head and the statement")
	doc = ""
	next
}

/^-- *name:/ {
	if (state == "head")
		complain(line_of[count], name[count] " has no statement")
	open_statement()
	next
}

/^-- *uses:/ && state == "between" {
	s = $0
	sub(/^-- *uses: */, "", s)
	n = split(s, f, /[ ,]+/)
	for (i = 1; i <= n; i++)
		uses[++used] = f[i]
	next
}

/^--/ && state == "head" {
	directive()
	next
}

/^--/ {
	s = $0
	sub(/^-- ?/, "", s)
	if (s ~ /^(args|row|value|scope|plan|uses):/)
		complain(FNR, "`" s "` stands before its `-- name:`")
	doc = doc s "\n"
	next
}

state == "head" {
	state = "body"
	begin_sql()
	sql_line($0)
	next
}

{
	complain(FNR, "a statement without a `-- name:` line")
	doc = ""
	state = "between"
	# Skip it, so that one mistake is one message.
	skipping = 1
	while (skipping && $0 !~ /;[ \t]*$/ && (getline) > 0)
		if ($0 ~ /^[ \t]*$/)
			skipping = 0
}

END {
	if (!failed || file != "")
		finish()
	if (failed)
		exit 1
	if (out == "h")
		print_header()
	else if (out == "c")
		print_source()
	else if (out == "table")
		print_table()
	else {
		print "typed.awk: -v out=h, c or table" > "/dev/stderr"
		exit 1
	}
}

function finish() {
	if (state == "head")
		complain(line_of[count], name[count] " has no statement")
	if (state == "body")
		complain(line_of[count], name[count] " does not end with a `;`")
	state = "between"
}

function open_statement(s, n, f) {
	s = $0
	sub(/^-- *name: */, "", s)
	n = split(s, f, / +/)
	count++
	state = "head"
	name[count] = f[1]
	line_of[count] = FNR
	from[count] = base ":" FNR
	docs[count] = doc
	doc = ""
	nargs[count] = 0
	custom[count] = 0
	if (n != 2 || f[1] !~ /^[a-z][a-z0-9_]*$/ || f[2] !~ /^:/ ||
	    !(substr(f[2], 2) in cards)) {
		complain(FNR, "want `-- name: some_name :one|maybe|many|exec" \
		    "|must|value|guard`, not `" s "`")
		card[count] = "exec"
		if (f[1] !~ /^[a-z][a-z0-9_]*$/)
			name[count] = "unnamed" count
		return
	}
	card[count] = substr(f[2], 2)
	if (length(f[1]) > 60)
		complain(FNR, "the name is longer than 60 characters")
	if (f[1] in seen)
		complain(FNR, f[1] " is already at " seen[f[1]])
	seen[f[1]] = file ":" FNR
}

function directive(s, key) {
	s = $0
	sub(/^-- */, "", s)
	key = s
	if (s !~ /^[a-z]+:/) {
		complain(FNR, "comments stand above `-- name:`: `" s "`")
		return
	}
	sub(/:.*/, "", key)
	sub(/^[a-z]+: */, "", s)
	if (key == "args")
		add_args(s)
	else if (key == "row")
		set_row(s)
	else if (key == "value")
		set_value(s)
	else if (key == "scope")
		set_scope(s)
	else if (key == "plan" && s == "custom")
		custom[count] = 1
	else
		complain(FNR, "unknown directive `" key ": " s "`")
}

function add_args(s, n, f, i, p) {
	sub(/,[ ]*$/, "", s)
	n = split(s, f, /, */)
	for (i = 1; i <= n; i++) {
		if (split(f[i], p, / +/) != 2 || p[2] !~ /^[a-z][a-z0-9_]*$/) {
			complain(FNR, "want `type name`, not `" f[i] "`")
			p[1] = "int"
			p[2] = "x" i
		}
		if (!(p[1] in kind)) {
			complain(FNR, "unknown type `" p[1] "`")
			p[1] = "int"
		}
		nargs[count]++
		arg_type[count, nargs[count]] = p[1]
		arg_name[count, nargs[count]] = p[2]
		if ((count, p[2]) in arg_seen)
			complain(FNR, "argument `" p[2] "` comes twice")
		arg_seen[count, p[2]] = 1
		if (p[1] == "account" && nargs[count] != 1)
			complain(FNR, "`account` is always the first argument")
	}
}

function set_row(s) {
	if (s !~ /^[a-z][a-z0-9_]*$/)
		complain(FNR, "`row` names one struct, not `" s "`")
	row[count] = s
}

function set_value(s) {
	if (!(s in value_col)) {
		complain(FNR, "unknown type of value `" s "`")
		s = "int"
	}
	value[count] = s
}

function set_scope(s) {
	if (s !~ /^global: *[^ ]/) {
		complain(FNR, "want `-- scope: global: why`")
		s = "global: ?"
	}
	sub(/^global: */, "", s)
	scope[count] = s
}

# ---- the statement's text ----

function begin_sql() {
	quote = ""    # what is open: ', ", a $tag$, or / for a comment
	ended = 0     # a ; was read
	text_n[count] = 0
	top[count] = 0
	sql_line_of[count] = FNR
}

# One line, without comments; counts $n and ends the statement at its `;`.
function sql_line(line, i, c, kept, rest, tag) {
	kept = ""
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		rest = substr(line, i)
		if (quote == "/") {
			if (substr(rest, 1, 2) == "*/") {
				quote = ""
				i++
			}
			continue
		}
		if (quote != "") {
			if (substr(rest, 1, length(quote)) == quote) {
				kept = kept quote
				i += length(quote) - 1
				quote = ""
			} else
				kept = kept c
			continue
		}
		if (substr(rest, 1, 2) == "--")
			break
		if (substr(rest, 1, 2) == "/*") {
			quote = "/"
			i++
			continue
		}
		if (ended && c !~ /[ \t]/) {
			complain(FNR, "two statements under " name[count])
			ended = 0
		}
		if (c == ";") {
			ended = 1
			continue
		}
		if (c == "'" || c == "\"")
			quote = c
		else if (match(rest, /^\$[0-9]+/)) {
			placeholder(substr(rest, 2, RLENGTH - 1) + 0)
			kept = kept substr(rest, 1, RLENGTH)
			i += RLENGTH - 1
			continue
		} else if (match(rest, /^\$[A-Za-z_]*\$/)) {
			tag = substr(rest, 1, RLENGTH)
			quote = tag
			kept = kept tag
			i += RLENGTH - 1
			continue
		}
		kept = kept c
	}
	sub(/[ \t]+$/, "", kept)
	if (kept != "" || quote != "")
		sql[count, ++text_n[count]] = kept
	if (ended) {
		close_statement()
		state = "between"
		doc = ""
	} else if (line ~ /^-- *name:/ && quote == "") {
		complain(line_of[count], name[count] " does not end with a `;`")
		open_statement()
	}
}

function placeholder(n) {
	used_arg[count, n] = 1
	if (n > top[count])
		top[count] = n
}

function close_statement(at, i, c) {
	at = line_of[count]
	c = card[count]
	if (text_n[count] == 0)
		complain(at, name[count] " is empty")
	for (i = 1; i <= top[count]; i++)
		if (!((count, i) in used_arg) && i <= nargs[count])
			complain(at, "$" i " (" arg_name[count, i] ") is not used")
	if (top[count] > nargs[count])
		complain(at, "$" top[count] " is used, but there are " \
		    nargs[count] " arguments")
	for (i = top[count] + 1; i <= nargs[count]; i++)
		complain(at, "$" i " (" arg_name[count, i] ") is not used")
	if ((c == "one" || c == "maybe" || c == "many") && row[count] == "")
		complain(at, ":" c " needs a `-- row:`")
	if (c == "value" && value[count] == "")
		complain(at, ":value needs a `-- value:`")
	if (c != "value" && value[count] != "")
		complain(at, "`-- value:` belongs to :value")
	if ((c == "exec" || c == "must" || c == "value") && row[count] != "")
		complain(at, "`-- row:` does not go with :" c)
	if (scope[count] != "" && arg_type[count, 1] == "account")
		complain(at, "global, but it takes an account")
	if (scope[count] == "" && arg_type[count, 1] != "account")
		complain(at, "the first argument is no account; if that is " \
		    "right, say `-- scope: global: why`")
	if (c == "guard" && scope[count] == "")
		complain(at, "a guard runs before there is an account: " \
		    "`-- scope: global: why`")
	if (c == "guard" && nargs[count] > 16)
		complain(at, "a guard has at most 16 arguments")
}

# ---- C ----

# "const char *" and "x" to "const char *x".
function declared(type, n) {
	return type (type ~ /\*$/ ? "" : " ") n
}

function wraps(n) {
	return nargs[n] > 6
}

# Parameters of the function, each on its own line: nothing to break.
function parameters(n, list, i) {
	list = "struct db *db"
	if (wraps(n))
		list = list ",\n    const struct " name[n] "_args *in"
	else
		for (i = 1; i <= nargs[n]; i++)
			list = list ",\n    " \
			    declared(ctype[arg_type[n, i]], arg_name[n, i])
	if (needs_arena(n))
		list = list ",\n    struct arena *arena"
	if (output(n) != "")
		list = list ",\n    " output(n)
	return list
}

function needs_arena(n) {
	if (card[n] == "value")
		return value_arena[value[n]]
	return row[n] != ""
}

function output(n) {
	if (card[n] == "many")
		return "struct " row[n] "_list *out"
	if (card[n] == "value")
		return declared(value_type[value[n]], "*out")
	if (card[n] == "exec")
		return "size_t *rows"
	if (row[n] != "")
		return "struct " row[n] " **out"
	return ""
}

function says(n) {
	if (card[n] == "one")
		return "One row, or RC_NOT_FOUND."
	if (card[n] == "maybe")
		return "A row, or NULL."
	if (card[n] == "many")
		return "Any number of rows."
	if (card[n] == "exec")
		return "`rows`: how many it touched; may be NULL."
	if (card[n] == "must")
		return "RC_NOT_FOUND where it touches no row."
	if (card[n] == "guard")
		return "Guards the transactions to come (db_guard)."
	return "One value, or RC_NOT_FOUND."
}

function comment(n, text, f, i, m) {
	text = docs[n]
	sub(/\n$/, "", text)
	gsub(/\*\//, "* /", text)
	print "/* " from[n] (custom[n] ? ", planned with its values" : "")
	if (scope[n] != "")
		print " * Over all accounts: " scope[n]
	m = split(text, f, "\n")
	for (i = 1; i <= m; i++)
		print " *" (f[i] == "" ? "" : " " f[i])
	print " * " says(n) " */"
}

function guard_word(s) {
	s = toupper(room "_" noun "_SQL_H")
	gsub(/[^A-Z0-9]/, "_", s)
	return s
}

function print_header(i, j) {
	print "/* Made by sql/typed.awk from " base "; not to be edited. */"
	print "#ifndef " guard_word()
	print "#define " guard_word()
	print ""
	print "#include \"db/db.h\""
	if (noun != "")
		print "#include \"" room "/" noun ".h\""
	for (i = 1; i <= used; i++)
		print "#include \"" room "/" uses[i] ".h\""
	for (i = 1; i <= count; i++) {
		print ""
		if (card[i] == "many")
			print_list(row[i])
		if (wraps(i))
			print_args_struct(i)
		comment(i)
		if (card[i] == "guard")
			print "void " name[i] "(" parameters(i) ");"
		else
			print "enum rc " name[i] "(" parameters(i) \
			    ") MUST_CHECK;"
		print "extern const struct stmt " name[i] "_stmt;"
	}
	print ""
	print "#endif"
}

# Headers of several nouns may give rows of one kind.
function print_list(r) {
	if (r in list_done)
		return
	list_done[r] = 1
	print "#ifndef DB_LIST_" r
	print "#define DB_LIST_" r
	print "struct " r "_list {"
	print "\tstruct " r " *v;"
	print "\tsize_t n;"
	print "};"
	print "#endif"
}

function print_args_struct(n, i) {
	print "struct " name[n] "_args {"
	for (i = 1; i <= nargs[n]; i++)
		print "\t" declared(ctype[arg_type[n, i]], arg_name[n, i]) ";"
	print "};"
}

function print_source(i) {
	print "/* Made by sql/typed.awk from " base "; not to be edited. */"
	print "#include \"" room "/" noun "-sql.h\""
	for (i = 1; i <= count; i++) {
		print ""
		print_stmt(i)
		print ""
		print_function(i)
	}
}

function print_stmt(n, i) {
	if (nargs[n] > 0) {
		print "static const enum arg_type " name[n] "_types[] = {"
		for (i = 1; i <= nargs[n]; i++)
			print "\tARG_" kind[arg_type[n, i]] ","
		print "};"
	}
	print "const struct stmt " name[n] "_stmt = {"
	print "\t.name = \"" name[n] "\","
	print "\t.from = \"" from[n] "\","
	print "\t.sql ="
	for (i = 1; i <= text_n[n]; i++)
		print "\t    \"" escaped(sql[n, i]) \
		    (i < text_n[n] ? "\\n\"" : "\",")
	if (nargs[n] > 0) {
		print "\t.args = " name[n] "_types,"
		print "\t.nargs = " nargs[n] ","
	}
	print "\t.card = STMT_" cards[card[n]] ","
	if (row[n] != "") {
		print "\t.row = " row[n] "_cols,"
		print "\t.row_size = sizeof(struct " row[n] "),"
	}
	if (card[n] == "value")
		print "\t.value = COL_" value_col[value[n]] "_,"
	if (scope[n] != "")
		print "\t.global = \"" escaped(scope[n]) "\","
	if (custom[n])
		print "\t.custom = true,"
	print "};"
}

function escaped(s) {
	gsub(/\\/, "\\\\&", s)
	gsub(/"/, "\\\"", s)
	gsub(/\t/, "\\t", s)
	return s
}

function print_function(n, i, args, given) {
	print (card[n] == "guard" ? "void" : "enum rc")
	print name[n] "(" parameters(n) ")"
	print "{"
	args = "NULL"
	if (nargs[n] > 0) {
		args = "args"
		print "\tconst struct arg args[] = {"
		for (i = 1; i <= nargs[n]; i++) {
			given = (wraps(n) ? "in->" : "") arg_name[n, i]
			print "\t\t{ ." member[arg_type[n, i]] " = " given " },"
		}
		print "\t};"
		print ""
	}
	if (card[n] == "guard")
		print "\tdb_guard(db, &" name[n] "_stmt, " args ", " \
		    (row[n] != "" ? "arena, out" : "NULL, NULL") ");"
	else
		print "\treturn db_call(db, &" name[n] "_stmt, " args ", " \
		    call_outputs(n) ");"
	print "}"
}

function call_outputs(n, a) {
	a = needs_arena(n) ? "arena" : "NULL"
	if (card[n] == "many")
		return a ", &out->v, &out->n"
	if (card[n] == "exec")
		return a ", NULL, rows"
	if (card[n] == "must")
		return a ", NULL, NULL"
	return a ", out, NULL"
}

function print_table(i) {
	print "/* Made by sql/typed.awk; not to be edited. */"
	print "#include \"" room "/statements.h\""
	print ""
	for (i = 1; i <= count; i++)
		print "extern const struct stmt " name[i] "_stmt;"
	print ""
	print "const struct stmt *const statements[] = {"
	for (i = 1; i <= count; i++)
		print "\t&" name[i] "_stmt,"
	print "\tNULL,"
	print "};"
}
