#include "domain/event.h"

#include "domain/event-sql.h"

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
