/* The envelope: whom a message is from, and who gets it. */
#include "proxy/verb.h"

#include "mail/address.h"
#include "mail/smtp-command.h"

static bool
may_send_as(const struct talk *t, struct str address)
{
	struct texts may = t->who->senders;

	for (size_t i = 0; i < may.n; i++)
		if (str_ieq(may.v[i], address))
			return true;
	return false;
}

struct mail_words {
	uint64_t size;
	bool utf8;
};

static bool
mail_word(
    struct talk *t, struct str name, struct str value, struct mail_words *out)
{
	if (str_ieq(name, STR("SIZE"))) {
		if (value.p == NULL || value.n == 0 ||
		    !str_uint(value, UINT64_MAX / 2, &out->size))
			return false;
		return true;
	}
	if (str_ieq(name, STR("BODY")))
		return str_ieq(value, STR("7BIT")) ||
		    str_ieq(value, STR("8BITMIME"));
	if (str_ieq(name, STR("SMTPUTF8"))) {
		out->utf8 = true;
		return value.p == NULL;
	}
	/* Whom somebody else has taken it from says nothing here (RFC 4954 5).
	 */
	return str_ieq(name, STR("AUTH")) && t->who != NULL && value.n > 0;
}

static bool
mail_words_read(struct talk *t, struct str words, struct mail_words *out)
{
	struct str name, value;

	while (smtp_parameter_next(&words, &name, &value))
		if (!mail_word(t, name, value, out)) {
			talk_fault(
			    t, 555, "5.5.4", "What is %.*s?", STR_FMT(name));
			return false;
		}
	if (words.n > 0)
		talk_fault(t, 501, "5.5.4", "That is no parameter");
	return words.n == 0;
}

/* The address of a path, in the arena; false: it has been said what is wrong.
 */
static bool
path_read(struct talk *t, struct arena *a, const char *keyword, struct str args,
    struct str *address, struct str *words)
{
	switch (smtp_path_read(a, args, keyword, address, words)) {
	case SMTP_PATH_OK: return true;
	case SMTP_PATH_SYNTAX:
		talk_fault(t, 501, "5.5.2", "%s:<address>", keyword);
		return false;
	case SMTP_PATH_ADDRESS:
		talk_fault(t, 553, "5.1.3", "That is no address");
		return false;
	}
	return false;
}

static bool
utf8_said(struct talk *t, struct str address, bool utf8)
{
	if (utf8 || !address_is_utf8(address))
		return true;
	talk_fault(t, 553, "5.6.7", "That needs SMTPUTF8");
	return false;
}

static bool
sender_check(struct talk *t, struct str address, const struct mail_words *said)
{
	if (!utf8_said(t, address, said->utf8))
		return false;
	if (address.n == 0 || !may_send_as(t, address)) {
		talk_fault(t, 550, "5.7.1", "You may not send as this address");
		return false;
	}
	if (said->size > (uint64_t)t->p->conf->smtp_message_most) {
		talk_fault(t, 552, "5.3.4", "That is too large");
		return false;
	}
	return true;
}

void
verb_mail(struct talk *t, struct str args)
{
	struct mail_words said = { .size = 0 };
	struct letter *l = letter_new(t, t->p->conf, t->who, t->peer);
	struct str from, words;

	if (!path_read(t, l->arena, "FROM", args, &from, &words) ||
	    !mail_words_read(t, words, &said) ||
	    !sender_check(t, from, &said)) {
		letter_free(&l);
		return;
	}
	l->sender = arena_dup(l->arena, from.p, from.n);
	l->utf8 = said.utf8;
	t->letter = l;
	t->stage = STAGE_SENDER;
	talk_say(t, 250, "2.1.0", "Go on");
}

void
verb_rcpt(struct talk *t, struct str args)
{
	struct letter *l = t->letter;
	struct str to, words;

	if (l->to_n == (size_t)t->p->conf->smtp_recipients) {
		talk_say(t, 452, "4.5.3", "Too many recipients");
		return;
	}
	if (!path_read(t, l->arena, "TO", args, &to, &words) ||
	    !utf8_said(t, to, l->utf8))
		return;
	if (to.n == 0) {
		talk_fault(t, 553, "5.1.3", "That is nobody");
		return;
	}
	if (str_trim(words).n > 0) {
		talk_fault(t, 555, "5.5.4", "RCPT takes no parameters");
		return;
	}
	letter_to(l, to);
	t->stage = STAGE_RECIPIENT;
	talk_say(t, 250, "2.1.5", "Go on");
}

void
verb_data(struct talk *t, struct str args)
{
	if (args.n > 0) {
		talk_fault(t, 501, "5.5.4", "DATA takes nothing");
		return;
	}
	talk_say(t, 354, NULL, "End with a dot on a line of its own");
	talk_text(t);
}
