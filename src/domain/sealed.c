#include "domain/sealed.h"

#include "domain/credential-sql.h"

const struct col data_key_cols[] = {
	COL(struct data_key, id),
	COL_BYTES(struct data_key, wrapped, .hidden = true),
	COL_END,
};

static enum rc
key_make(struct db *db, const struct envelope_keks *keks, int64_t application,
    int64_t account, struct arena *a)
{
	struct envelope_key key;
	struct str wrapped;
	int64_t id;

	TRY(data_key_id_take(db, &id));
	envelope_data_key_new(
	    keks, application, account, id, a, &key, &wrapped);
	envelope_key_wipe(&key);
	return data_key_insert(db, account, application, id, wrapped, NULL);
}

/* Reads it back in any case: another may have made one at the same time. */
static enum rc
key_current(struct db *db, const struct envelope_keks *keks,
    int64_t application, int64_t account, struct arena *a,
    struct envelope_key *out)
{
	struct data_key *row;

	TRY(data_key_current(db, account, a, &row));
	if (row == NULL) {
		TRY(key_make(db, keks, application, account, a));
		TRY(data_key_current(db, account, a, &row));
	}
	if (row == NULL)
		return fail(RC_INTERNAL, "the account's data key is missing");
	return envelope_data_key_open(
	    keks, application, account, row->id, row->wrapped, out);
}

enum rc
sealed_make(struct db *db, const struct envelope_keks *keks,
    const struct envelope_place *place, struct str plain, struct arena *a,
    struct sealed *out)
{
	struct envelope_key key;
	enum rc rc;

	TRY(key_current(db, keks, place->application, place->account, a, &key));
	out->key_id = key.id;
	rc = envelope_seal(&key, place, plain, a, &out->secret);
	envelope_key_wipe(&key);
	return rc;
}

enum rc
sealed_open(const struct envelope_keks *keks,
    const struct envelope_place *place, const struct sealed *in,
    struct str wrapped, struct arena *a, struct secret *plain)
{
	struct envelope_key key;
	enum rc rc;

	TRY(envelope_data_key_open(keks, place->application, place->account,
	    in->key_id, wrapped, &key));
	rc = envelope_open(&key, place, in->secret, a, plain);
	envelope_key_wipe(&key);
	return rc;
}
