# tests/web: see tests/core/local.mk for the pattern.

if HAVE_CHECK
web_check_cppflags = $(check_cppflags) $(JSONC_CFLAGS)
web_check_libs = $(check_libs) $(web_libs)

web_tests = \
	%D%/test-body \
	%D%/test-guard \
	%D%/test-listen \
	%D%/test-reply \
	%D%/test-route
check_PROGRAMS += $(web_tests)
TESTS += $(web_tests)

%C%_test_body_SOURCES = %D%/test-body.c %D%/ask.c %D%/ask.h
%C%_test_body_CPPFLAGS = $(web_check_cppflags)
%C%_test_body_LDADD = $(web_check_libs)
%C%_test_guard_CPPFLAGS = $(web_check_cppflags)
%C%_test_guard_LDADD = $(web_check_libs)
%C%_test_listen_CPPFLAGS = $(web_check_cppflags)
%C%_test_listen_LDADD = $(web_check_libs)
%C%_test_reply_SOURCES = %D%/test-reply.c %D%/ask.c %D%/ask.h
%C%_test_reply_CPPFLAGS = $(web_check_cppflags)
%C%_test_reply_LDADD = $(web_check_libs)
%C%_test_route_CPPFLAGS = $(web_check_cppflags)
%C%_test_route_LDADD = $(web_check_libs)
endif
