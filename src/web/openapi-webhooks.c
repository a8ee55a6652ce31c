/* The part of the description that is read by those who are called. */
#include "domain/event.h"
#include "web/openapi-parts.h"

static const struct header {
	const char *name, *about;
} headers[] = {
	{ "webhook-id", "The delivery's, the same over all of its tries." },
	{ "webhook-timestamp", "Of this try, in seconds since 1970." },
	{ "webhook-signature",
	    "v1, and the HMAC-SHA256 of id.timestamp.body in base64, one for "
	    "each secret that holds (Standard Webhooks)." },
	{ "X-Webhook-Event", "The event's name." },
	{ "X-Webhook-Signature", "The HMAC-SHA256 of the body, in hex." },
};

static void
parameters(struct jw *w)
{
	jw_key(w, "parameters");
	jw_array(w);
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		jw_object(w);
		JW_TEXT(w, "name", headers[i].name);
		JW_TEXT(w, "in", "header");
		JW_BOOL(w, "required", true);
		JW_TEXT(w, "description", headers[i].about);
		jw_key(w, "schema");
		jw_object(w);
		JW_TEXT(w, "type", "string");
		jw_object_end(w);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void
field(struct jw *w, const struct event_field *f)
{
	jw_key(w, f->name);
	jw_object(w);
	jw_key(w, "type");
	if (f->may_be_null) {
		jw_array(w);
		jw_text(w, f->type);
		jw_text(w, "null");
		jw_array_end(w);
	} else {
		jw_text(w, f->type);
	}
	if (f->format != NULL)
		JW_TEXT(w, "format", f->format);
	jw_object_end(w);
}

static void
fields(struct jw *w, const struct event_field *all)
{
	JW_TEXT(w, "type", "object");
	jw_key(w, "required");
	jw_array(w);
	for (const struct event_field *f = all; f->name != NULL; f++)
		jw_text(w, f->name);
	jw_array_end(w);
	jw_key(w, "properties");
	jw_object(w);
	for (const struct event_field *f = all; f->name != NULL; f++)
		field(w, f);
}

/* The body that is told of each, around its data. */
static void
body(struct jw *w, enum event_name name)
{
	static const struct event_field around[] = {
		{ "id", "integer", NULL, false },
		{ "created_at", "string", "date-time", false },
		{ "account_id", "integer", NULL, false },
		{ "event", "string", NULL, false },
		{ "data", "object", NULL, false },
		{ NULL, NULL, NULL, false },
	};

	jw_object(w);
	fields(w, around);
	jw_object_end(w);
	jw_key(w, "allOf");
	jw_array(w);
	jw_object(w);
	jw_key(w, "properties");
	jw_object(w);
	jw_key(w, "event");
	jw_object(w);
	JW_TEXT(w, "const", event_word(name));
	jw_object_end(w);
	jw_key(w, "data");
	jw_object(w);
	fields(w, event_about[name].data);
	jw_object_end(w);
	jw_object_end(w);
	jw_object_end(w);
	jw_object_end(w);
	jw_array_end(w);
	jw_object_end(w);
}

static void
answer(struct jw *w, const char *status, const char *about)
{
	jw_key(w, status);
	jw_object(w);
	JW_TEXT(w, "description", about);
	jw_object_end(w);
}

static void
call(struct jw *w, enum event_name name)
{
	jw_key(w, event_word(name));
	jw_object(w);
	jw_key(w, "post");
	jw_object(w);
	JW_TEXT(w, "summary", event_about[name].summary);
	parameters(w);
	jw_key(w, "requestBody");
	jw_object(w);
	JW_BOOL(w, "required", true);
	jw_key(w, "content");
	jw_object(w);
	jw_key(w, "application/json");
	jw_object(w);
	jw_key(w, "schema");
	body(w, name);
	jw_object_end(w);
	jw_object_end(w);
	jw_object_end(w);
	jw_key(w, "responses");
	jw_object(w);
	answer(w, "2XX", "It is not told again.");
	answer(w, "410", "The webhook is switched off.");
	answer(w, "default", "It is told again, for 72 hours.");
	jw_object_end(w);
	jw_object_end(w);
	jw_object_end(w);
}

void
openapi_webhooks(struct jw *w)
{
	jw_key(w, "webhooks");
	jw_object(w);
	for (int name = 0; name < EVENT_COUNT; name++)
		call(w, (enum event_name)name);
	jw_object_end(w);
}
