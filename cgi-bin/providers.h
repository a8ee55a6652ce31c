/* What the files of the family `providers` share. */
#ifndef CGI_BIN_PROVIDERS_H
#define CGI_BIN_PROVIDERS_H

#include "core/secret.h"
#include "mail/probe.h"
#include "web/request.h"

/* Tries the credential in the path, and notes with it what came of that. */
enum rc credential_try(struct request *, struct probe_report *) MUST_CHECK;

/* providers-webhooks.c */
enum rc webhook_test(struct request *) MUST_CHECK;
enum rc delivery_retry(struct request *) MUST_CHECK;

/* providers-send.c: mail that an account sends */

struct letter_post {
	int64_t credential_id;
	int direction;
	struct items from_json, to_json, cc_json, bcc_json, reply_to_json;
	const char *subject, *text_body, *html_body;
	struct items attachments;
	int64_t in_reply_to_email_id;
	instant send_at;
};
extern const struct field letter_post_body[];

struct letter_send {
	struct texts to, cc, bcc;
	const char *subject, *body_text, *body_html;
	struct items attachments;
	int64_t thread_id;
	int64_t signature_id;
};
extern const struct field letter_send_body[];

/* What all of these have in common. `new` gets what the body says of people,
 * subject, texts and files; letter_sign puts a signature of the caller's own
 * below texts. */
struct provider_credential;
struct submission_new;
struct thread_last;
enum rc letter_people_check(struct request *) MUST_CHECK;
enum rc letter_fill(struct request *, struct submission_new *new) MUST_CHECK;
enum rc letter_sign(struct request *, int64_t signature, const char **text,
    const char **html) MUST_CHECK;
/* The way out of the mail account that a thread's mail came to, where it has
 * one; else the default. `last` may be NULL. */
enum rc letter_sender(struct request *, const struct thread_last *last,
    struct provider_credential **) MUST_CHECK;
/* Queued, tried, and told; in a thread of its own where `thread` is 0. */
enum rc letter_send_now(
    struct request *, const struct submission_new *, int64_t thread) MUST_CHECK;

enum rc letter_post(struct request *) MUST_CHECK;
enum rc letter_send(struct request *) MUST_CHECK;
enum rc letter_reply(struct request *) MUST_CHECK;
extern const struct field letter_reply_body[], letter_send_answer[];

/* providers-forward.c */
enum rc letter_forward(struct request *) MUST_CHECK;
extern const struct field letter_forward_body[];

/* providers-personal.c */
struct personal_transfer {
	struct ids email_ids;
	int64_t target_credential_id;
	const char *target_folder;
};
extern const struct field personal_transfer_body[];
extern const struct field personal_transfer_answer[], personal_test_answer[];
enum rc personal_test(struct request *) MUST_CHECK;
enum rc personal_transfer(struct request *) MUST_CHECK;

/* providers-held.c */
struct held_release {
	const char *edited_subject, *edited_body, *edited_body_html;
	bool strip_attachments;
	const char *target_folder, *content_hash;
};
struct bulk_release {
	struct ids email_ids;
};
extern const struct field held_release_body[], held_release_answer[];
extern const struct field bulk_release_body[], bulk_release_answer[];
extern const struct field held_intercept_answer[];
enum rc held_let_go(struct request *) MUST_CHECK;
enum rc bulk_let_go(struct request *) MUST_CHECK;
enum rc held_by_person(struct request *) MUST_CHECK;

/* providers-poll.c */
struct poll_ask {
	struct secret token;
};
extern const struct field poll_ask_body[], poll_ask_params[];
extern const struct field poll_answer[], sync_now_answer[];
enum rc poll_emails(struct request *) MUST_CHECK;
enum rc sync_now(struct request *) MUST_CHECK;

#endif
