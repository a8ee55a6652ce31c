#!/bin/sh
# letterrackctl configtest and migrate, against a real PostgreSQL.
set -u

top=${top_srcdir:-$(dirname "$0")/../..}
ctl=${LETTERRACKCTL:-./letterrackctl}
dir=/tmp/lr-ctl.$$
work=$(mktemp -d)
trap '"$top/tests/lib/pg.sh" remove $dir >/dev/null 2>&1; rm -rf "$work"' EXIT
"$top/tests/lib/pg.sh" start $dir || exit 99
cases=0
bad=0

# conf LINE... : a configuration of these lines
conf()
{
	printf '%s\n' "$@" >"$work/conf"
}

# expect STATUS 'PATTERN' ARGUMENT... : what it says, both ways out together
expect()
{
	status=$1
	pattern=$2
	shift 2
	cases=$((cases + 1))
	said=$("$ctl" -c "$work/conf" "$@" 2>&1)
	got=$?
	if [ $got != "$status" ] ||
	    ! printf '%s\n' "$said" | grep -q -e "$pattern"; then
		echo "FAIL: $*: want $status and \`$pattern', got $got:"
		printf '%s\n' "$said" | sed 's/^/	/'
		bad=$((bad + 1))
	fi
}

server="host=$dir dbname=postgres"
for last in "$top"/sql/migrations/*.sql; do :; done
last=$(basename "$last" .sql)
psql -X -q -d "$server user=postgres" -c 'CREATE ROLE letterrack LOGIN'

conf 'nonsense = 1'
expect 78 'conf:1' configtest
expect 64 'no verb nothing' nothing
expect 64 'unrecognized option' --no-such-option
conf "database = $server user=letterrack"
expect 78 'database_owner' migrate
conf "database = $server" "database_owner = $server user=postgres"
expect 78 'names no user' migrate
conf "database = $server user=letterrack" \
    "database_owner = host=/nowhere dbname=x user=x"
expect 75 'nowhere' migrate
conf "database = $server user=letterrack" \
    "database_owner = $server user=postgres" \
    "state_dir = $work" "key_dir = $work" "responder_dir = $work"
expect 0 'warning: schema version 0, this program knows' configtest
expect 0 "^$last" migrate --dry-run
expect 0 'warning: schema version 0' configtest
expect 0 "^$last" migrate
expect 0 'is up to date' migrate
expect 0 'conf: ok' configtest
conf "database = $server user=letterrack" "workers_scale = 16" \
    "state_dir = $work" "key_dir = $work" "responder_dir = $work"
expect 0 "warning: a host's programs hold [0-9]* connections" configtest

# dirs LINE...: the same places, another way to the database
dirs()
{
	conf "$@" "state_dir = $work" "key_dir = $work" "responder_dir = $work"
}
dirs "database = $server user=nobody_known"
expect 78 'database: the server refuses the login: .*nobody_known' configtest
dirs "database = host=$dir dbname=nothing user=letterrack"
expect 78 'the server has no such database: .*nothing' configtest
dirs "database = $server user=postgres"
expect 78 'database: its user is not under row-level security' configtest
dirs "database = $server user=letterrack" "egress_allow = 127.0.0.0/99"
expect 78 'egress_allow: ' configtest
dirs "database = host=/nowhere dbname=postgres user=letterrack"
expect 75 'the server cannot be reached: .*/nowhere' configtest
dirs "database = $server user=letterrack" \
    "database_auth = $server user=letterrack_auth"
expect 78 'database_auth: the server refuses the login' configtest
psql -X -q -d "$server user=postgres" -c 'CREATE ROLE letterrack_auth LOGIN'
expect 78 'database_auth: its user may not sign people in' configtest
dirs "database = $server user=letterrack" \
    "database_owner = $server user=postgres"
expect 0 'is up to date' migrate
expect 78 'a role of its own for signing in; name it' configtest
dirs "database = $server user=letterrack" \
    "database_auth = $server user=letterrack_auth"
expect 0 'conf: ok' configtest

conf "database = $server user=letterrack" \
    "database_owner = $server user=postgres"
expect 64 'unrecognized option' migrate --wrong
psql -X -q -d "$server user=postgres" -c \
    "UPDATE letterrack.migration SET checksum = 'x' WHERE number = 1"
expect 65 '0001-.*.sql was changed' migrate
conf "database = $server user=postgres" \
    "database_owner = $server user=postgres" \
    "state_dir = $work" "key_dir = $work" "responder_dir = $work"
expect 78 'owns the schema' configtest
conf "log_level = loud"
expect 78 'conf:1: log_level' configtest
conf "database = $server user=letterrack" \
    "state_dir = $work" "key_dir = $work" "responder_dir = $work/conf"
expect 78 'responder_dir: is of another kind' configtest

echo "$cases cases, $bad failed"
[ "$bad" = 0 ]
