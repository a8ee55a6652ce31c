# script: what a newcomer runs.

EXTRA_DIST += .ci/run tests/server/server.slow.test \
	%D%/bootstrap %D%/server %D%/test %D%/bench %D%/prove %D%/demo-data \
	%D%/lib/instance.sh %D%/lib/build.sh %D%/lib/node.sh %D%/lib/guard %D%/lib/timed \
	%D%/lib/dovecot.conf.in %D%/lib/main.cf.in %D%/lib/master.cf.in \
	%D%/lib/refuse.regexp
