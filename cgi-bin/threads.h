/* The family `threads`: what its files share. */
#ifndef CGI_BIN_THREADS_H
#define CGI_BIN_THREADS_H

#include "domain/label-sql.h"
#include "domain/thread-sql.h"
#include "domain/thread.h"
#include "web/reply.h"
#include "web/request.h"

/* ---- answers ---- */

/* One thread, labels by name; what follows may be added before
 * jw_object_end. */
void thread_open(struct request *, struct jw *, const struct thread *,
    const struct label_list *);

/* {"success": true, "<key>": {…}}: the thread as it is now. */
enum rc thread_reply(
    struct request *, int status, const char *key, int64_t id) MUST_CHECK;

/* The tag of a representation: the thread's version, which is what If-Match
 * looks at, and a hash of the bytes. Behind the reply's close. */
void thread_tag(struct request *, const struct thread *);

/* Texts and HTML of mails, as far as they are on this host or kept with what
 * was sent; the rest keeps what the database has of its text. Asks no server.
 */
struct thread_email_list;
enum rc thread_bodies(struct request *, struct thread_email_list *) MUST_CHECK;

/* Labels of the actor's account, as they are since `at` (thread.labels_at):
 * from what this process has kept, or read. Id, name and colour alone. */
enum rc
labels_kept(struct request *, int64_t at, struct label_list *) MUST_CHECK;

extern const struct field thread_answer[], thread_email_answer[], note_answer[];

/* ---- what changes them ---- */

/* Takes the account's threads, then this one, for the transaction at hand.
 * RC_CONFLICT THREAD_MERGED: it is a redirect. RC_PRECONDITION: If-Match names
 * another version. */
enum rc thread_take(
    struct request *, struct db *, int64_t id, struct thread **) MUST_CHECK;

/* A filter: whose; 0: anybody's, or nobody's. */
enum rc assignee_given(
    struct request *, const char *text, int64_t *id, bool *nobodys) MUST_CHECK;

/* Is it somebody who may enter the account? Else a fault of `field`. */
enum rc assignee_check(
    struct request *, struct db *, const char *field, int64_t user) MUST_CHECK;

/* handlers */
enum rc thread_create(struct request *) MUST_CHECK;
enum rc thread_put(struct request *) MUST_CHECK;
enum rc thread_delete(struct request *) MUST_CHECK;

/* Is it a redirect? RC_CONFLICT THREAD_MERGED. */
enum rc thread_merged_check(struct request *, const struct thread *) MUST_CHECK;

enum rc thread_split(struct request *) MUST_CHECK;
enum rc thread_merge(struct request *) MUST_CHECK;
enum rc thread_undo(struct request *) MUST_CHECK;
enum rc thread_assign_email(struct request *) MUST_CHECK;
enum rc email_thread_patch(struct request *) MUST_CHECK; /* family emails */
enum rc note_create(struct request *) MUST_CHECK;
enum rc note_put(struct request *) MUST_CHECK;
enum rc note_delete(struct request *) MUST_CHECK;
enum rc presence_show(struct request *) MUST_CHECK;
enum rc presence_say(struct request *) MUST_CHECK;
enum rc thread_mark_read(struct request *) MUST_CHECK;
enum rc thread_mark_unread(struct request *) MUST_CHECK;
enum rc thread_bulk_update(struct request *) MUST_CHECK;
enum rc thread_bulk_delete(struct request *) MUST_CHECK;
enum rc thread_bulk_assign(struct request *) MUST_CHECK;
enum rc thread_bulk_status(struct request *) MUST_CHECK;
enum rc thread_bulk_label(struct request *) MUST_CHECK;
enum rc thread_bulk_unlabel(struct request *) MUST_CHECK;

/* ---- bodies ---- */

struct thread_split {
	struct ids email_ids;
	const char *new_subject;
};
struct thread_merge {
	int64_t source_thread_id;
};
struct email_thread {
	int64_t thread_id, new_thread_id;
};
struct note_new {
	const char *content;
	int64_t user_id, position;
};
struct presence_put {
	int state;
	int64_t seconds;
};
extern const struct field presence_body[], presence_answer[];

struct bulk_updates {
	int status;
	int64_t assigned_to;
};
struct thread_bulk {
	struct ids thread_ids;
	struct bulk_updates *updates;
	int status;
	int64_t user_id, label_id;
};
extern const struct field thread_split_body[], thread_merge_body[],
    email_thread_body[], note_new_body[], note_put_body[],
    thread_bulk_update_body[], thread_bulk_delete_body[],
    thread_bulk_assign_body[], thread_bulk_status_body[],
    thread_bulk_label_body[];

struct thread_new {
	const char *subject;
	int status;
	int64_t assigned_to;
	struct ids labels;
	instant snoozed_until;
};
extern const struct field thread_new_body[], thread_put_body[];

#endif
