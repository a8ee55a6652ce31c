// OAuth clients of an account: made, changed, removed; their secrets.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, describe, test } from 'node:test';
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

const all = (them) => `/api/accounts/acc_${them.account}/clients`;
const one = (id) => `/api/clients/${id}`;
const make = (them, body = {}, who = them.owner) => api.as(who)
	.post(all(them), { name: 'Shop', ...body });
const hash = (id) => sql(house, `SELECT encode(secret_hash, 'hex') FROM client
	WHERE id = '${id}'`);
const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const audited = (them, action) => sql(house, `SELECT coalesce(subject, '') ||
	' ' || coalesce(detail, '') FROM audit WHERE action = '${action}'
	AND application_id = ${them.application} ORDER BY id`)
	.split('\n').map((line) => line.trim()).filter((line) => line);

function named(answer, field) {
	assert.equal(answer.status, 422, answer.text);
	assert.deepEqual(answer.json.errors.map((e) => e.field), [field]);
}

function alike(one, two) {
	const text = (a) => a.text.replace(/"request_id":"[^"]*"/, '');
	assert.equal(one.status, two.status);
	assert.equal(text(one), text(two));
}

describe('making a client', () => {
	test('shows its secret once, and stores its hash', async () => {
		const them = people(house);
		const { status, json, headers } = await make(them,
			{ redirect_uris: ['https://shop.example/back?x=1'] });
		assert.equal(status, 201);
		const { id, secret, ...rest } = json.data;
		assert.match(id, /^cid_[A-Za-z0-9_-]{22}$/);
		assert.match(secret, /^[A-Za-z0-9_-]{43}$/);
		assert.match(headers['cache-control'], /no-store/);
		delete rest.created_at;
		assert.deepEqual(rest, { name: 'Shop', role: 'member',
			application_id: `app_${them.application}`,
			account_id: `acc_${them.account}`, is_public: false,
			is_app_admin: false, is_active: true,
			redirect_uris: ['https://shop.example/back?x=1'] });
		assert.equal(hash(id), sha256(secret));
		const list = await api.as(them.owner).get(all(them));
		assert.deepEqual(list.json.data.map((c) => c.id), [id]);
		assert.ok(!list.text.includes(secret));
		assert.deepEqual(audited(them, 'client.make'), [`${id} member`]);
		assert.ok(!sql(house, `SELECT string_agg(a::text, '') FROM audit a`)
			.includes(secret));
	});
	test('that is public gives none', async () => {
		const them = people(house);
		const { json } = await make(them, { is_public: true });
		assert.equal(json.data.secret, null);
		assert.equal(json.data.is_public, true);
		assert.equal(hash(json.data.id), '');
		assert.equal((await api.as(them.owner)
			.post(`${one(json.data.id)}/secret/rotate`)).status, 409);
	});
	test('twice under one key makes one, and shows no secret again',
		async () => {
			const them = people(house);
			const ask = () => api.as(them.owner).post(all(them),
				{ name: 'Shop' }, { 'idempotency-key': 'k' });
			const [first, again] = [await ask(), await ask()];
			assert.equal(again.status, 201);
			assert.equal(again.headers['idempotency-replayed'], 'true');
			assert.equal(again.json.data.id, first.json.data.id);
			assert.equal(again.json.data.secret, null);
			assert.equal(hash(first.json.data.id),
				sha256(first.json.data.secret));
		});
	test('refuses what is none', async () => {
		const them = people(house);
		const rows = [
			[{ name: '' }, 'name'], [{ name: null }, 'name'],
			[{ name: 'x'.repeat(201) }, 'name'],
			[{ role: 'boss' }, 'role'], [{ is_active: 'yes' }, 'is_active'],
			[{ is_public: 1 }, 'is_public'],
			[{ is_app_admin: null }, 'is_app_admin'],
			[{ redirect_uris: 'https://a.example' }, 'redirect_uris'],
			[{ redirect_uris: [7] }, 'redirect_uris[0]'],
			[{ redirect_uris: Array(21).fill('https://a.example') },
				'redirect_uris'],
			[{ redirect_uris: [`https://a.example/${'x'.repeat(2000)}`] },
				'redirect_uris[0]'],
			[{ id: 'cid_mine' }, 'id'], [{ secret: 'x' }, 'secret'],
		];
		for (const [body, field] of rows)
			named(await make(them, body), field);
		named(await api.as(them.owner).post(all(them), {}), 'name');
		assert.equal(sql(house, `SELECT count(*) FROM client
			WHERE account_id = ${them.account}`), '0');
	});
	test('takes redirects to https and to this machine', async () => {
		const them = people(house);
		const good = ['https://a.example', 'https://a.example:8443/x?y=%20#'
			.slice(0, -1), 'http://127.0.0.1:3000/cb', 'http://localhost/cb',
		'http://[::1]:9/cb', 'https://[2001:db8::1]/cb',
		'https://a.example/@me'];
		const { status, json, text } = await make(them,
			{ redirect_uris: good });
		assert.equal(status, 201, text);
		assert.deepEqual(json.data.redirect_uris, good);
		const bad = ['/cb', 'a.example/cb', 'javascript:alert(1)',
			'data:text/html,x', 'myapp://cb', '//a.example/cb', 'https://',
			'https:///cb', 'https:a.example', 'http://a.example/cb',
			'http://127.0.0.1.evil.example/', 'http://localhost.evil.example',
			'http://127.0.0.1@evil.example/', 'https://user@a.example/',
			'https://a.example/#x', 'https://a.example#', 'https://a example/',
			'https://a.example\\@evil.example', 'https://a.example/<x>',
			'https://a.example:0/', 'https://a.example:99999/',
			'https://a.example:x/', 'HTTPS:/a.example', 'https://ä.example/',
			'http://[::2]/', 'https://[a.example]/', 'https://.example/',
			'https://?x=a.example', 'http://2130706433/', 'http://127.1/',
			'http://0.0.0.0/', 'https://*.example/'];
		for (const uri of bad)
			named(await make(them, { redirect_uris: ['https://a.example', uri] }),
				'redirect_uris[1]');
	});
	test('that acts as an admin is an admin\'s', async () => {
		const them = people(house);
		assert.equal((await make(them, { is_app_admin: true })).status, 403);
		const { status, json } = await make(them, { is_app_admin: true },
			them.admin);
		assert.equal(status, 201);
		assert.equal(json.data.is_app_admin, true);
		const { id } = json.data;
		/* The owner sees it, and does nothing to it. */
		const owner = api.as(them.owner);
		assert.deepEqual((await owner.get(all(them))).json.data.map((c) => c.id),
			[id]);
		for (const [method, path, body] of [['PATCH', one(id), { name: 'x' }],
			['PATCH', one(id), { is_app_admin: false }], ['DELETE', one(id)],
			['POST', `${one(id)}/secret/rotate`]])
			assert.equal((await owner.request(method, path, body)).status, 403);
		assert.equal(hash(id), sha256(json.data.secret));
		const mine = (await make(them)).json.data.id;
		assert.equal((await owner.patch(one(mine), { is_app_admin: true }))
			.status, 403);
		const raised = await api.as(them.admin)
			.patch(one(mine), { is_app_admin: true });
		assert.equal(raised.json.data.is_app_admin, true);
		assert.equal((await api.as(machine(house, them, { role: 'owner' }))
			.post(all(them), { name: 'x', is_app_admin: true })).status, 403);
	});
});

describe('a client', () => {
	test('is changed in what is named', async () => {
		const them = people(house);
		const { id } = (await make(them,
			{ redirect_uris: ['https://a.example/'] })).json.data;
		const owner = api.as(them.owner);
		const rows = [
			[{ name: 'Other' }, { name: 'Other' }],
			[{ role: 'viewer' }, { name: 'Other', role: 'viewer' }],
			[{ redirect_uris: [] }, { redirect_uris: [], role: 'viewer' }],
			[{ is_active: false }, { is_active: false, name: 'Other' }],
			[{}, { is_active: false }],
		];
		for (const [body, want] of rows) {
			const { status, json } = await owner.patch(one(id), body);
			assert.equal(status, 200);
			for (const [key, value] of Object.entries(want))
				assert.deepEqual(json.data[key], value, key);
			assert.ok(!('secret' in json.data));
		}
		for (const [body, field] of [[{ name: null }, 'name'],
			[{ name: '' }, 'name'], [{ role: 'x' }, 'role'],
			[{ role: null }, 'role'], [{ is_active: 1 }, 'is_active'],
			[{ redirect_uris: null }, 'redirect_uris'],
			[{ redirect_uris: ['http://a.example'] }, 'redirect_uris[0]'],
			[{ is_public: true }, 'is_public'],
			[{ account_id: 1 }, 'account_id']])
			named(await owner.patch(one(id), body), field);
		assert.equal(audited(them, 'client.change')[3],
			`${id} viewer inactive`);
	});
	test('that loses rights loses them at once', async () => {
		for (const [method, body] of [['PATCH', { is_active: false }],
			['PATCH', { role: 'viewer' }], ['DELETE', undefined]]) {
			const them = people(house);
			const { id, token } = machine(house, them);
			assert.equal((await api.as({ token }).get('/api/accounts')).status,
				200);
			await api.as(them.owner).request(method, one(id), body);
			assert.equal((await refusedWithinSecond(() =>
				api.as({ token }).get('/api/accounts'))).status, 401);
		}
	});
	test('is removed', async () => {
		const them = people(house);
		const { id } = (await make(them)).json.data;
		const owner = api.as(them.owner);
		assert.equal((await owner.delete(one(id))).status, 204);
		assert.equal((await owner.delete(one(id))).status, 404);
		assert.deepEqual(audited(them, 'client.remove'), [id]);
	});
	test('gets another secret, and the old one is void', async () => {
		const them = people(house);
		const { id, secret } = (await make(them)).json.data;
		const answers = await Promise.all([1, 2].map(() => api.as(them.owner)
			.post(`${one(id)}/secret/rotate`)));
		for (const { status, json } of answers) {
			assert.equal(status, 200);
			assert.equal(json.data.id, id);
			assert.match(json.data.secret, /^[A-Za-z0-9_-]{43}$/);
			assert.notEqual(json.data.secret, secret);
		}
		assert.ok(answers.map((a) => sha256(a.json.data.secret))
			.includes(hash(id)));
		assert.equal(audited(them, 'client.rotate').length, 2);
	});
	test('of another account is as one that does not exist', async () => {
		const them = people(house), twin = people(house);
		const foreign = (await make(twin)).json.data.id;
		const next = machine(house, { ...them, account: them.other }).id;
		for (const [method, tail, body] of [['PATCH', '', { name: 'x' }],
			['DELETE', ''], ['POST', '/secret/rotate']])
			for (const who of [them.owner, them.admin]) {
				const ask = (id) => api.as(who)
					.request(method, one(id) + tail, body);
				const missing = await ask('cid_nobody');
				assert.equal(missing.status, 404);
				for (const id of [foreign, next, 'cid_demo', '7', '%F0%9F%A6%8A',
					"x'--"])
					alike(missing, await ask(id));
			}
		assert.equal(sql(house, `SELECT name FROM client
			WHERE id = '${foreign}'`), 'Shop');
	});
	for (const who of ['member', 'viewer', 'stranger'])
		test(`is nothing to a ${who}`, async () => {
			const them = people(house);
			const { id } = (await make(them)).json.data;
			const mine = api.as(them[who]);
			for (const [method, path, body] of [['GET', all(them)],
				['POST', all(them), { name: 'x' }]])
				assert.equal((await mine.request(method, path, body)).status,
					403);
			const want = who === 'stranger' ? 404 : 403;
			for (const [method, path, body] of [
				['PATCH', one(id), { name: 'x' }], ['DELETE', one(id)],
				['POST', `${one(id)}/secret/rotate`]])
				assert.equal((await mine.request(method, path, body)).status,
					want);
		});
	test('is listed a page at a time', async () => {
		const them = people(house);
		const ids = [];
		for (let i = 0; i < 3; i++)
			ids.push((await make(them)).json.data.id);
		const owner = api.as(them.owner);
		const first = await owner.get(`${all(them)}?limit=2`);
		assert.deepEqual(first.json.data.map((c) => c.id), ids.slice(0, 2));
		assert.equal(first.json.meta.total, 3);
		const rest = await owner.get(
			`${all(them)}?limit=2&cursor=${first.json.meta.next_cursor}`);
		assert.deepEqual(rest.json.data.map((c) => c.id), ids.slice(2));
		assert.equal(rest.json.meta.next_cursor, null);
	});
});

describe('the second wall', () => {
	const as = (them, who, text) => sql(house, `SELECT
		set_config('letterrack.application', '${them.application}', true),
		set_config('letterrack.account', '${them.account}', true),
		set_config('letterrack.user', '${who.user}', true);
		${text}`, house.database).split('\n').slice(1).join('\n');

	test('keeps hashes, foreign clients and those of admins from an owner',
		async () => {
			const them = people(house), twin = people(house);
			const foreign = (await make(twin)).json.data.id;
			const marked = (await make(them, { is_app_admin: true }, them.admin))
				.json.data.id;
			const own = (await make(them)).json.data.id;
			assert.throws(() => as(them, them.owner,
				'SELECT secret_hash FROM client'), /permission denied/);
			for (const id of [foreign, marked])
				for (const text of [
					`UPDATE client SET secret_hash = 'x' WHERE id = '${id}'`,
					`DELETE FROM client WHERE id = '${id}'`])
					assert.equal(as(them, them.owner, `${text} RETURNING 1`), '');
			assert.throws(() => as(them, them.owner, `UPDATE client
				SET is_app_admin = true WHERE id = '${own}'`),
			/row-level security/);
			assert.equal(as(them, them.member,
				`DELETE FROM client WHERE id = '${own}' RETURNING 1`), '');
		});
});
