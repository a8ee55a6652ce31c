// Two hosts with two cron runs each, all at once, against one database: what is
// due is done once, and told of once. And one that has been stopped beyond its
// lease changes nothing behind whoever was next.
//
// Each effect is counted where it comes: by a receiver of webhooks, by a mail
// server, in a mailbox.
//
//	LETTERRACK_ROUNDS, LETTERRACK_SEED, LETTERRACK_SECONDS, LETTERRACK_TALLY
//	as in crash.h
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { connect, mailbox, message } from '../lib/mail.mjs';
import { people, sql } from '../lib/people.mjs';
import { receive } from '../lib/receiver.mjs';
import { roll, rounds, seed } from '../lib/rounds.mjs';
import { standIn } from '../lib/smtp-stand-in.mjs';
import { stack } from '../lib/stack.mjs';

let house, p, member, root, receiver, server, smtp, imap;

before(async () => {
	console.log(`seed ${seed}`);
	house = await stack({ own: true, with: ['dovecot'] });
	for (const host of ['a', 'b'])
		execFileSync('install', ['-d', '-o', house.user, '-g', house.user,
			`${house.state}/host-${host}`]);
	server = await standIn();
	receiver = await receive();
	sql(house, "UPDATE credential SET sync_mode = 'off'"); // the demo's
	p = people(house);
	member = client(house).as({ cookie: p.member.cookie });
	root = `/api/accounts/${p.account}`;
	imap = await mailbox(house, 'support');
	await connect(member, p.account, 'support', { sync_mode: 'poll' });
	const out = await member.post(`${root}/provider-credentials`, {
		provider_kind: 'smtp', label: 'out', host: '127.0.0.1',
		port: server.port, security_mode: 'none',
		email_address: 'anna@letterrack.test',
		secret: { username: 'anna', password: 'x' } });
	assert.equal(out.status, 201, out.text);
	smtp = out.json.data;
	/* The first poll finds folders that nobody knows, and tells of none. */
	assert.equal((await worker('a')).status, 0);
	const hook = await member.post('/api/webhooks',
		{ url: receiver.url, events: ['*'] });
	assert.equal(hook.status, 201, hook.text);
});
after(async () => {
	await imap?.logout();
	await receiver?.end();
	await server?.end();
	await house?.end();
});

/** A cron run on a host: of its own name where this machine lets it have one,
 * and with a directory of its own. */
function worker(host, env = {}) {
	const child = spawn('unshare', ['--uts', 'sh', '-c',
		'hostname "$0" && exec "$@"', `host-${host}`, 'setpriv',
		`--reuid=${house.user}`, `--regid=${house.user}`, '--clear-groups',
		'--', `${house.prefix}/bin/letterrack-sync`], {
		env: { PATH: process.env.PATH, LETTERRACK_CONF: house.conf,
			LETTERRACK_STATE_DIR: `${house.state}/host-${host}`,
			LETTERRACK_SYSTEM_SMTP_PORT: String(server.port),
			LETTERRACK_SYSTEM_SMTP_SECURITY: 'none',
			LETTERRACK_SYSTEM_SMTP_USER: '', ...env },
		stdio: ['ignore', 'ignore', 'pipe'] });
	let err = '';
	child.stderr.on('data', (piece) => { err += piece; });
	const end = once(child, 'close').then(([status, signal]) =>
		({ status, signal, err }));
	return Object.assign(end, { child });
}

const raise = (n) => sql(house, `INSERT INTO event (application_id, account_id,
	name, data) SELECT ${p.application}, ${p.account}, 'note.added',
	json_build_object('n', i) FROM generate_series(1, ${n}) i`);

/** Mail of the service; the beginning of its Message-ID. */
function notice() {
	const stem = randomBytes(16).toString('hex');
	sql(house, `SELECT door_outgoing_add(${p.application}, 'test',
		'anna@letterrack.test', '${stem}', convert_to('To: anna@letterrack.test'
		|| E'\\r\\n\\r\\n' || 'Hello.' || E'\\r\\n', 'UTF8'))`);
	return stem;
}

/** Mail of the account. */
async function letter() {
	const { status, text, json } = await member.post(`${root}/smtp/messages`, {
		credential_id: smtp.id, to_json: [{ address: 'bert@elsewhere.test' }],
		subject: 'Once', text_body: 'Hello.\n' });
	assert.equal(status, 202, text);
	return sql(house, `SELECT substring(message_id from '<(.*)@')
		FROM submission WHERE task_id = ${json.data.task_id.slice(4)}`);
}

const number = (query) => Number(sql(house, query));

const left = () => number(`SELECT (SELECT count(*) FROM job
	WHERE state IN ('queued', 'running')) + (SELECT count(*) FROM outgoing
	WHERE state IN ('queued', 'sending')) + (SELECT count(*)
	FROM webhook_delivery WHERE state IN ('queued', 'sending'))`);

/** What those who came together have left to each other. */
async function settle() {
	for (let i = 0; left() > 0; i++) {
		assert.ok(i < 20, 'something is never done');
		const { status, err } = await worker('a');
		assert.equal(status, 0, err);
	}
}

/** What did not happen once, in words. */
function faults({ events, mailed, jobs }) {
	const bad = [];
	const times = (what, list, id) => {
		const n = list.filter((other) => other === id).length;
		if (n !== 1)
			bad.push(`${what} ${id} came ${n} times`);
	};
	const stems = receiver.told.map((t) => t.id);
	const known = sql(house, 'SELECT stem FROM webhook_delivery')
		.split('\n').filter(Boolean);
	if (known.length !== events)
		bad.push(`${known.length} deliveries of ${events} events`);
	for (const stem of known)
		times('delivery', stems, stem);
	for (const id of mailed)
		times('mail', server.came, id);
	if (stems.length !== known.length)
		bad.push(`${stems.length} posts, ${known.length} deliveries`);
	if (server.came.length !== mailed.length)
		bad.push(`${server.came.length} mails, not ${mailed.length}`);
	const runs = sql(house, `SELECT string_agg(t, ' ' ORDER BY t) FROM (SELECT
		concat_ws(':', action, count(*), max(attempt_count), min(state),
		(SELECT count(*) FROM log WHERE subject = 'job'
		AND log.action = job.action)) AS t FROM job GROUP BY action) x`);
	if (runs !== jobs)
		bad.push(`jobs: ${runs}, not ${jobs}`);
	return bad;
}

function forget() {
	sql(house, `DELETE FROM task; DELETE FROM log; DELETE FROM submission;
		TRUNCATE webhook_delivery; DELETE FROM outgoing`);
	receiver.told.length = server.came.length = 0;
}

/** One round's work; what is to come of it. */
async function work(n) {
	forget();
	const events = 1 + roll(n, 40);
	raise(events);
	const mailed = [notice(), notice(), await letter(), await letter(),
		await letter()];
	await imap.append('INBOX', message({ subject: `round ${n}` }));
	sql(house, `UPDATE credential SET next_poll_at = now()
		WHERE account_id = ${p.account} AND provider_kind = 'imap'`);
	/* Of the mail that comes, and of what was sent. */
	return { events: events + 1 + 3, mailed,
		jobs: 'imap_fetch_text:1:1:succeeded:1 ' +
		'imap_sync_messages:1:1:succeeded:1 ' +
		'smtp_send_message:3:1:succeeded:3' };
}

test('two cron runs on each of two hosts: each effect once', async () => {
	let planted = false;
	for (const n of rounds(60)) {
		const want = await work(n);
		const ended = await Promise.all(['a', 'a', 'b', 'b'].map((host) =>
			worker(host)));
		for (const { status, err } of ended)
			assert.equal(status, 0, err);
		await settle();
		assert.deepEqual(faults(want), [], `seed ${seed} round ${n}`);
		if (planted)
			continue;
		/* The checker finds what comes twice, and what does not come. */
		planted = true;
		const [again] = receiver.told;
		receiver.told.push(again);
		const gone = server.came.shift();
		assert.deepEqual(faults(want), [
			`delivery ${again.id} came 2 times`, `mail ${gone} came 0 times`,
			`${want.events + 1} posts, ${want.events} deliveries`,
			`${want.mailed.length - 1} mails, not ${want.mailed.length}`]);
	}
});

/** The program below is stopped by its failpoint. */
async function stopped(one) {
	for (let i = 0; i < 400; i++) {
		const stat = readFileSync(`/proc/${one.child.pid}/stat`, 'utf8');
		if (stat.slice(stat.lastIndexOf(')') + 2)[0] === 'T')
			return;
		await pause(25);
	}
	assert.fail('it was not stopped');
}

/** One of host a is stopped at `point`, its lease ends (`set`), and b is next.
 * What b has left in the table stays. */
async function late(point, table, set) {
	const rows = () => sql(house, `SELECT json_agg(x) FROM ${table} x`);
	const one = worker('a', { LETTERRACK_FAILPOINT: `${point}:1:stop` });
	await stopped(one);
	sql(house, `UPDATE ${table} SET ${set}`);
	const next = await worker('b');
	const before = rows();
	one.child.kill('SIGCONT');
	const { status, err } = await one;
	assert.equal(rows(), before, 'a late write');
	return { status, err, next };
}

/** No other work than what comes. */
function begin() {
	forget();
	sql(house, `UPDATE credential SET next_poll_at = now() + interval '1 h'`);
}

describe('stopped beyond its lease, a worker changes nothing any more', () => {
	test('of a delivery, which another has told again', async () => {
		begin();
		raise(1);
		const { status, err, next } = await late('delivery-effect-after',
			'webhook_delivery', 'run_at = now()');
		assert.deepEqual([status, next.status], [0, 0], err + next.err);
		assert.match(err, /leases of deliveries lost n=1/);
		assert.equal(receiver.told.length, 2);
		const [a, b] = receiver.told;
		assert.deepEqual([a.id, a.body], [b.id, b.body]);
		assert.equal(sql(house, `SELECT state || attempts
			FROM webhook_delivery`), 'delivered2');
	});
	test('of mail, which the other does not send again', async () => {
		begin();
		const id = await letter();
		const { err } = await late('submission-effect-after', 'job',
			"lease_until = now() - interval '1 s'");
		assert.match(err, /lease lost job=/);
		assert.deepEqual(server.came, [id]);
		assert.equal(sql(house, 'SELECT state FROM submission'), 'unknown');
	});
});

test('mail of the service, stopped beyond its lease: what it knows is told',
	async () => {
		begin();
		const stem = notice();
		const one = worker('a',
			{ LETTERRACK_FAILPOINT: 'outgoing-effect-after:1:stop' });
		await stopped(one);
		sql(house, "UPDATE outgoing SET lease_until = now() - interval '1 s'");
		assert.equal((await worker('b')).status, 0);
		assert.equal(sql(house, 'SELECT state FROM outgoing'), 'unknown');
		one.child.kill('SIGCONT');
		assert.equal((await one).status, 0);
		assert.deepEqual(server.came, [stem]);
		assert.equal(sql(house, 'SELECT state FROM outgoing'), 'accepted');
	});
