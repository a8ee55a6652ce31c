// People for tests: an application with two accounts, and somebody in every
// role, signed in by rows of the database, so that no test waits for a password.
import { createHash, randomBytes } from 'node:crypto';
import { sql } from './sql.mjs';

const roles = ['owner', 'member', 'viewer'];

/**
 * { application, account, other, owner, member, viewer, admin, stranger }:
 * each person is { user, cookie }; the stranger owns the account `other`.
 */
export function people(house, name = randomBytes(4).toString('hex')) {
	const app = sql(house, `INSERT INTO application (name)
		VALUES ('${name}') RETURNING id`);
	const [account, other] = ['one', 'two'].map((n) => sql(house,
		`INSERT INTO account (application_id, name)
		VALUES (${app}, '${name} ${n}') RETURNING id`));

	function person(who, where, role) {
		const cookie = randomBytes(32).toString('base64url');
		const hash = createHash('sha256').update(cookie).digest('hex');
		const user = sql(house, `INSERT INTO app_user (application_id, email,
			name, role, active_account_id) VALUES (${app},
			'${who}@${name}.test', '${who}',
			'${who === 'admin' ? 'admin' : 'user'}', ${where})
			RETURNING id`);
		if (role)
			sql(house, `INSERT INTO membership (application_id, account_id,
				user_id, role) VALUES (${app}, ${where}, ${user},
				'${role}')`);
		sql(house, `INSERT INTO session (application_id, user_id,
			token_hash, idle_seconds, expires_at) VALUES (${app}, ${user},
			'\\x${hash}', 3600, now() + interval '1 day')`);
		return { user: Number(user), cookie };
	}

	return {
		application: Number(app),
		account: Number(account),
		other: Number(other),
		...Object.fromEntries(roles.map((r) => [r, person(r, account, r)])),
		admin: person('admin', account, null),
		stranger: person('stranger', other, 'owner'),
	};
}
