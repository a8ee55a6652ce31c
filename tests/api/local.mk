# tests/api: the API through nginx, by Node's test runner (script/test api).

EXTRA_DIST += \
	%D%/guard.test.mjs \
	%D%/http.test.mjs \
	%D%/nginx.test.mjs \
	%D%/serve.test.mjs \
	%D%/zz-openapi.test.mjs
