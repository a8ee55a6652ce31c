/* What the files of the family share. */
#ifndef CGI_BIN_SYSTEM_H
#define CGI_BIN_SYSTEM_H

#include "web/request.h"

/* Peers of status_allow, and who has the metrics token. */
bool system_sees_all(const struct request *);

enum rc system_metrics(struct request *);

/* The watchers, as a JSON array; lives until the next call. */
struct str system_watchers(struct request *);
enum rc system_smtp_health(struct request *);
extern const struct field system_smtp_health_answer[];

#endif
