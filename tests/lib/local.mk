# tests/lib: what tests share. check_libs is what a unit test links besides
# the library it tests.

check_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests $(CHECK_CFLAGS)
check_libs = $(CHECK_LIBS)
