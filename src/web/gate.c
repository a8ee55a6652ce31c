#include "web/gate.h"

#include "web/body.h"

enum rc
gate_of(const struct conf *conf, struct password_gate **out)
{
	static struct password_gate gate;
	static bool open;

	if (!open && password_gate_open(conf->run_dir, &gate) != RC_OK)
		return RC_RETRY;
	open = true;
	*out = &gate;
	return RC_OK;
}

enum rc
gate_hash(
    struct request *rq, const struct chosen *c, char hash[PASSWORD_HASH_MAX])
{
	struct password_gate *gate;

	if (password_allowed(&c->password, c->name, c->email) != RC_OK)
		return fault_add(
		    rq, c->field, "weak", arena_str(rq->arena, fail_detail()));
	TRY(gate_of(rq->conf, &gate));
	return password_hash(gate, &c->password, rq->conf->password_cost, hash);
}
