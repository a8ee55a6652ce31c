# fuzz-<name>.c beside the parser it feeds; built with --enable-fuzzers.

if FUZZERS
fuzz_cppflags = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer

noinst_PROGRAMS += %D%/fuzz-jws
%C%_fuzz_jws_CPPFLAGS = $(fuzz_cppflags)
%C%_fuzz_jws_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_jws_LDADD = $(core_libs)
endif
