// The SMTP proxy, killed: what it has answered 250 for is sent, once; what it has
// refused is not sent; and what it left without an answer is sent once more by its
// client, as clients do, and arrives once. What is believed lies outside the
// system: what was said to clients, and the ledger of a server that takes mail.
//
//	LETTERRACK_ROUNDS, LETTERRACK_SEED as in crash.h
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { aside } from '../lib/ctl.mjs';
import { keepLedger } from '../lib/ledger.mjs';
import { people } from '../lib/people.mjs';
import { roll, rounds, seed } from '../lib/rounds.mjs';
import { dotted, proxy, signedOn } from '../lib/smtp.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const FROM = 'anna@letterrack.test', TO = 'someone@elsewhere.test';

let house, p, owner, ledger, program, conf;

before(async () => {
	house = await stack({ own: true });
	conf = readFileSync(house.conf, 'utf8');
	sql(house, "UPDATE credential SET sync_mode = 'off'"); // the demo's
	p = people(house);
	owner = client(house).as({ cookie: p.owner.cookie });
	ledger = await keepLedger();
	const made = await owner.post(
		`/api/accounts/${p.account}/provider-credentials`, {
			provider_kind: 'smtp', label: 'out', host: '127.0.0.1',
			port: ledger.port, security_mode: 'none', email_address: FROM,
			secret: { username: FROM, password: 'x' } });
	assert.equal(made.status, 201, made.text);
	sql(house, `UPDATE credential SET hold_policy = 'rules'
		WHERE account_id = ${p.account};
		INSERT INTO rule (application_id, account_id, name, type, operator,
		value, action, priority) VALUES (${p.application}, ${p.account},
		'money', 'keyword', 'contains', 'urgent', 'hold', 45)`);
	program = machine();
});
after(async () => {
	await ledger?.end();
	await house?.end();
});

function machine() {
	const id = `cid_${randomBytes(8).toString('hex')}`, secret = 'a secret';
	const hash = createHash('sha256').update(secret).digest('hex');
	sql(house, `INSERT INTO client (id, application_id, account_id, name, role,
		secret_hash) VALUES ('${id}', ${p.application}, ${p.account}, 'smtp',
		'member', '\\x${hash}')`);
	return { id, secret };
}

/* Beyond this size a message is kept in a file. */
const LARGE = 300 << 10;

/** A message of a kind, and what its client knows of it: `said`, the last code
 * (0: none), `gave`, its last byte has left, at one time or another. */
function letter(kind = 'small') {
	const id = `<${randomBytes(12).toString('hex')}@letterrack.test>`;
	const line = 'We have sent your order today, and so on and so forth.\r\n';
	return { id, kind, said: undefined, gave: false, bytes: Buffer.from(
		`From: ${FROM}\r\nTo: ${TO}\r\nMessage-ID: ${id}\r\n` +
		'Date: Sat, 28 Nov 2026 10:00:00 +0000\r\n' +
		`Subject: ${kind === 'held' ? 'Urgent' : 'About the order'}\r\n\r\n` +
		line.repeat(kind === 'large' ? LARGE / line.length : 20)) };
}

/** Hands it over; false: there is nobody any more. */
async function give(c, mail) {
	mail.said = 0;
	for (const [line, code] of [[`MAIL FROM:<${FROM}>`, 250],
		[`RCPT TO:<${TO}>`, 250], ['DATA', 354]]) {
		const reply = await c.ask(line);
		if (reply.code !== code) {
			mail.said = reply.code;
			return reply.code !== 0;
		}
	}
	c.write(dotted(mail.bytes));
	mail.gave = true;
	const reply = await c.reply();
	mail.said = reply.code;
	mail.held = / for review/.test(reply.text);
	return reply.code !== 0;
}

/** Everything that a client has, one behind the other, to a proxy that may die. */
async function giveAll(port, mails) {
	let c;
	try {
		c = await signedOn(port, program.id, program.secret);
	} catch {
		return; // it is dead already
	}
	for (const mail of mails)
		if (!await give(c, mail))
			break;
	c.destroy();
}

/** What is wrong between what was said and what arrived, in words. */
export function faults(mails, taken) {
	return mails.flatMap(({ id, said, gave, kind }) => {
		const n = taken.get(id) ?? 0;
		const what = `${id} (${kind}, ${said === undefined ? 'not begun'
			: said === 0 ? 'no answer' : `answered ${said}`})`;
		if (n > 1)
			return [`${what} came ${n} times`];
		if (said === 250 && n === 0)
			return [`${what} is lost`];
		if (said !== 250 && said !== 0 && n > 0)
			return [`${what} came`];
		return said === 0 && !gave && n > 0 ? [`${what} came by half`] : [];
	});
}

const sync = (env = {}) => aside(house, 'bin/letterrack-sync', ['--quiet'], env);

/** Lets go what waits for review. The worker that carries it out reads the
 * house's configuration: it is killed at a point, where one is named; then it is
 * another's. */
async function release(point) {
	const ids = sql(house, `SELECT email_id FROM hold WHERE state = 'held'
		AND account_id = ${p.account}`).split('\n').filter(Boolean).map(Number);
	if (ids.length === 0)
		return;
	for (const id of ids)
		assert.ok(![...ledger.taken.keys()].includes(sql(house, `SELECT
			message_id FROM email WHERE id = ${id}`)), 'sent unseen');
	if (point)
		writeFileSync(house.conf, `${conf}\nfailpoint = ${point}\n`);
	const over = () => sql(house, `SELECT count(*) FROM hold
		WHERE state = 'releasing' AND account_id = ${p.account}`) === '0';
	const asked = owner.post('/api/interception/bulk/release',
		{ email_ids: ids });
	let ended = false;
	asked.finally(() => { ended = true; });
	const released = () => sql(house, `SELECT count(*) FROM hold
		WHERE state = 'held' AND account_id = ${p.account}`) === '0';
	for (const end = Date.now() + 60000; !(released() && over()) && !ended;) {
		assert.ok(Date.now() < end, 'they are not released');
		await pause(20);
		if (released())
			await sync({ LETTERRACK_FAILPOINT: '' });
	}
	const { status, text, json } = await asked;
	writeFileSync(house.conf, conf);
	assert.ok([200, 202].includes(status), text);
	assert.deepEqual(json.failed, [], text);
}

/** Sends what is to be sent. */
async function settle(point) {
	for (let i = 0; i < 50; i++) {
		await release(i === 0 ? point : undefined);
		sql(house, `UPDATE job SET run_at = now() WHERE state = 'queued'
			AND run_at > now()`);
		const { status, err } = await sync();
		assert.ok([0, 69].includes(status), err);
		if (sql(house, `SELECT (SELECT count(*) FROM job WHERE state IN
			('queued', 'running')) + (SELECT count(*) FROM hold
			WHERE state IN ('held', 'releasing'))`) === '0')
			return;
	}
	assert.fail(`jobs wait for ever: ${sql(house, `SELECT string_agg(
		concat_ws(' ', action, state, last_error_code, last_error_detail), ';')
		FROM job WHERE state IN ('queued', 'running')`)}`);
}

async function check(mails, point) {
	await settle(point);
	assert.deepEqual(faults(mails, ledger.taken), []);
}

test('the checker finds what is lost, doubled, and sent for nothing', () => {
	const mail = (id, said, gave = true) => ({ id, said, gave, kind: 'small' });
	const mails = [mail('a', 250), mail('b', 250), mail('c', 250),
		mail('d', 550), mail('e', 0), mail('f', 0, false), mail('g', undefined),
		mail('h', 0, false), mail('i', 451), mail('j', 0)];
	const taken = new Map([['a', 1], ['b', 2], ['d', 1], ['e', 1], ['f', 1],
		['j', 2]]);
	assert.deepEqual(faults(mails, taken), [
		'b (small, answered 250) came 2 times',
		'c (small, answered 250) is lost', 'd (small, answered 550) came',
		'f (small, no answer) came by half',
		'j (small, no answer) came 2 times']);
});

/* Where it dies; what kind of message it has; whether that is taken, so that it
 * is sent though nobody heard so: between the commit and the answer it cannot be
 * otherwise (RFC 5321 4.5.4.2), and who asks again is told. */
const points = [
	['smtpd-take-before', 'small', false],
	['given-queue-before', 'small', false],
	['db-commit-before', 'small', false],
	['db-commit-after', 'small', true],
	['smtpd-take-after', 'small', true],
	['smtpd-reply-before', 'small', true],
	['raw-keep-before', 'large', false],
	['raw-keep-synced', 'large', false],
	['raw-keep-named', 'large', false],
	['raw-keep-after', 'large', false],
	['given-queue-before', 'large', false],
	['smtpd-take-after', 'large', true],
	['raw-keep-before', 'held', false],
	['raw-keep-after', 'held', false],
	['given-hold-before', 'held', false],
	['db-commit-before', 'held', false],
	['smtpd-take-after', 'held', true],
	['smtpd-reply-before', 'held', true],
];

describe('killed at', () => {
	for (const [point, kind, isTaken] of points)
		test(`${point}, a ${kind} one is ${isTaken ? 'taken' : 'not taken'}; ` +
			'given again it is sent once', async () => {
			const mail = letter(kind), silent = letter(kind);
			for (const one of [mail, silent]) {
				const dying = await proxy(house, { failpoint: point });
				await giveAll(dying.port, [one]);
				const { status, signal, err } = await dying.ended;
				assert.equal(signal ?? status, 'SIGKILL', err);
				assert.equal(one.said, 0);
				assert.equal(sql(house, `SELECT count(*) FROM email
					WHERE message_id = '${one.id}'`), isTaken ? '1' : '0');
			}
			const next = await proxy(house);
			await giveAll(next.port, [mail]);
			assert.equal(mail.said, 250);
			await check([mail, silent]);
			assert.equal(ledger.taken.get(mail.id), 1);
			assert.equal(ledger.taken.get(silent.id), isTaken ? 1 : undefined);
			assert.equal((await next.end()).status, 0);
		});
	for (const point of ['hold-send-before', 'db-commit-before:2',
		'db-commit-after:2', 'hold-send-after'])
		test(`${point}, what is let go is sent once`, async () => {
			const mails = [letter('held'), letter('held')];
			const door = await proxy(house);
			await giveAll(door.port, mails);
			await door.end();
			assert.ok(mails.every((mail) => mail.held));
			await check(mails, point);
			if (point.startsWith('hold-send'))
				assert.ok(Number(sql(house, `SELECT attempt_count FROM job
					WHERE action = 'imap_hold' ORDER BY id DESC LIMIT 1`)) > 1,
				'nobody died');
		});
});

describe('at random', () => {
	const names = [...new Set(points.map(([name]) => name))];
	const kinds = ['small', 'small', 'small', 'held', 'small', 'large'];
	let again = [], all = [], kills = 0, n = 0;

	/** One proxy, three clients, one kill. */
	async function round(number) {
		const point = roll(number, 3) === 0 ? undefined
			: `${names[roll(number ^ 0x1357, names.length)]}:${
				1 + roll(number ^ 0x7531, 4)}`;
		const door = await proxy(house, point ? { failpoint: point } : {});
		const mails = [0, 1, 2].map(() => Array.from({ length: 3 }, () =>
			again.pop() ?? letter(kinds[roll(++n, kinds.length)])));
		all.push(...mails.flat().filter((mail) => mail.said === undefined));
		const given = Promise.all(mails.map((some) =>
			giveAll(door.port, some)));
		if (!point)
			await pause(roll(number ^ 0x2468, 60));
		// One that has not come by its point dies when all is said.
		await Promise.race([point ? given : undefined, door.ended]);
		door.child.kill('SIGKILL');
		await given;
		const { status, signal, err } = await door.ended;
		assert.equal(signal ?? status, 'SIGKILL', err);
		kills++;
		// Some clients lose interest.
		again.push(...mails.flat().filter((mail) => mail.said !== 250 &&
			roll(++n, 8) > 0));
	}

	async function look() {
		const door = await proxy(house);
		const rest = again.splice(0);
		await giveAll(door.port, rest);
		await door.end();
		assert.ok(rest.every((mail) => mail.said === 250));
		await check(all, ['hold-send-before', 'hold-send-after',
			'db-commit-after:2'][roll(kills, 3)]);
		all.forEach((mail) => { ledger.taken.delete(mail.id); });
		sent += all.length;
		all = [];
	}
	let sent = 0;

	test('what is planted is found', async () => {
		const mails = [letter(), letter()];
		const door = await proxy(house);
		await giveAll(door.port, mails);
		await door.end();
		await settle();
		assert.deepEqual(faults(mails, ledger.taken), []);
		ledger.taken.delete(mails[0].id);
		mails[1].said = 550;
		assert.equal(faults(mails, ledger.taken).length, 2);
	});
	test('killed at random', async () => {
		console.log(`seed ${seed}`);
		const numbers = rounds(300);
		const lane = async () => {
			for (;;) {
				const { value, done } = numbers.next();
				if (done)
					return;
				await round(value);
				if (all.length >= 1000)
					return;
			}
		};
		for (let before_ = -1; before_ !== kills;) {
			before_ = kills;
			await Promise.all([lane(), lane(), lane()]);
			await look();
		}
		console.log(`${kills} kills, ${sent} messages`);
	});
});
