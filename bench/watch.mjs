// Watchers: how soon mail is held, and what a session costs.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../tests/lib/api.mjs';
import { connect, mailbox, message } from '../tests/lib/mail.mjs';
import { people } from '../tests/lib/people.mjs';
import { sql } from '../tests/lib/sql.mjs';
import { stack } from '../tests/lib/stack.mjs';
import { memory, median, partPid, until } from './measure.mjs';

const users = ['support', 'sales', 'anna'];

export const open = async ({ quick }) => ({ quick });
export const close = async () => {};

const part = (list, share) => [...list].sort((a, b) => a - b)[
	Math.min(list.length - 1, Math.floor(list.length * share))];

async function house_of(options) {
	const house = await stack({ own: true, with: ['dovecot', 'watch'],
		postgres: ['synchronous_commit=on', 'fsync=on'],
		set: ['poll_interval = 1d', ...options] });
	sql(house, "UPDATE credential SET sync_mode = 'off'"); // the demo's
	const who = people(house);
	return { house, who, owner: client(house, { cookie: who.owner.cookie },
		{ record: false }) };
}

const living = (house) => Number(sql(house, `SELECT count(*) FROM watcher
	WHERE state <> 'waiting' AND worker IS NOT NULL`));

/** Mail program beside us: what it was told of a message that was held. */
async function idler(house, user) {
	const imap = await mailbox(house, user);
	const seen = { exists: 0 };
	await imap.mailboxOpen('INBOX');
	imap.on('exists', () => { seen.exists++; });
	const idle = imap.idle();
	return { seen, end: async () => { await imap.logout(); await idle; } };
}

/** Mails one after the other: from their delivery, and from the word of the
 * server, until they are held; in milliseconds. */
async function hold({ quick }, options) {
	const { house, who, owner } = await house_of(options);
	const boxes = await Promise.all(users.map((u) => mailbox(house, u)));
	const others = await Promise.all(users.map((u) => idler(house, u)));
	for (const user of users)
		await connect(owner, who.account, user,
			{ sync_mode: 'idle', hold_policy: 'all' });
	await until('sessions', () => living(house) === users.length);
	await until('the first look', () => sql(house, `SELECT count(*) FROM job
		WHERE state IN ('queued', 'running')`) === '0');
	let held = 0;
	const deliver = async (user, subject) => {
		await boxes[user].append('INBOX', message({ subject }));
		const at = Date.now();
		held++;
		await until('held', () => Number(sql(house, `SELECT count(*) FROM
			hold WHERE state = 'held'`)) >= held);
		return Number(sql(house, `SELECT extract(epoch FROM held_at) * 1000
			FROM hold JOIN email e ON e.id = email_id
			WHERE e.subject = '${subject}'`)) - at;
	};
	// The first of a mail account makes the quarantine.
	for (const user of users.keys())
		await deliver(user, `first ${user}`);
	for (const other of others)
		other.seen.exists = 0;
	const delivered = [];
	const n = quick ? 20 : 200;
	for (let i = 0; i < n; i++) {
		delivered.push(await deliver(i % users.length, `held ${i}`));
		await pause(Math.random() * 300);
	}
	const told = sql(house, `SELECT latency_ms FROM hold JOIN email e
		ON e.id = email_id WHERE e.subject LIKE 'held %'`).split('\n')
		.map(Number);
	const flashed = others.reduce((a, o) => a + o.seen.exists, 0);
	for (const one of [...others, ...boxes])
		await (one.end ?? one.logout).call(one);
	await house.end();
	return { delivered, told, flashed, n };
}

const rows = (name, { delivered, told, flashed, n }, aims) => [
	{ figure: `${name}: told → moved, p50 in ms`, value: median(told),
		most: 10, aim: 10, note: `${n} mails` },
	{ figure: `${name}: told → moved, p99 in ms`, value: part(told, 0.99),
		most: 60, aim: 60 },
	{ figure: `${name}: delivered → held, p99 in ms`,
		value: part(delivered, 0.99), most: aims.delivered,
		aim: aims.delivered,
		note: `p50 ${median(delivered).toFixed(0)} ms` },
	{ figure: `${name}: seen by a mail program in IDLE`, value: flashed,
		...aims.seen, note: `of ${n}` },
];

async function watch(bench) {
	return rows('IDLE', await hold(bench, []), { delivered: 600 });
}

async function pace(bench) {
	return rows('NOOP 250 ms', await hold(bench, ['watch_pace = 250']),
		{ delivered: 270, seen: { most: 0, aim: 0 } });
}

/** CPU time of all threads of a process, in microseconds. */
const cpuOf = (pid) => readdirSync(`/proc/${pid}/task`).reduce((sum, task) =>
	sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8')
		.split(' ')[0]) / 1000, 0);

/** Many sessions with TLS, of the same mailboxes. */
async function sessions({ quick }) {
	const n = quick ? 30 : 500;
	const { house, who, owner } = await house_of(['watch_workers = 0']);
	const pid = partPid(house, 'watch');
	const before = memory(pid, 'smaps_rollup', 'Rss');
	await connect(owner, who.account, users[0], {
		port: Number(house.imaps_port), security_mode: 'ssl_tls',
		host: 'localhost', sync_mode: 'idle' });
	await until('a session', () => living(house) === 1);
	const first = memory(pid, 'smaps_rollup', 'Rss');
	for (let i = 1; i < n; i++)
		await connect(owner, who.account, users[i % users.length], {
			port: Number(house.imaps_port), security_mode: 'ssl_tls',
			host: 'localhost', sync_mode: 'idle' });
	for (let i = 0; i < 60 && living(house) < n; i++)
		await pause(1000);
	const got = living(house);
	const rss = memory(pid, 'smaps_rollup', 'Rss');
	const cpu = cpuOf(pid);
	await pause(5000);
	const used = (cpuOf(pid) - cpu) / 5000;
	await house.end();
	return [
		{ figure: `memory a session, ${got} with TLS, in kB`,
			value: (rss - first) / (got - 1), most: 60, aim: 55,
			note: `${before} kB without any, ${first} with one` },
		{ figure: 'CPU of idle sessions, in ‰ of a core', value: used,
			most: 10, aim: 2, note: `${got} sessions, 5 s` },
	];
}

export const figures = { watch, pace, sessions };
