/* All mail that came, held or not. */
#include "interception.h"

#include "domain/interception-sql.h"
#include "web/like.h"

#define INBOX_LIMIT 100

static const char *const inbox_states[] = { "HELD", "RELEASED", "DELIVERED",
	"DISCARDED", NULL };
const struct field inbox_page_params[] = {
	F_TEXT(struct inbox_page, q, 0, 200, BLANK_OK,
	    .about = "In subject, sender and first words."),
	F_ENUM(struct inbox_page, status, inbox_states, OPTIONAL),
	F_PAGE(struct inbox_page, INBOX_LIMIT), F_END
};
static const struct field message_fields[] = { A_ID("id", ID_EMAIL, 0),
	A_ID("account_id", ID_CREDENTIAL, NULLABLE),
	A_TEXT("subject", NULLABLE), A_TEXT("sender", NULLABLE),
	A_TEXT("status", 0), A_TEXT("interception_status", NULLABLE),
	A_TEXT("created_at", 0), F_END };
const struct field inbox_answer[] = { A_INT("total", 0), A_INT("limit", 0),
	A_INT("offset", 0), A_ARRAY("messages", message_fields, 0), F_END };

enum rc
inbox(struct request *rq)
{
	const struct inbox_page *in = rq->params;
	const struct row_style style = reply_style(rq);
	const char *like = like_pattern(rq->arena, listing_words(in->q));
	const char *status = in->status >= 0 ? inbox_states[in->status] : NULL;
	int64_t account = rq->actor.account, total;
	bool whole = sees_content(rq);
	struct inbox_email_list rows;
	struct jw *w;

	db_pipe_begin(rq->db);
	TRY(inbox_list(rq->db, account, like, status, whole, in->page.offset,
	    in->page.limit, rq->arena, &rows));
	TRY(inbox_count(rq->db, account, like, status, whole, &total));
	TRY(db_pipe_end(rq->db));
	w = reply_open(rq, 0);
	JW_INT(w, "total", total > LISTING_COUNTED ? LISTING_COUNTED : total);
	JW_INT(w, "limit", in->page.limit);
	JW_INT(w, "offset", in->page.offset);
	jw_key(w, "messages");
	rows_write(
	    w, inbox_email_cols, rows.v, rows.n, sizeof rows.v[0], &style);
	return reply_close(rq);
}
