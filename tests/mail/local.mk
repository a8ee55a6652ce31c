# tests/mail: test-<name>.c stands for src/mail/<name>.c.

EXTRA_DIST += %D%/rows.h

if HAVE_CHECK
mail_tests = \
	%D%/test-address \
	%D%/test-compose \
	%D%/test-date \
	%D%/test-dsn \
	%D%/test-echo \
	%D%/test-edit \
	%D%/test-egress \
	%D%/test-header \
	%D%/test-html \
	%D%/test-imap-response \
	%D%/test-imap-set \
	%D%/test-mime \
	%D%/test-mime-corpus \
	%D%/test-mutf7 \
	%D%/test-parameter \
	%D%/test-people \
	%D%/test-rfc2047 \
	%D%/test-smtp \
	%D%/test-smtp-command \
	%D%/test-smtp-dots \
	%D%/test-smtp-kept \
	%D%/test-smtp-reply \
	%D%/test-smtp-text \
	%D%/test-threading \
	%D%/test-threading-oracle \
	%D%/test-transfer
check_PROGRAMS += $(mail_tests)
TESTS += $(mail_tests)
%C%_test_address_CPPFLAGS = $(check_cppflags)
%C%_test_address_LDADD = $(check_libs) $(mail_libs)
%C%_test_compose_CPPFLAGS = $(check_cppflags) $(GMIME_CFLAGS)
%C%_test_compose_LDADD = $(check_libs) $(mail_libs) $(GMIME_LIBS)
%C%_test_date_CPPFLAGS = $(check_cppflags)
%C%_test_date_LDADD = $(check_libs) $(mail_libs)
%C%_test_dsn_CPPFLAGS = $(check_cppflags)
%C%_test_dsn_LDADD = $(check_libs) $(mail_libs)
%C%_test_echo_CPPFLAGS = $(check_cppflags)
%C%_test_echo_LDADD = $(check_libs) $(mail_libs)
%C%_test_edit_CPPFLAGS = $(check_cppflags)
%C%_test_edit_LDADD = $(check_libs) $(mail_libs)
%C%_test_egress_CPPFLAGS = $(check_cppflags)
%C%_test_egress_LDADD = $(check_libs) $(mail_libs)
smtp_play = %D%/smtp-play.c %D%/smtp-play.h
%C%_test_smtp_SOURCES = %D%/test-smtp.c $(smtp_play)
%C%_test_smtp_CPPFLAGS = $(check_cppflags) $(CURL_CFLAGS)
%C%_test_smtp_LDADD = $(check_libs) $(mail_libs)
%C%_test_threading_CPPFLAGS = $(check_cppflags)
%C%_test_threading_LDADD = $(check_libs) $(mail_libs)
%C%_test_smtp_kept_SOURCES = %D%/test-smtp-kept.c $(smtp_play)
%C%_test_smtp_kept_CPPFLAGS = $(check_cppflags) $(CURL_CFLAGS)
%C%_test_smtp_kept_LDADD = $(check_libs) $(mail_libs)
%C%_test_threading_oracle_CPPFLAGS = $(check_cppflags)
%C%_test_threading_oracle_LDADD = $(check_libs) $(mail_libs)
%C%_test_smtp_dots_CPPFLAGS = $(check_cppflags)
%C%_test_smtp_dots_LDADD = $(check_libs) $(mail_libs)
%C%_test_smtp_reply_CPPFLAGS = $(check_cppflags)
%C%_test_smtp_reply_LDADD = $(check_libs) $(mail_libs)
%C%_test_imap_response_SOURCES = %D%/test-imap-response.c $(imap_show)
%C%_test_imap_response_CPPFLAGS = $(check_cppflags)
%C%_test_imap_response_LDADD = $(check_libs) $(mail_libs)
%C%_test_imap_set_CPPFLAGS = $(check_cppflags)
%C%_test_imap_set_LDADD = $(check_libs) $(mail_libs)
%C%_test_mutf7_CPPFLAGS = $(check_cppflags)
%C%_test_mutf7_LDADD = $(check_libs) $(mail_libs)
%C%_test_parameter_CPPFLAGS = $(check_cppflags)
%C%_test_parameter_LDADD = $(check_libs) $(mail_libs)
%C%_test_people_CPPFLAGS = $(check_cppflags)
%C%_test_people_LDADD = $(check_libs) $(mail_libs)
%C%_test_smtp_command_CPPFLAGS = $(check_cppflags)
%C%_test_smtp_command_LDADD = $(check_libs) $(mail_libs)
%C%_test_smtp_text_CPPFLAGS = $(check_cppflags)
%C%_test_smtp_text_LDADD = $(check_libs) $(mail_libs)
%C%_test_rfc2047_CPPFLAGS = $(check_cppflags)
%C%_test_rfc2047_LDADD = $(check_libs) $(mail_libs)
%C%_test_header_CPPFLAGS = $(check_cppflags)
%C%_test_header_LDADD = $(check_libs) $(mail_libs)
%C%_test_html_CPPFLAGS = $(check_cppflags)
%C%_test_html_LDADD = $(check_libs) $(mail_libs)
%C%_test_mime_CPPFLAGS = $(check_cppflags)
%C%_test_mime_LDADD = $(check_libs) $(mail_libs)
%C%_test_transfer_CPPFLAGS = $(check_cppflags)
%C%_test_transfer_LDADD = $(check_libs) $(mail_libs)
%C%_test_mime_corpus_CPPFLAGS = $(check_cppflags) $(GMIME_CFLAGS)
%C%_test_mime_corpus_LDADD = $(check_libs) $(mail_libs) $(GMIME_LIBS)
endif
