/* The vault: the envelope keys of key_dir, read once a process, and again
 * when the directory has changed. */
#ifndef DOMAIN_VAULT_H
#define DOMAIN_VAULT_H

#include "core/conf.h"
#include "core/envelope.h"

/* RC_RETRY where they cannot be read: an operator can mend that, and the log
 * says why. They stay valid until the next call. */
enum rc
vault_keks(const struct conf *, const struct envelope_keks **) MUST_CHECK;

#endif
