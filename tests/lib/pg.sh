#!/bin/sh
# A throw-away PostgreSQL for tests: on a unix socket of its own, gone after.
#
#   pg.sh start DIR     DIR: short, not there yet; the socket is in it
#   pg.sh stop DIR [MODE]       fast, immediate; the data stay
#   pg.sh again DIR             starts what was stopped
#   pg.sh remove DIR            stops and deletes
#
# Connection: host=DIR dbname=postgres user=postgres, no password. initdb runs
# once a machine and version; its result is copied, so it is small (WAL of 1 MB).
set -eu

fail()
{
	echo "pg.sh: $*" >&2
	exit 1
}

bindir=$(pg_config --bindir 2>/dev/null) || bindir=
for d in "$bindir" /usr/lib/postgresql/*/bin; do
	[ -x "$d/initdb" ] && bindir=$d && break
done
[ -x "$bindir/initdb" ] || fail "no PostgreSQL server programs (postgresql-15)"

# PostgreSQL refuses root.
if [ "$(id -u)" = 0 ]; then
	owner=postgres
	as() { runuser -u postgres -- "$@"; }
else
	owner=$(id -un)
	as() { "$@"; }
fi

# Throw-away: nothing needs to survive a power cut, but a crash must recover.
settings()
{
	cat <<-EOF
		listen_addresses = ''
		unix_socket_directories = '$1'
		fsync = off
		shared_buffers = 32MB
		max_connections = 60
		logging_collector = off
		log_min_messages = fatal
		timezone = UTC
		autovacuum = off
	EOF
}

# Its owner made it, and the rename shows it whole or not at all.
template()
{
	version=$("$bindir/postgres" --version | tr -cd 0-9.)
	made=${TMPDIR:-/tmp}/letterrack-pg1-$version-$owner
	if [ ! -d "$made" ]; then
		fresh=$(as mktemp -d "$made.XXXXXX")
		as "$bindir/initdb" -D "$fresh/data" -U postgres -A trust -N \
		    -E UTF8 --locale=C.UTF-8 --wal-segsize=1 >/dev/null
		as mv -T "$fresh" "$made" 2>/dev/null || rm -rf "$fresh"
	fi
	[ "$(stat -c %U "$made")" = "$owner" ] || fail "$made is not $owner's"
}

run()
{
	(cd / && as "$bindir/pg_ctl" -D "$1/data" -l "$1/log" -s -w -t 30 start)
}

dir=${2:?pg.sh: which directory?}
case $1 in
start)
	[ ${#dir} -lt 80 ] || fail "$dir is too long for a socket"
	template
	as mkdir -p "$dir" 2>/dev/null || { mkdir "$dir" && chown "$owner" "$dir"; }
	as cp -a --reflink=auto "$made/data" "$dir/data"
	settings "$dir" | as tee -a "$dir/data/postgresql.conf" >/dev/null
	run "$dir"
	;;
again) run "$dir" ;;
stop)
	(cd / && as "$bindir/pg_ctl" -D "$dir/data" -s -w -t 30 \
	    -m "${3:-fast}" stop)
	;;
remove)
	(cd / && as "$bindir/pg_ctl" -D "$dir/data" -s -w -t 30 \
	    -m immediate stop) || :
	rm -rf "$dir"
	;;
*) fail "start, stop, again or remove" ;;
esac
