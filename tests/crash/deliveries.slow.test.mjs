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
import { people } from '../lib/people.mjs';
import { receive, signedWell } from '../lib/receiver.mjs';
import { lanes, roll, seed } from '../lib/rounds.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, api, receiver, them, hook;
let dice = 0;      // of the receiver; 0: it answers well
let fail = false;  // it answers 500
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
	const fate = fail ? 3 : dice ? roll(dice++, 10) : 9;
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

const start = (env, words = []) => aside(house, 'bin/letterrack-sync',
	['--only', 'deliver', ...words], env);

const rows = () => JSON.parse(sql(house, `SELECT coalesce(json_agg(d), '[]')
	FROM (SELECT id, event_id, stem, body, state, attempts
	FROM webhook_delivery WHERE account_id = ${them.account} ORDER BY id) d`));

/** What waits for its time need not wait. */
const hurry = () => sql(house, `UPDATE webhook SET paused_until = NULL,
	failed_attempts = 0 WHERE failed_attempts > 0; UPDATE webhook_delivery
	SET run_at = now() WHERE state = 'queued' AND run_at > now()`);

/** Passes until all is told. */
async function drain() {
	for (let i = 0; i < 40; i++) {
		const { status, err } = await start();
		assert.equal(status, 0, err);
		if (rows().every((d) => d.state === 'delivered'))
			return;
		hurry();
	}
	assert.fail(`not all is told: ${JSON.stringify(rows().filter((d) =>
		d.state !== 'delivered').slice(0, 3))}`);
}

/** What is wrong between events that were raised, the rows, and what receivers
 * have written down; in words. */
function faults(events, all, told) {
	const bad = [];
	const one = new Map();
	for (const d of all)
		one.set(d.event_id, (one.get(d.event_id) ?? 0) + 1);
	if (one.size !== events || all.length !== events)
		bad.push(`${events} events, ${all.length} deliveries of ${one.size}`);
	for (const d of all) {
		const came = told.get(d.stem) ?? [];
		if (!came.some((t) => t.well))
			bad.push(`${d.stem} is ${d.state} and was never taken`);
		if (came.some((t) => t.body !== d.body))
			bad.push(`${d.stem} had other bytes`);
		if (d.state !== 'delivered')
			bad.push(`${d.stem} ends as ${d.state}`);
	}
	const known = new Set(all.map((d) => d.stem));
	for (const stem of told.keys())
		if (!known.has(stem))
			bad.push(`${stem} is nobody's`);
	return bad;
}

const compare = (events) =>
	assert.deepEqual(faults(events, rows(), ledger), []);

test('the checker finds what is planted', async () => {
	await begin();
	raise(4);
	await drain();
	compare(4);
	const [lost, changed, strange] = rows().map((d) => d.stem);
	const [, , gone] = rows();
	/* By the system: one counts as told, one has changed between two tries,
	 * one is forgotten. */
	raise(3);
	dice = 0;
	fail = true;
	assert.equal((await start()).status, 0);
	fail = false;
	const [a, b, c] = rows().slice(4);
	sql(house, `UPDATE webhook_delivery SET state = 'delivered'
		WHERE id = ${a.id}; UPDATE webhook_delivery SET body = body || ' '
		WHERE id = ${b.id}; DELETE FROM webhook_delivery WHERE id = ${c.id}`);
	await drain();
	assert.deepEqual(faults(7, rows(), ledger), [
		'7 events, 6 deliveries of 6',
		`${a.stem} is delivered and was never taken`,
		`${b.stem} had other bytes`,
		`${c.stem} is nobody's`]);
	/* And in what receivers have. */
	ledger.delete(lost);
	ledger.get(changed).push({ body: '{}', well: true });
	ledger.set('msg_x', ledger.get(strange));
	ledger.get(gone.stem).forEach((t) => { t.well = false; });
	assert.equal(faults(7, rows(), ledger).length, 8);
});

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

const points = ['delivery-intent-before', 'delivery-effect-before',
	'delivery-effect-after', 'delivery-confirm-after'];

/** At one of the failpoints, which it comes by for the so-manieth time: of one
 * in four. */
const failing = (n) => {
	const point = roll(n * 7, 4 * points.length);
	return point < points.length ? { LETTERRACK_FAILPOINT:
		`${points[point]}:${1 + roll(n * 11, 3)}` } : undefined;
};

/* So long is waited for a failpoint that others may keep from being met. */
const PATIENCE_MS = 1500;

/* A round is one SIGKILL, at a failpoint or after a time, of a worker that
 * stays; six are there at a time. Each 200th time all is told and the ledger is
 * held against the tables. */
test('killed at random, several at once, with a bad receiver', async () => {
	let events = 0, kills = 0, early = 0, told = 0, again = 0;
	const each = async (n) => {
		const env = failing(n);
		const worker = start(env, ['--stay']);
		const more = roll(n * 19, 12);
		if (more > 0)
			raise(more);
		hurry();
		events += more;
		early += await Promise.race([worker.then(() => 1),
			pause(env ? PATIENCE_MS : 20 + roll(n * 13, 400))
				.then(() => 0)]);
		worker.child.kill('SIGKILL');
		const { signal, status, err } = await worker;
		assert.equal(signal ?? status, 'SIGKILL', err);
		kills++;
	};
	const look = async () => {
		dice = 0;
		await drain();
		compare(events);
		told += events;
		again += [...ledger.values()].filter((t) => t.length > 1).length;
		await next();
	};
	const next = async () => {
		events = 0;
		await begin();
		dice = kills + 1;
	};
	await next();
	await lanes(300, { wide: 6, most: 200 }, each, look);
	console.log(`${kills} kills, ${early} of them at failpoints; ` +
		`${told} deliveries, ${again} of them told again`);
});
