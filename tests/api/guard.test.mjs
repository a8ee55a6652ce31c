// Rights that were taken away are gone: for writes at once, for reads within a
// second.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { client, refusedWithinSecond } from '../lib/api.mjs';
import { people, sql } from '../lib/people.mjs';
import { stack } from '../lib/stack.mjs';

let house, api;

before(async () => {
	house = await stack();
	api = client(house);
});

const path = '/api/accounts';

async function token(them, who) {
	const answer = await api.as(who)
		.post(`/api/accounts/acc_${them.account}/token`, {});
	assert.equal(answer.status, 200, answer.text);
	return answer.json.data.access_token;
}

const status = async (who) => (await api.as(who).get(path)).status;

describe('a token', () => {
	const ends = [
		['its session ends', (them, user) => sql(house,
			`UPDATE session SET ended_at = now() WHERE user_id = ${user}`)],
		['its user is switched off', (them, user) => sql(house,
			`UPDATE app_user SET is_active = false WHERE id = ${user}`)],
		['its role changes', (them, user) => sql(house, `UPDATE membership
			SET role = 'viewer' WHERE user_id = ${user}`)],
		['its membership goes', (them, user) => sql(house,
			`DELETE FROM membership WHERE user_id = ${user}`)],
		['its account is suspended', (them) => sql(house, `UPDATE account
			SET status = 'suspended' WHERE id = ${them.account}`)],
	];
	for (const [name, end] of ends)
		test(`writes no more, and reads a second at most, when ${name}`, async () => {
			const them = people(house);
			const bearer = { token: await token(them, them.member) };
			assert.equal(await status(bearer), 200);
			end(them, them.member.user);
			assert.equal((await api.as(bearer).post(
				`/api/accounts/acc_${them.account}/emails`, {
					direction: 'inbound', from_json: [{ address: 'a@b.test' }],
				})).status, 401);
			const answer = await refusedWithinSecond(() =>
				api.as(bearer).get(path));
			assert.equal(answer.status, 401);
			assert.match(answer.json.code, /unauthorized/);
		});

	test('is refused when a byte of it is another', async () => {
		const them = people(house);
		const good = await token(them, them.member);
		for (const at of [5, good.indexOf('.') + 5,
			good.lastIndexOf('.') + 5]) {
			const other = good[at] === 'A' ? 'B' : 'A';
			const bad = good.slice(0, at) + other + good.slice(at + 1);
			assert.equal(await status({ token: bad }), 401);
		}
	});
});

describe('a cookie', () => {
	test('is refused within a second', async () => {
		const them = people(house);
		assert.equal(await status(them.member), 200);
		sql(house, `UPDATE session SET ended_at = now()
			WHERE user_id = ${them.member.user}`);
		// The database's guard stands behind the remembered actor.
		assert.equal(await status(them.member), 401);
	});
	test('follows its user into another account at once', async () => {
		const them = people(house);
		const other = `/api/accounts/acc_${them.other}/members`;
		const admin = api.as(them.admin);
		const move = (to) => sql(house, `UPDATE app_user
			SET active_account_id = ${to} WHERE id = ${them.admin.user}`);
		for (const url of [path, other]) {
			move(them.account);
			assert.equal((await admin.get(path)).status, 200);
			move(them.other);
			assert.equal((await admin.get(url)).status, 200, url);
		}
	});
	test('asks first for each write', async () => {
		const them = people(house);
		const member = api.as(them.member);
		assert.equal((await member.get(path)).status, 200);
		sql(house, `DELETE FROM session
			WHERE user_id = ${them.member.user}`);
		assert.equal((await member.post(`${path}/search`, {})).status, 401);
	});
	test('speaks for its own account only', async () => {
		const them = people(house);
		const foreign = `/api/accounts/acc_${them.other}/members`;
		assert.equal((await api.as(them.owner).get(foreign)).status, 403);
		assert.equal((await api.as(them.stranger).get(foreign)).status, 200);
	});
});

// The second wall, as the programs' role meets it.
describe('row-level security', () => {
	const as = (them, text) => sql(house, `SELECT
		set_config('letterrack.application', '${them.application}', true),
		set_config('letterrack.account', '${them.account}', true),
		set_config('letterrack.user', '${them.member.user}', true);
		${text}`, house.database);

	test('shows nothing where no guard has run', () => {
		const tables = sql(house, `SELECT relname FROM pg_class
			WHERE relnamespace = 'letterrack'::regnamespace
			AND relkind IN ('r', 'v') AND relname <> 'migration'`).split('\n');
		assert.ok(tables.length > 15, tables.join());
		for (const table of tables)
			assert.throws(() => sql(house, `SELECT FROM ${table}`,
				house.database), /unrecognized|permission/, table);
	});
	test('lets nobody make a member of an account that is not theirs', () => {
		const them = people(house);
		const join = (account) => `INSERT INTO membership (application_id,
			account_id, user_id, role) VALUES (${them.application},
			${account}, ${them.admin.user}, 'viewer')`;
		const own = join(them.other)
			.replace(them.admin.user, them.member.user);
		as(them, join(them.account));
		for (const text of [join(them.other), own])
			assert.throws(() => as(them, text), /row-level security/);
	});
});
