#include "domain/log.h"

#include "domain/log-sql.h"

const struct col log_row_cols[] = {
	COL_ID(struct log_row, id, ID_LOG),
	COL_ID(struct log_row, account_id, ID_ACCOUNT),
	COL(struct log_row, subject),
	COL(struct log_row, action),
	COL(struct log_row, status),
	COL(struct log_row, level),
	COL(struct log_row, message, .content = true),
	COL_JSON(struct log_row, data, .content = true),
	COL(struct log_row, request_id),
	COL(struct log_row, created_at),
	COL_END,
};

#define DATA_MOST ((size_t)4096)

static void
write_id(struct jw *w, const char *name, enum id_kind kind, int64_t id)
{
	char text[ID_PRINT_SIZE];

	id_print(kind, id, text);
	JW_TEXT(w, name, text);
}

static void
write_data(struct buf *out, const struct doer *who, const struct log_note *n)
{
	struct jw w = jw_on(out);

	jw_object(&w);
	write_id(&w, n->id_name, n->kind, n->id);
	if (who->user > 0)
		write_id(&w, "user_id", ID_USER, who->user);
	if (n->rc != RC_OK)
		JW_TEXT(&w, "error_code", result_code(n->rc));
	jw_object_end(&w);
}

static int64_t
id_of(const struct log_note *n, enum id_kind kind)
{
	return n->kind == kind ? n->id : 0;
}

enum rc
log_write(struct db *db, const struct doer *who, const struct log_note *n)
{
	struct buf data;
	enum rc rc;

	buf_init(&data, DATA_MOST);
	write_data(&data, who, n);
	rc = log_add(db,
	    &(struct log_add_args){ .account = who->account,
		.application = who->application,
		.subject = n->subject,
		.action = n->action,
		.status = n->rc == RC_OK ? "succeeded" : "failed",
		.message = n->message,
		.data = { data.p, data.n },
		.request = who->request,
		.credential = id_of(n, ID_CREDENTIAL),
		.job = id_of(n, ID_JOB),
		.email = id_of(n, ID_EMAIL),
		.task = id_of(n, ID_TASK) },
	    NULL);
	buf_clear(&data);
	return rc;
}
