// A machine client, and a token of it as the installation would have made one.
import { sql } from './sql.mjs';
import { sign, signingKey } from './tokens.mjs';

let count = 0;

/** { id, token } of a client in the account of `them` (tests/lib/people.mjs). */
export function machine(house, them, { role = 'member', admin = false } = {}) {
	const id = `cid_machine${them.application}_${++count}`;
	sql(house, `INSERT INTO client (id, application_id, account_id,
		secret_hash, role, is_app_admin) VALUES ('${id}', ${them.application},
		${them.account}, sha256('x'), '${role}', ${admin})`);
	const { kid, key } = signingKey(house);
	const now = Math.floor(Date.now() / 1000);
	const token = sign(key, { alg: 'RS256', typ: 'at+jwt', kid }, {
		iss: house.url, aud: house.url, sub: id, cid: id,
		app: `app_${them.application}`, acc: `acc_${them.account}`, role,
		iat: now, exp: now + 600,
	});
	return { id, token };
}
