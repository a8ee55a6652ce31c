// Watchers that share mail accounts, and are killed: others take over, and no mail
// is missed, though nothing is polled.
//
//	LETTERRACK_ROUNDS, LETTERRACK_SEED as in crash.h
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { aside } from '../lib/ctl.mjs';
import { connect, mailbox, message } from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { roll, rounds, seed } from '../lib/rounds.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const users = ['support', 'sales', 'anna'];

let house, p, boxes, credentials, running, sent;

const watch = () => aside(house, 'bin/letterrack-watch', ['--quiet']);
const count = (text) => Number(sql(house, `SELECT count(*) FROM ${text}`));

async function until(what, ask, seconds = 60) {
	const end = Date.now() + seconds * 1000;
	while (!ask()) {
		assert.ok(Date.now() < end, `not within ${seconds} s: ${what}`);
		await pause(50);
	}
}

async function ends(one, signal) {
	one.child.kill(signal);
	return one;
}

/** Mail in one of the mailboxes. */
async function deliver(n) {
	const subject = `mail ${++sent}`;
	await boxes[n % users.length].append('INBOX', message({ subject }));
	return subject;
}

const all = () => count(`email e JOIN placement p ON p.account_id =
	e.account_id AND p.email_id = e.id WHERE e.account_id = ${p.account}
	AND subject LIKE 'mail %'`);

/** How many live processes have how many of ours. */
const shares = () => sql(house, `SELECT count(*) FROM watcher w
	JOIN watch_host h USING (worker) WHERE w.state = 'idle'
	AND w.account_id = ${p.account} AND h.heartbeat_at > now() -
	interval '5 s' GROUP BY w.worker ORDER BY 1`).split('\n')
	.filter((n) => n).map(Number);
const sum = (list) => list.reduce((a, b) => a + b, 0);

before(async () => {
	console.log(`seed ${seed}`);
	house = await stack({ own: true, with: ['dovecot'],
		set: ['poll_interval = 1d', 'watch_workers = 1'] });
	p = people(house);
	sent = 0;
	running = [];
	sql(house, `UPDATE credential SET sync_mode = 'on_demand'`);
	const owner = client(house).as({ cookie: p.owner.cookie });
	boxes = await Promise.all(users.map((user) => mailbox(house, user)));
	credentials = [];
	for (const user of users)
		credentials.push(await connect(owner, p.account, user,
			{ sync_mode: 'idle' }));
});
after(async () => {
	for (const one of running ?? [])
		one.child.kill('SIGTERM');
	await Promise.all(running ?? []);
	for (const box of boxes ?? [])
		await box.logout();
	await house?.end();
});

describe('several watchers', () => {
	test('one alone watches all', async () => {
		running.push(watch());
		await until('all are watched', () => sum(shares()) === 3);
		await deliver(0);
		await until('the mail', () => all() === sent);
	});
	test('two share them', async () => {
		running.push(watch());
		await until('a share each', () => `${shares()}` === '1,2');
	});
	test('one that is told to end gives its own to the other', async () => {
		const [one] = running.splice(0, 1);
		assert.equal((await ends(one, 'SIGTERM')).status, 0);
		await until('one with all', () => `${shares()}` === '3', 10);
	});
	test('one that is killed is followed by the other', async () => {
		running.push(watch());
		await until('a share each', () => `${shares()}` === '1,2');
		const [one] = running.splice(0, 1);
		assert.equal((await ends(one, 'SIGKILL')).signal, 'SIGKILL');
		for (let n = 0; n < users.length; n++)
			await deliver(n);
		await until('one with all', () => `${shares()}` === '3', 30);
		await until('the mail', () => all() === sent);
	});
});

describe('killed at random', () => {
	test('no mail is missed, and none comes twice', async () => {
		let n = 0;
		for (const round of rounds(10)) {
			while (running.length < 2)
				running.push(watch());
			for (let i = 0; i < 4; i++) {
				await deliver(n++);
				await pause(roll(n, 400));
			}
			const [one] = running.splice(roll(round, 2), 1);
			await ends(one, 'SIGKILL');
		}
		running.push(watch());
		await until('the mail', () => all() >= sent);
		await until('all are watched', () => sum(shares()) === 3);
		assert.equal(all(), sent);
		assert.equal(count(`job WHERE action = 'imap_watch' AND
			state = 'failed'`), 0);
	});
});
