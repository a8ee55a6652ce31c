# tests/lib: what tests share. A unit test links $(check_libs) in front of the
# libraries it tests.

if HAVE_CHECK
check_LIBRARIES += libunit.a
libunit_a_CPPFLAGS = $(check_cppflags)
libunit_a_SOURCES = %D%/unit.c %D%/unit.h
endif

check_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(CHECK_CFLAGS)
check_libs = libunit.a $(CHECK_LIBS)

# IMAP responses as text.
imap_show = %D%/imap-show.c %D%/imap-show.h

# Houses to throw away, and what the tests in JavaScript share.
EXTRA_DIST += \
	%D%/altered.mjs \
	%D%/api.mjs \
	%D%/browser.mjs \
	%D%/capabilities.mjs \
	%D%/ctl.mjs \
	%D%/each.mjs \
	%D%/effects.mjs \
	%D%/issuer.mjs \
	%D%/ledger.mjs \
	%D%/machine.mjs \
	%D%/mail.mjs \
	%D%/matrix.mjs \
	%D%/mutants.mjs \
	%D%/oauth.mjs \
	%D%/openapi.mjs \
	%D%/outbox.mjs \
	%D%/people.mjs \
	%D%/questions.mjs \
	%D%/receiver.mjs \
	%D%/psql.mjs \
	%D%/recount.mjs \
	%D%/reporter.mjs \
	%D%/requests.mjs \
	%D%/rounds.mjs \
	%D%/shop.mjs \
	%D%/imap-stand-in.mjs \
	%D%/smtp-stand-in.mjs \
	%D%/smtp.mjs \
	%D%/sql.mjs \
	%D%/stack.mjs \
	%D%/stack.sh \
	%D%/stripe-stand-in.mjs \
	%D%/tenants.mjs \
	%D%/token-giver.mjs \
	%D%/tokens.mjs \
	%D%/totp.mjs \
	%D%/unmissed.mjs \
	tests/package.json tests/package-lock.json tests/.npmrc
