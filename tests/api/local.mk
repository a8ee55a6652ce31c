# tests/api: the API through nginx, by Node's test runner (script/test api).

EXTRA_DIST += \
	%D%/accounts.test.mjs \
	%D%/audit.test.mjs \
	%D%/auth.test.mjs \
	%D%/canary.slow.test.mjs \
	%D%/cors.test.mjs \
	%D%/credentials.test.mjs \
	%D%/clients.test.mjs \
	%D%/content.test.mjs \
	%D%/content.slow.test.mjs \
	%D%/content-corpus.slow.test.mjs \
	%D%/ctl.test.mjs \
	%D%/emails.test.mjs \
	%D%/deliveries.test.mjs \
	%D%/events.test.mjs \
	%D%/factors.test.mjs \
	%D%/guard.test.mjs \
	%D%/housekeeping.test.mjs \
	%D%/http.test.mjs \
	%D%/input.slow.test.mjs \
	%D%/issuer.test.mjs \
	%D%/jobs.test.mjs \
	%D%/labels.test.mjs \
	%D%/limits.test.mjs \
	%D%/mailed.test.mjs \
	%D%/nginx.test.mjs \
	%D%/oauth.test.mjs \
	%D%/pages.slow.test.mjs \
	%D%/poll.test.mjs \
	%D%/queue.test.mjs \
	%D%/refresh.test.mjs \
	%D%/rules.test.mjs \
	%D%/reports.test.mjs \
	%D%/personal.test.mjs \
	%D%/replies.test.mjs \
	%D%/search.test.mjs \
	%D%/sending.test.mjs \
	%D%/serve.slow.test.mjs \
	%D%/sync.test.mjs \
	%D%/tasks.test.mjs \
	%D%/tenants.slow.test.mjs \
	%D%/threads.test.mjs \
	%D%/tokens.test.mjs \
	%D%/users.test.mjs \
	%D%/webhooks.test.mjs \
	%D%/zz-openapi.test.mjs
