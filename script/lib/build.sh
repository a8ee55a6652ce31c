# Building and installing into a private prefix; source after instance.sh.

build_step()
{
	local name=$1
	shift
	"$@" >>"$build_log" 2>&1 && return
	say "$name failed; the end of $build_log:"
	tail -n 30 "$build_log" >&2
	return 1
}

# build_configure DIR PREFIX [configure's arguments]: only when never done;
# make itself follows changes of configure.ac from then on.
build_configure()
{
	local dir=$1 to=$2
	shift 2
	if [ ! -x "$instance_top/configure" ]; then
		(cd "$instance_top" &&
			build_step autoreconf autoreconf -fi) || return 1
	fi
	[ -f "$dir/config.status" ] && [ -f "$dir/Makefile" ] && return
	mkdir -p "$dir"
	(cd "$dir" && build_step configure "$instance_top/configure" \
	    --prefix="$to" --sysconfdir="$to/etc" "$@")
}

# build_product DIR: builds there and installs into DIR/root, which becomes
# $prefix. One build of a directory at a time.
build_product()
{
	local dir=$1
	shift
	prefix=$dir/root
	mkdir -p "$dir"
	build_log=$dir/build.log
	(
		flock 8
		: >"$build_log"
		build_configure "$dir" "$prefix" "$@" &&
		    build_step make make -C "$dir" -j"$(nproc)" &&
		    build_step "make install" make -C "$dir" install
	) 8>"$dir/.lock"
}

# build_elsewhere SCRIPT ARGS…: the servers of a stack run as another user.
# Where that user or make cannot come, SCRIPT runs in a copy where they can.
build_elsewhere()
{
	local script=$1 copy status=0
	shift
	instance_reachable "$instance_top" && instance_plain "$instance_top" &&
	    return
	copy=$(mktemp -d /var/tmp/letterrack.XXXXXX)
	chmod 755 "$copy"
	trap 'rm -rf "$copy"' EXIT
	echo "Working in a copy in $copy, since $instance_user or make cannot use" \
	    "$instance_top"
	tar -C "$instance_top" --exclude=./build --exclude=./var \
	    --exclude=./.git -cf - . | tar -C "$copy" --no-same-owner -xf -
	"$copy/$script" "$@" || status=$?
	exit "$status"
}
