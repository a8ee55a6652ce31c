/* Results: every way a call can end, one row each.
 *
 * Whatever can fail returns `enum rc` and is MUST_CHECK; TRY passes it up.
 * The row gives the HTTP status and the word on the wire for each envelope,
 * so that dispatcher, OpenAPI and manual read one list. The rows of the last
 * group are what foreign servers do to us; their wire word is also a job's
 * `last_error_code`. */
#ifndef CORE_RESULT_H
#define CORE_RESULT_H

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* X(name, status in `data`, status elsewhere, word in `data`,
 *   word in `success`, word in `ok`, sentence) */
#define RESULT_LIST(X)                                                         \
	X(OK, 200, 200, "ok", "OK", "OK", "Done.")                             \
	X(MALFORMED, 400, 400, "malformed_request", "VALIDATION_ERROR",        \
	    "VALIDATION_ERROR", "The request cannot be read.")                 \
	X(INVALID, 422, 400, "validation_failed", "VALIDATION_ERROR",          \
	    "VALIDATION_ERROR", "A field has a value that is not allowed.")    \
	X(UNAUTHORIZED, 401, 401, "unauthorized", "UNAUTHORIZED",              \
	    "AUTH_REQUIRED", "Sign in first.")                                 \
	X(FORBIDDEN, 403, 403, "forbidden", "FORBIDDEN", "FORBIDDEN",          \
	    "Your role does not allow this.")                                  \
	X(ACCOUNT_MISMATCH, 403, 403, "account_mismatch", "ACCOUNT_MISMATCH",  \
	    "ACCOUNT_MISMATCH",                                                \
	    "The account in the path is not the one of your token.")           \
	X(CSRF, 403, 403, "csrf_refused", "CSRF_REFUSED", "CSRF_REFUSED",      \
	    "The request comes from another site.")                            \
	X(NOT_FOUND, 404, 404, "not_found", "NOT_FOUND", "NOT_FOUND",          \
	    "There is no such thing.")                                         \
	X(METHOD, 405, 405, "method_not_allowed", "METHOD_NOT_ALLOWED",        \
	    "METHOD_NOT_ALLOWED", "The path does not know this method.")       \
	X(CONFLICT, 409, 409, "conflict", "CONFLICT", "CONFLICT",              \
	    "Its present state does not allow this.")                          \
	X(PRECONDITION, 412, 412, "precondition_failed",                       \
	    "PRECONDITION_FAILED", "PRECONDITION_FAILED",                      \
	    "It was changed by somebody else meanwhile.")                      \
	X(TOO_LARGE, 413, 413, "too_large", "TOO_LARGE", "TOO_LARGE",          \
	    "The request is larger than allowed.")                             \
	X(MEDIA_TYPE, 415, 415, "unsupported_media_type",                      \
	    "UNSUPPORTED_MEDIA_TYPE", "UNSUPPORTED_MEDIA_TYPE",                \
	    "Send application/json.")                                          \
	X(RANGE, 416, 416, "range_not_satisfiable", "RANGE_NOT_SATISFIABLE",   \
	    "RANGE_NOT_SATISFIABLE", "The range lies outside the content.")    \
	X(RATE_LIMIT, 429, 429, "rate_limited", "RATE_LIMIT", "RATE_LIMIT",    \
	    "Rate limit exceeded")                                             \
	X(INTERNAL, 500, 500, "internal_error", "INTERNAL_ERROR",              \
	    "INTERNAL_ERROR", "Something broke here; it has been logged.")     \
	X(NOT_CONFIGURED, 503, 503, "not_configured", "NOT_CONFIGURED",        \
	    "NOT_CONFIGURED", "The operator has not set this up.")             \
	X(RETRY, 503, 503, "retry", "RETRY", "RETRY",                          \
	    "The service is busy or its database is away; try again.")         \
	/* identity */                                                         \
	X(BAD_LOGIN, 401, 401, "invalid_credentials", "UNAUTHORIZED",          \
	    "AUTH_REQUIRED", "User name or password is wrong.")                \
	X(BAD_LINK, 401, 401, "invalid_token", "UNAUTHORIZED",                 \
	    "AUTH_REQUIRED", "The link is not valid any more.")                \
	X(BAD_TOKEN, 401, 401, "unauthorized", "UNAUTHORIZED",                 \
	    "AUTH_REQUIRED", "Invalid authentication token")                   \
	X(SECOND_FACTOR, 401, 401, "second_factor_required",                   \
	    "SECOND_FACTOR_REQUIRED", "SECOND_FACTOR_REQUIRED",                \
	    "That was right; a code of the second factor is needed, too.")     \
	X(BAD_CODE, 401, 401, "second_factor_invalid",                         \
	    "SECOND_FACTOR_INVALID", "SECOND_FACTOR_INVALID",                  \
	    "The code is wrong, or was used before.")                          \
	X(STEP_OVER, 401, 401, "second_step_over", "SECOND_STEP_OVER",         \
	    "SECOND_STEP_OVER",                                                \
	    "The second step is over; begin again with the first.")            \
	X(FACTOR_MISSING, 403, 403, "second_factor_enrolment_required",        \
	    "SECOND_FACTOR_ENROLMENT_REQUIRED",                                \
	    "SECOND_FACTOR_ENROLMENT_REQUIRED",                                \
	    "Set up a second factor first: your role needs one here.")         \
	/* subscriptions */                                                    \
	X(PLAN_LIMIT, 402, 402, "plan_limit", "PLAN_LIMIT", "PLAN_LIMIT",      \
	    "The account's plan does not allow more of this.")                 \
	X(BILLING, 503, 503, "billing_not_configured",                         \
	    "BILLING_NOT_CONFIGURED", "BILLING_NOT_CONFIGURED",                \
	    "The operator has not set up payments.")                           \
	/* two workers, one row */                                             \
	X(STALE, 409, 409, "lease_lost", "LEASE_LOST", "LEASE_LOST",           \
	    "Another worker has taken this over.")                             \
	X(JOB_RUNNING, 409, 409, "job_running", "JOB_RUNNING", "JOB_RUNNING",  \
	    "It is running already.")                                          \
	/* idempotency */                                                      \
	X(KEY_REUSED, 422, 422, "idempotency_key_reused",                      \
	    "IDEMPOTENCY_KEY_REUSED", "IDEMPOTENCY_KEY_REUSED",                \
	    "This Idempotency-Key came with another request before.")          \
	X(KEY_RUNNING, 409, 409, "idempotency_in_progress",                    \
	    "IDEMPOTENCY_IN_PROGRESS", "IDEMPOTENCY_IN_PROGRESS",              \
	    "The first request under this Idempotency-Key is still running.")  \
	/* mail content */                                                     \
	X(PART_HASH, 409, 409, "email_part_content_hash_mismatch",             \
	    "EMAIL_PART_CONTENT_HASH_MISMATCH",                                \
	    "EMAIL_PART_CONTENT_HASH_MISMATCH",                                \
	    "The server's part is no longer the one recorded.")                \
	X(PART_SYNC, 409, 409, "email_part_metadata_out_of_sync",              \
	    "EMAIL_PART_METADATA_OUT_OF_SYNC",                                 \
	    "EMAIL_PART_METADATA_OUT_OF_SYNC",                                 \
	    "The message has moved or changed on the server; a sync is "       \
	    "queued.")                                                         \
	/* what foreign servers do; word = last_error_code */                  \
	X(TIMEOUT, 504, 504, "transient_timeout", "TRANSIENT_TIMEOUT",         \
	    "TRANSIENT_TIMEOUT", "The mail server took too long.")             \
	X(CONNECTION, 502, 502, "transient_connection",                        \
	    "TRANSIENT_CONNECTION", "TRANSIENT_CONNECTION",                    \
	    "The connection to the mail server failed.")                       \
	X(AUTH_FAILED, 502, 502, "auth_failed", "AUTH_FAILED", "AUTH_FAILED",  \
	    "The mail server refused the user name or password.")              \
	X(AUTH_EXPIRED, 502, 502, "auth_expired", "AUTH_EXPIRED",              \
	    "AUTH_EXPIRED", "The mail server wants a new authorisation.")      \
	X(DENIED, 502, 502, "authorization_denied", "AUTHORIZATION_DENIED",    \
	    "AUTHORIZATION_DENIED", "The mail server does not allow this.")    \
	X(CONFIG_TLS, 502, 502, "config_tls", "CONFIG_TLS", "CONFIG_TLS",      \
	    "No secure connection to the mail server can be made.")            \
	X(CONFIG_HOST, 502, 502, "config_host", "CONFIG_HOST", "CONFIG_HOST",  \
	    "The mail server's address cannot be used.")                       \
	X(PAYLOAD, 502, 502, "payload_invalid", "PAYLOAD_INVALID",             \
	    "PAYLOAD_INVALID", "What was sent or received cannot be read.")    \
	X(NO_FOLDER, 404, 404, "not_found_folder", "NOT_FOUND_FOLDER",         \
	    "NOT_FOUND_FOLDER", "The mail server has no such folder.")         \
	X(NO_MESSAGE, 404, 404, "not_found_message", "NOT_FOUND_MESSAGE",      \
	    "NOT_FOUND_MESSAGE", "The mail server has no such message.")       \
	X(RECIPIENT, 502, 502, "recipient_rejected", "RECIPIENT_REJECTED",     \
	    "RECIPIENT_REJECTED", "The mail server refused a recipient.")

enum rc {
#define RESULT_ENUM(name, ...) RC_##name,
	RESULT_LIST(RESULT_ENUM)
#undef RESULT_ENUM
	    RC_COUNT
};

/* Envelopes: the shape of answers a family of endpoints was documented with.
 * PAGE is HTML, RAW the bare object of the auth routes. */
enum envelope { ENV_DATA, ENV_RAW, ENV_SUCCESS, ENV_OK, ENV_PAGE };

struct result {
	const char *name;    /* as in the source, for logs */
	int status[2];       /* [0] in `data` and `raw`, [1] elsewhere */
	const char *word[3]; /* data|raw, success, ok */
	const char *text;
};

const struct result *result_row(enum rc);
int result_status(enum rc, enum envelope);
const char *result_word(enum rc, enum envelope);

/* The word a job shows as last_error_code ("transient_timeout"). */
const char *result_code(enum rc);
/* The result whose word that is; RC_INTERNAL where there is none. */
enum rc result_of_code(const char *);

/* Would trying again later help without anybody changing anything? */
int result_is_transient(enum rc);

#define TRY(x)                                                                 \
	do {                                                                   \
		enum rc try_rc_ = (x);                                         \
		if (try_rc_ != RC_OK)                                          \
			return try_rc_;                                        \
	} while (0)

/* Sets the detail of the failure at hand (this thread's) and returns `rc`.
 * The detail may be shown to the operator and in last_error_detail; whoever
 * calls it puts no secret in. Cut at 511 bytes, at a UTF-8 boundary, control
 * characters replaced. */
enum rc fail(enum rc, const char *fmt, ...) PRINTF_LIKE(2, 3);
#ifdef LINT /* an analyzer sees no other file: it is told what comes back */
#define fail(rc, ...) ((void)fail((rc), __VA_ARGS__), (rc))
#endif

/* The detail last set; "" if none. Valid until the next fail(). */
const char *fail_detail(void);
void fail_clear(void);

#endif
