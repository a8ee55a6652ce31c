/* Housekeeping: what is old and done with (sql/queries/housekeeping.sql). */
#ifndef DOMAIN_HOUSEKEEPING_H
#define DOMAIN_HOUSEKEEPING_H

#include "db/db.h"

#endif
