// Events: replayed in the order of commits, and as a stream that goes on.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { people } from '../lib/people.mjs';
import { psql } from '../lib/psql.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';
import { rows } from '../lib/tenants.mjs';

let house, api;
const streams = new Set();

before(async () => {
	house = await stack();
	api = client(house);
});
after(() => streams.forEach((s) => s.end()));

const insert = (them, n, more = '') => `INSERT INTO letterrack.event
	(application_id, account_id, name, data${more && ', user_id'})
	VALUES (${them.application}, ${them.account}, 'note.added',
	'{"n": ${n}}'${more && `, ${more}`});`;
const raise = (them, n, more) => sql(house, insert(them, n, more));
const numbers = (events) => events.map((e) => e.data.n);

async function page(who, query = '') {
	const answer = await api.as(who).get(`/api/events${query}`);
	assert.equal(answer.status, 200, answer.text);
	return answer.json;
}

/** A session of psql that keeps its transaction open. */
async function session() {
	const child = spawn('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-d',
		house.database_super], { stdio: ['pipe', 'pipe', 'inherit'] });
	return {
		async say(text) {
			child.stdin.write(`${text}\n\\echo done\n`);
			for await (const [piece] of on(child.stdout))
				if (piece.toString().includes('done'))
					return;
		},
		async end() {
			child.stdin.end();
			await once(child, 'exit');
		},
	};
}
async function* on(stream) {
	for (;;)
		yield await once(stream, 'data');
}

/** A stream of server-sent events as a browser reads it. */
async function listen(who, { query = '', last } = {}) {
	const headers = { accept: 'text/event-stream' };
	if (who.token)
		headers.authorization = `Bearer ${who.token}`;
	else
		headers.cookie = `session=${who.cookie}`;
	if (last)
		headers['last-event-id'] = last;
	const request = http.get(`${house.url}/api/events${query}`,
		{ headers, agent: false });
	const [answer] = await once(request, 'response');
	const events = [];
	const waiting = new Set();
	let rest = '', ended = false, text = '';
	answer.on('data', (piece) => {
		text += piece;
		const blocks = (rest + piece).split('\n\n');
		rest = blocks.pop();
		for (const block of blocks) {
			const lines = Object.fromEntries(block.split('\n').map((l) =>
				[l.slice(0, l.indexOf(':')), l.slice(l.indexOf(':') + 2)]));
			if (lines.data)
				events.push({ ...lines, json: JSON.parse(lines.data) });
		}
		waiting.forEach((look) => look());
	});
	const close = () => { ended = true; waiting.forEach((look) => look()); };
	answer.on('end', close);
	answer.on('error', close);
	answer.on('aborted', close);
	const stream = {
		status: answer.statusCode, headers: answer.headers, events,
		text: () => text,
		isEnded: () => ended,
		until: (holds, seconds = 10) => new Promise((resolve, reject) => {
			const timer = setTimeout(() => reject(
				new Error(`in vain: ${holds} ${text}`)), seconds * 1000);
			const look = () => {
				if (!holds(stream))
					return;
				clearTimeout(timer);
				waiting.delete(look);
				resolve(stream);
			};
			waiting.add(look);
			look();
		}),
		end() {
			streams.delete(stream);
			request.destroy();
		},
	};
	streams.add(stream);
	return stream;
}

const count = (n) => (s) => s.events.length >= n;

describe('GET /api/events', () => {
	test('replays them in order, from the beginning or behind a place',
		async () => {
			const them = people(house);
			for (let n = 1; n <= 5; n++)
				raise(them, n);
			const all = await page(them.viewer);
			assert.equal(all.success, true);
			assert.deepEqual(numbers(all.events), [1, 2, 3, 4, 5]);
			const [first] = all.events;
			assert.deepEqual(first, { id: first.id, event: 'note.added',
				created_at: first.created_at, account_id: them.account,
				data: { n: 1 }, cursor: first.cursor });
			assert.match(first.created_at, /\+00:00$/);
			assert.equal(all.more, false);
			assert.equal(all.next_cursor, all.events[4].cursor);
			const some = await page(them.viewer, '?limit=2');
			assert.deepEqual([numbers(some.events), some.more], [[1, 2], true]);
			const next = await page(them.viewer,
				`?limit=2&after=${some.next_cursor}`);
			assert.deepEqual(numbers(next.events), [3, 4]);
			/* By the number that a webhook was told. */
			assert.deepEqual(numbers((await page(them.viewer,
				`?after=${first.id}`)).events), [2, 3, 4, 5]);
			const end = await page(them.viewer, `?after=${all.next_cursor}`);
			assert.deepEqual([end.events, end.next_cursor],
				[[], all.next_cursor]);
			for (const bad of ['x', '0', '1-', '-1', '1-x', '999999999',
				'9'.repeat(40)])
				assert.equal((await api.as(them.viewer)
					.get(`/api/events?after=${bad}`)).status, 400, bad);
		});
	test('skips nothing that is committed late', async () => {
		const them = people(house);
		const late = await session();
		await late.say(`BEGIN; ${insert(them, 1)}`);
		raise(them, 2);
		const seen = await page(them.viewer);
		/* What may come before it holds it back. */
		assert.deepEqual(seen.events, []);
		raise(them, 3);
		await late.say('COMMIT;');
		await late.end();
		const rest = await page(them.viewer, `?after=${seen.next_cursor}`);
		assert.deepEqual(numbers(rest.events), [1, 2, 3]);
	});
	test('misses and repeats nothing while many write', async () => {
		const them = people(house);
		const writers = await Promise.all([...Array(4)].map(session));
		const seen = [];
		let after = '', running = true;
		const reader = (async () => {
			for (let last = false; !last;) {
				last = !running;
				const got = await page(them.viewer, `?limit=7${after}`);
				seen.push(...numbers(got.events));
				after = `&after=${got.next_cursor}`;
				last &&= got.events.length === 0;
			}
		})();
		await Promise.all(writers.map(async (writer, w) => {
			for (let i = 0; i < 25; i++) {
				await writer.say(`BEGIN; ${insert(them, w * 1000 + 2 * i)}`);
				await writer.say(`${insert(them, w * 1000 + 2 * i + 1)}
					${i % 3 ? 'COMMIT' : 'ROLLBACK'};`);
			}
			await writer.end();
		}));
		running = false;
		await reader;
		const stored = sql(house, `SELECT data->>'n' FROM event
			WHERE account_id = ${them.account}`).split('\n').map(Number);
		const sorted = (list) => [...list].sort((a, b) => a - b);
		assert.equal(stored.length, 4 * 16 * 2);
		assert.deepEqual(sorted(seen), sorted(stored));
	});
	test('shows nobody what is another account\'s or somebody\'s own',
		async () => {
			const them = people(house);
			raise(them, 1);
			raise(them, 2, them.member.user);
			assert.deepEqual(numbers((await page(them.member)).events), [1, 2]);
			for (const who of ['viewer', 'owner', 'admin'])
				assert.deepEqual(numbers((await page(them[who])).events), [1]);
			assert.deepEqual((await page(them.stranger)).events, []);
			const [{ id }] = (await page(them.viewer)).events;
			assert.equal((await api.as(them.stranger)
				.get(`/api/events?after=${id}`)).status, 400);
		});
	test('ends with thirty days', async () => {
		const them = people(house);
		raise(them, 1);
		sql(house, `UPDATE event SET created_at = now() - interval '31 days'
			WHERE account_id = ${them.account}`);
		raise(them, 2);
		assert.deepEqual(numbers((await page(them.viewer)).events), [2]);
	});
});

describe('a stream of events', () => {
	test('tells what comes, and goes on where it was cut', async () => {
		const them = people(house);
		raise(them, 1);
		const stream = await listen(them.viewer);
		assert.equal(stream.status, 200);
		assert.equal(stream.headers['content-type'], 'text/event-stream');
		assert.equal(stream.headers['cache-control'], 'no-store');
		await stream.until((s) => s.text().includes('retry:'));
		const from = Date.now();
		raise(them, 2);
		raise(them, 3);
		await stream.until(count(2));
		assert.ok(Date.now() - from < 2000);
		assert.deepEqual(stream.events.map((e) => [e.event, e.json.data.n]),
			[['note.added', 2], ['note.added', 3]]);
		const [{ id, json }] = stream.events;
		assert.equal(id, json.cursor);
		stream.end();
		raise(them, 4);
		const again = await listen(them.viewer,
			{ last: id, query: '?after=0-0' });
		await again.until(count(2));
		raise(them, 5);
		await again.until(count(3));
		assert.deepEqual(again.events.map((e) => e.json.data.n), [3, 4, 5]);
		assert.deepEqual(again.events.map((e) => e.json),
			(await page(them.viewer, `?after=${id}`)).events);
	});
	test('tells a thousand that were missed', async () => {
		const them = people(house);
		sql(house, `INSERT INTO event (application_id, account_id, name, data)
			SELECT ${them.application}, ${them.account}, 'note.added',
			json_build_object('n', i) FROM generate_series(1, 1000) i`);
		const stream = await listen(them.viewer, { query: '?after=0-0' });
		await stream.until(count(1000), 30);
		assert.deepEqual(stream.events.map((e) => e.json.data.n),
			[...Array(1000).keys()].map((n) => n + 1));
	});
	test('is one of many, each told its own, and other requests are answered',
		async () => {
			const them = people(house);
			const mine = await Promise.all([...Array(20)].map(() =>
				listen(them.member)));
			const other = await listen(them.stranger);
			raise(them, 1);
			raise(them, 2, them.member.user);
			const viewer = await listen(them.viewer);
			await Promise.all(mine.map((s) => s.until(count(2))));
			raise(them, 3);
			await viewer.until(count(1));
			assert.deepEqual(viewer.events.map((e) => e.json.data.n), [3]);
			assert.deepEqual(other.events, []);
			assert.deepEqual(numbers((await page(them.viewer)).events), [1, 3]);
			mine.forEach((s) => s.end());
		});
	test('beyond an account\'s share is 503, and there is room again', async () => {
		const them = people(house);
		const first = await Promise.all([...Array(64)].map(() =>
			listen(them.member)));
		assert.ok(first.every((s) => s.status === 200));
		const more = await listen(them.viewer);
		assert.equal(more.status, 503);
		assert.ok(more.headers['retry-after']);
		assert.equal((await listen(them.stranger)).status, 200);
		first[0].end();
		let answer;
		do
			answer = await listen(them.viewer);
		while (answer.status === 503 && await pause(50) === undefined);
		assert.equal(answer.status, 200);
		first.forEach((s) => s.end());
	});
	for (const [what, away] of [
		['a session that ends', (them) => `UPDATE session SET ended_at = now()
			WHERE user_id = ${them.member.user}`],
		['a membership that ends', (them) => `DELETE FROM membership
			WHERE user_id = ${them.member.user}`],
	])
		test(`ends with ${what}, and with a token's`, async () => {
			const them = people(house);
			const { json } = await api.as(them.member).post(
				`/api/accounts/${them.account}/token`, {});
			const both = await Promise.all([listen(them.member),
				listen({ token: json.data.access_token })]);
			assert.deepEqual(both.map((s) => s.status), [200, 200]);
			raise(them, 1);
			await Promise.all(both.map((s) => s.until(count(1))));
			sql(house, away(them));
			const from = Date.now();
			await Promise.all(both.map((s) => s.until((x) => x.isEnded())));
			assert.ok(Date.now() - from < 2500, `${Date.now() - from}`);
			raise(them, 2);
			assert.ok(both.every((s) => s.events.length === 1));
		});
	test('says each fifteen seconds that it is there', async () => {
		const stream = await listen(people(house).viewer);
		await stream.until((s) => /(^|\n):\n\n/.test(s.text()), 18);
	});
	test('is for whoever may, and from a place that is one', async () => {
		const them = people(house);
		assert.equal((await listen({ cookie: 'A'.repeat(43) })).status, 401);
		assert.equal((await listen(them.viewer, { last: 'x' })).status, 400);
		assert.equal((await listen(them.viewer, { query: '?limit=x' }))
			.status, 400);
	});
});

describe('an event', () => {
	test('is not lost to a webhook that is removed at the same time',
		async () => {
			const p = people(house);
			const [one, two] = [psql(house), psql(house)];
			const webhook = await rows(one)('webhook_id', p);
			await one.ask(`BEGIN; DELETE FROM webhook WHERE id = ${webhook}`);
			const raised = two.ask(`INSERT INTO event (application_id,
				account_id, name, data) VALUES (${p.application}, ${p.account},
				'note.added', '{}') RETURNING id`);
			/* It waits for what becomes of the webhook. */
			for (const end = Date.now() + 20000; await one.ask(`SELECT
				count(*) FROM pg_locks WHERE NOT granted`) === '0';
				await pause(10))
				assert.ok(Date.now() < end, 'it has not waited');
			await one.ask('COMMIT');
			const event = await raised;
			assert.equal(await two.ask(`SELECT count(*) FROM webhook_delivery
				WHERE event_id = ${event} AND account_id = ${p.account}`), '0');
			one.end();
			two.end();
		});
});
