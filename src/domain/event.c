#include "domain/event.h"

#include "domain/event-sql.h"

const struct col event_seen_cols[] = {
	COL(struct event_seen, id),
	COL(struct event_seen, event),
	COL(struct event_seen, created_at),
	COL(struct event_seen, account_id),
	COL_JSON(struct event_seen, data),
	COL(struct event_seen, cursor),
	COL_END,
};

const char *
event_word(enum event_name name)
{
	static const char *const words[] = {
#define EVENT_WORD(name, word) word,
		EVENTS(EVENT_WORD)
#undef EVENT_WORD
	};

	return words[name];
}

enum rc
event_add(struct db *db, const struct event_new *e)
{
	return event_insert(db, e->account, e->application, event_word(e->name),
	    e->data, e->credential, NULL);
}
