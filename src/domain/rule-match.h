/* Holding mail against rules. Pure: rules and mail in, a verdict out.
 *
 *	TRY(rule_set_new(arena, rules, n, &set));
 *	rule_mail_read(arena, raw, &mail);
 *	rule_set_judge(set, &mail, arena, &verdict);
 *
 * Neither case nor how blanks are broken into lines matters. A comma in a
 * rule's value means "or", but in patterns, which have commas of their own. The
 * weights of the rules that match are summed, to 100 at most; where none does,
 * the words of a built-in list count, and never hold. */
#ifndef DOMAIN_RULE_MATCH_H
#define DOMAIN_RULE_MATCH_H

#include "domain/rule.h"

/* What of a mail is looked at; texts are valid UTF-8. */
struct rule_mail {
	struct str subject;
	struct str text;         /* what there is to read, HTML as text */
	struct texts senders;    /* whole headers, and each address in them */
	struct texts recipients; /* the same */
	struct texts domains;    /* of the senders */
	struct texts files;      /* names and types of attachments */
	struct texts headers;    /* "Name: value" */
	int64_t size;
};

/* From a message's bytes. What is broken in it is looked at as far as it goes;
 * `size` is told where `raw` is only the beginning. */
void rule_mail_read(
    struct arena *, struct str raw, int64_t size, struct rule_mail *);
/* From what the table tells of it. */
void rule_mail_of(struct arena *, const struct rule_seen *, struct rule_mail *);

struct rule_verdict {
	bool hold;
	bool tagged; /* some rule had something to say of it */
	int risk_score;
	struct texts keywords; /* what hit, each once */
	struct texts tags;     /* names of the rules that tag */
};

struct rule_set;

/* Rules that are not active are left out. RC_INVALID: a value that no rule can
 * have; fail_detail is a sentence about it. */
enum rc rule_set_new(struct arena *, const struct rule *, size_t n,
    struct rule_set **) MUST_CHECK;

/* What takes too long to be judged is held. */
void rule_set_judge(const struct rule_set *, const struct rule_mail *,
    struct arena *, struct rule_verdict *);

#endif
