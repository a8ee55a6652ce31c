// Plans: what an account may do, and how much of it. Each limit is reached and
// refused, by many at once, too.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { well } from '../lib/ctl.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const ALL = '/api/subscriptions';
const AT_ONCE = 50;

let house, api, p, owner, member, viewer;

before(async () => {
	house = await stack();
	api = client(house);
	p = people(house);
	[owner, member, viewer] = ['owner', 'member', 'viewer']
		.map((who) => api.as({ cookie: p[who].cookie }));
});
after(() => house?.end());

const plan = (...words) => well(house, ['plan', ...words]);
/** A plan with these limits, which the account gets. */
function limited(...options) {
	const name = `p${randomBytes(4).toString('hex')}`;
	plan('set', name, '--title', 'Small', ...options);
	plan('give', name, '--account', `${p.account}`);
	return name;
}
const count = (table, where = '') => Number(sql(house, `SELECT count(*)
	FROM ${table} WHERE account_id = ${p.account} ${where}`));
const limit = async (name) => (await owner.get(`${ALL}/features`)).json.data
	.limits.find((l) => l.name === name);

function refused(answer, name, most, used) {
	assert.equal(answer.status, 402, answer.text);
	assert.match(answer.text, /plan_limit|PLAN_LIMIT/);
	assert.match(answer.text, new RegExp(`allows ${most} for ${name}; ${used} `));
}

const credential = (who = member, more = {}) => who.post(
	`/api/accounts/${p.account}/provider-credentials`, { provider_kind: 'imap',
		host: '127.0.0.1', port: 9, security_mode: 'none',
		secret: { username: 'a', password: 'b' }, ...more });

describe('without payments', () => {
	test('an account has the plan self_hosted, and no subscription', async () => {
		const list = await owner.get(ALL);
		assert.equal(list.status, 200, list.text);
		assert.deepEqual(list.json.data, []);
		const { json } = await owner.get(`${ALL}/features`);
		assert.equal(json.data.plan, 'self_hosted');
		assert.ok(json.data.features.includes('sync'));
		assert.ok(json.data.limits.every((l) => l.limit === null));
		assert.equal((await limit('members')).used, 3);
	});
	test('nothing that takes them works', async () => {
		const id = sql(house, `INSERT INTO subscription (application_id,
			account_id, stripe_id, customer_id, status) VALUES
			(${p.application}, ${p.account}, 'sub_${randomBytes(6)
	.toString('hex')}', 'cus_x', 'canceled') RETURNING id`);
		for (const [method, path, body] of [['get', '/identity'],
			['get', '/merchants'],
			['post', '/stripe/checkout-session', { price_id: 'price_1',
				success_url: 'https://x.test/', cancel_url: 'https://x.test/' }],
			['post', '/stripe/portal-session', {
				return_url: 'https://x.test/' }],
			['post', '/stripe/checkout-session-sync', { session_id: 'cs_1' }],
			['post', '/sync', {}],
			['post', `/sub_${id}/change`, { interval: 'year' }],
			['post', `/sub_${id}/cancel`, {}]]) {
			const answer = await owner[method](`${ALL}${path}`, body);
			assert.deepEqual([answer.status, answer.json.code],
				[503, 'billing_not_configured'], `${path} ${answer.text}`);
			for (const who of [member, viewer])
				assert.equal((await who[method](`${ALL}${path}`, body)).status,
					403);
		}
		for (const who of [member, viewer])
			for (const path of ['', '/features'])
				assert.equal((await who.get(`${ALL}${path}`)).status, 403);
		const hook = await api.post('/webhooks/stripe', { id: 'evt_1' });
		assert.deepEqual([hook.status, hook.json.code],
			[503, 'billing_not_configured']);
		sql(house, `DELETE FROM subscription WHERE id = ${id}`);
	});
});

describe('a limit', () => {
	test('of credentials holds, with fifty at once', async () => {
		limited('--credentials', '5');
		const made = await Promise.all(Array.from({ length: AT_ONCE },
			() => credential()));
		assert.equal(made.filter((m) => m.status === 201).length, 5);
		assert.equal(count('credential'), 5);
		refused(made.find((m) => m.status !== 201), 'credentials', 5, 5);
		assert.ok(made.every((m) => [201, 402].includes(m.status)));
		assert.deepEqual(await limit('credentials'),
			{ name: 'credentials', limit: 5, used: 5 });
	});
	test('of mail that is watched holds, for old credentials, too', async () => {
		limited('--watched', '3');
		const ids = sql(house, `SELECT id FROM credential
			WHERE account_id = ${p.account}`).split('\n');
		const changed = await Promise.all(ids.map((id) => member.patch(
			`/api/provider-credentials/pc_${id}`, { sync_mode: 'poll' })));
		assert.equal(changed.filter((m) => m.status === 200).length, 3);
		refused(changed.find((m) => m.status !== 200), 'watched', 3, 3);
		refused(await credential(member, { sync_mode: 'idle' }), 'watched', 3,
			3);
		assert.equal((await credential()).status, 201);
		// one that is watched already may change
		const on = sql(house, `SELECT id FROM credential WHERE account_id =
			${p.account} AND sync_mode = 'poll' LIMIT 1`);
		assert.equal((await member.patch(`/api/provider-credentials/pc_${on}`,
			{ sync_mode: 'idle', label: 'x' })).status, 200);
	});
	/* Each way in: a new one, an old one changed, a watcher started, one that is
	 * switched on again. */
	test('of mail that is watched holds, with fifty at once', async () => {
		limited('--watched', '7');
		const rest = sql(house, `INSERT INTO credential (application_id,
			account_id, provider_kind, host, port, security_mode, sync_mode,
			is_active) SELECT ${p.application}, ${p.account}, 'imap',
			'127.0.0.1', 9, 'none', CASE WHEN i % 3 = 0
			THEN 'poll' ELSE 'on_demand' END, i % 3 <> 0
			FROM generate_series(1, ${AT_ONCE}) i
			RETURNING id || ' ' || is_active`).split('\n');
		const made = await Promise.all(rest.map((row, i) => {
			const [id, on] = row.split(' ');
			const path = `/api/provider-credentials/pc_${id}`;
			if (on === 'false')
				return member.patch(path, { is_active: true });
			if (i % 3 === 0)
				return member.patch(path, { sync_mode: 'idle' });
			return i % 6 === 1 ? credential(member, { sync_mode: 'poll' })
				: member.post(`/api/accounts/${id}/monitor/start`);
		}));
		assert.equal(made.filter((m) => m.status < 300).length, 4,
			made.map((m) => m.status).join(' '));
		assert.ok(made.every((m) => m.status < 300 || m.status === 402),
			made.map((m) => m.status).join(' '));
		assert.deepEqual(await limit('watched'),
			{ name: 'watched', limit: 7, used: 7 });
		const [idle] = sql(house, `SELECT id FROM credential WHERE account_id =
			${p.account} AND is_active AND sync_mode = 'on_demand' LIMIT 1`)
			.split('\n');
		const answer = await member.post(`/api/accounts/${idle}/monitor/start`);
		refused(answer, 'watched', 7, 7);
		assert.deepEqual([answer.json.ok, answer.json.code],
			[false, 'PLAN_LIMIT']);
		sql(house, `DELETE FROM credential WHERE account_id = ${p.account}
			AND id IN (${rest.map((row) => row.split(' ')[0]).join()})`);
	});
	test('of members counts open invitations', async () => {
		limited('--members', '5');
		const invite = (n) => owner.post(`/api/accounts/${p.account}/invite`,
			{ email: `guest${n}@x${p.account}.test`, role: 'viewer' });
		const first = await invite(0);
		assert.equal(first.status, 201, first.text);
		// a newer one takes the place of the older
		assert.equal((await invite(0)).status, 201);
		const users = sql(house, `INSERT INTO app_user (application_id, email)
			SELECT ${p.application}, 'm' || i || '@x${p.account}.test'
			FROM generate_series(1, ${AT_ONCE}) i RETURNING id`).split('\n');
		const made = await Promise.all(users.map((id, i) => i % 5 === 0
			? invite(i + 1) : owner.post(`/api/accounts/${p.account}/members`,
				{ user_id: `uid_${id}`, role: 'viewer' })));
		assert.equal(made.filter((m) => m.status === 201).length, 1);
		assert.ok(made.every((m) => [201, 402].includes(m.status)),
			made.map((m) => m.status).join(' '));
		refused(made.find((m) => m.status !== 201), 'members', 5, 5);
		assert.equal((await limit('members')).used, 5);
	});
	test('of sends a day holds, with fifty at once', async () => {
		const smtp = await credential(owner, { provider_kind: 'smtp',
			email_address: 'mia@example.org', is_default: true });
		assert.equal(smtp.status, 201, smtp.text);
		limited('--sends', '4');
		const send = () => member.post(
			`/api/accounts/${p.account}/smtp/messages`, {
				credential_id: smtp.json.data.id, subject: 'x',
				to_json: [{ address: 'b@example.org' }], text_body: 'Hello.' });
		const sent = await Promise.all(Array.from({ length: AT_ONCE }, send));
		assert.equal(sent.filter((m) => m.status === 202).length, 4,
			sent[0].text);
		assert.equal(count('submission'), 4);
		refused(sent.find((m) => m.status !== 202), 'sends_per_day', 4, 4);
		// what is removed was sent all the same; another day begins with none
		sql(house, `DELETE FROM email WHERE account_id = ${p.account}`);
		refused(await send(), 'sends_per_day', 4, 4);
		sql(house, `UPDATE plan_use SET sends_on = sends_on - 1
			WHERE account_id = ${p.account}`);
		assert.equal((await send()).status, 202);
		assert.deepEqual(await limit('sends_per_day'),
			{ name: 'sends_per_day', limit: 4, used: 1 });
		const used = (await limit('storage_bytes')).used;
		assert.ok(used > 100);
		limited('--storage', `${used + 10}`);
		refused(await send(), 'storage_bytes', used + 10, used);
	});
	test('of storage holds, with fifty at once', async () => {
		const { used } = await limit('storage_bytes');
		const size = Number(sql(house, `SELECT max(octet_length(message))
			FROM submission WHERE account_id = ${p.account}`));
		const most = used + 3 * size + size / 2 | 0;
		limited('--storage', `${most}`);
		const [smtp] = sql(house, `SELECT id FROM credential WHERE account_id =
			${p.account} AND provider_kind = 'smtp'`).split('\n');
		const sent = await Promise.all(Array.from({ length: AT_ONCE }, () =>
			member.post(`/api/accounts/${p.account}/smtp/messages`, {
				credential_id: `pc_${smtp}`, subject: 'x',
				to_json: [{ address: 'b@example.org' }],
				text_body: 'Hello.' })));
		assert.equal(sent.filter((m) => m.status === 202).length, 3,
			sent.map((m) => m.status).join(' '));
		assert.ok(sent.every((m) => [202, 402].includes(m.status)));
		assert.ok((await limit('storage_bytes')).used <= most);
	});
	test('that is lowered keeps what is there, and lets no more come',
		async () => {
			const before = count('credential');
			limited('--credentials', '1');
			assert.equal(count('credential'), before);
			refused(await credential(), 'credentials', 1, before);
			const one = sql(house, `SELECT id FROM credential
				WHERE account_id = ${p.account} AND provider_kind = 'imap'
				LIMIT 1`);
			assert.equal((await member.patch(
				`/api/provider-credentials/pc_${one}`, { label: 'still' }))
				.status, 200);
			assert.equal((await member.delete(
				`/api/provider-credentials/pc_${one}`)).status, 204);
			refused(await credential(), 'credentials', 1, before - 1);
			plan('take', '--account', `${p.account}`);
			assert.equal((await credential()).status, 201);
		});
});

describe('letterrackctl plan', () => {
	test('makes, changes and shows plans', () => {
		const name = `p${randomBytes(4).toString('hex')}`;
		plan('set', name, '--title', 'Team', '--features', 'sync,send',
			'--credentials', '3');
		plan('set', name, '--members', '7', '--credentials', 'none',
			'--price', `month=price_${name}`);
		assert.equal(plan('show', name), [`${name}\tTeam\tcredentials=none` +
			'\tmembers=7\twatched=none\tsends=none\tstorage=none', '\tsync',
		'\tsend'].join('\n'));
		assert.match(plan('list'), /^self_hosted\t.*\tdefault$/m);
		plan('give', name, '--account', `${p.account}`);
		assert.match(plan('accounts', '--application', `${p.application}`),
			new RegExp(`^acc_${p.account}\t.*\t${name}\tgiven$`, 'm'));
		plan('take', '--account', `${p.account}`);
	});
	test('sells them', () => {
		const name = `p${randomBytes(4).toString('hex')}`;
		const of = () => sql(house, `SELECT plan_of(${p.account})`);
		plan('set', name, '--price', `month=price_${name}`);
		const id = sql(house, `INSERT INTO subscription (application_id,
			account_id, stripe_id, customer_id, status, price_id) VALUES
			(${p.application}, ${p.account}, 'sub_${name}', 'cus_${name}',
			'active', 'price_${name}') RETURNING id`);
		assert.equal(of(), name);
		assert.ok(plan('subscriptions', '--application', `${p.application}`)
			.split('\n').includes(`acc_${p.account}\tsub_${id}\tsub_${name}` +
				`\tactive\t${name}\t-\t-`));
		const state = (status, days) => sql(house, `UPDATE subscription SET
			status = '${status}', unpaid_since = now() - interval '${days} days'
			WHERE id = ${id}`);
		state('past_due', 13);
		assert.equal(of(), name);
		state('past_due', 15);
		assert.equal(of(), 'self_hosted');
		state('canceled', 0);
		assert.equal(of(), 'self_hosted');
		sql(house, `DELETE FROM subscription WHERE id = ${id}`);
	});
});
