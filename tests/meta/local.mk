# tests/meta: see tests/core/local.mk for the pattern.

EXTRA_DIST += \
	%D%/dist.test \
	%D%/layers.test \
	%D%/nginx-map.test \
	%D%/packaging.test \
	%D%/plans.test.mjs \
	%D%/routes.test.mjs %D%/endpoints.tsv \
	%D%/turns.test.mjs \
	%D%/walls.test.mjs \
	%D%/words.test

if HAVE_CHECK
check_PROGRAMS += %D%/test-statements
TESTS += %D%/test-statements
%C%_test_statements_SOURCES = %D%/test-statements.c
%C%_test_statements_CPPFLAGS = $(db_check_cppflags)
%C%_test_statements_LDADD = libthing.a $(check_libs) $(domain_libs)
endif
