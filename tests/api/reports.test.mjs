// Reports about mail that was sent: what a server tells later, and what anybody
// else might. One is Postfix's own; the others are made, and put into the mailbox
// as a server would.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { aside } from '../lib/ctl.mjs';
import { keepLedger } from '../lib/ledger.mjs';
import { connect, ended, mailbox, sync } from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const A = 'first@elsewhere.test', B = 'second@elsewhere.test';

let house, api, p, member, viewer, root, ledger, imap, anna, smtp, real;

async function sender(who, account, port, more = {}) {
	const answer = await who.post(
		`/api/accounts/${account}/provider-credentials`, {
			provider_kind: 'smtp', label: 'out', host: '127.0.0.1', port,
			security_mode: 'none', email_address: 'anna@letterrack.test',
			secret: { username: 'anna@letterrack.test',
				password: 'letterrack' }, ...more });
	assert.equal(answer.status, 201, answer.text);
	return answer.json.data;
}

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'postfix', 'sync'] });
	api = client(house);
	p = people(house);
	[member, viewer] = ['member', 'viewer'].map((who) =>
		api.as({ cookie: p[who].cookie }));
	root = `/api/accounts/${p.account}`;
	ledger = await keepLedger();
	smtp = await sender(member, p.account, ledger.port);
	real = await sender(member, p.account, Number(house.submission_port));
	anna = await connect(member, p.account, 'anna',
		{ sync_mode: 'on_demand' });
	imap = await mailbox(house, 'anna');
	await sync(member, p.account, anna);
});
after(async () => {
	await imap?.logout();
	await ledger?.end();
	await house?.end();
});

/** Sends to these; the email when the server has taken it. */
async function send(to, from = smtp, who = member, account = p.account) {
	const answer = await who.post(`/api/accounts/${account}/smtp/messages`, {
		credential_id: from.id, subject: randomBytes(6).toString('hex'),
		to_json: to.map((address) => ({ address })), text_body: 'Hello.\n' });
	assert.equal(answer.status, 202, answer.text);
	const { job_id: job, task_id: task } = answer.json.data;
	assert.equal((await ended(who, job)).state, 'succeeded');
	const { payload } = (await who.get(`/api/tasks/${task}`)).json.data;
	return read(payload.email_id, who);
}
const read = async (id, who = member) =>
	(await who.get(`/api/emails/${id}`)).json.data;
const fates = (email) => email.recipients.map((r) => [r.address, r.state,
	r.report]);
const events = (email) => JSON.parse(sql(house, `SELECT coalesce(json_agg(
	json_build_object(name, data->'recipients') ORDER BY id), '[]')
	FROM event WHERE data->>'email_id' = '${email.id.slice(4)}'
	AND name LIKE 'email.%'`));

const crlf = (text) => text.replace(/\r?\n/g, '\r\n');
const field = ([address, action, status, words]) =>
	`\nFinal-Recipient: rfc822; ${address}\nAction: ${action}\n` +
	`Status: ${status}\n${words ? `Diagnostic-Code: smtp; ${words}\n` : ''}`;

/** A report as servers write them. */
function report(rows, { returned = '', envelope = '', type = 'delivery-status',
	subject = randomBytes(6).toString('hex'), said } = {}) {
	const body = said ?? `Reporting-MTA: dns; mx.elsewhere.test\n${envelope &&
		`Original-Envelope-Id: ${envelope}\n`}${rows.map(field).join('')}`;
	return { subject, bytes: Buffer.from(crlf(
		`From: Mail Delivery System <MAILER-DAEMON@elsewhere.test>
To: anna@letterrack.test
Subject: ${subject}
Message-ID: <${randomBytes(8).toString('hex')}@elsewhere.test>
Date: Fri, 20 Nov 2026 10:00:00 +0000
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=${type}; boundary=b

--b
Content-Type: text/plain

Something was not delivered.
--b
Content-Type: message/${type}

${body}
${returned && `--b\nContent-Type: text/rfc822-headers\n\n${returned}\n`}--b--
`)) };
}

/** Comes, is synced and read: the email of the report. */
async function comes({ subject, bytes }) {
	await imap.append('INBOX', bytes);
	await sync(member, p.account, anna);
	const id = sql(house, `SELECT 'eml_' || id FROM email
		WHERE account_id = ${p.account} AND subject = '${subject}'`);
	for (let i = 0; i < 400; i++) {
		const state = sql(house, `SELECT state FROM mail_report
			WHERE email_id = ${id.slice(4)}`);
		if (state === 'read')
			return read(id);
		await pause(25);
	}
	return assert.fail(`${subject} is not read`);
}
const header = (email) => `Message-ID: ${email.message_id}\nSubject: x\n`;

test('Postfix says that nobody is there', async () => {
	const email = await send(['later-5xx@letterrack.test',
		'anna@letterrack.test'], real);
	assert.equal(email.status, 'accepted');
	let now;
	for (let i = 0; i < 60; i++) {
		await sync(member, p.account, anna);
		now = await read(email.id);
		if (now.recipients[0].state === 'failed')
			break;
		await pause(250);
	}
	assert.deepEqual(fates(now), [['later-5xx@letterrack.test', 'failed',
		'failed'], ['anna@letterrack.test', 'accepted', null]]);
	assert.match(now.recipients[0].detail, /550 5\.1\.1 .*later-5xx/);
	assert.equal(now.recipients[0].code, 550);
	assert.match(now.recipients[0].reported_at, /Z$/);
	assert.ok(['accepted', 'filed'].includes(now.status), now.status);
	assert.deepEqual(events(email).at(-1),
		{ 'email.failed': ['later-5xx@letterrack.test'] });
	const told = await read(now.recipients[0].report_email_id);
	assert.equal(told.direction, 'inbound');
	assert.deepEqual(told.report, { kind: 'delivery', feedback: null,
		email_id: email.id });
});

describe('a report', () => {
	test('of failure for all makes it failed, once', async () => {
		const email = await send([A, B]);
		const failed = [[A, 'failed', '5.1.1', '550 5.1.1 no such user'],
			[B.toUpperCase(), 'failed', '5.2.2']];
		await comes(report(failed, { returned: header(email) }));
		let now = await read(email.id);
		assert.deepEqual(fates(now), [[A, 'failed', 'failed'],
			[B, 'failed', 'failed']]);
		assert.equal(now.status, 'failed');
		assert.equal(now.recipients[0].detail, '550 5.1.1 no such user');
		assert.equal(now.recipients[1].detail, 'reported as failed: 5.2.2');
		const raised = events(email);
		assert.deepEqual(raised.at(-1), { 'email.failed': [A, B] });
		/* The same again, and better news that come too late. */
		await comes(report(failed, { returned: header(email) }));
		await comes(report([[A, 'delivered', '2.0.0']],
			{ returned: header(email) }));
		now = await read(email.id);
		assert.deepEqual(fates(now)[0], [A, 'failed', 'failed']);
		assert.deepEqual(events(email), raised);
		const logs = (await member.get(`${root}/logs?limit=50`)).json.data;
		assert.ok(logs.some((l) => l.status === 'failed' &&
			l.data?.email_id === email.id && l.data.report_email_id));
	});

	test('of a delay, and then of an end', async () => {
		const email = await send([A]);
		await comes(report([[A, 'delayed', '4.4.1', '451 try later']],
			{ returned: header(email) }));
		let now = await read(email.id);
		assert.deepEqual(fates(now), [[A, 'accepted', 'delayed']]);
		assert.equal(now.recipients[0].detail, '451 try later');
		assert.equal(now.status, email.status);
		assert.equal(events(email).length, 1);
		await comes(report([[A, 'failed', '5.4.7']],
			{ returned: header(email) }));
		now = await read(email.id);
		assert.deepEqual([...fates(now)[0], now.status],
			[A, 'failed', 'failed', 'failed']);
	});

	test('finds its message by the envelope\'s name', async () => {
		const email = await send([A]);
		await comes(report([[A, 'failed', '5.1.1']],
			{ envelope: email.message_id.slice(1, -1) }));
		assert.equal((await read(email.id)).status, 'failed');
	});

	test('of one whose answer was lost says that it had left', async () => {
		const email = await send([A]);
		sql(house, `UPDATE submission SET state = 'unknown' WHERE message_id =
			'${email.message_id}'; UPDATE submission_recipient SET
			state = 'unknown' WHERE submission_id = (SELECT id FROM submission
			WHERE message_id = '${email.message_id}')`);
		await comes(report([[A, 'relayed', '2.0.0']],
			{ returned: header(email) }));
		const now = await read(email.id);
		assert.deepEqual(fates(now), [[A, 'accepted', 'relayed']]);
		assert.ok(['accepted', 'filed'].includes(now.status), now.status);
	});

	test('that somebody complains is shown, and fails nothing', async () => {
		const email = await send([A, B]);
		const told = await comes(report([], { type: 'feedback-report',
			returned: header(email), said: 'Feedback-Type: abuse\n' +
			`User-Agent: x/1\nVersion: 1\nOriginal-Rcpt-To: <${A}>\n` }));
		assert.deepEqual(told.report, { kind: 'complaint', feedback: 'abuse',
			email_id: email.id });
		assert.deepEqual(fates(await read(email.id)),
			[[A, 'accepted', 'complaint'], [B, 'accepted', null]]);
		assert.equal(events(email).length, 1);
	});

	test('is seen by a viewer, too', async () => {
		const email = await send([A]);
		await comes(report([[A, 'failed', '5.1.1']],
			{ returned: header(email) }));
		assert.equal((await read(email.id, viewer)).recipients[0].state,
			'failed');
	});
});

describe('nothing changes', () => {
	const untouched = async (email) => {
		const now = await read(email.id);
		assert.deepEqual([now.status, fates(now)],
			[email.status, fates(email)]);
		assert.deepEqual(events(now), events(email));
	};

	test('by one of a message that is not ours', async () => {
		const email = await send([A]);
		const told = await comes(report([[A, 'failed', '5.1.1']],
			{ returned: 'Message-ID: <never@letterrack.test>\n' }));
		assert.deepEqual(told.report,
			{ kind: 'delivery', feedback: null, email_id: null });
		await untouched(email);
	});

	test('by one that names nothing', async () => {
		const email = await send([A]);
		await comes(report([[A, 'failed', '5.1.1']]));
		await untouched(email);
	});

	test('for a recipient whom it never had', async () => {
		const email = await send([A, B]);
		await comes(report([['third@elsewhere.test', 'failed', '5.1.1']],
			{ returned: header(email) }));
		await untouched(email);
	});

	test('in another account', async () => {
		const stranger = api.as({ cookie: p.stranger.cookie });
		const theirs = await sender(stranger, p.other, ledger.port);
		const email = await send([A], theirs, stranger, p.other);
		const told = await comes(report([[A, 'failed', '5.1.1']],
			{ returned: header(email) }));
		assert.equal(told.report.email_id, null);
		const now = await read(email.id, stranger);
		assert.deepEqual(fates(now), [[A, 'accepted', null]]);
	});

	test('of a person\'s own mail by what comes to all', async () => {
		const own = await sender(member, p.account, ledger.port);
		sql(house, `UPDATE credential SET user_id = ${p.member.user}
			WHERE id = ${own.id.slice(3)}`);
		const email = await send([A], own);
		await comes(report([[A, 'failed', '5.1.1']],
			{ returned: header(email) }));
		await untouched(email);
	});

	for (const [what, said] of [
		['a thousand words', 'x: y\n'.repeat(50000)],
		['more recipients than there are', Array.from({ length: 3000 },
			(_, i) => `\nFinal-Recipient: rfc822; u${i}@x.test\n` +
			'Action: failed\nStatus: 5.0.0\n').join('')],
		['bytes of no charset', '\u00ff\u00fe\u0000Final-Recipient: \u0001\n'],
		['parts in parts', `--b\nContent-Type: multipart/mixed; boundary=${
			'c\n\n--c\nContent-Type: multipart/mixed; boundary='
				.repeat(300)}d\n`],
	])
		test(`by ${what}`, async () => {
			const email = await send([A]);
			await comes(report([], { said, returned: header(email) }));
			await untouched(email);
		});
});

describe('a worker that is killed while it reads one', () => {
	before(() => house.stop('sync'));
	after(() => house.start('sync'));
	const pass = (env) =>
		aside(house, 'bin/letterrack-sync', ['--quiet'], env);

	for (const point of ['report-before', 'report-after'])
		test(`at ${point}: what it says is told once`, async () => {
			const asked = await member.post(`${root}/smtp/messages`, {
				credential_id: smtp.id, to_json: [{ address: A }],
				text_body: 'Hello.\n' });
			await pass();
			const { payload } = (await member.get(
				`/api/tasks/${asked.json.data.task_id}`)).json.data;
			const email = await read(payload.email_id);
			assert.deepEqual(fates(email), [[A, 'accepted', null]]);
			await imap.append('INBOX', report([[A, 'failed', '5.1.1']],
				{ returned: header(email) }).bytes);
			await member.post(`${root}/imap/sync-messages`,
				{ credential_id: anna.id });
			const dead = await pass({ LETTERRACK_FAILPOINT: point });
			assert.equal(dead.signal ?? dead.status, 'SIGKILL', dead.err);
			for (let i = 0; i < 50 && sql(house, `SELECT count(*) FROM job
				WHERE state IN ('queued', 'running')`) !== '0'; i++)
				await pass();
			assert.deepEqual(fates(await read(email.id)),
				[[A, 'failed', 'failed']]);
			assert.deepEqual(events(email), [{ 'email.sent': [A] },
				{ 'email.failed': [A] }]);
		});
});
