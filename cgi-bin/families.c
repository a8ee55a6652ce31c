#include "families.h"

const struct family *const families[] = {
#define FAMILY_ROW(name) &name##_family,
	FAMILIES(FAMILY_ROW)
#undef FAMILY_ROW
	    NULL
};
