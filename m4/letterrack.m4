# LR_PROBE(VARIABLE, FLAG, [OTHER FLAGS])
# Appends FLAG to VARIABLE where the compiler takes it without a word, both
# compiling and linking. -Werror, because clang merely warns of what it does
# not know.
AC_DEFUN([LR_PROBE],
[AS_VAR_PUSHDEF([lr_known], [lr_cv_flag_$2])dnl
AC_CACHE_CHECK([whether $CC takes $2], [lr_known],
    [lr_saved_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $3 $2"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>]], [[puts("");]])],
	[AS_VAR_SET([lr_known], [yes])], [AS_VAR_SET([lr_known], [no])])
    CFLAGS=$lr_saved_CFLAGS])
AS_VAR_IF([lr_known], [yes], [AS_VAR_APPEND([$1], [" $2"])])
AS_VAR_POPDEF([lr_known])dnl
])

AC_DEFUN([LR_OPTIONS],
[AC_ARG_ENABLE([werror],
    [AS_HELP_STRING([--enable-werror], [a warning stops the build (CI)])],
    [], [enable_werror=no])
AC_ARG_ENABLE([sanitizers],
    [AS_HELP_STRING([--enable-sanitizers],
	[address and undefined behaviour sanitizers])],
    [], [enable_sanitizers=no])
AC_ARG_ENABLE([fuzzers],
    [AS_HELP_STRING([--enable-fuzzers],
	[build fuzz/fuzz-* with libFuzzer (needs CC=clang)])],
    [], [enable_fuzzers=no])
AS_IF([test "$enable_fuzzers" != no], [enable_sanitizers=yes])
AM_CONDITIONAL([FUZZERS], [test "$enable_fuzzers" != no])
AM_CONDITIONAL([SANITIZERS], [test "$enable_sanitizers" != no])
])

# WARN_CFLAGS, HARDEN_CPPFLAGS, HARDEN_CFLAGS, HARDEN_LDFLAGS.
AC_DEFUN([LR_COMPILER_FLAGS],
[m4_foreach_w([flag], [-Wall -Wextra -Wformat=2 -Wconversion
    -Wimplicit-fallthrough -Wvla -Wnull-dereference -Wstringop-overflow=4
    -Wlogical-op -Wduplicated-cond -Wtrampolines -Wbidi-chars=any
    -Wstrict-prototypes -Wmissing-prototypes -Wshadow
    -Werror=format-security -Werror=implicit
    -Werror=incompatible-pointer-types -Werror=int-conversion],
    [LR_PROBE([WARN_CFLAGS], m4_defn([flag]), [-Wformat=2])
    ])
m4_foreach_w([flag], [-fstack-protector-strong -fstack-clash-protection
    -fcf-protection=full -fno-delete-null-pointer-checks -fno-strict-overflow
    -fno-strict-aliasing -fPIE],
    [LR_PROBE([HARDEN_CFLAGS], flag)
    ])
# clang 14 takes the first only together with the second.
LR_PROBE([HARDEN_CFLAGS], [-ftrivial-auto-var-init=zero])
AS_VAR_IF([lr_cv_flag__ftrivial_auto_var_init_zero], [yes], [],
    [LR_PROBE([HARDEN_CFLAGS], [-ftrivial-auto-var-init=zero -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang])])
m4_foreach_w([flag], [-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack
    -Wl,-z,nodlopen -Wl,-z,separate-code -Wl,--as-needed],
    [LR_PROBE([HARDEN_LDFLAGS], m4_defn([flag]), [-fPIE])
    ])
AS_IF([test "$enable_sanitizers" != no], [LR_SANITIZERS], [LR_FORTIFY])
AS_IF([test "$enable_werror" != no], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
AC_SUBST([WARN_CFLAGS])
AC_SUBST([HARDEN_CPPFLAGS])
AC_SUBST([HARDEN_CFLAGS])
AC_SUBST([HARDEN_LDFLAGS])
])

# Level 3 finds run-time-sized overflows that 2 misses. glibc warns of it
# without optimisation, and then the probe says no.
AC_DEFUN([LR_FORTIFY],
[LR_PROBE([HARDEN_CPPFLAGS], [-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3])])

# Instead of FORTIFY: its checked functions would hide the sanitizers' own.
AC_DEFUN([LR_SANITIZERS],
[LR_PROBE([lr_sanitize],
    [-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer])
AS_IF([test -z "$lr_sanitize"],
    [AC_MSG_ERROR([$CC has no address and undefined behaviour sanitizers])])
AS_IF([test "$enable_fuzzers" != no],
    [LR_PROBE([lr_sanitize], [-fsanitize=fuzzer-no-link])
    AS_CASE([$lr_sanitize], [*fuzzer*], [],
	[AC_MSG_ERROR([--enable-fuzzers needs CC=clang])])])
HARDEN_CPPFLAGS="-U_FORTIFY_SOURCE"
HARDEN_CFLAGS="$HARDEN_CFLAGS $lr_sanitize"
HARDEN_LDFLAGS="$HARDEN_LDFLAGS $lr_sanitize"
])
