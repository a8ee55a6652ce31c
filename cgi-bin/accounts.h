/* What the files of the family `accounts` share. */
#ifndef CGI_BIN_ACCOUNTS_H
#define CGI_BIN_ACCOUNTS_H

#include "web/route.h"

/* In an account, NULL at the end. */
enum { WORD_OWNER, WORD_MEMBER, WORD_VIEWER };
extern const char *const account_roles[];

/* accounts-change.c */
struct account_new {
	const char *name;
	int64_t parent_account_id;
};
extern const struct field account_new_body[];
enum rc account_create(struct request *) MUST_CHECK;

struct account_child {
	const char *name;
};
extern const struct field account_child_body[];
enum rc account_create_child(struct request *) MUST_CHECK;

struct account_patch {
	const char *name;
};
extern const struct field account_patch_body[];
enum rc account_change(struct request *) MUST_CHECK;

struct account_removal {
	const char *confirm;
};
extern const struct field account_removal_params[];
enum rc account_delete(struct request *) MUST_CHECK;

/* accounts-review.c */
enum rc review_accounts(struct request *) MUST_CHECK;

/* accounts-members.c */
struct member_new {
	int64_t user_id;
	const char *email;
	int role;
};
extern const struct field member_new_body[];
enum rc member_create(struct request *) MUST_CHECK;

struct member_patch {
	int role;
};
extern const struct field member_patch_body[];
enum rc member_change(struct request *) MUST_CHECK;
enum rc member_delete(struct request *) MUST_CHECK;

/* accounts-clients.c */
struct client_page {
	struct page page;
};
extern const struct field client_page_params[];
enum rc client_show_all(struct request *) MUST_CHECK;

struct client_new {
	const char *name;
	struct texts redirect_uris;
	int role;
	bool is_public, is_app_admin, is_active;
};
extern const struct field client_new_body[];
extern const struct field client_secret_answer[];
enum rc client_create(struct request *) MUST_CHECK;

struct client_patch {
	const char *name;
	struct texts redirect_uris;
	int role;
	bool is_app_admin, is_active;
};
extern const struct field client_patch_body[];
enum rc client_patch_one(struct request *) MUST_CHECK;
enum rc client_delete(struct request *) MUST_CHECK;
enum rc client_rotate(struct request *) MUST_CHECK;

#endif
