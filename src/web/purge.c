#include "web/purge.h"

const struct field purge_answer[] = {
	A_INT("matched", 0),
	A_INT("deleted", 0),
	A_BOOL("dry_run", 0),
	F_END,
};

enum rc
purge_reply(struct request *rq, const struct purge *p, int64_t n)
{
	struct jw *w = reply_open(rq, 200);

	JW_INT(w, "matched", n);
	JW_INT(w, "deleted", p->dry_run ? 0 : n);
	JW_BOOL(w, "dry_run", p->dry_run);
	return reply_close(rq);
}
