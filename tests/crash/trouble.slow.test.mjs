// What befalls a machine: its disk is full, its PostgreSQL restarts, its clock is
// an hour off. Nothing is lost and nothing is done twice. (What a webhook is told
// once more, where the answer could not be written down, is the same to the
// byte.)
//
//	LETTERRACK_ROUNDS, LETTERRACK_SEED, LETTERRACK_SECONDS, LETTERRACK_TALLY
//	as in crash.h
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statfsSync, writeFileSync }
	from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { effects } from '../lib/effects.mjs';
import { roll, rounds, seed } from '../lib/rounds.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

let house, all;
const running = new Set();

before(async () => {
	console.log(`seed ${seed}`);
	/* What is committed is there when the server was killed. */
	house = await stack({ own: true, with: ['dovecot'],
		postgres: ['synchronous_commit=on'] });
	all = await effects(house);
});
afterEach(() => {
	for (const one of running)
		one.child.kill('SIGKILL');
});
after(async () => {
	await all?.end();
	await house?.end();
});

/** It ends with the test. */
function worker(host, env, words) {
	const one = all.worker(host, env, words);
	running.add(one);
	one.then(() => running.delete(one));
	return one;
}

const both = (env = {}) => Promise.all([worker('a', env), worker('b')]);

/* ---- the clock ---- */

const faketime = () => {
	const [dir] = readdirSync('/usr/lib').filter((name) =>
		name.endsWith('-linux-gnu'));
	return `/usr/lib/${dir}/faketime/libfaketime.so.1`;
};

/** A clock that is so far off; the one that only counts is not. */
const clock = (way) => ({ LD_PRELOAD: faketime(), ...way,
	FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_NO_CACHE: '1' });

/** How many hours off they were who told webhooks. */
const hours = () => [...new Set(all.receiver.told.map((t) =>
	Math.round((t.headers['webhook-timestamp'] - t.at / 1000) / 3600)))]
	.sort((a, b) => a - b);

describe('a clock that is an hour off', () => {
	for (const [way, off] of [['+1h', 1], ['-1h', -1]])
		test(`${way}: each effect once`, async () => {
			const want = await all.work(1);
			const { status, err } = await worker('a',
				clock({ FAKETIME: way }));
			assert.equal(status, 0, err);
			assert.deepEqual(hours(), [off]);
			await all.settle();
			assert.deepEqual(all.faults(want), []);
		});
	test('on one host of two: each effect once', async () => {
		for (let n = 2; n < 5; n++) {
			const want = await all.work(n);
			for (const { status, err } of await Promise.all(
				['+1h', '-1h'].map((way, i) => worker('ab'[i],
					clock({ FAKETIME: way })))))
				assert.equal(status, 0, err);
			await all.settle();
			assert.deepEqual(all.faults(want), []);
		}
	});
	test('and that is set while a worker stays', async () => {
		const file = `${house.state}/host-a/clock`;
		const set = (way) => writeFileSync(file, `${way}\n`);
		set('+0');
		all.forget();
		const one = worker('a', clock({ FAKETIME_TIMESTAMP_FILE: file }),
			['--stay']);
		for (const [way, off] of [['+0', 0], ['+1h', 1], ['-1h', -1]]) {
			set(way);
			const want = await all.work(5);
			for (let i = 0; all.left() > 0 || all.receiver.told.length
				< want.events; i++) {
				assert.ok(i < 600, `${way}: ${all.faults(want)}`);
				await pause(50);
			}
			assert.deepEqual(all.faults(want), [], way);
			assert.deepEqual(hours(), [off]);
		}
		one.child.kill('SIGTERM');
		assert.equal((await one).status, 0);
	});
});

/* ---- PostgreSQL ---- */

test('PostgreSQL restarted in the middle: nothing lost, no mail twice',
	async () => {
		for (const n of rounds(12)) {
			const want = await all.work(n);
			const ended = both();
			await pause(roll(n * 7, 400));
			/* At once, or when all have been told to go. */
			await house.signal('postgres', roll(n, 2) ? 'QUIT' : 'INT');
			await house.stop('postgres');
			await house.start('postgres');
			await ended;
			await all.settle();
			assert.deepEqual(all.lost(want), [], `seed ${seed} round ${n}`);
		}
	});

/* ---- disks ---- */

const run = (...words) => execFileSync(words[0], words.slice(1),
	{ encoding: 'utf8' }).trim();

/** A file system of its own at a directory that there is. */
function mount(dir, options) {
	run('mount', '-t', 'tmpfs', '-o',
		`mode=700,uid=${run('id', '-u', house.user)},${options}`,
		'letterrack', dir);
}

/** Nothing of the file system is left. */
function fill(dir) {
	const { bavail, bsize } = statfsSync(dir);
	run('fallocate', '-l', String(bavail * bsize), `${dir}/filler`);
}

test('a state directory that is full: each effect once', async () => {
	const dir = `${house.state}/host-a`;
	mount(dir, 'size=64k');
	fill(dir);
	assert.throws(() => writeFileSync(`${dir}/more`, 'x'.repeat(5000)),
		/ENOSPC/);
	for (let n = 0; n < 3; n++) {
		const want = await all.work(n);
		for (const { status, err } of await both())
			assert.equal(status, 0, err);
		await all.settle();
		assert.deepEqual(all.faults(want), []);
	}
	run('umount', dir);
});

/** The database goes on in a file system of its own, with some MB to spare. */
async function move(spare) {
	const data = `${house.state}/pg/data`;
	await house.stop('postgres');
	run('mv', data, `${data}.was`);
	run('install', '-d', data);
	const used = Number(run('du', '-sm', `${data}.was`).split('\t')[0]);
	mount(data, `size=${used + spare}m`);
	run('cp', '-a', `${data}.was/.`, data);
	await house.start('postgres');
	return data;
}

const answers = () => {
	try {
		return sql(house, 'SELECT 1') === '1';
	} catch {
		return false;
	}
};

/** Where it could not even write its log, it has ended. */
async function revive() {
	for (let i = 0; i < 40; i++) {
		if (answers())
			return;
		await pause(50);
	}
	await house.stop('postgres');
	await house.start('postgres');
}

/* Rows that are wide: something has to grow. */
const grow = () => sql(house, `INSERT INTO log (application_id, account_id,
	subject, action, status, message) SELECT ${all.p.application},
	${all.p.account}, 'x', 'x', 'succeeded', repeat(i::text, 200)
	FROM generate_series(1, 100) i`);

/** Fills it to the last page that the tables have taken. */
function fillUp(data) {
	fill(data);
	assert.throws(() => {
		for (let i = 0; i < 1000; i++)
			grow();
	}, /No space left|terminated|PANIC|recovery|closed/);
}

test('a disk of PostgreSQL that is full: nothing lost, no mail twice',
	async () => {
		const data = await move(48);
		const log = `${house.logs}/postgres.log`;
		let met = 0;
		for (const n of rounds(8)) {
			const want = await all.work(n);
			fillUp(data);
			const from = readFileSync(log).length;
			await both();
			met += readFileSync(log).subarray(from)
				.includes('No space left');
			rmSync(`${data}/filler`);
			await revive();
			sql(house, "DELETE FROM log WHERE subject = 'x'");
			await all.settle();
			assert.deepEqual(all.lost(want), [], `seed ${seed} round ${n}`);
		}
		assert.ok(met > 0);
		console.log(`workers met a full disk in ${met} rounds`);
		await house.stop('postgres');
	});
