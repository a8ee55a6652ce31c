/* Every responder's main; RESPONDER is its name (see cgi-bin/local.mk). */
#include "web/fastcgi.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define THIS_FAMILY JOIN(RESPONDER, _family)

extern const struct family THIS_FAMILY;

int
main(int argc, char **argv)
{
	return responder_main(argc, argv, &THIS_FAMILY);
}
