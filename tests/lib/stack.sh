#!/bin/bash
# A throw-away house for tests: PostgreSQL, responders and nginx in a directory
# of its own, on free ports; Dovecot, Postfix and the sync where asked for.
#
#   stack.sh hold [options]                    for a program that holds it
#   stack.sh run [options] -- COMMAND...       for a command
#
#   --with PARTS   beside postgres, serve and nginx: dovecot, postfix, sync,
#                  deliver (a sync for webhooks and mail that goes out alone),
#                  watch, smtpd (the SMTP proxy)
#   --only PARTS   instead of them (comma-separated)
#   --mail         sample mail in the mailboxes
#   --set LINE     a line of letterrack.conf; may be repeated
#   --dovecot LINE of dovecot.conf; may be repeated
#   --postgres N=V a setting of PostgreSQL; may be repeated
#   --trust-proxy  X-Forwarded-For from loopback is believed
#
# hold prints one line of JSON with the addresses and then obeys its standard
# input, a line an order, a line of JSON an answer:
#
#   start PART | stop PART | kill PART | signal PART NAME
#
# At the end of its input everything is stopped and removed, also when this
# script is killed (script/lib/guard). run gives the JSON as $LETTERRACK_STACK.
#
# $LETTERRACK_PREFIX: where the product is installed (build/root)
# $LETTERRACK_LOGS: a directory that gets the logs at the end
set -euo pipefail
umask 022
. "$(dirname "$0")/../../script/lib/instance.sh"

prefix=${LETTERRACK_PREFIX:-$instance_top/build/root}
parts=(postgres serve nginx)
sample= trust=
WEBCRON_SECRET_TOKEN=webcron-for-tests
program_options=("login_rate = 0" "session_rate = 0" "token_rate = 0"
	"webcron_secret_token = $WEBCRON_SECRET_TOKEN")
# Nothing here needs to outlive a power cut.
postgres_options=(-c fsync=off -c synchronous_commit=off
	-c full_page_writes=off -c shared_buffers=32MB -c max_connections=100)
initdb_options=(--wal-segsize=1)
command=()

# A line takes the place of one of the same name, unless it may come again.
set_option()
{
	local i
	[ "${1%% *}" = external_issuer ] || for i in "${!program_options[@]}"; do
		[ "${program_options[i]%% *}" != "${1%% *}" ] ||
		    unset "program_options[i]"
	done
	program_options+=("$1")
}

parse()
{
	[ $# -ge 1 ] || die "hold or run?"
	action=$1
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		--with) parts+=(${2//,/ }) && shift ;;
		--only) parts=(${2//,/ }) && shift ;;
		--set) set_option "$2" && shift ;;
		--dovecot) dovecot_options+=("$2") && shift ;;
		--postgres) postgres_options+=(-c "$2") && shift ;;
		--mail) sample=yes ;;
		--trust-proxy) trust=yes ;;
		--)
			shift
			command=("$@")
			return
			;;
		*) die "unknown argument '$1'" ;;
		esac
		shift
	done
}

# A row of seven ports that nobody has; the lock keeps other stacks away, and
# 15000-32000 is below what the kernel gives to outgoing connections.
choose_ports()
{
	local tries name
	for ((tries = 0; tries < 200; tries++)); do
		local base=$((15000 + RANDOM % 1700 * 10))
		exec 8>"/tmp/.letterrack-ports-$base"
		flock -n 8 || continue
		instance_init "$state" "$run" "$base"
		for name in "${!port[@]}"; do
			! listening "${port[$name]}" || continue 2
		done
		return
	done
	die "no free ports"
}

wanted()
{
	[[ " ${parts[*]} " = *" $1 "* ]] && part_exists "$1"
}

start_wanted()
{
	local part
	for part in "$@"; do
		! wanted "$part" || part_start "$part"
	done
	for part in "$@"; do
		! wanted "$part" || part_wait "$part"
	done
}

# The cluster with roles and schema is made once a build and then copied. It is
# the build's, so a new letterrackctl (which holds the migrations) makes a new one.
template=
template_find()
{
	local ctl
	ctl=$(program letterrackctl) || return 0
	template=${prefix%/root}/pg-template-$(cksum <"$ctl" | tr -d " ")
	[ ! -d "$template" ] ||
	    cp -a --reflink=auto "$template" "$state/pg/data"
}

template_keep()
{
	[ -n "$template" ] && [ ! -d "$template" ] || return 0
	part_stop postgres
	rm -rf "${prefix%/root}"/pg-template-*
	cp -a "$state/pg/data" "$state/template"
	mv -T "$state/template" "$template" 2>/dev/null || :
	part_start postgres && part_wait postgres
}

database()
{
	if [ -d "$template" ]; then
		return
	fi
	postgres_roles
	program_schema >&2
	template_keep
}

bring_up()
{
	local part
	instance_dirs
	instance_guard remove
	instance_ca
	METRICS_TOKEN=metrics-for-tests
	program_config
	[ -z "$trust" ] || printf '%s\n' 'set_real_ip_from 127.0.0.0/8;' \
	    'real_ip_header X-Forwarded-For;' >"$etc/proxies.conf"
	! wanted postgres || template_find
	start_wanted postgres dovecot postfix
	! wanted postgres || database
	. "$instance_top/script/demo-data" >&2
	start_wanted serve sync deliver watch smtpd
	start_wanted nginx
}

describe()
{
	local rows=(
		url "http://127.0.0.1:${port[main]}"
		review_url "http://127.0.0.1:${port[review]}"
		auth_host auth.localhost
		smtpd_port "${port[smtpd]}" imap_port "${port[imap]}"
		imaps_port "${port[imaps]}" lmtp_port "${port[lmtp]}"
		submission_port "${port[submission]}"
		ca "$state/ca/ca.pem" conf "$etc/letterrack.conf"
		prefix "$prefix" state "$state" run "$run" logs "$log"
		user "$instance_user" metrics_token "$METRICS_TOKEN"
		webcron_token "$WEBCRON_SECRET_TOKEN"
		database "$(postgres_dsn letterrack)"
		database_auth "$(postgres_dsn letterrack_auth)"
		database_owner "$(postgres_dsn letterrack_owner)"
		database_super "$(postgres_dsn postgres)"
	)
	printf '{"mailboxes":["%s@letterrack.test"' "${instance_mailboxes[0]}"
	printf ',"%s@letterrack.test"' "${instance_mailboxes[@]:1}"
	printf ']'
	printf ',"%s":"%s"' "${rows[@]}"
	printf '}\n'
}

order()
{
	local verb=$1 part=${2:-} pid
	[[ " ${instance_parts[*]} " = *" $part "* ]] || return 1
	case $verb in
	start) part_start "$part" && part_wait "$part" ;;
	stop) part_stop "$part" ;;
	kill) pid=$(part_pid "$part") && kill -KILL "$pid" &&
	    part_stop "$part" ;;
	signal) pid=$(part_pid "$part") && kill -"$3" "$pid" ;;
	*) return 1 ;;
	esac >&2
}

hold()
{
	local line
	describe
	while read -r line; do
		if order $line; then
			echo '{"ok":true}'
		else
			echo '{"ok":false}'
		fi
	done
}

run_command()
{
	LETTERRACK_STACK=$(describe) "${command[@]}" 7>&- 8>&-
}

parse "$@"
# Its own psql, not the distribution's wrapper: tests call it often.
PATH=$(postgres_bin):$PATH
instance_need_root
instance_make_user
state=$(mktemp -d /tmp/lr.XXXXXX)
chmod 755 "$state"
run=$state/run
choose_ports
trap 'exit 143' INT TERM HUP
bring_up
rc=0
case $action in
hold) hold ;;
run) run_command || rc=$? ;;
*) die "unknown action '$action'" ;;
esac
# The guard does the rest; to have waited for it is to have ended.
exec 7>&-
wait "$guard_PID" 2>/dev/null || :
exit $rc
