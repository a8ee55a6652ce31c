// Webhooks and a letterrack-sync that is killed while it tells them: each event
// comes at least once, each delivery with the same bytes whenever it comes. The
// receiver keeps a ledger, and is no better than receivers are.
//
//	LETTERRACK_ROUNDS, LETTERRACK_SEED, LETTERRACK_SECONDS, LETTERRACK_TALLY
//	as in crash.h
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { aside } from '../lib/ctl.mjs';
import { people, sql } from '../lib/people.mjs';
import { receive, signedWell } from '../lib/receiver.mjs';
import { roll, rounds, seed } from '../lib/rounds.mjs';
import { stack } from '../lib/stack.mjs';

let house, api, receiver, them, hook;
let dice = 0;      // of the receiver; 0: it answers well
let hold = null;   // a promise that answers wait for
const ledger = new Map(); // id -> [{ body, well }]

before(async () => {
	console.log(`seed ${seed}`);
	/* What is committed is there when the server was killed. */
	house = await stack({ own: true, postgres: ['synchronous_commit=on'] });
	api = client(house);
	receiver = await receive(answer);
});
after(async () => {
	await receiver?.end();
	await house?.end();
});

/** What is written down first, as a receiver should. */
async function answer(told, reply, socket) {
	const entry = { body: told.body.toString(), well: false };
	ledger.set(told.id, [...ledger.get(told.id) ?? [], entry]);
	signedWell(hook.secret, told);
	await hold;
	const fate = dice ? roll(dice++, 10) : 9;
	if (fate === 0)
		return socket.resetAndDestroy();
	if (fate < 3)
		await pause(roll(dice, 40));
	if (fate === 3) {
		reply.statusCode = 500;
		return reply.end();
	}
	entry.well = true;
	return reply.end('OK');
}

async function begin() {
	them = people(house);
	ledger.clear();
	dice = 0;
	const made = await api.as(them.member).post('/api/webhooks',
		{ url: receiver.url, events: ['*'] });
	hook = made.json.webhook;
}

const raise = (n) => sql(house, `INSERT INTO event (application_id, account_id,
	name, data) SELECT ${them.application}, ${them.account}, 'note.added',
	json_build_object('n', i, 'text', repeat('ü"', i)) FROM
	generate_series(1, ${n}) i`);

const start = (env) => aside(house, 'bin/letterrack-sync',
	['--only', 'deliver'], env);

const rows = () => JSON.parse(sql(house, `SELECT coalesce(json_agg(d), '[]')
	FROM (SELECT id, event_id, stem, body, state, attempts
	FROM webhook_delivery WHERE account_id = ${them.account} ORDER BY id) d`));

/** Passes until all is told. */
async function drain() {
	for (let i = 0; i < 40; i++) {
		const { status, err } = await start();
		assert.equal(status, 0, err);
		if (rows().every((d) => d.state === 'delivered'))
			return;
		sql(house, `UPDATE webhook SET paused_until = NULL; UPDATE
			webhook_delivery SET run_at = now() WHERE state = 'queued'`);
	}
	assert.fail(`not all is told: ${JSON.stringify(rows().filter((d) =>
		d.state !== 'delivered').slice(0, 3))}`);
}

/** The table and the ledger say the same. */
function compare(events) {
	const all = rows();
	assert.equal(all.length, events);
	assert.equal(new Set(all.map((d) => d.event_id)).size, events);
	for (const d of all) {
		const told = ledger.get(d.stem);
		assert.ok(told?.length > 0, `never told: ${d.stem}`);
		assert.ok(told.some((t) => t.well), `never taken: ${d.stem}`);
		assert.deepEqual([...new Set(told.map((t) => t.body))], [d.body]);
	}
	assert.equal(ledger.size, all.length, 'told what nobody knows of');
}

describe('killed at', () => {
	for (const [point, before, once] of [
		['delivery-intent-before', 0, 1],
		['delivery-effect-before', 0, 1],
		['delivery-effect-after', 1, 2],
		['delivery-confirm-after', 1, 1],
	])
		test(`${point}, it is told ${once === 1 ? 'once' : 'again, the same'}`,
			async () => {
				await begin();
				raise(1);
				const dead = await start({ LETTERRACK_FAILPOINT: point });
				assert.equal(dead.signal ?? dead.status, 'SIGKILL', dead.err);
				const [{ stem }] = rows();
				assert.equal(ledger.get(stem)?.length ?? 0, before);
				/* At once: nobody waits for the dead one's lease. */
				const next = await start();
				assert.equal(next.status, 0, next.err);
				assert.equal(ledger.get(stem).length, once);
				assert.equal(rows()[0].state, 'delivered');
				compare(1);
			});
});

test('a database that is away when the answer comes is waited for', async () => {
	await begin();
	raise(3);
	let go;
	hold = new Promise((resolve) => { go = resolve; });
	const worker = start();
	await receiver.until(() => ledger.size === 3);
	await house.kill('postgres');
	go();
	hold = null;
	await house.start('postgres');
	assert.equal((await worker).status, 0);
	await drain();
	compare(3);
	assert.ok([...ledger.values()].every((told) => told.length === 1),
		'told again, though the answer was known');
});

test('stopped, it waits for what is under way', async () => {
	await begin();
	raise(3);
	let go;
	hold = new Promise((resolve) => { go = resolve; });
	const worker = start();
	await receiver.until(() => ledger.size === 3);
	worker.child.kill('SIGTERM');
	await pause(100);
	go();
	hold = null;
	assert.equal((await worker).status, 0);
	assert.ok(rows().every((d) => d.state === 'delivered'));
	compare(3);
});

test('killed at random, with a second one and a bad receiver', async () => {
	for (const n of rounds(12)) {
		await begin();
		dice = n * 1000 + 1;
		const events = 1 + roll(n, 40);
		raise(events);
		for (let i = 0; i < 3; i++) {
			const point = roll(n * 7 + i, 8);
			const env = point < 4 ? { LETTERRACK_FAILPOINT: [
				'delivery-intent-before', 'delivery-effect-before',
				'delivery-effect-after', 'delivery-confirm-after'][point] +
				`:${1 + roll(n * 11 + i, 5)}` } : {};
			const workers = [start(env), start()];
			await pause(roll(n * 13 + i, 120));
			/* setpriv has become the program */
			workers[0].child.kill('SIGKILL');
			if (roll(n * 17 + i, 2))
				workers[1].child.kill('SIGKILL');
			await Promise.all(workers);
		}
		dice = 0;
		await drain();
		compare(events);
	}
});
