/* What a fuzz target is made of. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "core/log.h"

/* libFuzzer calls it with each input. */
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What must hold whatever the input was. */
#define HOLDS(condition)                                                       \
	do {                                                                   \
		if (!(condition))                                              \
			die("does not hold: %s", #condition);                  \
	} while (0)

#endif
