// Labels: made, shown, changed and removed, and what is read again behind it.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { people } from '../lib/people.mjs';
import { psql } from '../lib/psql.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const system = ['Inbox', 'Sent', 'Drafts', 'Trash', 'Spam', 'Starred',
	'Archive'];
const all = '/api/labels';

let house, api, them, who;

before(async () => {
	house = await stack();
	api = client(house);
	them = people(house);
	who = api.as(them.member);
});

const labels = async (as = who) => (await as.get(all)).json.labels;
async function made(name, more = {}, as = who) {
	const answer = await as.post(all, { name, ...more });
	assert.equal(answer.status, 201, answer.text);
	return answer.json.label_id;
}
function named(answer, field) {
	assert.equal(answer.status, 400, answer.text);
	assert.equal(answer.json.code, 'VALIDATION_ERROR');
	assert.ok(JSON.stringify(answer.json.details).includes(`"${field}`),
		answer.text);
}

describe('labels', () => {
	test('of the system are in every account, and stay', async () => {
		const strangers = people(house);
		const as = api.as(strangers.member);
		const { json } = await as.get(`${all}?system_only=true`);
		assert.deepEqual(json.labels.map((l) => l.name), system);
		assert.equal(json.total, 7);
		assert.ok(json.labels.every((l) => l.is_system && l.is_system_label));
		assert.equal((await labels(as)).length, 7);
		const [inbox] = json.labels;
		for (const answer of [await as.delete(`${all}/${inbox.id}`),
			await as.put(`${all}/${inbox.id}`, { name: 'In' })]) {
			assert.equal(answer.status, 409, answer.text);
			assert.equal(answer.json.code, 'SYSTEM_LABEL');
		}
		const changed = await as.put(`${all}/${inbox.id}`,
			{ name: 'Inbox', color: 'teal', display_order: 3 });
		assert.equal(changed.status, 200, changed.text);
		const [now] = (await labels(as)).filter((l) => l.id === inbox.id);
		assert.deepEqual([now.name, now.color, now.display_order],
			['Inbox', 'teal', 3]);
	});
	test('are made, shown, changed and removed as the document prints it',
		async () => {
			const created = await who.post(all, { name: 'Important',
				color: '#FF5733', display_order: 10 });
			assert.equal(created.status, 201);
			const id = created.json.label_id;
			assert.deepEqual(created.json, { success: true, label_id: id,
				message: 'Label created successfully' });
			const one = await api.as(them.viewer).get(`${all}/${id}`);
			const { label } = one.json;
			assert.deepEqual(one.json, { label: { id, name: 'Important',
				color: '#FF5733', description: null, display_order: 10,
				is_system: false, is_system_label: false,
				created_at: label.created_at,
				updated_at: label.updated_at } });
			assert.match(label.created_at, /^\d{4}-\d\d-\d\dT[\d:]{8}\+00:00$/);
			const changed = await who.put(`${all}/${id}`,
				{ name: 'Very Important', color: '#FF0000' });
			assert.deepEqual(changed.json, { success: true,
				message: 'Label updated successfully' });
			const again = (await who.get(`${all}/${id}`)).json.label;
			assert.deepEqual([again.name, again.color, again.display_order],
				['Very Important', '#FF0000', 10]);
			const back = await who.put(`${all}/${id}`, again);
			assert.equal(back.status, 200, back.text);
			const gone = await who.delete(`${all}/${id}`);
			assert.deepEqual(gone.json, { success: true,
				message: 'Label deleted successfully' });
			const missing = await who.get(`${all}/${id}`);
			assert.equal(missing.status, 404);
			assert.equal(missing.json.code, 'LABEL_NOT_FOUND');
			assert.equal((await who.put(`${all}/${id}`, { name: 'x' })).status,
				404);
		});
	test('have a name of their own, a colour, and bounds', async () => {
		await made('Mine');
		for (const name of ['Mine', 'mine', 'inbox', '', ' ', 'x'.repeat(51),
			7, null])
			named(await who.post(all, { name }), 'name');
		named(await who.post(all, {}), 'name');
		for (const color of ['#12345', '#12345g', 'reddish', 'url(x)', '', 7])
			named(await who.post(all, { name: 'odd', color }), 'color');
		for (const color of ['blue', 'RebeccaPurple', '#aBcDeF'])
			await made(`in ${color}`, { color });
		assert.ok(!(await labels()).some((l) => l.name === 'odd'));
		const id = await made('other');
		named(await who.put(`${all}/${id}`, { name: 'MINE' }), 'name');
		const described = await who.put(`${all}/${id}`,
			{ description: 'who pays\nus' });
		assert.equal(described.status, 200, described.text);
		assert.equal((await who.get(`${all}/${id}`)).json.label.description,
			'who pays\nus');
	});
	test('are counted by threads, which lose the label when it goes',
		async () => {
			const id = await made('counted');
			const one = await who.post('/api/threads',
				{ subject: 'a', labels: [id] });
			assert.equal(one.status, 201, one.text);
			await who.post('/api/threads', { subject: 'b', labels: [id] });
			const stat = async () => (await who.get(`${all}/stats`)).json
				.statistics.find((s) => s.label_id === id);
			assert.deepEqual(await stat(), { label_id: id,
				label_name: 'counted', thread_count: 2, color: '#6B7280',
				is_system: false });
			await who.delete(`/api/threads/${one.json.thread.id}`);
			assert.equal((await stat()).thread_count, 1);
			assert.equal((await who.delete(`${all}/${id}`)).status, 200);
			assert.equal(await stat(), undefined);
			const { json } = await who.get('/api/threads?q=b');
			assert.deepEqual(json.threads[0].labels, []);
			assert.equal(sql(house, `SELECT count(*) FROM counter
				WHERE name = 'label:${id}'`), '0');
		});
	/* A split copies the labels of its thread; what it makes is not there yet
	 * when the one that deletes looks for threads that have the label. */
	test('go from a thread that is being split, too', async () => {
		const there = people(house), member = api.as(there.member);
		const id = await made('going', {}, member);
		const thread = (await member.post('/api/threads',
			{ subject: 'a', labels: [id] })).json.thread.id;
		const [one] = sql(house, `INSERT INTO email (application_id,
			account_id, subject, received_at) SELECT ${there.application},
			${there.account}, 'a', now() FROM generate_series(1, 2)
			RETURNING id`).split('\n');
		sql(house, `UPDATE email SET thread_id = ${thread},
			thread_rule = 'moved' WHERE account_id = ${there.account}`);
		const db = psql(house);
		await db.ask(`BEGIN; SELECT FROM thread WHERE id = ${thread}
			FOR UPDATE`);
		const pid = Number(await db.ask('SELECT pg_backend_pid()'));
		const wait = async (n) => {
			for (const end = Date.now() + 30000; Date.now() < end;) {
				if (Number(sql(house, `WITH RECURSIVE behind (pid) AS (
					SELECT ${pid} UNION SELECT a.pid FROM behind b
					JOIN pg_stat_activity a ON b.pid =
					ANY (pg_blocking_pids(a.pid)))
					SELECT count(*) FROM behind`)) > n)
					return;
				await new Promise((resolve) => setTimeout(resolve, 20));
			}
			assert.fail(`not ${n} wait`);
		};
		const split = member.post(`/api/threads/${thread}/split`,
			{ email_ids: [Number(one)] });
		await wait(1);
		const gone = member.delete(`${all}/${id}`);
		await wait(2);
		await db.ask('COMMIT');
		db.end();
		assert.equal((await split).status, 200, (await split).text);
		assert.equal((await gone).status, 200, (await gone).text);
		assert.equal(sql(house, `SELECT string_agg(labels::text, ' ')
			FROM thread WHERE account_id = ${there.account}`), '{} {}');
	});
	/* Each process that answers keeps what it has read of them. */
	test('are in lists as they are now, whichever process answers', async () => {
		const there = people(house), member = api.as(there.member);
		const id = await made('first', { color: 'red' }, member);
		await member.post('/api/threads', { subject: 'a', labels: [id] });
		const lists = async (query = '?status=open') => (await Promise.all(
			Array.from({ length: 12 }, () => member.get(
				`/api/threads${query}`)))).map((answer) => {
			assert.equal(answer.status, 200, answer.text);
			return answer.json.threads.map((t) => t.labels);
		});
		const all_say = async (...labels) => {
			for (const query of ['?status=open', '', '?q=a'])
				for (const list of await lists(query))
					assert.deepEqual(list, [labels]);
		};
		await all_say({ id, name: 'first', color: 'red' });
		for (const change of [{ name: 'second' }, { color: '#123456' },
			{ name: 'third', color: 'navy' }]) {
			assert.equal((await member.put(`${all}/${id}`, change)).status, 200);
			const { label } = (await member.get(`${all}/${id}`)).json;
			await all_say({ id, name: label.name, color: label.color });
		}
		assert.equal((await member.delete(`${all}/${id}`)).status, 200);
		await all_say();
		const next = await made('third', {}, member);
		const thread = Number(sql(house, `SELECT id FROM thread
			WHERE account_id = ${there.account}`));
		assert.equal((await member.post('/api/threads/bulk/labels/add',
			{ thread_ids: [thread], label_id: next })).status, 200);
		await all_say({ id: next, name: 'third', color: '#6B7280' });
	});
	test('come once under an Idempotency-Key', async () => {
		const headers = { 'idempotency-key': 'label' };
		const first = await who.post(all, { name: 'once' }, headers);
		const second = await who.post(all, { name: 'once' }, headers);
		assert.equal(second.headers['idempotency-replayed'], 'true');
		assert.deepEqual(second.json, first.json);
	});
	test('are a hundred at most', async () => {
		const full = people(house);
		sql(house, `INSERT INTO label (application_id, account_id, name, color)
			SELECT ${full.application}, ${full.account}, 'n' || n, 'red'
			FROM generate_series(1, 99) n`);
		const as = api.as(full.member);
		await made('last', {}, as);
		assert.equal((await as.post(all, { name: 'beyond' })).status, 409);
		assert.equal((await labels(as)).length, 107);
	});
	test('are no viewer\'s to change, and no stranger\'s to see', async () => {
		const id = await made('ours');
		const viewer = api.as(them.viewer);
		assert.equal((await viewer.post(all, { name: 'v' })).status, 403);
		assert.equal((await viewer.delete(`${all}/${id}`)).status, 403);
		const stranger = api.as(them.stranger);
		for (const answer of [await stranger.get(`${all}/${id}`),
			await stranger.put(`${all}/${id}`, { name: 'x' }),
			await stranger.delete(`${all}/${id}`)])
			assert.equal(answer.status, 404);
		const named_ = await stranger.post('/api/threads',
			{ subject: 'x', labels: [id] });
		named(named_, 'labels[0]');
		assert.equal((await who.get(`${all}/${id}`)).status, 200);
	});
});
