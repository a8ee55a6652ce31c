// Who looks at a thread, or answers it: seen by the others, told once, gone by
// itself.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, api, them, member, owner, viewer, where;

before(async () => {
	house = await stack();
	api = client(house);
	them = people(house);
	[member, owner, viewer] = ['member', 'owner', 'viewer'].map(
		(who) => api.as(them[who]));
	const { json } = await member.post('/api/threads', { subject: 'x' });
	where = `/api/threads/${json.thread.id}/presence`;
});

const seen = async (who = viewer) => (await who.get(where)).json.presence
	.map((row) => [row.user_id, row.state]);
const told = () => sql(house, `SELECT data->>'user_id', data->>'state'
	FROM event WHERE account_id = ${them.account}
	AND name = 'thread.presence' ORDER BY id`).split('\n').filter((l) => l);

describe('presence', () => {
	test('is seen by others, with its end', async () => {
		const began = Date.now();
		const answer = await member.put(where, { state: 'viewing' });
		assert.equal(answer.status, 200, answer.text);
		const [row] = answer.json.presence;
		assert.equal(answer.json.success, true);
		assert.equal(typeof row.name, 'string');
		const lasts = Date.parse(row.expires_at) - began;
		assert.ok(lasts > 50000 && lasts < 75000, `${lasts} ms`);
		await owner.put(where, { state: 'replying', seconds: 600 });
		assert.deepEqual(await seen(), [[them.member.user, 'viewing'],
			[them.owner.user, 'replying']]);
	});
	test('is told when it is news', async () => {
		await member.put(where);
		await member.put(where, { state: 'replying' });
		await member.put(where, { state: 'gone' });
		await member.put(where, { state: 'gone' });
		assert.deepEqual(told(), [`${them.member.user}|viewing`,
			`${them.owner.user}|replying`, `${them.member.user}|replying`,
			`${them.member.user}|gone`]);
		assert.deepEqual(await seen(), [[them.owner.user, 'replying']]);
	});
	test('ends by itself, and is cleared away', async () => {
		await member.put(where, { seconds: 1 });
		sql(house, `UPDATE presence SET expires_at = now() - interval '1s'
			WHERE account_id = ${them.account}`);
		assert.deepEqual(await seen(), []);
		await member.put(where);
		assert.equal(sql(house, `SELECT count(*) FROM presence
			WHERE account_id = ${them.account}`), '1');
		assert.equal(told().length, 6);
	});
	test('is no viewer\'s to say, no stranger\'s to see', async () => {
		assert.equal((await viewer.put(where, {})).status, 403);
		for (const method of ['get', 'put']) {
			const foreign = await api.as(them.stranger)[method](where);
			assert.deepEqual([foreign.status, foreign.json.code],
				[404, 'THREAD_NOT_FOUND']);
		}
		const wrong = await member.put(where, { state: 'asleep' });
		assert.equal(wrong.status, 400);
		assert.match(wrong.text, /"state"/);
	});
	test('is where the thread went that was merged', async () => {
		const { json } = await member.post('/api/threads', { subject: 'y' });
		const target = `/api/threads/${json.thread.id}`;
		await member.post(`${target}/merge`,
			{ source_thread_id: Number(where.split('/')[3]) });
		assert.equal((await member.put(where)).json.code, 'THREAD_MERGED');
		await member.put(`${target}/presence`, { state: 'replying' });
		assert.deepEqual(await seen(), [[them.member.user, 'replying']]);
	});
});
