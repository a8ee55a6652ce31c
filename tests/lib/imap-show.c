#include "lib/imap-show.h"

static void
show_str(struct buf *b, struct str s)
{
	if (s.p == NULL) {
		BUF_LIT(b, "-");
		return;
	}
	buf_putc(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			buf_fmt(b, "\\x%02x", c);
		else
			buf_putc(b, (char)c);
	}
	buf_putc(b, '"');
}

static void
show_named(struct buf *b, const char *name, struct str s)
{
	if (s.p == NULL)
		return;
	buf_fmt(b, " %s=", name);
	show_str(b, s);
}

static void
show_set(struct buf *b, const char *name, const struct imap_set *s)
{
	if (s->n == 0)
		return;
	buf_fmt(b, " %s=", name);
	imap_set_print(s, b);
}

static void
show_flags(struct buf *b, const struct imap_flags *f)
{
	static const char *const names[] = {
#define FLAG_NAME(name, text) #name,
		IMAP_FLAG_LIST(FLAG_NAME)
#undef FLAG_NAME
	};

	BUF_LIT(b, " flags=");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (f->system >> i & 1)
			buf_fmt(b, "%s,", names[i]);
	}
	for (size_t i = 0; i < f->keywords; i++)
		buf_fmt(b, "%.*s,", STR_FMT(f->keyword[i]));
}

static void
show_addresses(
    struct buf *b, const char *name, const struct imap_addresses *list)
{
	if (list->n == 0)
		return;
	buf_fmt(b, " %s=[", name);
	for (size_t i = 0; i < list->n; i++) {
		const struct imap_address *a = &list->v[i];

		if (i > 0)
			buf_putc(b, ' ');
		if (a->group.p != NULL) {
			show_str(b, a->group);
			buf_putc(b, ':');
		}
		if (a->name.p != NULL)
			show_str(b, a->name);
		if (a->mailbox.p != NULL)
			buf_fmt(b, "<%.*s@%.*s>", STR_FMT(a->mailbox),
			    STR_FMT(a->host));
	}
	buf_putc(b, ']');
}

static void
show_envelope(struct buf *b, const struct imap_envelope *e)
{
	BUF_LIT(b, " {");
	show_named(b, "date", e->date);
	show_named(b, "subject", e->subject);
	show_addresses(b, "from", &e->from);
	show_addresses(b, "sender", &e->sender);
	show_addresses(b, "reply-to", &e->reply_to);
	show_addresses(b, "to", &e->to);
	show_addresses(b, "cc", &e->cc);
	show_addresses(b, "bcc", &e->bcc);
	show_named(b, "in-reply-to", e->in_reply_to);
	show_named(b, "id", e->message_id);
	BUF_LIT(b, " }");
}

static void
show_parameters(struct buf *b, const struct parameter *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_fmt(b, " %.*s=", STR_FMT(p[i].name));
		show_str(b, p[i].value);
	}
}

static void
show_part(struct buf *b, const struct imap_part *p)
{
	buf_fmt(b, " (%.*s", STR_FMT(p->number));
	if (p->parent != IMAP_NO_PARENT)
		buf_fmt(b, "<%zu", p->parent);
	buf_fmt(b, " %.*s/%.*s", STR_FMT(p->type), STR_FMT(p->subtype));
	show_parameters(b, p->parameter, p->parameters);
	show_named(b, "id", p->id);
	show_named(b, "description", p->description);
	show_named(b, "encoding", p->encoding);
	buf_fmt(b, " size=%llu lines=%llu", (unsigned long long)p->size,
	    (unsigned long long)p->lines);
	show_named(b, "md5", p->md5);
	show_named(b, "disposition", p->disposition);
	show_parameters(b, p->disposition_parameter, p->disposition_parameters);
	show_named(b, "language", p->language);
	show_named(b, "location", p->location);
	if (p->envelope != NULL)
		show_envelope(b, p->envelope);
	buf_putc(b, ')');
}

static void
show_section(struct buf *b, const struct imap_section *s)
{
	buf_fmt(b, " [%.*s]", STR_FMT(s->section));
	if (s->partial)
		buf_fmt(b, "<%llu>", (unsigned long long)s->origin);
	buf_fmt(b, "{%llu}", (unsigned long long)s->size);
	show_str(b, s->data);
	if (s->taken)
		BUF_LIT(b, "taken");
}

void
imap_show_message(struct buf *b, const struct imap_message *m)
{
	char when[40];

	buf_fmt(b, " seq=%u uid=%u", m->seq, m->uid);
	if (m->has & IMAP_HAS_FLAGS)
		show_flags(b, &m->flags);
	if (m->has & IMAP_HAS_DATE) {
		instant_print(m->internal_date, TIME_Z, when);
		buf_fmt(b, " date=%s", when);
	}
	if (m->has & IMAP_HAS_SIZE)
		buf_fmt(b, " size=%llu", (unsigned long long)m->size);
	if (m->has & IMAP_HAS_MODSEQ)
		buf_fmt(b, " modseq=%llu", (unsigned long long)m->modseq);
	if (m->gm_msgid != 0)
		buf_fmt(b, " msgid=%llu", (unsigned long long)m->gm_msgid);
	if (m->gm_thrid != 0)
		buf_fmt(b, " thrid=%llu", (unsigned long long)m->gm_thrid);
	show_named(b, "emailid", m->email_id);
	show_named(b, "threadid", m->thread_id);
	for (size_t i = 0; i < m->labels; i++)
		show_named(b, "label", m->label[i]);
	if (m->has & IMAP_HAS_ENVELOPE)
		show_envelope(b, &m->envelope);
	for (size_t i = 0; (m->has & IMAP_HAS_STRUCTURE) && i < m->structure.n;
	     i++)
		show_part(b, &m->structure.part[i]);
	if (m->structure.cut)
		BUF_LIT(b, " cut");
	for (size_t i = 0; i < m->sections; i++)
		show_section(b, &m->section[i]);
}

static void
show_code(struct buf *b, const struct imap_code *c)
{
	if (c->id == IMAP_CODE_NONE)
		return;
	buf_fmt(b, " [%.*s", STR_FMT(c->name));
	show_named(b, "argument", c->argument);
	if (c->number != 0)
		buf_fmt(b, " number=%llu", (unsigned long long)c->number);
	show_set(b, "from", &c->from);
	show_set(b, "to", &c->to);
	if (c->flags.system != 0 || c->flags.keywords > 0)
		show_flags(b, &c->flags);
	if (c->caps != 0)
		buf_fmt(b, " caps=%llx", (unsigned long long)c->caps);
	if (c->id == IMAP_CODE_OTHER)
		BUF_LIT(b, " other");
	if (c->fault)
		BUF_LIT(b, " fault");
	buf_putc(b, ']');
}

static void
show_status(struct buf *b, const struct imap_status *s)
{
	show_named(b, "name", s->name);
#define SHOW_STATUS(text, member)                                              \
	if (s->has & IMAP_SAID(text))                                          \
		buf_fmt(b, " " #member "=%llu", (unsigned long long)s->member);
	IMAP_STATUS_LIST(SHOW_STATUS)
#undef SHOW_STATUS
	show_named(b, "mailboxid", s->mailbox_id);
}

static void
show_found(struct buf *b, const struct imap_found *f)
{
	show_named(b, "tag", f->tag);
	if (f->uid)
		BUF_LIT(b, " uid");
	if (f->has_min)
		buf_fmt(b, " min=%u", f->min);
	if (f->has_max)
		buf_fmt(b, " max=%u", f->max);
	if (f->has_count)
		buf_fmt(b, " count=%u", f->count);
	show_set(b, "all", &f->all);
	if (f->modseq != 0)
		buf_fmt(b, " modseq=%llu", (unsigned long long)f->modseq);
}

static void
show_folder(struct buf *b, const struct imap_folder *f)
{
	static const char *const names[] = {
#define ATTRIBUTE_NAME(name, text) text,
		IMAP_ATTRIBUTE_LIST(ATTRIBUTE_NAME)
#undef ATTRIBUTE_NAME
	};

	show_named(b, "name", f->name);
	buf_fmt(b, " delimiter=%c", f->delimiter != '\0' ? f->delimiter : '-');
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (f->is >> i & 1)
			buf_fmt(b, " %s", names[i]);
	}
	show_named(b, "old", f->old_name);
}

static void
show_data(struct buf *b, const struct imap_response *r)
{
	switch (r->word) {
	case IMAP_CAPABILITY:
	case IMAP_ENABLED:
		buf_fmt(b, " caps=%llx", (unsigned long long)r->caps);
		break;
	case IMAP_LIST:
	case IMAP_LSUB: show_folder(b, &r->folder); break;
	case IMAP_STATUS: show_status(b, &r->status); break;
	case IMAP_SEARCH:
	case IMAP_ESEARCH: show_found(b, &r->found); break;
	case IMAP_FLAGS: show_flags(b, &r->flags); break;
	case IMAP_FETCH: imap_show_message(b, &r->message); break;
	case IMAP_VANISHED:
		show_set(b, r->vanished.earlier ? "earlier" : "set",
		    &r->vanished.set);
		break;
	case IMAP_EXISTS:
	case IMAP_RECENT_COUNT:
	case IMAP_EXPUNGE: buf_fmt(b, " %u", r->number); break;
	default: show_code(b, &r->code); show_named(b, "text", r->text);
	}
}

void
imap_show(struct buf *b, const struct imap_response *r)
{
	static const char *const words[] = { [IMAP_OTHER] = "OTHER",
		[IMAP_OK] = "OK",
		[IMAP_NO] = "NO",
		[IMAP_BAD] = "BAD",
		[IMAP_BYE] = "BYE",
		[IMAP_PREAUTH] = "PREAUTH",
		[IMAP_CAPABILITY] = "CAPABILITY",
		[IMAP_ENABLED] = "ENABLED",
		[IMAP_ID] = "ID",
		[IMAP_LIST] = "LIST",
		[IMAP_LSUB] = "LSUB",
		[IMAP_STATUS] = "STATUS",
		[IMAP_SEARCH] = "SEARCH",
		[IMAP_ESEARCH] = "ESEARCH",
		[IMAP_FLAGS] = "FLAGS",
		[IMAP_EXISTS] = "EXISTS",
		[IMAP_RECENT_COUNT] = "RECENT",
		[IMAP_EXPUNGE] = "EXPUNGE",
		[IMAP_FETCH] = "FETCH",
		[IMAP_VANISHED] = "VANISHED" };

	if (r->kind == IMAP_CONTINUE)
		BUF_LIT(b, "+");
	else if (r->kind == IMAP_TAGGED)
		buf_fmt(b, "%.*s ", STR_FMT(r->tag));
	if (r->kind != IMAP_CONTINUE)
		buf_puts(b, words[r->word]);
	show_data(b, r);
	if (r->fault != NULL)
		buf_fmt(b, " fault: %s", r->fault);
}
