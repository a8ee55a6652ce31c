# fuzz-<name>.c beside the parser it feeds; built with --enable-fuzzers.
