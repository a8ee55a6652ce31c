#include "domain/one-time.h"

const struct col one_time_cols[] = { COL(struct one_time, id, .hidden = true),
	COL(struct one_time, application_id, .hidden = true),
	COL(struct one_time, address, .hidden = true),
	COL(struct one_time, user_id, .hidden = true),
	COL(struct one_time, password_hash, .hidden = true),
	COL(struct one_time, account_id, .hidden = true),
	COL(struct one_time, account_name, .hidden = true),
	COL(struct one_time, role, .hidden = true),
	COL(struct one_time, user_name, .hidden = true),
	COL(struct one_time, has_password, .hidden = true),
	COL(struct one_time, made_by, .hidden = true),
	COL(struct one_time, state, .hidden = true),
	COL(struct one_time, created_at, .hidden = true),
	COL(struct one_time, expires_at, .hidden = true), COL_END };

bool
one_time_hash(const struct secret *token, unsigned char hash[SHA256_SIZE])
{
	if (token->n != SECRET_TOKEN)
		return false;
	sha256(token->p, token->n, hash);
	return true;
}
