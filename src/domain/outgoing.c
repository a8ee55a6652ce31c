#include "domain/outgoing.h"

#include "domain/outgoing-sql.h"

enum rc
outgoing_add(struct db *db, const struct outgoing_new *new)
{
	return outgoing_insert(db, new->application, new->kind, new->to,
	    new->subject, new->text, NULL);
}
