// The responders' life: one killed, all replaced under load, the database away.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { people } from '../lib/people.mjs';
import { stack } from '../lib/stack.mjs';

let house, api, member;

before(async () => {
	house = await stack({ only: ['postgres', 'serve', 'nginx'] });
	api = client(house);
	member = api.as(people(house).member);
});
after(() => house?.end());

/** The processes of a family, by what the supervisor has started. */
function processes(family) {
	const parent = readFileSync(`${house.run}/fcgi/serve.pid`, 'utf8').trim();
	const list = execFileSync('ps',
		['-o', 'pid=,comm=', '--ppid', parent], { encoding: 'utf8' });
	return list.trim().split('\n').map((line) => line.trim().split(/\s+/))
		.filter(([, name]) => name === family).map(([pid]) => Number(pid));
}

async function until(what, condition, ms = 15000) {
	for (const end = Date.now() + ms; Date.now() < end; await pause(20))
		if (await condition())
			return;
	assert.fail(`not within ${ms} ms: ${what}`);
}

/** Asks without a pause until told to stop; how the answers were. */
function load(t, asker, path, lanes = 4) {
	const seen = new Map();
	let going = true;
	t.after(() => { going = false; });
	const done = Promise.all(Array.from({ length: lanes }, async () => {
		while (going) {
			const status = await asker.get(path).then((a) => a.status,
				(error) => error.message);
			seen.set(status, (seen.get(status) ?? 0) + 1);
			if (typeof status === 'string')
				await pause(5); // refused: no busy loop
		}
	}));
	return { async stop() { going = false; await done; return seen; }, seen };
}

function sick(answer, path) {
	assert.equal(answer.status, 503, path);
	assert.ok(Number(answer.headers['retry-after']) > 0, path);
	assert.ok(answer.json, path);
}

const quiet = () => client(house, {}, { record: false });

describe('a process that is killed', () => {
	test('comes back, and reads go to the next one meanwhile', async (t) => {
		const running = load(t, quiet(), '/login');
		for (let i = 0; i < 10; i++) {
			const old = processes('auth');
			process.kill(old[i % old.length], 'SIGKILL');
			await until('another in its place', () => {
				const now = processes('auth');
				return now.length === old.length &&
					!now.includes(old[i % old.length]);
			});
		}
		const seen = await running.stop();
		assert.deepEqual([...seen.keys()], [200], JSON.stringify([...seen]));
		assert.ok(seen.get(200) > 50);
	});
});

test('what processes hold, others of their user cannot read', () => {
	const pids = ['auth', 'emails', 'system'].flatMap(processes);
	assert.ok(pids.length > 2);
	for (const pid of pids)
		assert.equal(statSync(`/proc/${pid}/environ`).uid, 0);
});

describe('all are replaced', () => {
	test('without a failed request', async (t) => {
		const names = ['system', 'auth', 'accounts'];
		const old = names.flatMap(processes);
		const running = ['/api', '/login', '/healthz']
			.map((path) => load(t, quiet(), path, 2));
		process.kill(Number(readFileSync(`${house.run}/fcgi/serve.pid`, 'utf8')),
			'SIGHUP');
		await until('only new ones', () => {
			const now = names.flatMap(processes);
			return now.length === old.length &&
				!now.some((pid) => old.includes(pid));
		}, 60000);
		for (const one of running) {
			const seen = await one.stop();
			assert.deepEqual([...seen.keys()], [200],
				JSON.stringify([...seen]));
		}
	});
});

const socket = (family) => `${house.run}/fcgi/${family}.sock`;
const signal = (name) => process.kill(
	Number(readFileSync(`${house.run}/fcgi/serve.pid`, 'utf8')), name);

/** As somebody starts a program of ours by hand; it is to end by itself. */
function byHand(program, ...args) {
	const run = spawnSync('setpriv', [`--reuid=${house.user}`,
		`--regid=${house.user}`, '--clear-groups', '--',
		`${house.prefix}/${program}`, ...args], {
		encoding: 'utf8', timeout: 5000,
		env: { PATH: process.env.PATH, LETTERRACK_CONF: house.conf },
	});
	return { status: run.status, err: run.stderr };
}

describe('a socket that is in use', () => {
	for (const [what, program, args, why] of [
		['a responder', 'libexec/letterrack/system', [], /system\.sock is in use/],
		['another supervisor', 'sbin/letterrackctl', ['serve'],
			/it runs already, as process \d+/],
	])
		test(`is left alone by ${what}, which says so`, async () => {
			const { ino } = statSync(socket('system'));
			const run = byHand(program, ...args);
			assert.equal(run.status, 69);
			assert.match(run.err, why);
			assert.equal(statSync(socket('system')).ino, ino);
			assert.equal((await api.get('/api')).status, 200);
		});

	test('is left alone by a supervisor that finds no other one\'s lock',
		async () => {
			const name = `${house.run}/fcgi/serve.pid`;
			renameSync(name, `${name}.kept`);
			const run = byHand('sbin/letterrackctl', 'serve');
			renameSync(`${name}.kept`, name);
			assert.equal(run.status, 69);
			assert.match(run.err, /\.sock is in use/);
			assert.equal((await api.get('/api')).status, 200);
		});
});

describe('a socket that is lost', () => {
	let many;
	before(() => { many = processes('system').length; });
	const works = async () => (await quiet().get('/api')).status === 200;
	const mended = async () => {
		assert.equal(await works(), false);
		signal('SIGHUP');
		await until('service', works);
		// All of the family: a request in the old socket's row waits for ever.
		for (let i = 0; i < 20; i++)
			assert.equal(await works(), true);
	};

	test('comes back with HUP where it was removed', async () => {
		rmSync(socket('system'));
		await mended();
	});

	test('comes back with HUP where it was taken', async (t) => {
		const thief = net.createServer((peer) => peer.destroy());
		t.after(() => thief.close()); // removes the name that it knows
		const name = socket('thief');
		await new Promise((done) => thief.listen(name, done));
		chmodSync(name, 0o666);
		renameSync(name, socket('system'));
		await mended();
	});

	test('and no process is left that listens to nobody', async () => {
		await until('as many as before',
			() => processes('system').length === many);
	});
});

describe('the database is away', () => {
	test('503 with Retry-After at once, then service again', async () => {
		assert.equal((await member.get('/api/accounts')).status, 200);
		await house.stop('postgres');
		const stranger = api.as({ cookie: 'A'.repeat(43) });
		for (const path of ['/api/accounts', '/readyz']) {
			const from = Date.now();
			sick(await stranger.get(path), path);
			assert.ok(Date.now() - from < 5000, path);
		}
		// These two keep an answer for five seconds.
		for (const path of ['/healthz', '/api/system/health']) {
			await until(`${path} tells`, async () =>
				(await api.get(path)).status === 503, 7000);
			sick(await api.get(path), path);
		}
		await house.start('postgres');
		await until('service', async () =>
			(await member.get('/api/accounts')).status === 200, 5000);
		await until('readiness', async () =>
			(await api.get('/readyz')).status === 200, 5000);
	});
});
