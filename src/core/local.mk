# core: what every program needs; knows no protocol and no database.

noinst_LIBRARIES += libcore.a
libcore_a_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS) \
	$(JSONC_CFLAGS) $(CRYPT_CFLAGS)
libcore_a_SOURCES = \
	%D%/arena.c %D%/arena.h \
	%D%/buffer.c %D%/buffer.h \
	%D%/clock.c %D%/clock.h \
	%D%/conf.c %D%/conf.h \
	%D%/effect.c %D%/effect.h \
	%D%/envelope.c %D%/envelope.h \
	%D%/external.c %D%/external.h \
	%D%/failpoint.c %D%/failpoint.h \
	%D%/json.h %D%/json-scan.c %D%/json-write.c \
	%D%/json-tree.c %D%/json-tree.h \
	%D%/jwk.c %D%/jwk.h \
	%D%/jws.c %D%/jws.h \
	%D%/fold.c %D%/fold.h \
	%D%/key-file.c %D%/key-file.h \
	%D%/log.c %D%/log.h \
	%D%/loop.c %D%/loop.h \
	%D%/password.c %D%/password.h \
	%D%/pattern.c %D%/pattern.h \
	%D%/pattern-tree.c %D%/pattern-tree.h \
	%D%/process.c %D%/process.h \
	%D%/rate.c %D%/rate.h \
	%D%/result.c %D%/result.h \
	%D%/secret.c %D%/secret.h \
	%D%/text.c %D%/text-code.c %D%/text.h \
	%D%/timers.c %D%/timers.h \
	%D%/token-key.c %D%/token-key.h \
	%D%/token.c %D%/token.h \
	%D%/totp.c %D%/totp.h

core_libs = libcore.a $(JSONC_LIBS) $(CRYPTO_LIBS) $(CRYPT_LIBS)

# The list of words, sorted for password.c.
EXTRA_DIST += %D%/common-passwords.txt %D%/common-passwords.awk
BUILT_SOURCES += %D%/common-passwords.h
CLEANFILES += %D%/common-passwords.h
%D%/common-passwords.h: %D%/common-passwords.txt %D%/common-passwords.awk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && LC_ALL=C $(AWK) \
	    -f $(srcdir)/%D%/common-passwords.awk \
	    $(srcdir)/%D%/common-passwords.txt >$@.tmp && mv $@.tmp $@

# Where things are installed. A file, not flags: what holds it is compiled again
# when another --prefix is configured, and nothing is when it is the same.
BUILT_SOURCES += %D%/places.h
CLEANFILES += %D%/places.h %D%/places.stamp
%D%/places.h: %D%/places.stamp ; @:
%D%/places.stamp: Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && { \
	echo '/* Made by make; not to be edited. */'; \
	echo '#define BINDIR "$(bindir)"'; \
	echo '#define LIBEXECDIR "$(libexecdir)/letterrack"'; \
	echo '#define SYSCONFDIR "$(sysconfdir)/letterrack"'; } >$@ && \
	{ cmp -s $@ $(@D)/places.h || cp $@ $(@D)/places.h; }
