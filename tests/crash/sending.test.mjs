// Mail of accounts and workers that are killed on their way: each message is in
// the receiver's mailbox once, or not at all where its state says so; in the Sent
// folder there is one copy. What is counted lies outside the system: in mailboxes
// of Dovecot behind a real Postfix, and in the ledger of a server that takes mail.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { ctl, stopped, well } from '../lib/ctl.mjs';
import { connect, mailbox } from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { keepLedger, refusal } from '../lib/ledger.mjs';
import { lanes, roll, seed } from '../lib/rounds.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const TO = 'someone@elsewhere.test';

let house, p, root, member, outside, own, smtp;

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'postfix'] });
	p = people(house);
	member = client(house).as({ cookie: p.member.cookie });
	root = `/api/accounts/${p.account}`;
	const answer = await member.post(`${root}/provider-credentials`, {
		provider_kind: 'smtp', label: 'out', host: '127.0.0.1',
		port: Number(house.submission_port), security_mode: 'none',
		email_address: 'anna@letterrack.test',
		secret: { username: 'anna@letterrack.test', password: 'letterrack' },
	});
	assert.equal(answer.status, 201, answer.text);
	smtp = answer.json.data;
	await connect(member, p.account, 'anna', { smtp_credential_id: smtp.id });
	outside = await mailbox(house, 'outside');
	own = await mailbox(house, 'anna');
});
after(async () => {
	// Their client leaves by itself where nothing is said for minutes.
	await outside?.logout().catch(() => {});
	await own?.logout().catch(() => {});
	await house?.end();
});

/** letterrack-sync as the service's user: { child, ended }. */
function start(words, env = {}) {
	const child = spawn('setpriv', [`--reuid=${house.user}`,
		`--regid=${house.user}`, '--clear-groups', '--',
		`${house.prefix}/bin/letterrack-sync`, '--quiet', ...words], {
		env: { PATH: process.env.PATH, LETTERRACK_CONF: house.conf, ...env },
		stdio: ['ignore', 'ignore', 'pipe'],
	});
	let err = '';
	child.stderr.on('data', (piece) => { err += piece; });
	return { child, ended: once(child, 'close').then(([status, signal]) =>
		({ status, signal, err })) };
}
const pass = (env) => start([], env).ended;
const stay = (env) => start(['--stay', '--only', 'send', '--only', 'imap'],
	env);

async function queue(from = smtp) {
	const { status, text, json } = await member.post(`${root}/smtp/messages`, {
		credential_id: from.id, to_json: [{ address: TO }],
		subject: randomBytes(8).toString('hex'), text_body: 'Hello.\n' });
	assert.equal(status, 202, text);
	const id = sql(house, `SELECT message_id FROM submission
		WHERE task_id = ${json.data.task_id.slice(4)}`);
	return id;
}

const states = (ids) => new Map(sql(house, `SELECT message_id, state
	FROM submission WHERE message_id = ANY ('{${ids.join(',')}}')`)
	.split('\n').map((line) => line.split('|')));

/** Message-ID -> how many of it lie in a folder. */
async function counted(imap, folder) {
	const lock = await imap.getMailboxLock(folder);
	const seen = new Map();
	try {
		await imap.noop();
		if (imap.mailbox.exists === 0)
			return seen;
		for await (const m of imap.fetch('1:*', { envelope: true }))
			seen.set(m.envelope.messageId,
				(seen.get(m.envelope.messageId) ?? 0) + 1);
	} finally {
		lock.release();
	}
	return seen;
}

/** What is not done with, in words. */
const waiting = () => sql(house, `SELECT string_agg(concat_ws(' ', j.id, action,
	j.state, 'tries', j.attempt_count, 'in', j.run_at - now(), 'worker', j.worker,
	'lease', j.lease_until - now(), j.last_error_code, j.last_error_detail,
	'submission', s.state), '; ') FROM job j
	LEFT JOIN submission s ON j.task_id IN (s.task_id, s.file_task_id)
	WHERE j.state IN ('queued', 'running')`);

/** Runs until nothing is due; what waits for its time need not wait. */
async function settle() {
	for (let i = 0; i < 100; i++) {
		sql(house, `UPDATE job SET run_at = now() WHERE state = 'queued'
			AND run_at > now()`);
		const ended = await Promise.all([pass(), pass()]);
		for (const { status, err } of ended)
			assert.ok([0, 69].includes(status), err);
		if (sql(house, `SELECT count(*) FROM job
			WHERE state IN ('queued', 'running')`) === '0')
			return;
	}
	assert.fail(`jobs wait for ever: ${waiting()}`);
}

/** What is wrong between the states and the mailboxes, in words. */
export function faults(state, arrived, filed) {
	return [...state].flatMap(([id, word]) => {
		const n = arrived.get(id) ?? 0, copies = filed.get(id) ?? 0;
		const bad = [];
		if (n > 1)
			bad.push(`${id} came ${n} times`);
		if (copies > 1)
			bad.push(`${id} was filed ${copies} times`);
		if (n === 0 && word !== 'unknown')
			bad.push(`${id} is ${word} and did not come`);
		if (copies !== 1 && word === 'filed')
			bad.push(`${id} is filed and lies nowhere`);
		if (!['filed', 'unknown'].includes(word))
			bad.push(`${id} ends as ${word}`);
		return bad;
	});
}

/** Compares when Postfix has nothing on its way: a marker comes last. */
async function check(ids) {
	await settle();
	const marker = await queue();
	await settle();
	for (let i = 0; i < 100; i++) {
		if ((await counted(outside, 'INBOX')).has(marker))
			break;
		await pause(100);
	}
	assert.deepEqual(faults(states([...ids, marker]),
		await counted(outside, 'INBOX'), await counted(own, 'Sent')), []);
}

test('the checker finds what is lost, doubled, and not filed', () => {
	const state = new Map([['a', 'filed'], ['b', 'filed'], ['c', 'unknown'],
		['d', 'accepted'], ['e', 'filed'], ['f', 'filed']]);
	const n = (text) => new Map(text.split(' ').map((w) =>
		[w[0], Number(w[1])]));
	assert.deepEqual(faults(state, n('a1 b2 d1 e1'), n('a1 b1 d1 f2')), [
		'b came 2 times', 'd ends as accepted', 'e is filed and lies nowhere',
		'f was filed 2 times', 'f is filed and did not come',
		'f is filed and lies nowhere']);
});

const points = [
	['submission-taken', 'filed'],
	['submission-intent-before', 'filed'],
	['submission-effect-before', 'unknown'],
	['submission-effect-after', 'unknown'],
	['submission-confirm-after', 'filed'],
	['submission-file-intent-before', 'filed'],
	['submission-file-effect-before', 'filed'],
	['submission-file-effect-after', 'filed'],
	['submission-file-confirm-after', 'filed'],
	['job-finish-before', 'filed'],
	['job-finish-after', 'filed'],
];

describe('killed at', () => {
	for (const [point, state] of points)
		test(`${point} it ends as ${state}`, async () => {
			await settle();
			const id = await queue();
			const dead = await pass({ LETTERRACK_FAILPOINT: point });
			assert.equal(dead.signal ?? dead.status, 'SIGKILL', dead.err);
			await check([id]);
			assert.equal(states([id]).get(id), state);
		});

	test('an unknown one that is tried again is not sent', async () => {
		const id = await queue();
		await pass({ LETTERRACK_FAILPOINT: 'submission-effect-before' });
		await settle();
		const job = jobOf(id);
		const answer = await member.post(`/api/jobs/${job}/retry`);
		assert.equal(answer.status, 202, answer.text);
		await check([id]);
		assert.equal(states([id]).get(id), 'unknown');
		assert.equal((await counted(outside, 'INBOX')).get(id), undefined);
		assert.match((await member.get(`/api/jobs/${job}`)).json.data
			.last_error_detail, /not sent again by itself/);
	});

	test('one that lies in the Sent folder was sent', async () => {
		const id = await queue();
		await pass({ LETTERRACK_FAILPOINT: 'submission-effect-after' });
		/* A server that files by itself. */
		await own.append('Sent', Buffer.from(sql(house, `SELECT
			encode(message, 'base64') FROM submission
			WHERE message_id = '${id}'`), 'base64'), ['\\Seen']);
		await check([id]);
		assert.equal(states([id]).get(id), 'filed');
	});
});

const jobOf = (id) => sql(house, `SELECT max(j.id) FROM submission s JOIN job j
	ON j.task_id = s.task_id WHERE message_id = '${id}'`);

describe('of one that is unknown an operator says', () => {
	/** Killed before it left, or behind that; its job. */
	async function unknown(point) {
		const id = await queue();
		await pass({ LETTERRACK_FAILPOINT: `submission-effect-${point}` });
		await settle();
		assert.equal(states([id]).get(id), 'unknown');
		return { id, job: `job_${jobOf(id)}` };
	}
	const say = (...words) => well(house, ['queue', ...words,
		'--application', String(p.application)]);
	const heard = (id) => sql(house, `SELECT string_agg(name, ' ' ORDER BY id)
		FROM event WHERE data ->> 'message_id' = '${id}'`);

	test('that it arrived: it is accepted, and a copy filed', async () => {
		const { id, job } = await unknown('after');
		say('resolve', '--sent', job);
		assert.equal(states([id]).get(id), 'accepted');
		await check([id]);
		assert.equal(states([id]).get(id), 'filed');
		assert.equal(heard(id), 'email.failed email.sent');
	});
	test('that it is lost: it has failed, and is filed nowhere', async () => {
		const { id, job } = await unknown('before');
		say('resolve', '--lost', '--note', 'They have none.', job);
		await settle();
		assert.equal(states([id]).get(id), 'failed');
		assert.equal((await counted(own, 'Sent')).get(id), undefined);
		assert.equal(sql(house, `SELECT DISTINCT r.state FROM submission s
			JOIN submission_recipient r ON r.submission_id = s.id
			WHERE message_id = '${id}'`), 'failed');
		assert.equal(heard(id), 'email.failed email.failed');
	});
	test('that it is lost and sent again: it arrives, once', async () => {
		const { id, job } = await unknown('before');
		say('retry', '--lost', job);
		await check([id]);
		assert.equal(states([id]).get(id), 'filed');
	});
	test('nothing, once it is known', async () => {
		const id = await queue();
		await settle();
		const { status, err } = ctl(house, ['queue', 'resolve', '--sent',
			`job_${jobOf(id)}`, '--application', String(p.application)]);
		assert.notEqual(status, 0);
		assert.match(err, /known already/);
		assert.equal(states([id]).get(id), 'filed');
	});
});

/** Leaves a folder empty: many rounds come. */
async function forget(imap, folder) {
	const lock = await imap.getMailboxLock(folder);
	try {
		await imap.messageDelete('1:*');
	} finally {
		lock.release();
	}
}

/** The credential that sends to a ledger. */
async function through(ledger, user) {
	const answer = await member.post(`${root}/provider-credentials`, {
		provider_kind: 'smtp', label: 'ledger', host: '127.0.0.1',
		port: ledger.port, security_mode: 'none',
		email_address: `${user}@letterrack.test`,
		secret: { username: `${user}@letterrack.test`, password: 'x' },
	});
	assert.equal(answer.status, 201, answer.text);
	return answer.json.data;
}

describe('one connection', () => {
	let ledger, out, slow = 0;

	before(async () => {
		ledger = await keepLedger(() => pause(slow));
		out = await through(ledger, 'nobody');
	});
	after(() => ledger?.end());

	const many = (n) => Promise.all(Array.from({ length: n },
		() => queue(out)));
	const once = (ids) => assert.deepEqual(
		ids.map((id) => [states([id]).get(id), ledger.taken.get(id)]),
		ids.map(() => ['accepted', 1]));

	test('is enough for messages behind one another', async () => {
		const ids = await many(12);
		ledger.sessions = 0;
		await pass();
		once(ids);
		assert.equal(ledger.sessions, 1);
	});
	test('that is dead by the next message: sent over another, once',
		async () => {
			const worker = stay();
			const until = async (id) => {
				for (let i = 0; i < 300; i++) {
					if (states([id]).get(id) === 'accepted')
						return;
					await pause(100);
				}
				assert.fail(`not sent: ${waiting()}`);
			};
			const ids = [];
			ledger.sessions = 0;
			for (let i = 0; i < 4; i++) {
				ids.push(await queue(out));
				await until(ids[i]);
				ledger.cut();
			}
			worker.child.kill('SIGTERM');
			await worker.ended;
			once(ids);
			assert.equal(ledger.sessions, 4);
		});
	test('cut again and again: none is lost, none comes twice', async () => {
		const ids = await many(40);
		slow = 5;
		let over = false, cut = 0;
		const cuts = (async () => {
			for (let n = 0; !over; n++) {
				await pause(10 + roll(n, 200));
				cut += ledger.cut();
			}
		})();
		for (let i = 0; i < 5; i++)
			await pass();
		over = true;
		await cuts;
		await settle();
		assert.ok(cut > 0, 'nothing was cut');
		const state = states(ids);
		assert.deepEqual(ids.filter((id) => (ledger.taken.get(id) ?? 0) > 1 ||
			(state.get(id) === 'accepted' && !ledger.taken.get(id)) ||
			!['accepted', 'unknown'].includes(state.get(id))), []);
	});
});

/* The answer is known, and not all that goes with it can be written. */
describe('a mail account that goes while its mail is on the way', () => {
	let ledger, out;

	before(async () => {
		ledger = await keepLedger();
		out = await through(ledger, 'support');
	});
	after(() => ledger?.end());

	/** Queued before or behind the account; what became of it. */
	async function sent(late) {
		const have = () => connect(member, p.account, 'support',
			{ smtp_credential_id: out.id });
		const soon = late ? null : await have();
		const mail = await queue(out);
		const { id } = soon ?? await have();
		const job = jobOf(mail);
		const one = start(['--only', 'send'], { LETTERRACK_FAILPOINT:
			'submission-effect-after:1:stop' });
		await stopped(one.child);
		const gone = await member.delete(`/api/provider-credentials/${id}`);
		assert.equal(gone.status, 204, gone.text);
		one.child.kill('SIGCONT');
		const { status, err } = await one.ended;
		assert.equal(status, 0, err);
		assert.equal(ledger.taken.get(mail), 1);
		assert.equal(sql(house, `SELECT state FROM job WHERE id = ${job}`),
			'succeeded');
		return states([mail]).get(mail);
	}

	test('takes along what is its own, and it was sent', async () =>
		assert.equal(await sent(false), undefined));
	test('gets no copy of what was there before it', async () =>
		assert.equal(await sent(true), 'accepted'));
});

/* What every unknown message has to say for itself. */
const EXPLAINED = /^No answer came behind the message; /;

describe('with a ledger', () => {
	let ledger, out, copies, dice = 0;

	before(async () => {
		/* It takes its time, and not all at once. */
		ledger = await keepLedger(async () => {
			await pause(roll(dice++, 25));
			if (roll(dice++, 12) === 0)
				throw refusal(451);
		});
		out = await through(ledger, 'sales');
		await connect(member, p.account, 'sales',
			{ smtp_credential_id: out.id });
		copies = await mailbox(house, 'sales');
	});
	after(async () => {
		await copies?.logout();
		await ledger?.end();
	});

	/** What is wrong, when all is settled; how many are unknown. */
	async function audit(ids) {
		await settle();
		const state = states(ids);
		const bad = faults(state, ledger.taken, await counted(copies, 'Sent'));
		const unknown = ids.filter((id) => state.get(id) === 'unknown');
		const words = new Map(sql(house, `SELECT message_id, last_error_detail
			FROM submission WHERE state = 'unknown'`).split('\n')
			.map((line) => line.split('|')));
		bad.push(...unknown.filter((id) => !EXPLAINED.test(words.get(id)))
			.map((id) => `${id} is unknown and says not why`));
		return { bad, unknown: unknown.length };
	}

	test('what is planted is found', async () => {
		const [lost, twice] = [await queue(out), await queue(out)];
		await settle();
		ledger.taken.delete(lost);
		sql(house, `UPDATE submission SET state = 'queued', message =
			convert_to(E'Message-ID: ${twice}\\r\\n\\r\\n', 'UTF8')
			WHERE message_id = '${twice}';
			UPDATE submission_recipient SET state = 'queued'
			WHERE submission_id = (SELECT id FROM submission
			    WHERE message_id = '${twice}');
			UPDATE job SET state = 'queued', run_at = now(), attempt_count = 0
			WHERE id = (SELECT t.last_job_id FROM submission s
			    JOIN task t ON t.id = s.task_id
			    WHERE message_id = '${twice}')`);
		const { bad } = await audit([lost, twice]);
		assert.deepEqual(bad.sort(), [`${lost} is filed and did not come`,
			`${twice} came 2 times`].sort());
	});

	/** At one of the failpoints, which it comes by for the so-manieth time: of
	 * one in four. */
	const failing = (n) => {
		const [point] = points[roll(n * 7, 4 * points.length)] ?? [];
		return point &&
			{ LETTERRACK_FAILPOINT: `${point}:${1 + roll(n * 11, 2)}` };
	};
	/* So long is waited for one that others may keep from being met. */
	const PATIENCE_MS = 1500;

	/* Each round is one SIGKILL, at a failpoint or after a time, of a worker
	 * that stays; six are there at a time. */
	test('killed at random', async () => {
		let ids = [], unknown = 0, sent = 0, kills = 0, early = 0;
		const each = async (n) => {
			const env = failing(n);
			const worker = stay(env);
			for (let i = roll(n ^ 0x333, 4); i > 0; i--)
				ids.push(await queue(out));
			early += await Promise.race([worker.ended.then(() => 1),
				pause(env ? PATIENCE_MS : 20 + roll(n, 500))
					.then(() => 0)]);
			worker.child.kill('SIGKILL');
			const { status, signal, err } = await worker.ended;
			assert.equal(signal ?? status, 'SIGKILL', err);
			kills++;
		};
		const look = async () => {
			const found = await audit(ids);
			assert.deepEqual(found.bad, []);
			unknown += found.unknown;
			sent += ids.length;
			await forget(copies, 'Sent');
			ids = [];
		};
		console.log(`seed ${seed}`);
		await lanes(300, { wide: 6, most: 300 }, each, look);
		console.log(`${kills} kills, ${early} of them at failpoints; ` +
			`${sent} messages, ${unknown} of them unknown`);
		assert.ok(unknown <= sent / 4, `${unknown} of ${sent} are unknown`);
	});
});
