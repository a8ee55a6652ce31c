# Node for what tests and benches ask of it; source after instance.sh.

# Debian 12 has Node 18; some of what the tests use wants 20.
node_find()
{
	local own=$instance_top/tests/node_modules/.node/node_modules/node/bin/node
	if [ -x "$own" ]; then
		echo "$own"
	else
		command -v node
	fi
}

# The packages of tests/package-lock.json, once a version of it.
node_install()
(
	cd "$instance_top/tests" || return 1
	if ! cmp -s package-lock.json node_modules/.installed; then
		npm ci --no-audit --no-fund || return 1
		cp package-lock.json node_modules/.installed
	fi
	[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] ||
	    [ -x "$(node_find | grep node_modules)" ] ||
	    npm install --no-save --prefix node_modules/.node node@20
)
