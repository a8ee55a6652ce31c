#!/bin/sh
# A throw-away Dovecot for tests: IMAP on a port of 127.0.0.1, gone after.
#
#   dovecot.sh start DIR PORT [SETTING…]   DIR: short, not there yet
#   dovecot.sh stop DIR          keeps the mail
#   dovecot.sh again DIR         starts what was stopped
#   dovecot.sh remove DIR        stops and deletes
#
# Any user name is let in with the password "secret" and has an empty mailbox
# of its own. SETTING is a line of dovecot.conf, such as
# "imap_capability = IMAP4rev1 IDLE". Exit status 3: the port is taken.
set -eu

fail()
{
	echo "dovecot.sh: $*" >&2
	exit 1
}

daemon=$(command -v dovecot || echo /usr/sbin/dovecot)
[ -x "$daemon" ] || fail "no Dovecot (dovecot-imapd)"

# One user for all of it; root lends one that exists everywhere.
if [ "$(id -u)" = 0 ]; then
	owner=nobody
	as() { setpriv --reuid="$owner" --regid="$(id -g "$owner")" --clear-groups -- "$@"; }
else
	owner=$(id -un)
	as() { "$@"; }
fi
group=$(id -gn "$owner")

settings()
{
	cat <<-EOF
		base_dir = $1/run
		state_dir = $1/run
		log_path = $1/log
		listen = 127.0.0.1
		protocols = imap
		ssl = no
		disable_plaintext_auth = no
		auth_mechanisms = plain login
		auth_failure_delay = 0
		auth_cache_size = 0
		default_internal_user = $owner
		default_internal_group = $group
		default_login_user = $owner
		first_valid_uid = 1
		first_valid_gid = 1
		mail_fsync = never
		mail_max_userip_connections = 500
		passdb {
			driver = static
			args = password=secret
		}
		userdb {
			driver = static
			args = uid=$owner gid=$group home=$1/mail/%u
		}
		mail_location = maildir:~/Maildir
		namespace inbox {
			inbox = yes
			separator = /
			mailbox Sent {
				special_use = \\Sent
				auto = create
			}
			mailbox Trash {
				special_use = \\Trash
				auto = create
			}
		}
		service imap-login {
			chroot =
			inet_listener imap {
				port = $2
			}
			inet_listener imaps {
				port = 0
			}
		}
		service imap {
			process_limit = 200
		}
		service anvil {
			chroot =
			unix_listener anvil-auth-penalty {
				mode = 0
			}
		}
		service stats {
			chroot =
		}
		service auth {
			unix_listener auth-userdb {
				mode = 0
			}
		}
	EOF
}


wait_for()
{
	i=0
	until [ -S "$1/run/login/imap" ] || [ -S "$1/run/imap-master" ]; do
		i=$((i + 1))
		[ $i -lt 250 ] || fail "it did not come up: $(tail -n 5 "$1/log")"
		sleep 0.02
	done
}

run()
{
	rm -f "$1/run/master.pid" "$1/run/imap-master" "$1/run/login/imap"
	as "$daemon" -c "$1/dovecot.conf" 2>"$1/start.log" || {
		cat "$1/start.log" >&2
		grep -q 'already in use' "$1/start.log" "$1/log" && exit 3
		exit 1
	}
	wait_for "$1"
}

stop()
{
	pid=$(cat "$1/run/master.pid" 2>/dev/null) || return 0
	kill "$pid" 2>/dev/null || return 0
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.02
	done
}

verb=${1:-} dir=${2:-}
[ -n "$dir" ] || fail "usage: dovecot.sh start|stop|again|remove DIR …"
case $verb in
start)
	port=$3
	shift 3
	mkdir "$dir" && mkdir "$dir/mail" "$dir/run" || exit 1
	[ "$(id -u)" != 0 ] || chown -R "$owner:$group" "$dir"
	settings "$dir" "$port" >"$dir/dovecot.conf"
	for line; do
		printf '%s\n' "$line" >>"$dir/dovecot.conf"
	done
	run "$dir"
	;;
stop) stop "$dir" ;;
again) run "$dir" ;;
remove)
	stop "$dir"
	rm -rf "$dir"
	;;
*) fail "no verb $verb" ;;
esac
