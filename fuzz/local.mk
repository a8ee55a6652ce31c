# fuzz-<name>.c feeds the parser of that name and says what must hold besides
# not crashing. --enable-fuzzers CC=clang, then:
#
#	fuzz/fuzz-json -max_total_time=60 CORPUS ../shared/corpus/json

if FUZZERS
fuzz_cppflags = $(AM_CPPFLAGS) -I$(srcdir)/fuzz $(CRYPTO_CFLAGS) \
	$(JSONC_CFLAGS)
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer

noinst_PROGRAMS += %D%/fuzz-compose %D%/fuzz-conf %D%/fuzz-json %D%/fuzz-jws %D%/fuzz-mime \
	%D%/fuzz-date %D%/fuzz-imap %D%/fuzz-imap-deflate %D%/fuzz-mutf7 \
	%D%/fuzz-pattern %D%/fuzz-rfc2047 %D%/fuzz-search-query \
	%D%/fuzz-given %D%/fuzz-smtp-command %D%/fuzz-smtp-text \
	%D%/fuzz-stripe-signature
%C%_fuzz_given_CPPFLAGS = $(fuzz_cppflags)
%C%_fuzz_given_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_given_LDADD = $(domain_libs)
%C%_fuzz_smtp_command_CPPFLAGS = $(fuzz_cppflags)
%C%_fuzz_smtp_command_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_smtp_command_LDADD = $(mail_libs)
%C%_fuzz_smtp_text_CPPFLAGS = $(fuzz_cppflags)
%C%_fuzz_smtp_text_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_smtp_text_LDADD = $(mail_libs)
%C%_fuzz_compose_CPPFLAGS = $(fuzz_cppflags)
%C%_fuzz_compose_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_compose_LDADD = $(mail_libs)
%C%_fuzz_conf_CPPFLAGS = $(fuzz_cppflags)
%C%_fuzz_conf_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_conf_LDADD = $(core_libs)
%C%_fuzz_json_CPPFLAGS = $(fuzz_cppflags)
%C%_fuzz_json_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_json_LDADD = $(core_libs)
%C%_fuzz_jws_CPPFLAGS = $(fuzz_cppflags)
%C%_fuzz_jws_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_jws_LDADD = $(core_libs)
%C%_fuzz_mime_CPPFLAGS = $(fuzz_cppflags)
%C%_fuzz_mime_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_mime_LDADD = $(mail_libs)
%C%_fuzz_date_CPPFLAGS = $(fuzz_cppflags)
%C%_fuzz_date_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_date_LDADD = $(mail_libs)
%C%_fuzz_imap_SOURCES = %D%/fuzz-imap.c $(imap_show)
%C%_fuzz_imap_CPPFLAGS = $(fuzz_cppflags) -I$(srcdir)/tests
%C%_fuzz_imap_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_imap_LDADD = $(mail_libs)
%C%_fuzz_imap_deflate_CPPFLAGS = $(fuzz_cppflags)
%C%_fuzz_imap_deflate_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_imap_deflate_LDADD = $(mail_libs)
%C%_fuzz_mutf7_CPPFLAGS = $(fuzz_cppflags)
%C%_fuzz_mutf7_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_mutf7_LDADD = $(mail_libs)
%C%_fuzz_pattern_CPPFLAGS = $(fuzz_cppflags)
%C%_fuzz_pattern_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_pattern_LDADD = $(core_libs)
%C%_fuzz_rfc2047_CPPFLAGS = $(fuzz_cppflags)
%C%_fuzz_rfc2047_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_rfc2047_LDADD = $(mail_libs)
%C%_fuzz_search_query_CPPFLAGS = $(fuzz_cppflags) $(CURL_CFLAGS)
%C%_fuzz_search_query_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_search_query_LDADD = $(domain_libs)
%C%_fuzz_stripe_signature_CPPFLAGS = $(fuzz_cppflags) $(CURL_CFLAGS)
%C%_fuzz_stripe_signature_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_stripe_signature_LDADD = $(domain_libs)
endif
EXTRA_DIST += %D%/fuzz.h
