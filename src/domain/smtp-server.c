#include "domain/smtp-server.h"

const struct col smtp_server_seen_cols[] = {
	COL(struct smtp_server_seen, host),
	COL(struct smtp_server_seen, address),
	COL(struct smtp_server_seen, port),
	COL(struct smtp_server_seen, uptime),
	COL(struct smtp_server_seen, quiet),
	COL(struct smtp_server_seen, checked_at),
	COL(struct smtp_server_seen, sessions),
	COL(struct smtp_server_seen, taken),
	COL(struct smtp_server_seen, held),
	COL(struct smtp_server_seen, refused),
	COL_END,
};

bool
smtp_server_listens(const struct smtp_server_seen *s)
{
	return s->quiet <= SMTP_SERVER_QUIET_S && instant_is(s->checked_at);
}

const struct smtp_server_seen *
smtp_server_best(const struct smtp_server_seen *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (smtp_server_listens(&v[i]))
			return &v[i];
	return n > 0 ? &v[0] : NULL;
}
