# An instance: one private house of PostgreSQL, Dovecot, Postfix, our programs
# and nginx, all on loopback. script/server and the tests' stacks are made of
# it. Source it; every function starts with instance_ or part_.
#
# Layout below $state:  etc/ log/ pid/ pg/ mail/ ca/ keys/ data/ nginx/ postfix/
# Sockets are in $run, whose path is short (sun_path holds 107 bytes).
#
# Every part runs in the foreground as a child of the shell that started it; a
# guard ends them should that shell be killed. pid/<part> holds "pid start-time", so that a number used again by a stranger
# is never taken for ours.

instance_user=letterrack
instance_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
instance_parts=(postgres dovecot postfix serve sync deliver watch smtpd
	nginx)

say()
{
	echo "$*" >&2
}

die()
{
	say "${0##*/}: $*"
	exit 1
}

# until_true SECONDS COMMAND…: asks every 30 ms; false when time is up.
until_true()
{
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/[.,]/}" -lt "$end" ] || return 1
		sleep 0.03
	done
}

listening()
{
	(: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# --- who and where -------------------------------------------------------

instance_need_root()
{
	[ "$(id -u)" = 0 ] || die "run as root: the servers are started as" \
	    "the user $instance_user, and Postfix wants root"
}

# Neither configure nor make takes a path with blanks or quotes in it.
instance_plain()
{
	[[ $1 != *[!A-Za-z0-9_./+,@=~-]* ]]
}

instance_make_user()
{
	getent passwd "$instance_user" >/dev/null && return
	useradd --system --user-group --home-dir /nonexistent \
	    --no-create-home --shell /usr/sbin/nologin "$instance_user" ||
	    die "the system user $instance_user cannot be made"
}

as_user()
{
	setpriv --reuid="$instance_user" --regid="$instance_user" \
	    --init-groups -- "$@"
}

# Can the service user read this directory and all above it?
instance_reachable()
{
	as_user test -r "$1" -a -x "$1"
}

# instance_init STATE RUN FIRST-PORT: the default instance keeps the ports of
# the contract, any other has them in a row.
instance_init()
{
	state=$1 run=$2
	etc=$state/etc log=$state/log
	local base=$3 i=0 name
	declare -gA port=([main]=8080 [review]=5001 [smtpd]=8587 [imap]=10143
		[imaps]=10993 [lmtp]=10024 [submission]=10587)
	[ "$base" != 8080 ] || return 0
	for name in main review smtpd imap imaps lmtp submission; do
		port[$name]=$((base + i++))
	done
}

# program NAME: where `make install` put one of ours, or nothing.
program()
{
	local dir
	for dir in bin sbin libexec/letterrack; do
		if [ -x "$prefix/$dir/$1" ]; then
			echo "$prefix/$dir/$1"
			return
		fi
	done
	return 1
}

postgres_bin()
{
	local dir newest=
	for dir in /usr/lib/postgresql/*/bin; do
		[ ! -x "$dir/initdb" ] || newest=$dir
	done
	[ -n "$newest" ] || die "PostgreSQL is not installed"
	echo "$newest"
}

# --- parts as processes ----------------------------------------------------

# The time a process started, in ticks since boot; fails for the dead and for
# zombies. The name in field 2 may hold blanks, so count from its ')'.
process_start()
{
	local line
	read -r line 2>/dev/null <"/proc/$1/stat" || return 1
	set -- ${line##*)}
	[ "$1" != Z ] && [ "$1" != X ] && echo "${20}"
}

part_pid()
{
	local pid start
	read -r pid start 2>/dev/null <"$state/pid/$1" || return 1
	[ "$(process_start "$pid")" = "$start" ] && echo "$pid"
}

part_alive()
{
	part_pid "$1" >/dev/null
}

# part_spawn PART USER COMMAND…: setsid keeps the terminal's Ctrl-C from the
# part, so that stopping keeps its order. The part notes its number before it is
# anything else, and holds the guard back meanwhile (fd 7): no kill of the
# starter leaves a part that nobody knows.
declare -A part_child
part_spawn()
{
	local part=$1 user=$2 who=() me
	shift 2
	[ "$user" = root ] ||
	    who=(setpriv --reuid="$user" --regid="$user" --init-groups --)
	(
		me=$BASHPID
		echo "$me $(process_start "$me")" >"$state/pid/$part"
		exec setsid "${who[@]}" "$@" 3>&- 7>&- 8>&- 9>&-
	) </dev/null >>"$log/$part.log" 2>&1 &
	part_child[$part]=$!
}

# A part is ready when its test says so; one that died is not waited for.
part_ready()
{
	local part=$1
	shift
	part_ready_or_dead()
	{
		"$@" || ! process_start "${part_child[$part]}" >/dev/null
	}
	until_true 30 part_ready_or_dead "$@" && part_alive "$part" && return
	say "$part did not come up; the end of $log/$part.log:"
	tail -n 15 "$log/$part.log" >&2
	return 1
}

declare -A part_signal=([postgres]=INT [dovecot]=TERM [postfix]=TERM
	[serve]=TERM [sync]=TERM [deliver]=TERM [watch]=TERM [smtpd]=TERM
	[nginx]=TERM)

part_gone()
{
	[ "$(process_start "$1")" != "$2" ]
}

# Asks, waits ten seconds, insists. Fine with a part that is not there.
part_stop()
{
	local pid start
	if read -r pid start 2>/dev/null <"$state/pid/$1" &&
	    [ -n "$start" ] && ! part_gone "$pid" "$start"; then
		kill -"${part_signal[$1]}" "$pid" 2>/dev/null || :
		# What bash starts behind "&" ignores INT until it has handlers
		# of its own: one that had just begun is asked once more.
		[ "${part_signal[$1]}" != INT ] ||
		    until_true 1 part_gone "$pid" "$start" ||
		    kill -INT "$pid" 2>/dev/null || :
		until_true 10 part_gone "$pid" "$start" || {
			say "$1 did not end in 10 s and is killed"
			kill -KILL "$pid" 2>/dev/null || :
			until_true 5 part_gone "$pid" "$start"
		}
	fi
	rm -f "$state/pid/$1"
}

# From here on the instance does not outlive this shell; `remove`: nor do its
# files.
instance_guard()
{
	coproc guard {
		exec setsid "$instance_top/script/lib/guard" "$state" \
		    "$run" "$@" >>"$log/guard.log" 2>&1 3>&-
	}
	exec 7>&"${guard[1]}" {guard[1]}>&-
}

# --- files -------------------------------------------------------------------

# render TEMPLATE TARGET: @name@ becomes the value of what is listed here.
render()
{
	local script= name
	local -A value=(
		[state]=$state [run]=$run [run_dir]=$run/fcgi [etc]=$etc
		[log]=$log [nginx_dir]=$instance_top/nginx
		[user]=$instance_user
	)
	for name in "${!port[@]}"; do
		value[port_$name]=${port[$name]}
	done
	for name in "${!value[@]}"; do
		script+="s|@$name@|${value[$name]//[&|\\]/\\&}|g;"
	done
	sed "$script" "$1" >"$2"
}

instance_dirs()
{
	local dir
	install -d "$state" "$etc" "$state/pid" "$state/nginx"
	for dir in log mail data data/cache nginx; do
		install -d -o "$instance_user" -g "$instance_user" \
		    "$state/$dir"
	done
	install -d -m 700 -o "$instance_user" -g "$instance_user" \
	    "$state/pg" "$state/keys"
	install -d -o "$instance_user" -g "$instance_user" -m 711 "$run"
	for dir in pg fcgi dovecot; do
		install -d -m 700 -o "$instance_user" -g "$instance_user" \
		    "$run/$dir"
	done
}

# An authority of our own and the mail servers' certificate.
instance_ca()
{
	[ -s "$state/ca/mail.pem" ] && return
	local ca=$state/ca.new
	rm -rf "$ca"
	install -d "$ca"
	(
		cd "$ca"
		local new=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
		openssl req -x509 "${new[@]}" -days 3650 -keyout ca.key \
		    -out ca.pem -subj "/CN=Letterrack demo authority" \
		    -addext basicConstraints=critical,CA:TRUE,pathlen:0 \
		    -addext keyUsage=critical,keyCertSign,cRLSign
		openssl req "${new[@]}" -keyout mail.key -out mail.csr \
		    -subj "/CN=mail.letterrack.test"
		printf '%s\n' \
		    'basicConstraints=critical,CA:FALSE' \
		    'keyUsage=critical,digitalSignature' \
		    'extendedKeyUsage=serverAuth' \
		    'subjectAltName=DNS:localhost,DNS:mail.letterrack.test,IP:127.0.0.1' \
		    >mail.ext
		openssl x509 -req -in mail.csr -CA ca.pem -CAkey ca.key \
		    -CAcreateserial -days 3650 -extfile mail.ext -out mail.pem
	) >"$log/ca.log" 2>&1 || die "no certificate was made: see $log/ca.log"
	chown "$instance_user" "$ca/mail.key"
	rm -rf "$state/ca"
	mv "$ca" "$state/ca"
}

# --- postgres ------------------------------------------------------------------

postgres_dsn()
{
	echo "host=$run/pg dbname=letterrack user=$1"
}

postgres_sql()
{
	as_user "$(postgres_bin)/psql" -X -q -v ON_ERROR_STOP=1 \
	    -d "$(postgres_dsn postgres)" "$@"
}

# initdb works in a directory of its own that gets its name when whole, so
# that a kill in the middle leaves nothing half made.
postgres_make()
{
	[ ! -s "$state/pg/data/PG_VERSION" ] || return 0
	rm -rf "$state/pg/new"
	as_user "$(postgres_bin)/initdb" -D "$state/pg/new" -U postgres \
	    -A trust -E UTF8 --lc-collate=C --lc-ctype=C.UTF-8 --no-sync \
	    "${initdb_options[@]}" \
	    >"$log/initdb.log" 2>&1 ||
	    die "initdb failed: $(tail -n 2 "$log/initdb.log")"
	mv "$state/pg/new" "$state/pg/data"
}

postgres_answers()
{
	"$(postgres_bin)/pg_isready" -q -h "$run/pg" \
	    -U postgres -d postgres
}

part_start_postgres()
{
	postgres_make
	part_spawn postgres "$instance_user" "$(postgres_bin)/postgres" \
	    -D "$state/pg/data" -c listen_addresses= \
	    -c unix_socket_directories="$run/pg" \
	    -c unix_socket_permissions=0700 -c jit=off \
	    -c log_timezone=UTC -c timezone=UTC "${postgres_options[@]}"
}
postgres_options=()
initdb_options=()

# The owner has the schema; the programs' and the door's role own nothing.
postgres_roles()
{
	postgres_sql -d "host=$run/pg dbname=postgres user=postgres" <<-'SQL'
		SELECT 'CREATE ROLE letterrack_owner LOGIN'
		WHERE to_regrole('letterrack_owner') IS NULL \gexec
		SELECT 'CREATE ROLE letterrack LOGIN'
		WHERE to_regrole('letterrack') IS NULL \gexec
		SELECT 'CREATE ROLE letterrack_auth LOGIN'
		WHERE to_regrole('letterrack_auth') IS NULL \gexec
		SELECT 'CREATE DATABASE letterrack OWNER letterrack_owner'
		WHERE NOT EXISTS (SELECT FROM pg_database
		    WHERE datname = 'letterrack') \gexec
	SQL
}

postgres_forget()
{
	postgres_sql -d "host=$run/pg dbname=postgres user=postgres" \
	    -c "DROP DATABASE IF EXISTS letterrack WITH (FORCE)" 2>>"$log/postgres.log"
}

# --- dovecot and postfix -------------------------------------------------------

instance_mailboxes=(support sales review anna outside)

dovecot_options=()
dovecot_config()
{
	local name
	render "$instance_top/script/lib/dovecot.conf.in" "$etc/dovecot.conf"
	printf '%s\n' "${dovecot_options[@]}" >>"$etc/dovecot.conf"
	for name in "${instance_mailboxes[@]}"; do
		echo "$name@letterrack.test:{PLAIN}letterrack::::::"
	done >"$etc/mailboxes"
	# Postfix asks here who may send, and reaches nothing else of it.
	install -d -m 750 -o "$instance_user" -g postfix "$run/sasl"
}

part_start_dovecot()
{
	dovecot_config
	part_spawn dovecot "$instance_user" \
	    dovecot -F -c "$etc/dovecot.conf"
}

postfix_config()
{
	local dir=$etc/postfix name
	local queue=$state/postfix/queue
	install -d "$dir" "$state/postfix" "$queue" "$queue/pid"
	install -d -m 700 -o postfix "$state/postfix/data"
	for name in active bounce corrupt defer deferred flush hold incoming \
	    private saved trace; do
		install -d -m 700 -o postfix "$queue/$name"
	done
	install -d -m 1730 -o postfix -g postdrop "$queue/maildrop"
	install -d -m 2710 -o postfix -g postdrop "$queue/public"
	render "$instance_top/script/lib/main.cf.in" "$dir/main.cf"
	render "$instance_top/script/lib/master.cf.in" "$dir/master.cf"
	cp "$instance_top/script/lib/refuse.regexp" "$dir/refuse"
	echo '!/@letterrack\.test$/ outside@letterrack.test' >"$dir/outside"
	for name in "${instance_mailboxes[@]}"; do
		echo "/^$name(\\+.*)?@letterrack\\.test\$/ $name"
	done >"$dir/mailboxes"
	# Taken, and then unknown to Dovecot: Postfix has to send a report.
	echo '/^later-5xx@letterrack\.test$/ later-5xx' >>"$dir/mailboxes"
	# A file written this second is read again and again until it is not.
	touch -d 2020-01-01 "$dir"/*
}

part_start_postfix()
{
	postfix_config >>"$log/postfix.log" 2>&1
	part_spawn postfix root \
	    "$(postconf -hd daemon_directory)/master" -c "$etc/postfix" -d
}

# --- our programs and nginx ----------------------------------------------------

program_config()
{
	(umask 077 && echo letterrack >"$etc/system-smtp.password")
	chown "$instance_user" "$etc/system-smtp.password"
	cat >"$etc/letterrack.conf.new" <<-CONF
		database = "$(postgres_dsn letterrack)"
		database_auth = "$(postgres_dsn letterrack_auth)"
		database_owner = "$(postgres_dsn letterrack_owner)"
		base_url = "http://127.0.0.1:${port[main]}"
		audiences = "http://127.0.0.1:${port[main]} https://api.inbox-manager.com"
		run_dir = $run/fcgi
		state_dir = $state/data
		key_dir = $state/keys
		socket_group = ""
		egress_allow = "127.0.0.0/8"
		ca_file = $state/ca/ca.pem
		metrics_token = "$METRICS_TOKEN"
		system_smtp_host = 127.0.0.1
		system_smtp_port = ${port[submission]}
		system_smtp_user = review@letterrack.test
		system_smtp_password_file = $etc/system-smtp.password
		system_from = "Letterrack <no-reply@letterrack.test>"
		smtp_listen = "127.0.0.1:${port[smtpd]}"
		smtp_name = mail.letterrack.test
		smtp_certificate = $state/ca/mail.pem
		smtp_certificate_key = $state/ca/mail.key
		$(printf '%s\n' "${program_options[@]}")
	CONF
	mv "$etc/letterrack.conf.new" "$etc/letterrack.conf"
}
program_options=()

# letterrackctl as the service user, with this instance's configuration.
ctl()
{
	as_user env LETTERRACK_CONF="$etc/letterrack.conf" \
	    "$(program letterrackctl)" "$@"
}

# The schema as this build wants it.
program_schema()
{
	! program letterrackctl >/dev/null || ctl migrate
}

part_spawn_program()
{
	local part=$1
	shift
	part_spawn "$part" "$instance_user" \
	    env LETTERRACK_CONF="$etc/letterrack.conf" "$@"
}

# A socket gets its name once it listens, so one of an earlier life must not
# stand in its place.
part_start_serve()
{
	rm -f "$run/fcgi"/*.sock
	part_spawn_program serve "$(program letterrackctl)" serve
}

part_start_sync()
{
	part_spawn_program sync "$(program letterrack-sync)" --stay
}

# A long sync holds up neither webhooks nor mail.
part_start_deliver()
{
	part_spawn_program deliver "$(program letterrack-sync)" --stay \
	    --only deliver --only send
}

part_start_watch()
{
	part_spawn_program watch "$(program letterrack-watch)"
}

part_start_smtpd()
{
	part_spawn_program smtpd "$(program letterrack-smtpd)"
}

nginx_config()
{
	awk -v present="$(echo $(ls "$prefix/libexec/letterrack"))" \
	    -f "$instance_top/nginx/upstreams.awk" \
	    "$instance_top/nginx/upstreams.conf.in" >"$etc/upstreams.conf.in"
	render "$etc/upstreams.conf.in" "$etc/upstreams.conf"
	render "$instance_top/nginx/demo.conf.in" "$etc/nginx.conf"
}

part_start_nginx()
{
	nginx_config
	part_spawn nginx "$instance_user" nginx -p "$state/nginx" \
	    -c "$etc/nginx.conf" -e "$log/nginx-error.log"
}

declare -A part_test=(
	[postgres]='postgres_answers'
	[dovecot]='listening ${port[imap]}'
	[postfix]='listening ${port[submission]}'
	[serve]='test -S $run/fcgi/system.sock'
	[sync]='part_alive sync'
	[deliver]='part_alive deliver'
	[watch]='part_alive watch'
	[smtpd]='listening ${port[smtpd]}'
	[nginx]='listening ${port[main]}'
)

part_start()
{
	part_start_"$1"
}

part_wait()
{
	local test
	eval "test=(${part_test[$1]})"
	part_ready "$1" "${test[@]}"
}

# Which parts this build can start.
part_exists()
{
	case $1 in
	serve) program letterrackctl >/dev/null ;;
	sync | deliver) program letterrack-sync >/dev/null ;;
	watch) program letterrack-watch >/dev/null ;;
	smtpd) program letterrack-smtpd >/dev/null ;;
	esac
}

# --- whole -----------------------------------------------------------------------

# Whatever an earlier life left behind, in the order that loses nothing.
instance_stop()
{
	local i
	for ((i = ${#instance_parts[@]} - 1; i >= 0; i--)); do
		part_stop "${instance_parts[i]}"
	done
	rm -rf "$run"
}

# The same where nobody will miss the state: all at once, without farewells (a
# Dovecot takes a second for them, and its processes follow their master).
instance_abandon()
{
	local part pid
	part_signal[postgres]=QUIT part_signal[dovecot]=KILL
	for part in "${instance_parts[@]}"; do
		! pid=$(part_pid "$part") ||
		    kill -"${part_signal[$part]}" "$pid" 2>/dev/null || :
	done
	instance_stop
}

instance_ports_free()
{
	local name
	for name in "$@"; do
		! listening "${port[$name]}" || die "port ${port[$name]}" \
		    "($name) is taken by another program; stop it, or choose" \
		    "other ports with --port-base"
	done
}
