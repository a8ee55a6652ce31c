/* The audit log's rows. What writes them is web/audit.h; the statements are in
 * sql/queries/audit.sql. */
#ifndef DOMAIN_AUDIT_H
#define DOMAIN_AUDIT_H

#include "db/db.h"

#endif
