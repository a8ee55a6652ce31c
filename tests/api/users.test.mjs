// Users: made, shown, changed, removed, and their passwords.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { client, refusedWithinSecond } from '../lib/api.mjs';
import { machine } from '../lib/machine.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';
import { cookieOf } from '../lib/tokens.mjs';

let house, api;

before(async () => {
	house = await stack();
	api = client(house);
});

const one = (who) => `/api/users/${who.user ?? who}`;
const good = 'correct horse battery';
let count = 0;
const address = () => `new${process.pid}.${++count}@users.test`;

/** Somebody with a password, made through the API: { user, email }. */
async function made(them, more = {}) {
	const email = address();
	const answer = await api.as(them.admin).post('/api/users',
		{ email, password: good, ...more });
	assert.equal(answer.status, 201, answer.text);
	return { user: answer.json.user.id, email, row: answer.json.user };
}

/** Signs in at the application of `them`: { status, token, cookie }. */
async function signIn(them, email, password) {
	them.door ??= machine(house, them).id;
	const answer = await api.post('/auth/sign-in',
		{ client_id: them.door, email, password });
	return { status: answer.status, cookie: cookieOf(answer),
		token: answer.json.tokens?.access_token };
}

const audited = (them, action) => sql(house, `SELECT coalesce(subject, '') ||
	' ' || coalesce(detail, '') FROM audit WHERE action = '${action}'
	AND application_id = ${them.application} ORDER BY id`)
	.split('\n').map((line) => line.trim()).filter((line) => line);

function named(answer, field, status = 400) {
	assert.equal(answer.status, status, answer.text);
	const list = answer.json.errors ?? answer.json.details;
	assert.ok(JSON.stringify(list).includes(`"${field}"`), answer.text);
	if (status === 400)
		assert.equal(answer.json.code, 'VALIDATION_ERROR');
}

function alike(one, two) {
	const text = (a) => a.text.replace(/"request_id":"[^"]*"/, '');
	assert.equal(one.status, two.status);
	assert.equal(text(one), text(two));
}

const state = (user) => sql(house, `SELECT role || ' ' || is_active
	FROM app_user WHERE id = ${user.user ?? user}`);

describe('GET /api/users', () => {
	test('lists those of the application, in the document\'s shape', async () => {
		const them = people(house);
		people(house);
		const { status, json } = await api.as(them.admin).get('/api/users');
		assert.equal(status, 200);
		assert.deepEqual(Object.keys(json).sort(), ['meta', 'users']);
		assert.deepEqual(json.users.map((u) => u.id), [them.owner, them.member,
			them.viewer, them.admin, them.stranger].map((w) => w.user));
		assert.deepEqual({ total: 5, limit: 50, offset: 0 }, {
			total: json.meta.total, limit: json.meta.limit,
			offset: json.meta.offset });
		const [first] = json.users;
		assert.equal(first.role, 'user');
		assert.equal(first.is_active, true);
		assert.equal(first.last_login_at, null);
		assert.match(first.created_at, /^\d{4}-\d\d-\d\dT[\d:]{8}\+00:00$/);
	});
	test('by role and activity, a page at a time', async () => {
		const them = people(house);
		sql(house, `UPDATE app_user SET is_active = false
			WHERE id = ${them.viewer.user}`);
		const ask = async (query) => (await api.as(them.admin)
			.get(`/api/users${query}`)).json;
		const ids = async (query) => (await ask(query)).users.map((u) => u.id);
		assert.deepEqual(await ids('?role=admin'), [them.admin.user]);
		assert.deepEqual(await ids('?is_active=false'), [them.viewer.user]);
		assert.deepEqual(await ids('?is_active=0&role=admin'), []);
		assert.equal((await ids('?is_active=1')).length, 4);
		assert.deepEqual(await ids('?limit=2&offset=1'),
			[them.member.user, them.viewer.user]);
		const page = await ask('?limit=3');
		assert.equal((await ids(`?cursor=${page.meta.next_cursor}`)).length, 2);
		for (const query of ['?role=boss', '?is_active=maybe', '?limit=0',
			'?limit=x', '?offset=-1', '?cursor=x', '?limit=1&limit=2'])
			assert.equal((await api.as(them.admin).get(`/api/users${query}`))
				.status, 400, query);
	});
	for (const who of ['owner', 'member', 'viewer', 'stranger'])
		test(`is not for ${who}`, async () => {
			const them = people(house);
			for (const [method, path, body] of [['GET', '/api/users'],
				['POST', '/api/users', { email: address(), password: good }],
				['DELETE', one(them.viewer)]]) {
				const answer = await api.as(them[who])
					.request(method, path, body);
				assert.equal(answer.status, 403);
				assert.equal(answer.json.code, 'FORBIDDEN');
			}
		});
});

describe('GET /api/users/:id', () => {
	test('shows an admin each, and everybody themselves', async () => {
		const them = people(house);
		for (const [who, whom] of [[them.admin, them.member],
			[them.member, them.member], [them.viewer, them.viewer]]) {
			const { status, json } = await api.as(who).get(one(whom));
			assert.equal(status, 200);
			assert.deepEqual(Object.keys(json), ['user']);
			assert.equal(json.user.id, whom.user);
			assert.deepEqual(json.user.imap_accounts, []);
			assert.ok(!JSON.stringify(json).includes('hash'));
		}
		assert.equal((await api.as(them.viewer).get(`/api/users/uid_` +
			them.viewer.user)).status, 200);
	});
	test('shows nobody the personal mail accounts of others', async () => {
		const them = people(house);
		const box = sql(house, `INSERT INTO credential (application_id,
			account_id, user_id, provider_kind, email_address, host, port,
			security_mode) VALUES (${them.application}, ${them.account},
			${them.member.user}, 'imap', 'me@home.test', 'imap.home.test', 993,
			'ssl_tls') RETURNING id`);
		const boxes = async (who) => (await api.as(who).get(one(them.member)))
			.json.user.imap_accounts;
		assert.deepEqual(await boxes(them.member), [{ id: Number(box),
			email: 'me@home.test', imap_host: 'imap.home.test' }]);
		assert.deepEqual(await boxes(them.admin), []);
	});
	test('of others, of other applications and of nobody', async () => {
		const them = people(house), twin = people(house);
		for (const id of [them.owner.user, twin.owner.user, 999999999])
			assert.equal((await api.as(them.member).get(one(id))).status, 403);
		for (const [method, tail, body] of [['GET', ''], ['PUT', '', {}],
			['DELETE', ''], ['POST', '/password', { new_password: good }]]) {
			const ask = (id) => api.as(them.admin)
				.request(method, one(id) + tail, body);
			const missing = await ask(999999999);
			assert.equal(missing.status, 404);
			assert.equal(missing.json.code, 'USER_NOT_FOUND');
			alike(missing, await ask(twin.owner.user));
			alike(missing, await ask('acc_1'));
			alike(missing, await ask('x'));
		}
	});
});

describe('POST /api/users', () => {
	test('makes a member of the account, who can sign in', async () => {
		const them = people(house);
		const email = address();
		const answer = await api.as(them.admin).post('/api/users', { email,
			name: 'Jane', password: good, role: 'user', is_active: true });
		assert.equal(answer.status, 201);
		const { success, user } = answer.json;
		assert.equal(success, true);
		assert.deepEqual([user.email, user.name, user.role, user.is_active],
			[email, 'Jane', 'user', true]);
		assert.ok(!answer.text.includes(good));
		assert.equal(sql(house, `SELECT account_id || role FROM membership
			WHERE user_id = ${user.id}`), `${them.account}member`);
		assert.match(sql(house, `SELECT password_hash FROM app_user
			WHERE id = ${user.id}`), /^\$y\$/);
		const { status, token } = await signIn(them, email, good);
		assert.equal(status, 200);
		assert.equal((await api.as({ token }).get(one(user.id))).status, 200);
		assert.deepEqual(audited(them, 'user.make'), [`uid_${user.id} user`]);
	});
	test('makes an admin an owner, and a name of the address', async () => {
		const them = people(house);
		const { user, email, row } = await made(them, { role: 'admin' });
		assert.equal(row.role, 'admin');
		assert.equal(row.name, email.split('@')[0]);
		assert.equal(sql(house, `SELECT role FROM membership
			WHERE user_id = ${user}`), 'owner');
		const off = await made(them, { is_active: false });
		assert.equal((await signIn(them, off.email, good)).status, 401);
	});
	test('refuses what is no user', async () => {
		const them = people(house);
		const admin = api.as(them.admin);
		const rows = [
			[{ email: undefined }, 'email'], [{ email: null }, 'email'],
			[{ email: 'nobody' }, 'email'], [{ email: 7 }, 'email'],
			[{ email: `a@${'b'.repeat(250)}.test` }, 'email'],
			[{ email: 'a\r\n@b.test' }, 'email'],
			[{ name: 'x'.repeat(201) }, 'name'], [{ name: 7 }, 'name'],
			[{ password: undefined }, 'password'],
			[{ password: null }, 'password'],
			[{ password: 'short' }, 'password'],
			[{ password: 'x'.repeat(257) }, 'password'],
			[{ password: 'password' }, 'password'],
			[{ role: 'owner' }, 'role'], [{ role: null }, 'role'],
			[{ is_active: 'yes' }, 'is_active'],
		];
		for (const [body, field] of rows)
			named(await admin.post('/api/users',
				{ email: address(), password: good, ...body }), field);
		const email = address();
		named(await admin.post('/api/users', { email, password: email }),
			'password');
		const taken = sql(house, `SELECT upper(email) FROM app_user
			WHERE id = ${them.member.user}`);
		named(await admin.post('/api/users', { email: taken, password: good }),
			'email');
		assert.equal(sql(house, `SELECT count(*) FROM app_user
			WHERE application_id = ${them.application}`), '5');
		assert.equal((await admin.post('/api/users', { email: address(),
			password: good, id: 7 })).status, 403);
	});
	test('at once with one address makes one', async () => {
		const them = people(house);
		const email = address();
		const done = await Promise.all([1, 2, 3].map(() => api.as(them.admin)
			.post('/api/users', { email, password: good })));
		assert.deepEqual(done.map((a) => a.status).sort(), [201, 400, 400]);
		assert.equal(sql(house, `SELECT count(*) FROM app_user
			WHERE email = '${email}'`), '1');
	});
	test('under one Idempotency-Key makes one', async () => {
		const them = people(house);
		const body = { email: address(), password: good };
		const ask = () => api.as(them.admin).post('/api/users', body,
			{ 'idempotency-key': 'u' });
		const [first, again] = [await ask(), await ask()];
		assert.equal(again.status, 201);
		assert.equal(again.json.user.id, first.json.user.id);
	});
});

describe('PUT /api/users/:id', () => {
	test('changes what is named', async () => {
		const them = people(house);
		const email = address();
		const { status, json } = await api.as(them.admin).put(one(them.member),
			{ name: 'Jane Doe', email, role: 'admin', is_active: false });
		assert.equal(status, 200);
		assert.equal(json.success, true);
		assert.deepEqual([json.user.name, json.user.email, json.user.role,
			json.user.is_active], ['Jane Doe', email, 'admin', false]);
		const id = `uid_${them.member.user}`;
		assert.deepEqual(audited(them, 'user.rights'),
			[`${id} user active -> admin disabled`]);
		assert.deepEqual(audited(them, 'user.email'), [id]);
		assert.ok(!sql(house, `SELECT string_agg(a::text, '') FROM audit a`)
			.includes(email));
		assert.equal((await api.as(them.admin).put(one(them.member), {})).json
			.user.name, 'Jane Doe');
	});
	test('of one\'s own: all but role and activity', async () => {
		const them = people(house);
		const mine = api.as(them.member);
		const { json } = await mine.put(one(them.member), { name: 'Me' });
		assert.equal(json.user.name, 'Me');
		/* what one got, sent back as it is */
		const whole = (await mine.get(one(them.member))).json.user;
		assert.equal((await mine.put(one(them.member), whole)).status, 200);
		for (const body of [{ role: 'admin' }, { is_active: false },
			{ role: 'admin', name: 'x' }, { id: 7 }, { account_id: 7 },
			{ user_id: 7 }]) {
			const answer = await mine.put(one(them.member), body);
			assert.equal(answer.status, 403, JSON.stringify(body));
			assert.equal(answer.json.code, 'FORBIDDEN');
		}
		assert.equal(state(them.member), 'user true');
		assert.equal((await mine.put(one(them.viewer), { name: 'x' })).status,
			403);
		assert.equal((await api.as(them.owner).put(one(them.member),
			{ name: 'x' })).status, 403);
	});
	test('takes rights away at once', async () => {
		for (const body of [{ is_active: false }, { role: 'user' }]) {
			const them = people(house);
			const { user, email } = await made(them, { role: 'admin' });
			const session = await signIn(them, email, good);
			const { token } = session;
			assert.equal((await api.as({ token }).get('/api/users')).status, 200);
			assert.equal((await api.as(them.admin).put(one(user), body)).status,
				200);
			assert.ok([401, 403].includes((await api.as({ token })
				.get('/api/users')).status));
			assert.equal((await refusedWithinSecond(() => api.as({ token })
				.get('/api/accounts'))).status, 401);
		}
	});
	test('of a name gives back no right that is taken away beside it',
		async () => {
			const them = people(house);
			await made(them, { role: 'admin' });
			const admin = api.as(them.admin);
			for (let round = 0; round < 12; round++) {
				const put = (body) => admin.put(one(them.viewer), body);
				assert.equal((await put({ role: 'admin' })).status, 200);
				const done = await Promise.all([put({ name: `n${round}` }),
					put({ role: 'user' }), put({ name: `m${round}` })]);
				assert.ok(done.every((a) => a.status === 200));
				assert.equal(state(them.viewer), 'user true');
			}
		});
	test('refuses what cannot be', async () => {
		const them = people(house);
		for (const [body, field] of [[{ email: 'x' }, 'email'],
			[{ email: `a@${'b'.repeat(250)}.test` }, 'email'],
			[{ name: null }, 'name'], [{ name: 'x'.repeat(201) }, 'name'],
			[{ role: 'owner' }, 'role'], [{ role: null }, 'role'],
			[{ is_active: 'no' }, 'is_active'],
			[{ is_active: null }, 'is_active']])
			named(await api.as(them.admin).put(one(them.member), body), field);
		const taken = sql(house, `SELECT email FROM app_user
			WHERE id = ${them.owner.user}`);
		named(await api.as(them.admin).put(one(them.member), { email: taken }),
			'email');
		assert.equal((await api.as(them.admin).put(one(them.member),
			'{"name": "a", "name": "b"}',
			{ 'content-type': 'application/json' })).status, 400);
	});
});

describe('the last admin', () => {
	test('is neither lowered, switched off nor removed', async () => {
		const them = people(house);
		const admin = api.as(them.admin);
		for (const [method, body] of [['PUT', { role: 'user' }],
			['PUT', { is_active: false }], ['DELETE', undefined]]) {
			const answer = await admin.request(method, one(them.admin), body);
			assert.equal(answer.status, 409);
			assert.equal(answer.json.code, 'CONFLICT');
		}
		assert.equal((await admin.put(one(them.admin),
			{ role: 'admin', is_active: true, name: 'Still' })).status, 200);
		/* one that is switched off does not count */
		await made(them, { role: 'admin', is_active: false });
		assert.equal((await admin.delete(one(them.admin))).status, 409);
		assert.equal(state(them.admin), 'admin true');
		await made(them, { role: 'admin' });
		assert.equal((await admin.put(one(them.admin), { role: 'user' }))
			.status, 200);
	});
	test('of two who go at once, one stays', async () => {
		const ways = [['PUT', { role: 'user' }], ['PUT', { is_active: false }],
			['DELETE', undefined]];
		for (const [method, body] of ways)
			for (const each of ['the other', 'themselves']) {
				const them = people(house);
				const two = await made(them, { role: 'admin' });
				const { token } = await signIn(them, two.email, good);
				const [a, b] = [[them.admin, them.admin.user],
					[{ token }, two.user]];
				const go = ([who, own], [, other]) => api.as(who).request(method,
					one(each === 'themselves' ? own : other), body);
				const done = await Promise.all([go(a, b), go(b, a)]);
				assert.equal(done.filter((x) => x.status === 200).length, 1,
					done.map((x) => x.text).join());
				assert.equal(sql(house, `SELECT count(*) FROM app_user WHERE
					application_id = ${them.application} AND role = 'admin'
					AND is_active`), '1');
			}
	});
});

describe('DELETE /api/users/:id', () => {
	test('removes the user, and all that is theirs', async () => {
		const them = people(house);
		sql(house, `INSERT INTO credential (application_id, account_id, user_id,
			provider_kind, host, port, security_mode) VALUES
			(${them.application}, ${them.account}, ${them.member.user}, 'imap',
			'x', 9, 'none')`);
		const answer = await api.as(them.admin).delete(one(them.member));
		assert.equal(answer.status, 200);
		assert.deepEqual(answer.json, { success: true,
			message: 'User deleted successfully' });
		for (const table of ['app_user', 'membership', 'session', 'credential'])
			assert.equal(sql(house, `SELECT count(*) FROM ${table} WHERE
				${table === 'app_user' ? 'id' : 'user_id'} =
				${them.member.user}`), '0', table);
		assert.equal((await refusedWithinSecond(() => api.as(them.member)
			.get('/api/accounts'))).status, 401);
		assert.equal((await api.as(them.admin).delete(one(them.member)))
			.status, 404);
		assert.deepEqual(audited(them, 'user.remove'),
			[`uid_${them.member.user} user`]);
	});
	test('keeps the last owner of an account, wherever it is', async () => {
		const them = people(house);
		for (const who of [them.owner, them.stranger])
			assert.equal((await api.as(them.admin).delete(one(who))).status,
				409);
		sql(house, `UPDATE membership SET role = 'owner'
			WHERE user_id = ${them.member.user}; UPDATE app_user
			SET is_active = false WHERE id = ${them.member.user}`);
		assert.equal((await api.as(them.admin).delete(one(them.owner))).status,
			409);
		sql(house, `UPDATE app_user SET is_active = true
			WHERE id = ${them.member.user}`);
		const done = await Promise.all([them.owner, them.member]
			.map((who) => api.as(them.admin).delete(one(who))));
		assert.deepEqual(done.map((a) => a.status).sort(), [200, 409]);
		assert.equal(sql(house, `SELECT count(*) FROM membership WHERE
			account_id = ${them.account} AND role = 'owner'`), '1');
	});
});

describe('POST /api/users/:id/password', () => {
	const other = 'another long secret';
	const change = (who, whom, body) => api.as(who)
		.post(`${one(whom)}/password`, body);

	test('of one\'s own ends the other sessions', async () => {
		const them = people(house);
		const me = await made(them);
		const [here, there] = [await signIn(them, me.email, good),
			await signIn(them, me.email, good)];
		const { status, json } = await change({ token: here.token }, me, {
			current_password: good, new_password: other,
			confirm_password: other });
		assert.equal(status, 200);
		assert.deepEqual(json, { success: true,
			message: 'Password changed successfully' });
		for (const who of [{ token: there.token }, { cookie: there.cookie }])
			assert.equal((await refusedWithinSecond(() => api.as(who)
				.get('/api/accounts'))).status, 401);
		for (const who of [{ token: here.token }, { cookie: here.cookie }])
			assert.equal((await api.as(who).get('/auth/me')).status, 200);
		assert.equal((await signIn(them, me.email, good)).status, 401);
		assert.equal((await signIn(them, me.email, other)).status, 200);
		assert.deepEqual(audited(them, 'user.password'),
			[`uid_${me.user} by themselves`]);
	});
	test('takes the present one', async () => {
		const them = people(house);
		const me = await made(them);
		const { token } = await signIn(them, me.email, good);
		for (const [body, field] of [
			[{ new_password: other }, 'current_password'],
			[{ current_password: 'wrong', new_password: other },
				'current_password'],
			[{ current_password: '', new_password: other },
				'current_password'],
			[{ current_password: good }, 'new_password'],
			[{ current_password: good, new_password: 7 }, 'new_password'],
			[{ current_password: good, new_password: 'short' },
				'new_password'],
			[{ current_password: good, new_password: 'password' },
				'new_password'],
			[{ current_password: good, new_password: me.email },
				'new_password'],
			[{ current_password: good, new_password: other,
				confirm_password: `${other}x` }, 'confirm_password'],
		])
			named(await change({ token }, me, body), field);
		assert.equal((await signIn(them, me.email, good)).status, 200);
	});
	test('is as throttled as the door', async () => {
		const them = people(house);
		const me = await made(them);
		const { token } = await signIn(them, me.email, good);
		const guess = (current_password) => change({ token }, me,
			{ current_password, new_password: other });
		for (let i = 0; i < 5; i++)
			assert.equal((await guess('wrong')).status, 400);
		const answer = await guess(good);
		assert.equal(answer.status, 429);
		assert.equal(answer.json.code, 'RATE_LIMIT');
		assert.ok(Number(answer.headers['retry-after']) > 0);
		assert.equal((await signIn(them, me.email, good)).status, 401);
	});
	test('of another is an admin\'s, who needs no present one', async () => {
		const them = people(house);
		const me = await made(them);
		const { token } = await signIn(them, me.email, good);
		for (const who of ['owner', 'member', 'viewer', 'stranger'])
			assert.equal((await change(them[who], me,
				{ current_password: good, new_password: other })).status, 403);
		assert.equal((await change(them.admin, me, { new_password: other }))
			.status, 200);
		assert.equal((await refusedWithinSecond(() => api.as({ token })
			.get('/api/accounts'))).status, 401);
		assert.equal((await signIn(them, me.email, other)).status, 200);
		assert.deepEqual(audited(them, 'user.password'),
			[`uid_${me.user} by an admin`]);
	});
	test('at once from two sides: one of them counts', async () => {
		const them = people(house);
		const me = await made(them);
		const { token } = await signIn(them, me.email, good);
		const words = ['first long secret', 'second long secret'];
		const done = await Promise.all(words.map((word) => change({ token }, me,
			{ current_password: good, new_password: word })));
		assert.equal(done.filter((a) => a.status === 200).length, 1,
			done.map((a) => a.text).join());
		const won = words[done.findIndex((a) => a.status === 200)];
		assert.equal((await signIn(them, me.email, won)).status, 200);
	});
	test('of whoever has none yet is set without', async () => {
		const them = people(house);
		assert.equal((await change(them.member, them.member,
			{ new_password: other })).status, 200);
		const email = sql(house, `SELECT email FROM app_user
			WHERE id = ${them.member.user}`);
		assert.equal((await signIn(them, email, other)).status, 200);
	});
});

describe('/api/applications/:application_id/users', () => {
	const path = (id) => `/api/applications/app_${id}/users`;

	test('are made and listed by machines that are marked, and admins',
		async () => {
			const them = people(house);
			const backend = machine(house, them, { admin: true });
			const bare = await api.as(backend).post(path(them.application),
				{ status: 'active' });
			assert.equal(bare.status, 201, bare.text);
			assert.match(bare.json.data.id, /^uid_\d+$/);
			assert.equal(bare.json.data.email, null);
			assert.equal(bare.json.data.status, 'active');
			const email = address();
			const whole = await api.as(them.admin).post(path(them.application),
				{ email, name: 'N', password: good, role: 'admin',
					status: 'disabled' });
			assert.deepEqual([whole.json.data.email, whole.json.data.name,
				whole.json.data.role, whole.json.data.status,
				whole.json.data.is_active],
			[email, 'N', 'admin', 'disabled', false]);
			assert.equal(sql(house, `SELECT count(*) FROM membership WHERE
				user_id = ${bare.json.data.id.slice(4)}`), '0');
			for (const who of [backend, them.admin]) {
				const { status, json } = await api.as(who)
					.get(`${path(them.application)}?limit=6`);
				assert.equal(status, 200);
				assert.equal(json.meta.total, 7);
				assert.equal(json.data.length, 6);
			}
			const added = await api.as(backend).post(
				`/api/accounts/acc_${them.account}/members`,
				{ user_id: bare.json.data.id, role: 'viewer' });
			assert.equal(added.status, 201, added.text);
			assert.match(sql(house, `SELECT client FROM audit WHERE action =
				'user.make' AND subject = '${bare.json.data.id}'`), /^cid_/);
		});
	test('of another application are as those of none', async () => {
		const them = people(house), twin = people(house);
		for (const [method, body] of [['GET'], ['POST', {}]]) {
			const ask = (url) => api.as(them.admin).request(method, url, body);
			const missing = await ask(path(999999999));
			assert.equal(missing.status, 404);
			alike(missing, await ask(path(twin.application)));
			alike(missing, await ask('/api/applications/acc_1/users'));
		}
		assert.equal(sql(house, `SELECT count(*) FROM app_user
			WHERE application_id = ${twin.application}`), '5');
	});
	test('are nothing to anybody else', async () => {
		const them = people(house);
		const others = [them.owner, them.member, them.viewer, them.stranger,
			machine(house, them), machine(house, them, { role: 'owner' })];
		for (const who of others)
			for (const [method, body] of [['GET'], ['POST', {}]])
				assert.equal((await api.as(who)
					.request(method, path(them.application), body)).status, 403);
	});
	test('are asked for properly', async () => {
		const them = people(house);
		const taken = sql(house, `SELECT email FROM app_user
			WHERE id = ${them.owner.user}`);
		for (const [body, field] of [[{ email: 'x' }, 'email'],
			[{ email: taken }, 'email'], [{ name: 7 }, 'name'],
			[{ password: 'short' }, 'password'], [{ role: 'owner' }, 'role'],
			[{ status: 'deleted' }, 'status'], [{ is_active: true }, 'is_active']])
			named(await api.as(them.admin).post(path(them.application), body),
				field, 422);
	});
});

describe('the second wall', () => {
	const as = (them, who, text, role = house.database) => sql(house, `SELECT
		set_config('letterrack.application', '${them.application}', true),
		set_config('letterrack.account', '${them.account}', true),
		set_config('letterrack.client', '', true),
		set_config('letterrack.user', '${who.user}', true);
		${text}`, role).split('\n').slice(1).join('\n');

	test('spares users for admins only, and none of another application', () => {
		const them = people(house), twin = people(house);
		for (const who of [them.owner, them.member])
			assert.throws(() => as(them, who,
				`SELECT user_spare(${them.viewer.user}, true)`), /Only an admin/);
		assert.throws(() => as(them, them.admin,
			`SELECT user_spare(${them.admin.user}, false)`), /last admin/);
		assert.throws(() => as(them, them.admin,
			`SELECT user_spare(${them.owner.user}, true)`), /last owner/);
		as(them, them.admin, `SELECT user_spare(${twin.admin.user}, true)`);
		assert.equal(as(them, them.admin, `DELETE FROM app_user
			WHERE id = ${twin.member.user} RETURNING 1`), '');
	});
	test('lets the door change one\'s own password, and an admin those of ' +
		'the application', () => {
		const them = people(house), twin = people(house);
		const set = (who, whom) => as(them, who, `SELECT door_password_set(
			${whom.user}, NULL, 'x', 0)`, house.database_super);
		set(them.member, them.member);
		set(them.admin, them.viewer);
		for (const [who, whom] of [[them.owner, them.member],
			[them.viewer, them.member], [them.admin, twin.member]])
			assert.throws(() => set(who, whom), /changed meanwhile/);
		const find = (who, whom) => as(them, who, `SELECT coalesce(password_hash,
			'none') FROM door_password_of(${whom.user})`, house.database_super);
		assert.equal(find(them.member, them.member), 'x');
		assert.equal(find(them.admin, them.member), 'none');
		assert.equal(find(them.admin, twin.member), '');
		assert.equal(find(them.owner, them.member), '');
	});
});
