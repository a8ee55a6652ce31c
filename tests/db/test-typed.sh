#!/bin/sh
# The generator: each mistake stops it with file and line. A case is a file
# between two `=` lines: its name, what must be said ("" where it is right).
set -u

top=${top_srcdir:-$(dirname "$0")/../..}
awk=${AWK:-awk}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cases=0
bad=0

check()
{
	cases=$((cases + 1))
	said=$(LC_ALL=C $awk -v out=c -v noun=case -f "$top/sql/typed.awk" \
	    "$work/case.sql" 2>&1 >"$work/out.c")
	status=$?
	said=$(printf '%s\n' "$said" | sed "s|$work/||g" | head -n 1)
	if [ "$said" != "$want" ]; then
		echo "FAIL: want \`$want', got \`$said'"
		sed 's/^/	/' "$work/case.sql"
		bad=$((bad + 1))
	elif [ "$((status != 0))" != "$((${#want} > 0))" ]; then
		echo "FAIL: exit status $status for \`$want'"
		bad=$((bad + 1))
	fi
}

started=
while IFS= read -r line; do
	case $line in
	"= "*)
		[ -z "$started" ] || check
		started=1
		want=${line#= }
		[ "$want" != ok ] || want=
		: >"$work/case.sql"
		;;
	*) printf '%s\n' "$line" >>"$work/case.sql" ;;
	esac
done <<'CASES'
= ok
-- A file of nothing.
= ok
-- name: a :must
-- args: account account, id id
UPDATE t SET x = 'it''s; $3' WHERE account_id = $1 -- no; $4
AND id = $2 /* nor; $5
*/ AND "od;d" = $q$ ; $6 $q$;
= case.sql:3: an empty line between the head and the statement
-- name: a :exec
-- args: account account

DELETE FROM t WHERE account_id = $1;
= ok
-- name: a :many
-- args: account account, int n
-- row: x
SELECT $2::int FROM t

WHERE account_id = $1;
= case.sql:1: $3 is used, but there are 2 arguments
-- name: a :exec
-- args: account account, id id
DELETE FROM t WHERE account_id = $1 AND id = $3 AND x = $2;
= case.sql:1: $2 (id) is not used
-- name: a :exec
-- args: account account, id id
DELETE FROM t WHERE account_id = $1;
= case.sql:2: $2 (b) is not used
-- Words.
-- name: a :exec
-- args: account account, id b, id c
DELETE FROM t WHERE account_id = $1 AND c = $3;
= case.sql:1: the first argument is no account; if that is right, say `-- scope: global: why`
-- name: a :exec
-- args: id id
DELETE FROM t WHERE id = $1;
= case.sql:1: the first argument is no account; if that is right, say `-- scope: global: why`
-- name: a :exec
DELETE FROM t;
= case.sql:3: want `-- scope: global: why`
-- name: a :exec
-- args: id id
-- scope: global
DELETE FROM t WHERE id = $1;
= case.sql:1: global, but it takes an account
-- name: a :exec
-- args: account account
-- scope: global: no reason
DELETE FROM t WHERE id = $1;
= case.sql:2: `account` is always the first argument
-- name: a :exec
-- args: id id, account account
-- scope: global: no reason
DELETE FROM t WHERE id = $1 AND account_id = $2;
= case.sql:2: unknown type `number`
-- name: a :exec
-- args: account account, number id
DELETE FROM t WHERE id = $1 AND id = $2;
= case.sql:2: want `type name`, not `account`
-- name: a :exec
-- args: account
DELETE FROM t WHERE id = $1;
= case.sql:2: argument `a` comes twice
-- name: a :exec
-- args: account a, id a
DELETE FROM t WHERE id = $1 AND id = $2;
= case.sql:1: want `-- name: some_name :one|maybe|many|exec|must|value|guard`, not `a :all`
-- name: a :all
-- args: account account
DELETE FROM t WHERE id = $1;
= case.sql:1: want `-- name: some_name :one|maybe|many|exec|must|value|guard`, not `A-b :exec`
-- name: A-b :exec
-- args: account account
DELETE FROM t WHERE id = $1;
= case.sql:1: want `-- name: some_name :one|maybe|many|exec|must|value|guard`, not `a`
-- name: a
-- args: account account
DELETE FROM t WHERE id = $1;
= case.sql:5: a is already at case.sql:1
-- name: a :exec
-- args: account account
DELETE FROM t WHERE id = $1;

-- name: a :exec
-- args: account account
DELETE FROM t WHERE id = $1;
= case.sql:4: a statement without a `-- name:` line
-- name: a :exec
-- args: account account
DELETE FROM t WHERE id = $1;
SELECT 1;
= case.sql:3: two statements under a
-- name: a :exec
-- args: account account
DELETE FROM t WHERE id = $1; SELECT 1;
= case.sql:1: a does not end with a `;`
-- name: a :exec
-- args: account account
DELETE FROM t WHERE id = $1
= case.sql:1: a does not end with a `;`
-- name: a :exec
-- args: account account
DELETE FROM t WHERE id = $1
-- name: b :exec
-- args: account account
DELETE FROM t WHERE id = $1;
= case.sql:1: a has no statement
-- name: a :exec
-- args: account account
= case.sql:1: a has no statement
-- name: a :exec
-- args: account account
-- name: b :exec
-- args: account account
DELETE FROM t WHERE id = $1;
= case.sql:2: a statement without a `-- name:` line
-- Words.
DELETE FROM t;
= case.sql:1: `args: account account` stands before its `-- name:`
-- args: account account
-- name: a :exec
DELETE FROM t WHERE id = $1;
= case.sql:3: unknown directive `rows: x`
-- name: a :many
-- args: account account
-- rows: x
SELECT 1 WHERE $1 > 0;
= case.sql:3: unknown directive `plan: fast`
-- name: a :exec
-- args: account account
-- plan: fast
SELECT 1 WHERE $1 > 0;
= case.sql:3: comments stand above `-- name:`: `words`
-- name: a :exec
-- args: account account
-- words
SELECT 1 WHERE $1 > 0;
= case.sql:1: :one needs a `-- row:`
-- name: a :one
-- args: account account
SELECT 1 WHERE $1 > 0;
= case.sql:1: :value needs a `-- value:`
-- name: a :value
-- args: account account
SELECT 1 WHERE $1 > 0;
= case.sql:3: unknown type of value `float`
-- name: a :value
-- args: account account
-- value: float
SELECT 1 WHERE $1 > 0;
= case.sql:1: `-- value:` belongs to :value
-- name: a :exec
-- args: account account
-- value: int
SELECT 1 WHERE $1 > 0;
= case.sql:1: `-- row:` does not go with :must
-- name: a :must
-- args: account account
-- row: x
SELECT 1 WHERE $1 > 0;
= case.sql:3: `row` names one struct, not `struct x`
-- name: a :one
-- args: account account
-- row: struct x
SELECT 1 WHERE $1 > 0;
= case.sql:1: a guard runs before there is an account: `-- scope: global: why`
-- name: a :guard
-- args: account account
SELECT 1 WHERE $1 > 0;
= case.sql:1: a is empty
-- name: a :exec
-- args: account account
;
CASES
check

# The numbers of migrations rise.
embed()
{
	want=$1
	shift
	cases=$((cases + 1))
	for f; do
		echo "SELECT 1;" >"$work/$f"
	done
	said=$(cd "$work" && $awk -f "$embed" "$@" 2>&1 >/dev/null)
	if [ "$said" != "$want" ]; then
		echo "FAIL: want \`$want', got \`$said'"
		bad=$((bad + 1))
	fi
}

embed=$(cd "$top" && pwd)/sql/embed.awk
embed "" 0001-one.sql 0002-two-more.sql
embed "" 0001-one.sql 0003-two.sql
embed "0002-two.sql:1: the next migration has a number above 3" \
    0003-one.sql 0002-two.sql
embed "0001-two.sql:1: the next migration has a number above 1" \
    0001-one.sql 0001-two.sql
embed "1-one.sql:1: a migration is called NNNN-name.sql" 1-one.sql
embed "0001-One.sql:1: a migration is called NNNN-name.sql" 0001-One.sql

# Each byte is carried: C reads back what stands in the file.
cases=$((cases + 1))
printf '%s\n' 'a \ b \\ c "d" \"' >"$work/0001-one.sql"
carried=$(cd "$work" && $awk -f "$embed" 0001-one.sql | grep '^	    "')
want='	    "a \\ b \\\\ c \"d\" \\\"\n"'
if [ "$carried" != "$want" ]; then
	echo "FAIL: want \`$want', got \`$carried'"
	bad=$((bad + 1))
fi

echo "$cases cases, $bad failed"
[ "$bad" = 0 ]
