/* Ids: numbers in the database, "tsk_12" or 12 on the wire.
 *
 * The first document shows prefix and number as a string, the other two a
 * number; a path accepts both forms of the kind it names. */
#ifndef DB_IDS_H
#define DB_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

/* X(kind, prefix). NUMBER: what no document gives a prefix; always a number. */
#define ID_LIST(X)                                                             \
	X(NUMBER, "")                                                          \
	X(APPLICATION, "app_")                                                 \
	X(ACCOUNT, "acc_")                                                     \
	X(USER, "uid_")                                                        \
	X(MEMBER, "mbr_")                                                      \
	X(KEY, "key_")                                                         \
	X(CREDENTIAL, "pc_")                                                   \
	X(MAILBOX, "mbx_")                                                     \
	X(EMAIL, "eml_")                                                       \
	X(PART, "prt_")                                                        \
	X(TASK, "tsk_")                                                        \
	X(JOB, "job_")                                                         \
	X(LOG, "log_")                                                         \
	X(SUBSCRIPTION, "sub_")                                                \
	X(INVITE, "inv_")

/* ID_NONE: a number that is not an id. */
enum id_kind {
	ID_NONE,
#define ID_ENUM(kind, prefix) ID_##kind,
	ID_LIST(ID_ENUM)
#undef ID_ENUM
	    ID_KINDS
};

/* "" for ID_NONE and ID_NUMBER. */
struct str id_prefix(enum id_kind);

/* Prefix and number; returns the length. */
#define ID_PRINT_SIZE 32
size_t id_print(enum id_kind, int64_t, char out[ID_PRINT_SIZE]);

/* Either form; false where it is neither, has a foreign prefix, or is not a
 * positive int64: the caller answers as for a row that does not exist. */
bool id_parse(enum id_kind, struct str, int64_t *) MUST_CHECK;

#endif
