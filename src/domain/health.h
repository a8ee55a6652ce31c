/* Health: what the monitors' pages ask (sql/queries/health.sql). */
#ifndef DOMAIN_HEALTH_H
#define DOMAIN_HEALTH_H

#include "db/db.h"

#endif
