# tests/core: test-<name>.c stands for src/core/<name>.c.

if HAVE_CHECK
core_check_cppflags = $(check_cppflags) $(CRYPTO_CFLAGS)
core_check_libs = $(check_libs) $(core_libs)

core_tests = \
	%D%/test-arena \
	%D%/test-buffer \
	%D%/test-clock \
	%D%/test-conf \
	%D%/test-envelope \
	%D%/test-external \
	%D%/test-failpoint \
	%D%/test-json-corpus \
	%D%/test-json-scan \
	%D%/test-json-write \
	%D%/test-jwk \
	%D%/test-jws \
	%D%/test-log \
	%D%/test-password \
	%D%/test-pattern \
	%D%/test-rate \
	%D%/test-result \
	%D%/test-secret \
	%D%/test-text \
	%D%/test-text-code \
	%D%/test-timers \
	%D%/test-token \
	%D%/test-token-key \
	%D%/test-token-starved \
	%D%/test-totp
check_PROGRAMS += $(core_tests)
TESTS += $(core_tests)

%C%_test_arena_CPPFLAGS = $(core_check_cppflags)
%C%_test_arena_LDADD = $(core_check_libs)
%C%_test_buffer_CPPFLAGS = $(core_check_cppflags)
%C%_test_buffer_LDADD = $(core_check_libs)
%C%_test_clock_CPPFLAGS = $(core_check_cppflags)
%C%_test_clock_LDADD = $(core_check_libs)
%C%_test_conf_CPPFLAGS = $(core_check_cppflags)
%C%_test_conf_LDADD = $(core_check_libs)
%C%_test_envelope_CPPFLAGS = $(core_check_cppflags)
%C%_test_envelope_LDADD = $(core_check_libs)
%C%_test_external_CPPFLAGS = $(core_check_cppflags)
%C%_test_external_LDADD = $(core_check_libs)
%C%_test_failpoint_CPPFLAGS = $(core_check_cppflags)
%C%_test_failpoint_LDADD = $(core_check_libs)
%C%_test_json_corpus_CPPFLAGS = $(core_check_cppflags)
%C%_test_json_corpus_LDADD = $(core_check_libs)
%C%_test_json_scan_CPPFLAGS = $(core_check_cppflags)
%C%_test_json_scan_LDADD = $(core_check_libs)
%C%_test_json_write_CPPFLAGS = $(core_check_cppflags)
%C%_test_json_write_LDADD = $(core_check_libs)
%C%_test_jwk_CPPFLAGS = $(core_check_cppflags)
%C%_test_jwk_LDADD = $(core_check_libs)
%C%_test_jws_SOURCES = %D%/test-jws.c %D%/forge.c %D%/forge.h
%C%_test_jws_CPPFLAGS = $(core_check_cppflags)
%C%_test_jws_LDADD = $(core_check_libs)
%C%_test_log_CPPFLAGS = $(core_check_cppflags)
%C%_test_log_LDADD = $(core_check_libs)
%C%_test_password_CPPFLAGS = $(core_check_cppflags)
%C%_test_password_LDADD = $(core_check_libs)
%C%_test_pattern_CPPFLAGS = $(core_check_cppflags)
%C%_test_pattern_LDADD = $(core_check_libs)
%C%_test_rate_CPPFLAGS = $(core_check_cppflags)
%C%_test_rate_LDADD = $(core_check_libs)
%C%_test_result_CPPFLAGS = $(core_check_cppflags)
%C%_test_result_LDADD = $(core_check_libs)
%C%_test_secret_CPPFLAGS = $(core_check_cppflags)
%C%_test_secret_LDADD = $(core_check_libs)
%C%_test_text_CPPFLAGS = $(core_check_cppflags)
%C%_test_text_LDADD = $(core_check_libs)
%C%_test_text_code_CPPFLAGS = $(core_check_cppflags)
%C%_test_text_code_LDADD = $(core_check_libs)
%C%_test_timers_CPPFLAGS = $(core_check_cppflags)
%C%_test_timers_LDADD = $(core_check_libs)
%C%_test_token_SOURCES = %D%/test-token.c %D%/forge.c %D%/forge.h
%C%_test_token_CPPFLAGS = $(core_check_cppflags)
%C%_test_token_LDADD = $(core_check_libs)
%C%_test_token_key_CPPFLAGS = $(core_check_cppflags)
%C%_test_token_key_LDADD = $(core_check_libs)
%C%_test_token_starved_SOURCES = %D%/test-token-starved.c \
	%D%/forge.c %D%/forge.h
%C%_test_token_starved_CPPFLAGS = $(core_check_cppflags)
%C%_test_token_starved_LDADD = $(core_check_libs)
%C%_test_totp_CPPFLAGS = $(core_check_cppflags)
%C%_test_totp_LDADD = $(core_check_libs)
endif
