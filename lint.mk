# make lint, format, format-check, all from the top of the sources.
# LINT_FILES="src/core/log.c" narrows the first.

LINT_DIRS = src cgi-bin tests fuzz man
LINT_FILES = `find $(LINT_DIRS) -name node_modules -prune -o -name '*.c' -print | sort`
FORMAT_FILES = `find $(LINT_DIRS) -name node_modules -prune -o -name '*.[ch]' -print | sort`
LINT_CPPFLAGS = -std=gnu17 -DLINT -DTOP_SRCDIR='"."' $(DEFS) -D_GNU_SOURCE -I. -Isrc -Itests -I$(abs_builddir)/src \
	-I$(abs_builddir)/tests \
	-DLETTERRACK_SYNC='"/l/letterrack-sync"' \
	-DLETTERRACK_WATCH='"/l/letterrack-watch"' \
	$(CRYPTO_CFLAGS) $(PQ_CFLAGS) $(JSONC_CFLAGS) $(CURL_CFLAGS) \
	$(GMIME_CFLAGS) $(CHECK_CFLAGS)
LINT_JOBS = 2

lint: lint-banned lint-tidy lint-cppcheck lint-analyzer

lint-banned:
	$(srcdir)/script/lint-banned

# One file a process: clang-tidy 14 takes the va_list of one file for that of
# the next.
lint-tidy: $(BUILT_SOURCES)
	@cd $(srcdir) && echo $(LINT_FILES) | tr " " "\n" | \
	    xargs -P $(LINT_JOBS) -I{} $(CLANG_TIDY) --quiet {} -- \
	    $(LINT_CPPFLAGS) 2>/dev/null

# Off: what a library leaves for its users (unusedFunction), style, and what
# it cannot know without the system's headers.
lint-cppcheck: $(BUILT_SOURCES)
	@cd $(srcdir) && $(CPPCHECK) -q --std=c11 -j $(LINT_JOBS) \
	    --enable=warning,performance,portability --inline-suppr \
	    --library=posix --library=gnu --library=script/cppcheck.cfg --error-exitcode=1 \
	    --suppressions-list=script/cppcheck.suppress \
	    -Isrc -Itests -I$(abs_builddir)/src -D_GNU_SOURCE \
	    $(LINT_FILES)

# At -O0 it sees what is written, at -O2 what inlining brings together. -S to
# standard output: a compiler that fails as root removes what -o names, and
# that must not be /dev/null.
lint-analyzer: $(BUILT_SOURCES)
	@cd $(srcdir) && for o in -O0 -O2; do \
	    echo $(LINT_FILES) | xargs -n 1 -P $(LINT_JOBS) \
	    $(LINT_GCC) $$o -fanalyzer -Wall -Werror $(LINT_CPPFLAGS) \
	    -S -o - >/dev/null || exit 1; done

format:
	cd $(srcdir) && $(CLANG_FORMAT) -i $(FORMAT_FILES)

format-check:
	@cd $(srcdir) && $(CLANG_FORMAT) --dry-run --Werror $(FORMAT_FILES)

.PHONY: lint lint-banned lint-tidy lint-cppcheck lint-analyzer format \
	format-check

EXTRA_DIST += .clang-tidy tests/.clang-tidy script/lint-banned \
	script/cppcheck.cfg script/cppcheck.suppress
