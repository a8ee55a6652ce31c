// Accounts and their members: made, changed, removed, and who may not.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { client, refusedWithinSecond } from '../lib/api.mjs';
import { machine } from '../lib/machine.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, api;

before(async () => {
	house = await stack();
	api = client(house);
});

const acc = (id) => `acc_${id}`;
const at = (them) => `/api/accounts/acc_${them.account}`;

/** The audit rows of an action in an application, as "subject detail". */
const audited = (them, action) => sql(house, `SELECT coalesce(subject, '') ||
	' ' || coalesce(detail, '') FROM audit WHERE action = '${action}'
	AND application_id = ${them.application} ORDER BY id`)
	.split('\n').map((line) => line.trim()).filter((line) => line);

const memberOf = (them, who, account = them.account) => sql(house, `SELECT id
	FROM membership WHERE account_id = ${account} AND user_id = ${who.user}`);

/** Somebody of the application who is a member of nothing. */
const lonely = (them, name = 'lonely') => Number(sql(house, `INSERT INTO app_user
	(application_id, email) VALUES (${them.application},
	'${name}@${them.application}.test') RETURNING id`));

function named(answer, status, ...fields) {
	assert.equal(answer.status, status, answer.text);
	assert.deepEqual(answer.json.errors.map((e) => e.field), fields);
}

/** Answers the same, byte for byte, but for the request's own id. */
function alike(one, two) {
	const text = (a) => a.text.replace(/"request_id":"[^"]*"/, '');
	assert.equal(one.status, two.status);
	assert.equal(text(one), text(two));
}

describe('POST /api/accounts', () => {
	test('makes a root account that its maker owns', async () => {
		const them = people(house);
		const owner = api.as(them.owner);
		const { status, json } = await owner.post('/api/accounts',
			{ name: 'Second' });
		assert.equal(status, 201);
		assert.equal(json.data.parent_account_id, null);
		assert.equal(json.data.role, 'owner');
		assert.deepEqual(json.data.membership,
			{ user_id: `uid_${them.owner.user}`, role: 'owner' });
		const { json: mine } = await owner.get('/api/accounts');
		assert.deepEqual(mine.data.map((a) => a.name).sort(),
			['Second', mine.data.find((a) => a.id === acc(them.account)).name]
				.sort());
		assert.deepEqual(audited(them, 'account.make'),
			[`${json.data.id} root`]);
		const token = await owner.post(`/api/accounts/${json.data.id}/token`, {});
		assert.equal(token.status, 200);
	});
	test('makes a child of mine, and of no other', async () => {
		const them = people(house), twin = people(house);
		const owner = api.as(them.owner);
		const make = (who, parent) => api.as(who).post('/api/accounts',
			{ name: 'Child', parent_account_id: parent });
		const made = await make(them.owner, acc(them.account));
		assert.equal(made.status, 201);
		assert.equal(made.json.data.parent_account_id, acc(them.account));
		const foreign = await make(them.owner, acc(twin.account));
		assert.equal(foreign.status, 404);
		alike(foreign, await make(them.owner, acc(them.other)));
		alike(foreign, await make(them.owner, 'acc_999999999'));
		assert.equal((await make(them.admin, acc(them.other))).status, 201);
		assert.equal((await make(them.admin, acc(twin.account))).status, 404);
		const child = await owner.get(`/api/accounts/${made.json.data.id}`);
		assert.equal(child.status, 200);
	});
	test('refuses what is no account', async () => {
		const owner = api.as(people(house).owner);
		const rows = [
			[{}, 'name'], [{ name: '' }, 'name'], [{ name: '  ' }, 'name'],
			[{ name: 'x'.repeat(201) }, 'name'], [{ name: 7 }, 'name'],
			[{ name: null }, 'name'], [{ name: 'a\nb' }, 'name'],
			[{ name: 'x', parent_account_id: 'uid_1' }, 'parent_account_id'],
			[{ name: 'x', parent_account_id: 0 }, 'parent_account_id'],
			[{ name: 'x', status: 'active' }, 'status'],
		];
		for (const [body, field] of rows)
			named(await owner.post('/api/accounts', body), 422, field);
	});
	test('under an Idempotency-Key once', async () => {
		const them = people(house);
		const make = () => api.as(them.owner).post('/api/accounts',
			{ name: 'Once' }, { 'idempotency-key': 'a' });
		const answers = [await make(), await make()];
		assert.equal(answers[1].headers['idempotency-replayed'], 'true');
		assert.equal(answers[0].json.data.id, answers[1].json.data.id);
		assert.equal(audited(them, 'account.make').length, 1);
	});
	test('by a machine: a child without members, no root account', async () => {
		const them = people(house);
		const own = api.as(machine(house, them, { role: 'owner' }));
		assert.equal((await own.post('/api/accounts', { name: 'x' })).status,
			403);
		const child = await own.post(`${at(them)}/accounts`, { name: 'x' });
		assert.equal(child.status, 201);
		assert.equal(child.json.data.membership, null);
		assert.equal(sql(house, `SELECT count(*) FROM membership WHERE
			account_id = ${child.json.data.id.slice(4)}`), '0');
		const plain = api.as(machine(house, them));
		assert.equal((await plain.post(`${at(them)}/accounts`, { name: 'x' }))
			.status, 403);
		const marked = api.as(machine(house, them, { admin: true }));
		assert.equal((await marked.post(`${at(them)}/accounts`, { name: 'x' }))
			.status, 201);
		assert.equal((await marked.post('/api/accounts', { name: 'x' })).status,
			201);
	});
});

describe('child accounts', () => {
	test('are listed to who may see them, a page at a time', async () => {
		const them = people(house);
		const owner = api.as(them.owner);
		const path = `${at(them)}/accounts`;
		const ids = [];
		for (const name of ['a', 'b', 'c']) {
			const { status, json } = await owner.post(path, { name });
			assert.equal(status, 201);
			assert.equal(json.data.parent_account_id, acc(them.account));
			ids.push(json.data.id);
		}
		const first = await owner.get(`${path}?limit=2`);
		assert.deepEqual(first.json.data.map((a) => a.id), ids.slice(0, 2));
		assert.equal(first.json.meta.total, 3);
		const rest = await owner.get(
			`${path}?cursor=${first.json.meta.next_cursor}`);
		assert.deepEqual(rest.json.data.map((a) => a.id), ids.slice(2));
		for (const who of [them.member, them.viewer]) {
			const { status, json } = await api.as(who).get(path);
			assert.equal(status, 200);
			assert.deepEqual(json.data, []);
		}
		assert.equal((await api.as(them.stranger).get(path)).status, 403);
		named(await owner.post(path, {}), 422, 'name');
		named(await owner.post(path, { name: 'x', parent_account_id: 1 }), 422,
			'parent_account_id');
	});
	test('need a token of their own for everything but a look', async () => {
		const them = people(house);
		const owner = api.as(them.owner);
		const { json } = await owner.post(`${at(them)}/accounts`, { name: 'a' });
		const path = `/api/accounts/${json.data.id}`;
		assert.equal((await owner.get(path)).status, 200);
		for (const [method, url, body] of [['PATCH', path, { name: 'x' }],
			['DELETE', `${path}?confirm=a`], ['GET', `${path}/accounts`],
			['GET', `${path}/members`], ['GET', `${path}/clients`],
			['POST', `${path}/members`, { user_id: 1, role: 'member' }]]) {
			const answer = await owner.request(method, url, body);
			assert.equal(answer.status, 403, url);
			assert.equal(answer.json.code, 'account_mismatch');
		}
	});
});

describe('PATCH /api/accounts/:account_id', () => {
	test('renames', async () => {
		const them = people(house);
		for (const who of [them.owner, them.admin]) {
			const { status, json } = await api.as(who)
				.patch(at(them), { name: 'Ünder new name' });
			assert.equal(status, 200);
			assert.equal(json.data.name, 'Ünder new name');
			assert.equal(json.data.id, acc(them.account));
		}
		assert.equal((await api.as(them.owner).patch(at(them), {})).json.data
			.name, 'Ünder new name');
		assert.equal(audited(them, 'account.rename').length, 2);
	});
	test('takes a name and nothing else', async () => {
		const owner = api.as(people(house).owner);
		const me = (await owner.get('/api/accounts')).json.data[0].id;
		for (const [body, field] of [[{ name: null }, 'name'],
			[{ name: '' }, 'name'], [{ name: [] }, 'name'],
			[{ name: 'x'.repeat(201) }, 'name'], [{ status: 'x' }, 'status'],
			[{ parent_account_id: 1 }, 'parent_account_id']])
			named(await owner.patch(`/api/accounts/${me}`, body), 422, field);
	});
	for (const who of ['member', 'viewer', 'stranger'])
		test(`is not for a ${who}`, async () => {
			const them = people(house);
			assert.equal((await api.as(them[who]).patch(at(them),
				{ name: 'x' })).status, 403);
		});
	test('of another account, and of none, is the same refusal', async () => {
		const them = people(house), twin = people(house);
		const owner = api.as(them.owner);
		const foreign = await owner.patch(at(twin), { name: 'x' });
		assert.equal(foreign.status, 403);
		alike(foreign, await owner.patch('/api/accounts/acc_999999999',
			{ name: 'x' }));
		assert.equal((await owner.patch('/api/accounts/uid_1', { name: 'x' }))
			.status, 404);
	});
});

describe('members', () => {
	const role = (who) => sql(house, `SELECT role FROM membership
		WHERE user_id = ${who.user}`);

	test('are taken in by id and by address', async () => {
		const them = people(house);
		const user = lonely(them), other = lonely(them, 'second');
		const owner = api.as(them.owner);
		const one = await owner.post(`${at(them)}/members`,
			{ user_id: `uid_${user}`, role: 'viewer' });
		assert.equal(one.status, 201);
		assert.equal(one.json.data.user_id, `uid_${user}`);
		assert.equal(one.json.data.role, 'viewer');
		const two = await api.as(them.admin).post(`${at(them)}/members`, {
			email: `SECOND@${them.application}.test`, role: 'owner' });
		assert.equal(two.status, 201);
		assert.equal(two.json.data.user_id, `uid_${other}`);
		const list = await owner.get(`${at(them)}/members`);
		assert.equal(list.json.meta.total, 5);
		const twice = await owner.post(`${at(them)}/members`,
			{ user_id: user, role: 'owner' });
		assert.equal(twice.status, 409);
		assert.deepEqual(audited(them, 'member.add'), [
			`${one.json.data.id} uid_${user} viewer`,
			`${two.json.data.id} uid_${other} owner`]);
		assert.equal(sql(house, `SELECT role FROM membership
			WHERE user_id = ${user}`), 'viewer');
	});
	test('of another application are nobody', async () => {
		const them = people(house), twin = people(house);
		const owner = api.as(them.owner);
		const add = (body) => owner.post(`${at(them)}/members`,
			{ role: 'viewer', ...body });
		const missing = await add({ user_id: 999999999 });
		assert.equal(missing.status, 404);
		alike(missing, await add({ user_id: twin.owner.user }));
		const address = sql(house, `SELECT email FROM app_user
			WHERE id = ${twin.owner.user}`);
		alike(missing, await add({ email: address }));
		alike(missing, await add({ email: 'nobody@nowhere.test' }));
	});
	test('are asked for properly', async () => {
		const them = people(house);
		const rows = [
			[{ role: 'member' }, 'user_id'],
			[{ user_id: 1 }, 'role'],
			[{ user_id: 1, email: 'a@b.test', role: 'member' }, 'email'],
			[{ user_id: 1, role: 'admin' }, 'role'],
			[{ user_id: 1, role: null }, 'role'],
			[{ user_id: 'acc_1', role: 'member' }, 'user_id'],
			[{ user_id: -1, role: 'member' }, 'user_id'],
			[{ email: 'nobody', role: 'member' }, 'email'],
			[{ user_id: 1, role: 'member', name: 'x' }, 'name'],
		];
		for (const [body, field] of rows)
			named(await api.as(them.owner).post(`${at(them)}/members`, body),
				422, field);
	});
	test('get another role, and feel it at once', async () => {
		const them = people(house);
		const token = (await api.as(them.member).post(`${at(them)}/token`, {}))
			.json.access_token;
		const id = memberOf(them, them.member);
		const { status, json } = await api.as(them.owner)
			.patch(`${at(them)}/members/mbr_${id}`, { role: 'viewer' });
		assert.equal(status, 200);
		assert.equal(json.data.role, 'viewer');
		assert.equal((await refusedWithinSecond(() =>
			api.as({ token }).get('/api/accounts'))).status, 401);
		assert.deepEqual(audited(them, 'member.role'),
			[`mbr_${id} member -> viewer`]);
		const same = await api.as(them.owner)
			.patch(`${at(them)}/members/${id}`, { role: 'viewer' });
		assert.equal(same.status, 200);
		assert.equal((await api.as(them.owner)
			.patch(`${at(them)}/members/${id}`, {})).json.data.role, 'viewer');
		assert.equal(audited(them, 'member.role').length, 1);
	});
	test('are sent away, and are out at once', async () => {
		const them = people(house);
		const id = memberOf(them, them.member);
		const mine = api.as(them.member);
		assert.equal((await mine.get('/api/accounts')).status, 200);
		const answer = await api.as(them.owner)
			.delete(`${at(them)}/members/mbr_${id}`);
		assert.equal(answer.status, 204);
		assert.equal((await refusedWithinSecond(() =>
			mine.get('/api/accounts'))).status, 401);
		assert.equal((await api.as(them.owner)
			.delete(`${at(them)}/members/mbr_${id}`)).status, 404);
		assert.deepEqual(audited(them, 'member.remove'),
			[`mbr_${id} uid_${them.member.user} member`]);
	});
	test('of another account are as missing ones', async () => {
		const them = people(house);
		const foreign = memberOf(them, them.stranger, them.other);
		for (const [method, body] of [['PATCH', { role: 'viewer' }],
			['DELETE', undefined]]) {
			const ask = (id) => api.as(them.owner)
				.request(method, `${at(them)}/members/${id}`, body);
			const missing = await ask('mbr_999999999');
			assert.equal(missing.status, 404);
			alike(missing, await ask(`mbr_${foreign}`));
			alike(missing, await ask('uid_1'));
			alike(missing, await ask('x'));
		}
		assert.equal(role(them.stranger), 'owner');
		for (const [body, field] of [[{ role: 'boss' }, 'role'],
			[{ role: null }, 'role'], [{ user_id: 1 }, 'user_id']])
			named(await api.as(them.owner).patch(`${at(them)}/members/mbr_` +
				memberOf(them, them.member), body), 422, field);
	});
	for (const who of ['member', 'viewer', 'stranger'])
		test(`are not a ${who}'s to change`, async () => {
			const them = people(house);
			const id = memberOf(them, them[who],
				who === 'stranger' ? them.other : them.account);
			for (const [method, path, body] of [
				['POST', '/members', { user_id: lonely(them), role: 'owner' }],
				['PATCH', `/members/${id}`, { role: 'owner' }],
				['DELETE', `/members/${id}`]])
				assert.equal((await api.as(them[who])
					.request(method, at(them) + path, body)).status, 403);
			assert.equal(role(them[who]),
				who === 'stranger' ? 'owner' : who);
		});
	test('lower themselves, and are told so', async () => {
		const them = people(house);
		sql(house, `UPDATE membership SET role = 'owner'
			WHERE user_id = ${them.member.user}`);
		const token = (await api.as(them.member).post(`${at(them)}/token`, {}))
			.json.access_token;
		const { status, json } = await api.as({ token }).patch(
			`${at(them)}/members/${memberOf(them, them.member)}`,
			{ role: 'viewer' });
		assert.equal(status, 200);
		assert.equal(json.data.role, 'viewer');
		assert.equal((await api.as({ token }).post('/api/accounts',
			{ name: 'x' })).status, 401);
	});
	test('of which the last owner stays', async () => {
		const them = people(house);
		const id = memberOf(them, them.owner);
		for (const who of [them.owner, them.admin]) {
			const mine = api.as(who);
			const low = await mine.patch(`${at(them)}/members/${id}`,
				{ role: 'member' });
			assert.equal(low.status, 409);
			assert.equal(low.json.code, 'conflict');
			assert.equal((await mine.delete(`${at(them)}/members/${id}`))
				.status, 409);
			assert.equal((await mine.patch(`${at(them)}/members/${id}`,
				{ role: 'owner' })).status, 200);
		}
		assert.equal(role(them.owner), 'owner');
	});
	test('with an owner who is switched off beside, too', async () => {
		const them = people(house);
		sql(house, `UPDATE membership SET role = 'owner'
			WHERE user_id = ${them.member.user};
			UPDATE app_user SET is_active = false
			WHERE id = ${them.member.user}`);
		assert.equal((await api.as(them.owner).delete(
			`${at(them)}/members/${memberOf(them, them.owner)}`)).status, 409);
	});
	test('one of two owners stays when both go at once', async () => {
		const ways = [
			['each lowers the other', (them, who, whom) => [who, 'PATCH', whom]],
			['each sends the other away',
				(them, who, whom) => [who, 'DELETE', whom]],
			['each goes', (them, who) => [who, 'DELETE', who]],
			['an admin lowers both', (them, who, whom) =>
				[them.admin, 'PATCH', whom]],
		];
		for (const [name, way] of ways)
			for (let round = 0; round < 4; round++) {
				const them = people(house);
				sql(house, `UPDATE membership SET role = 'owner'
					WHERE user_id = ${them.member.user}`);
				const go = (who, whom) => {
					const [by, method, target] = way(them, who, whom);
					return api.as(by).request(method, `${at(them)}/members/` +
						memberOf(them, target),
					method === 'PATCH' ? { role: 'viewer' } : undefined);
				};
				const done = await Promise.all([go(them.owner, them.member),
					go(them.member, them.owner)]);
				const good = done.filter((a) => a.status < 300);
				assert.equal(good.length, 1, name);
				assert.ok(done.some((a) => [401, 403, 409].includes(a.status)));
				assert.equal(sql(house, `SELECT count(*) FROM membership WHERE
					account_id = ${them.account} AND role = 'owner'`), '1', name);
			}
	});
});

describe('POST /api/account-views/switch', () => {
	const go = (who, account_id) => api.as(who)
		.post('/api/account-views/switch', { account_id });

	test('stores the active account and answers a token for it', async () => {
		const them = people(house);
		const second = (await api.as(them.owner).post('/api/accounts',
			{ name: 'Second' })).json.data.id;
		const { status, json } = await go(them.owner, second);
		assert.equal(status, 200);
		assert.deepEqual(Object.keys(json.data).sort(),
			['access_token', 'account_id', 'expires_in', 'role']);
		assert.equal(json.data.account_id, second);
		assert.equal(json.data.role, 'owner');
		assert.equal(json.data.expires_in, 600);
		const token = { token: json.data.access_token };
		assert.equal((await api.as(token).get(`/api/accounts/${second}/members`))
			.status, 200);
		assert.equal((await api.as(token).get(`${at(them)}/members`)).status,
			403);
		// The cookie went along.
		assert.equal((await api.as(them.owner)
			.get(`/api/accounts/${second}/members`)).status, 200);
		assert.equal((await api.as(them.owner).get('/auth/me')).json
			.active_membership.account_id, second);
	});
	test('into one that I may not enter is as into none', async () => {
		const them = people(house), twin = people(house);
		const missing = await go(them.viewer, 'acc_999999999');
		assert.equal(missing.status, 404);
		for (const id of [them.other, twin.account])
			alike(missing, await go(them.viewer, acc(id)));
		assert.equal(sql(house, `SELECT active_account_id FROM app_user
			WHERE id = ${them.viewer.user}`), String(them.account));
		alike(missing, await go(them.admin, acc(twin.account)));
		const other = await go(them.admin, them.other);
		assert.equal(other.status, 200);
		assert.equal(other.json.data.role, 'owner');
	});
	test('is for people, and asks for an id', async () => {
		const them = people(house);
		assert.equal((await go(machine(house, them), them.account)).status, 403);
		for (const id of [undefined, null, 'uid_1', 'x', -1, 1.5])
			named(await go(them.viewer, id), 422, 'account_id');
	});
});

describe('the second wall', () => {
	const as = (them, who, text, account = them.account) => sql(house, `SELECT
		set_config('letterrack.application', '${them.application}', true),
		set_config('letterrack.account', '${account}', true),
		set_config('letterrack.user', '${who.user}', true);
		${text}`, house.database).split('\n').slice(1).join('\n');

	test('makes accounts for owners, below their own', () => {
		const them = people(house), twin = people(house);
		for (const who of [them.member, them.viewer, them.stranger])
			assert.throws(() => as(them, who,
				`SELECT account_make(${them.account}, 'x')`), /Only an owner/);
		for (const parent of [them.other, twin.account])
			assert.throws(() => as(them, them.owner,
				`SELECT account_make(${parent}, 'x')`), /no such account/);
		assert.match(as(them, them.owner,
			`SELECT account_make(${them.account}, 'x')`), /^\d+$/);
	});
	test('closes accounts for their owner, and removes none that is open', () => {
		const them = people(house);
		for (const who of [them.member, them.stranger])
			assert.throws(() => as(them, who,
				`SELECT account_close(${them.account})`), /Only its owner/);
		assert.throws(() => as(them, them.owner,
			`SELECT account_close(${them.other})`), /Only its owner/);
		for (const who of [them.owner, { user: 0 }])
			assert.throws(() => as(them, who, `SELECT account_remove_some(
				${them.account}, 1, 10)`), /not being removed/);
		assert.throws(() => as(them, them.owner,
			`SELECT account_remove_last(${them.account})`), /not being removed/);
		as(them, { user: 0 }, `SELECT account_remove_last(${them.account})`);
		assert.equal(sql(house, `SELECT status FROM account
			WHERE id = ${them.account}`), 'active');
	});
	test('tells owners only who could be a member', () => {
		const them = people(house), twin = people(house);
		assert.throws(() => as(them, them.member, `SELECT member_to_be(
			${them.stranger.user}, NULL)`), /Only an owner/);
		assert.equal(as(them, them.owner, `SELECT member_to_be(
			${them.stranger.user}, NULL)`), String(them.stranger.user));
		assert.equal(as(them, them.owner, `SELECT member_to_be(
			${twin.owner.user}, NULL)`), '');
		assert.equal(as(them, them.owner, `SELECT member_to_be(NULL, NULL)`), '');
	});
	test('lets an owner write members of their own account only', () => {
		const them = people(house);
		const foreign = memberOf(them, them.stranger, them.other);
		for (const text of [`UPDATE membership SET role = 'viewer'`,
			'DELETE FROM membership'])
			assert.equal(as(them, them.owner,
				`${text} WHERE id = ${foreign} RETURNING 1`), '');
	});
});

describe('DELETE /api/accounts/:account_id', () => {
	/* The jobs of the shared house are done by nobody: this one has its own. */
	let own, mine;

	before(async () => {
		own = await stack({ own: true });
		mine = client(own);
		sql(own, `UPDATE credential SET sync_mode = 'off'`);
	});
	after(() => own?.end());

	const name = (them) => sql(own, `SELECT name FROM account
		WHERE id = ${them.account}`);
	const remove = (them, who = them.owner, confirm = name(them)) => mine.as(who)
		.delete(`${at(them)}?confirm=${encodeURIComponent(confirm)}`);
	const command = (env = []) => ['setpriv', [`--reuid=${own.user}`,
		`--regid=${own.user}`, '--init-groups', '--', 'env',
		`LETTERRACK_CONF=${own.conf}`, ...env,
		`${own.prefix}/bin/letterrack-sync`], { encoding: 'utf8' }];
	const sync = (...env) => spawnSync(...command(env));

	/** Something in every table that an account may have rows in. */
	function fill(them) {
		const place = `${them.application}, ${them.account}`;
		sql(own, `INSERT INTO credential (application_id, account_id,
			provider_kind, host, port, security_mode)
			VALUES (${place}, 'imap', 'x', 9, 'none');
		INSERT INTO credential (application_id, account_id, user_id,
			provider_kind, host, port, security_mode)
			VALUES (${place}, ${them.member.user}, 'imap', 'x', 9, 'none');
		INSERT INTO data_key (application_id, account_id, wrapped)
			VALUES (${place}, 'x');
		INSERT INTO mailbox (application_id, account_id, credential_id, name,
			wire_name) SELECT ${place}, id, 'x', 'x' FROM credential
			WHERE account_id = ${them.account};
		INSERT INTO email (application_id, account_id, credential_id,
			mailbox_id, received_at) SELECT ${place}, m.credential_id, m.id,
			now() FROM mailbox m, generate_series(1, 700)
			WHERE m.account_id = ${them.account};
		INSERT INTO placement (application_id, account_id, mailbox_id,
			uidvalidity, uid, email_id) SELECT ${place}, mailbox_id, 1, id, id
			FROM email WHERE account_id = ${them.account};
		INSERT INTO email_part (application_id, account_id, email_id,
			part_number, position, content_type) SELECT ${place}, id, '1', 1,
			'text/plain' FROM email WHERE account_id = ${them.account};
		INSERT INTO counter (application_id, account_id, name)
			VALUES (${place}, 'emails');
		INSERT INTO flag_intent (application_id, account_id, email_id,
			credential_id, flags_add, flags_remove) SELECT ${place}, id,
			credential_id, '{}', '{}' FROM email
			WHERE account_id = ${them.account};
		INSERT INTO task (application_id, account_id, task_type,
			target_credential_id) SELECT ${place}, 'x', id FROM credential
			WHERE account_id = ${them.account};
		INSERT INTO job (application_id, account_id, task_id, action,
			credential_id) SELECT ${place}, id, 'imap_sync_messages',
			target_credential_id FROM task
			WHERE account_id = ${them.account};
		INSERT INTO log (application_id, account_id, subject, action, status)
			SELECT ${place}, 'x', 'x', 'x' FROM generate_series(1, 1200);
		INSERT INTO idempotency (application_id, account_id, actor, route,
			key, request_hash) VALUES (${place}, 'a', 'r', 'k', sha256('x'));
		INSERT INTO client (id, application_id, account_id)
			VALUES ('cid_gone${them.account}', ${place})`);
	}

	/** Table: rows of the account, of tables that have any. */
	const left = (them) => sql(own, `SELECT relname FROM pg_class c
		JOIN pg_attribute a ON attrelid = c.oid AND attname = 'account_id'
		WHERE relnamespace = 'letterrack'::regnamespace AND relkind = 'r'
		AND relname <> 'audit'`).split('\n').filter((table) =>
		sql(own, `SELECT EXISTS (SELECT FROM ${table}
			WHERE account_id = ${them.account})`) === 't');
	const exists = (them) => sql(own, `SELECT count(*) FROM account
		WHERE id = ${them.account}`) === '1';

	test('wants its name, and changes nothing without', async () => {
		const them = people(own);
		for (const query of ['', '?confirm=', '?confirm=x',
			`?confirm=${encodeURIComponent(name(them).toUpperCase())}X`]) {
			const answer = await mine.as(them.owner).delete(at(them) + query);
			assert.equal(answer.status, 409, query);
			assert.equal(answer.json.code, 'conflict');
		}
		for (const who of ['member', 'viewer', 'stranger'])
			assert.equal((await remove(them, them[who])).status, 403);
		assert.equal((await mine.as(them.owner).get('/api/accounts')).status,
			200);
	});
	test('puts it out of reach at once', async () => {
		const them = people(own);
		const token = (await mine.as(them.member).post(`${at(them)}/token`, {}))
			.json.access_token;
		sql(own, `INSERT INTO membership (application_id, account_id, user_id,
			role) VALUES (${them.application}, ${them.other},
			${them.viewer.user}, 'member')`);
		const answer = await remove(them);
		assert.equal(answer.status, 202);
		assert.equal(answer.json.data.status, 'deleting');
		for (const who of [{ token }, them.member, them.owner])
			assert.equal((await refusedWithinSecond(() =>
				mine.as(who).get(`${at(them)}/members`))).status, 401);
		const seen = await mine.as(them.viewer).get('/api/accounts');
		assert.deepEqual(seen.json.data.map((a) => a.id), [acc(them.other)]);
		const admin = sql(own, `UPDATE app_user SET active_account_id =
			${them.other} WHERE id = ${them.admin.user} RETURNING 1`);
		assert.equal(admin, '1');
		const all = await mine.as(them.admin).get('/api/accounts');
		assert.deepEqual(all.json.data.map((a) => a.id), [acc(them.other)]);
		assert.equal((await mine.as(them.admin).post(`${at(them)}/token`, {}))
			.status, 404);
	});
	test('a job removes all rows of it, and none of others', async () => {
		const them = people(own), twin = people(own);
		fill(them);
		fill(twin);
		sql(own, `UPDATE job SET state = 'failed'
			WHERE account_id = ${twin.account}`);
		assert.ok(left(them).length > 12, left(them).join());
		assert.equal((await remove(them)).status, 202);
		const { status, stderr } = sync();
		assert.equal(status, 0, stderr);
		assert.deepEqual(left(them), []);
		assert.ok(!exists(them));
		assert.ok(left(twin).length > 12);
		assert.equal(sql(own, `SELECT count(*) FROM email
			WHERE account_id = ${twin.account}`), '1400');
		assert.equal(sql(own, `SELECT count(*) FROM app_user
			WHERE application_id = ${them.application}`), '5');
		assert.equal(sql(own, `SELECT subject FROM audit
			WHERE action = 'account.remove' AND account_id = ${them.account}`),
		acc(them.account));
	});
	test('goes on where it was killed', async () => {
		const them = people(own);
		fill(them);
		assert.equal((await remove(them)).status, 202);
		const mails = () => Number(sql(own, `SELECT count(*) FROM email
			WHERE account_id = ${them.account}`));
		let before = left(them).length;
		/* A job that has killed several workers waits in between. */
		const hurry = () => sql(own, `UPDATE job SET run_at = now()
			WHERE account_id = ${them.account} AND state = 'queued'`);
		for (const point of ['account-remove-before:1', 'account-remove-after:1',
			'account-remove-after:5', 'account-remove-before:9']) {
			const { signal, status } =
				sync(`LETTERRACK_FAILPOINT=${point}`);
			assert.ok(signal !== null || status !== 0, `${point} ${status}`);
			assert.ok(exists(them), point);
			assert.ok(left(them).length <= before);
			before = left(them).length;
			hurry();
		}
		assert.ok(mails() < 1400);
		sync(); // takes back what the dead one held
		hurry();
		assert.equal(sync().status, 0);
		assert.deepEqual(left(them), []);
		assert.ok(!exists(them));
	});
	test('leases in it are void, whoever holds them', async () => {
		const them = people(own);
		fill(them);
		sql(own, `UPDATE job SET state = 'running', lease_token = 7, worker = 'x',
			lease_until = now() + interval '1 hour'
			WHERE account_id = ${them.account}`);
		const job = sql(own, `SELECT min(id) FROM job
			WHERE account_id = ${them.account}`);
		const fence = `SELECT guard_lease(${them.account}, ${job}, 7)`;
		sql(own, fence);
		assert.equal((await remove(them)).status, 202);
		assert.throws(() => sql(own, fence), /lease/);
	});
	test('of a parent waits for its children', async () => {
		const them = people(own);
		const owner = mine.as(them.owner);
		const child = (await owner.post(`${at(them)}/accounts`,
			{ name: 'child' })).json.data;
		assert.equal((await remove(them)).status, 409);
		const token = (await owner.post(`/api/accounts/${child.id}/token`, {}))
			.json.access_token;
		const gone = await mine.as({ token })
			.delete(`/api/accounts/${child.id}?confirm=child`);
		assert.equal(gone.status, 202);
		assert.deepEqual((await owner.get(`${at(them)}/accounts`)).json.data, []);
		assert.equal((await owner.get(`/api/accounts/${child.id}`)).status, 403);
		assert.equal((await remove(them)).status, 202);
		/* Whichever comes first, the parent's may have to wait its pause. */
		sync();
		sql(own, `UPDATE job SET run_at = now()
			WHERE account_id = ${them.account}`);
		assert.equal(sync().status, 0);
		assert.ok(!exists(them));
	});
	test('twice at once is done once', async () => {
		const them = people(own);
		const done = await Promise.all([remove(them), remove(them, them.admin)]);
		assert.deepEqual(done.map((a) => a.status).sort()[0], 202);
		assert.ok([401, 404].includes(done.map((a) => a.status).sort()[1]),
			done.map((a) => a.text).join());
		assert.equal(sql(own, `SELECT count(*) FROM job WHERE account_id =
			${them.account} AND action = 'account_remove'`), '1');
	});
});
