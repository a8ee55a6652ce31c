/* The configuration: letterrack.conf, read strictly.
 *
 * `name = value` a line, `#` begins a comment line, value in double quotes
 * where it begins or ends with a blank. An unknown name, a name given twice
 * (unless its row says that it may) or
 * a value out of range is an error with file and line. An environment variable
 * LETTERRACK_<NAME> overrides a line. The options are rows (conf.c): reader,
 * configtest, manual page and tests read the same list. */
#ifndef CORE_CONF_H
#define CORE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/places.h"

/* What a row may hold:  TEXT(min, max length)  INT(min, max)  BOOL
 * SECONDS: 30, 30s, 10m, 12h, 7d   SIZE: bytes, 64k, 10m
 * PATH: absolute   LIST: blank-separated, in one string.
 * LINES: the name may come again; the values of all, a line each.
 *
 * X(kind, name, default as text, least, most, what it is) */
#define CONF_LIST(X)                                                           \
	X(TEXT, database, "dbname=letterrack user=letterrack", 1, 1024,        \
	    "How the programs reach PostgreSQL (libpq connection string). "    \
	    "The "                                                             \
	    "user owns nothing and is under row-level security.")              \
	X(TEXT, database_owner, "", 0, 1024,                                   \
	    "How `letterrackctl migrate` and `init` reach it: the owner of "   \
	    "the "                                                             \
	    "schema.")                                                         \
	X(TEXT, database_auth, "", 0, 1024,                                    \
	    "How the families `auth` and `oauth` reach it, as the user of "    \
	    "`database` "                                                      \
	    "with `_auth` behind its name: the only role that may look up "    \
	    "password hashes and open sessions; empty: as the others, where "  \
	    "there is no such role.")                                          \
	X(TEXT, base_url, "http://127.0.0.1:8080", 8, 512,                     \
	    "Where the API is seen from outside: issuer and links.")           \
	X(LIST, audiences, "", 0, 2048,                                        \
	    "Audiences that access tokens may carry; empty: base_url.")        \
	X(LINES, external_issuer, "", 0, 16384,                                \
	    "An issuer whose access tokens are taken beside our own, as "      \
	    "three words: its name as in iss, the audience that its "          \
	    "tokens must name, and the URL of its key set (https; http "       \
	    "only on this host itself), which letterrack-sync fetches "        \
	    "through egress_allow; it may speak for every user here, by "      \
	    "the claims uid and acc, or by a link that letterrackctl user "    \
	    "link has made for its sub.")                                      \
	X(PATH, run_dir, "/run/letterrack", 1, 100,                            \
	    "Where the responders' sockets are.")                              \
	X(PATH, state_dir, "/var/lib/letterrack", 1, 256,                      \
	    "Raw messages and caches.")                                        \
	X(PATH, key_dir, "/etc/letterrack/keys", 1, 256,                       \
	    "Envelope keys and token keys, mode 0600, outside the database.")  \
	X(PATH, responder_dir, LIBEXECDIR, 1, 256,                             \
	    "Where the responders (cgi-bin) are installed.")                   \
	X(TEXT, socket_group, "www-data", 0, 64,                               \
	    "Group of the responders' sockets, nginx's; empty: unchanged.")    \
	X(TEXT, log_level, "info", 1, 8, "error, warn, info or debug.")        \
	X(BOOL, log_json, "no", 0, 1, "JSON lines instead of plain text.")     \
	X(LIST, egress_allow, "", 0, 2048,                                     \
	    "Networks that outbound connections may reach although they are "  \
	    "private: 127.0.0.0/8, 10.1.0.0/16, fd00::/8.")                    \
	X(BOOL, allow_plaintext, "no", 0, 1,                                   \
	    "security_mode none to hosts that are not loopback.")              \
	X(PATH, ca_file, "/etc/ssl/certs/ca-certificates.crt", 1, 256,         \
	    "The authorities that mail servers' certificates are checked by.") \
	X(SECONDS, access_token_life, "10m", 60, 3600,                         \
	    "Life of access tokens.")                                          \
	X(SECONDS, session_idle, "12h", 60, 604800,                            \
	    "A session ends after this time without a request.")               \
	X(SECONDS, session_life, "7d", 60, 2592000,                            \
	    "A session's longest life.")                                       \
	X(SECONDS, refresh_life, "14d", 3600, 7776000,                         \
	    "A refresh token is good for so long; each use gives another.")    \
	X(INT, password_cost, "5", 1, 11, "yescrypt cost of new passwords.")   \
	X(TEXT, second_factor, "optional", 6, 9,                               \
	    "Who has to have a second factor, and can do nothing but set one " \
	    "up without it: optional (nobody), admins, owners (of an "         \
	    "account, and admins) or everybody.")                              \
	X(INT, login_rate, "5", 0, 100000,                                     \
	    "Login attempts a minute from one address; 0: no limit.")          \
	X(INT, link_rate, "5", 1, 1000,                                        \
	    "Mailed links of a kind that one address gets an hour.")           \
	X(INT, session_rate, "100", 0, 1000000,                                \
	    "API requests a minute for a session; 0: no limit.")               \
	X(INT, token_rate, "1000", 0, 1000000,                                 \
	    "API requests a minute for a token; 0: no limit.")                 \
	X(LIST, cors_origins, "", 0, 2048,                                     \
	    "Origins whose pages may use the API from a browser, with "        \
	    "tokens, beside those of the public OAuth clients' redirect "      \
	    "addresses: https://app.example.org.")                             \
	X(LIST, status_allow, "127.0.0.1 ::1", 0, 1024,                        \
	    "Peers that see health and metrics in full.")                      \
	X(TEXT, metrics_token, "", 0, 128,                                     \
	    "Bearer token for health and metrics from elsewhere.")             \
	X(TEXT, webcron_secret_token, "", 0, 256,                              \
	    "Token of POST /webhooks/poll-emails, by which a cron service "    \
	    "elsewhere has mail polled; empty: it is off (503).")              \
	X(BOOL, webcron_query_token, "yes", 0, 0,                              \
	    "Whether that token may come in the query, as ?token=.")           \
	X(SECONDS, poll_interval, "2m", 10, 86400,                             \
	    "Pause between two polls of a folder set.")                        \
	X(SECONDS, sync_budget, "5m", 1, 86400,                                \
	    "How long a sync of one mail account goes on before others have "  \
	    "their turn.")                                                     \
	X(INT, watch_pace, "0", 0, 60000,                                      \
	    "Milliseconds between two questions of letterrack-watch to a "     \
	    "mail server (NOOP). With 250 mail is held before other mail "     \
	    "programs are told of it, which costs the server work; 0: it "     \
	    "waits for the server's word (IDLE).")                             \
	X(SECONDS, watch_poll, "30s", 1, 3600,                                 \
	    "The same for servers without IDLE, in seconds.")                  \
	X(SECONDS, watch_silence, "10m", 1, 1500,                              \
	    "letterrack-watch asks a server that has said nothing for so "     \
	    "long whether it is still there.")                                 \
	X(SECONDS, watch_answer, "30s", 1, 600,                                \
	    "How long letterrack-watch waits for an answer before it "         \
	    "connects anew.")                                                  \
	X(INT, watch_most, "2000", 1, 100000,                                  \
	    "Mail accounts that one letterrack-watch keeps a session for.")    \
	X(INT, watch_workers, "2", 0, 32,                                      \
	    "How many letterrack-sync a letterrack-watch starts, which do "    \
	    "nothing but fetch and hold what it was told of; 0: the other "    \
	    "workers do that.")                                                \
	X(SECONDS, job_keep, "14d", 86400, 315360000,                          \
	    "How long tasks that succeeded or were cancelled are kept, with "  \
	    "their jobs.")                                                     \
	X(SECONDS, log_keep, "90d", 86400, 315360000,                          \
	    "How long logs are kept, and tasks that failed.")                  \
	X(SECONDS, event_keep, "30d", 86400, 315360000,                        \
	    "How long events are kept, and what was told of them to webhooks " \
	    "after its end.")                                                  \
	X(SECONDS, deleted_keep, "30d", 86400, 315360000,                      \
	    "How long notes, subjects and extracts of threads that were "      \
	    "deleted are kept; that they were is remembered for ever.")        \
	X(SECONDS, hold_keep, "30d", 86400, 315360000,                         \
	    "How long mail that was discarded stays in its quarantine, and "   \
	    "the bytes that were kept of mail that was held, after its end.")  \
	X(SECONDS, session_keep, "30d", 86400, 315360000,                      \
	    "How long sessions, refresh tokens and mailed links are kept "     \
	    "after their end.")                                                \
	X(SECONDS, audit_keep, "0", 0, 315360000,                              \
	    "How long entries of the audit log are kept; 0: for ever.")        \
	X(SIZE, body_cache_message, "10m", 4096, 52428800,                     \
	    "Messages up to this size are fetched whole at their first read.") \
	X(SIZE, body_cache_total, "512m", 0, 1099511627776,                    \
	    "Size of the cache of fetched messages.")                          \
	X(SIZE, sync_hash_message, "32k", 0, 1048576,                          \
	    "Messages up to this size are fetched whole behind a sync, so "    \
	    "that they are known by their bytes when they come to another "    \
	    "folder of a server without ids for messages; 0: none.")           \
	X(INT, compress_rtt, "20", 0, 60000,                                   \
	    "A sync compresses its connection (COMPRESS=DEFLATE) where the "   \
	    "round trip to the mail server takes at least so many "            \
	    "milliseconds and there is much to fetch; 0: always.")             \
	X(INT, workers_scale, "1", 1, 16,                                      \
	    "Multiplies the number of processes of every responder.")          \
	X(TEXT, system_smtp_host, "", 0, 253,                                  \
	    "The server that mail of the service itself (links to sign in "    \
	    "with, invitations) is handed to, which has to stand in "          \
	    "egress_allow where it is not public; empty: such mail waits.")    \
	X(INT, system_smtp_port, "587", 1, 65535, "The port of that server.")  \
	X(TEXT, system_smtp_security, "starttls", 4, 8,                        \
	    "How it is spoken to: ssl_tls, starttls, or none, which is for "   \
	    "loopback only.")                                                  \
	X(TEXT, system_smtp_user, "", 0, 320,                                  \
	    "Who signs in there; empty: nobody.")                              \
	X(PATH, system_smtp_password_file,                                     \
	    "/etc/letterrack/system-smtp.password", 1, 256,                    \
	    "The file with that user's password, mode 0600.")                  \
	X(TEXT, system_from, "", 0, 320,                                       \
	    "Who mail of the service is from: an address, or Name <address>.") \
	X(TEXT, google_client_id, "", 0, 256,                                  \
	    "The OAuth client that renews tokens of mail accounts whose "      \
	    "provider_type is google; empty: they are not renewed.")           \
	X(PATH, google_client_secret_file,                                     \
	    "/etc/letterrack/google-client.secret", 1, 256,                    \
	    "The file with its secret, mode 0600.")                            \
	X(TEXT, google_token_url, "https://oauth2.googleapis.com/token", 8,    \
	    512,                                                               \
	    "Where they are renewed (https; http only on this host itself).")  \
	X(TEXT, microsoft_client_id, "", 0, 256,                               \
	    "The same for provider_type microsoft.")                           \
	X(PATH, microsoft_client_secret_file,                                  \
	    "/etc/letterrack/microsoft-client.secret", 1, 256,                 \
	    "The file with its secret; none where the client is a public "     \
	    "one.")                                                            \
	X(TEXT, microsoft_token_url,                                           \
	    "https://login.microsoftonline.com/common/oauth2/v2.0/token", 8,   \
	    512,                                                               \
	    "Where they are renewed (https; http only on this host itself).")  \
	X(TEXT, stripe_url, "https://api.stripe.com", 8, 512,                  \
	    "Where Stripe is asked (https; http only on this host itself).")   \
	X(TEXT, stripe_secret_key_file, "", 0, 256,                            \
	    "The file with Stripe's secret key, mode 0600; empty: nobody "     \
	    "pays for plans here.")                                            \
	X(TEXT, stripe_webhook_secret_file, "", 0, 256,                        \
	    "The file with the secrets that Stripe signs its events with, a "  \
	    "line each, mode 0600.")                                           \
	X(LIST, smtp_listen, "127.0.0.1:8587", 0, 1024,                        \
	    "Where letterrack-smtpd listens: 127.0.0.1:8587, [::1]:8587, "     \
	    "0.0.0.0:8587.")                                                   \
	X(TEXT, smtp_name, "", 0, 253,                                         \
	    "What it calls itself; empty: the name of the machine.")           \
	X(TEXT, smtp_certificate, "", 0, 256,                                  \
	    "The file of its certificate, with those that vouch for it "       \
	    "behind "                                                          \
	    "it (PEM), read again at HUP; empty: no STARTTLS.")                \
	X(TEXT, smtp_certificate_key, "", 0, 256,                              \
	    "The file of that certificate's key.")                             \
	X(BOOL, smtp_plain_loopback, "yes", 0, 0,                              \
	    "Whether programs on this machine may sign in there without TLS; " \
	    "others never may.")                                               \
	X(SIZE, smtp_message_most, "50m", 4096, 52428800,                      \
	    "The largest message that it takes.")                              \
	X(INT, smtp_recipients, "100", 1, 1000,                                \
	    "Recipients of one message there.")                                \
	X(INT, smtp_errors, "10", 1, 1000,                                     \
	    "Faults of a session behind which it is ended.")                   \
	X(INT, smtp_connections, "1000", 1, 20000, "Sessions at a time.")      \
	X(INT, smtp_connections_address, "50", 1, 20000,                       \
	    "Sessions at a time from one address.")                            \
	X(SECONDS, smtp_login_time, "1m", 1, 3600,                             \
	    "How long a session may last before somebody has signed in.")      \
	X(SECONDS, smtp_command_time, "5m", 1, 3600,                           \
	    "How long it waits for a whole command.")                          \
	X(SECONDS, smtp_message_time, "10m", 1, 86400,                         \
	    "How long a message may take to come.")                            \
	X(SECONDS, smtp_session_time, "1h", 1, 86400,                          \
	    "How long a session may last.")                                    \
	X(INT, smtp_workers, "4", 1, 64,                                       \
	    "Messages that are written down at a time, each over a "           \
	    "connection to the database.")                                     \
	X(TEXT, failpoint, "", 0, 128,                                         \
	    "For tests: the failpoint at which the process ends itself.")

enum conf_kind {
	CONF_TEXT,
	CONF_INT,
	CONF_BOOL,
	CONF_SECONDS,
	CONF_SIZE,
	CONF_PATH,
	CONF_LIST_OF,
	CONF_LINES,
};

struct conf {
#define CONF_C_TEXT(n)               const char *n;
#define CONF_C_PATH(n)               const char *n;
#define CONF_C_LIST(n)               const char *n;
#define CONF_C_LINES(n)              const char *n;
#define CONF_C_INT(n)                int64_t n;
#define CONF_C_BOOL(n)               bool n;
#define CONF_C_SECONDS(n)            int64_t n;
#define CONF_C_SIZE(n)               int64_t n;
#define CONF_MEMBER(kind, name, ...) CONF_C_##kind(name)
	CONF_LIST(CONF_MEMBER)
#undef CONF_MEMBER
	const char *file;    /* where it was read from */
	struct arena *arena; /* owned */
};

struct conf_row {
	enum conf_kind kind;
	const char *name;
	const char *preset;
	int64_t least, most;
	const char *what;
	size_t offset;
};
extern const struct conf_row conf_rows[];
extern const size_t conf_rows_count;

/* Reads `path` (NULL: $LETTERRACK_CONF, else SYSCONFDIR/letterrack.conf; a
 * missing default file counts as empty), then the environment. RC_INVALID:
 * fail_detail says "file:line: why". */
enum rc conf_read(const char *path, struct conf **) MUST_CHECK;
void conf_free(struct conf **);

#endif
