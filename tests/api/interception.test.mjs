// Held mail: listed, looked at, edited, released and discarded; what becomes of
// it on its mail server, and who may do that.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { client } from '../lib/api.mjs';
import { connect, emailOf, mailbox, message, sync } from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const HELD = '/api/interception/held';
const release = (id) => `/api/interception/release/${id}`;
const discard = (id) => `/api/interception/discard/${id}`;

let house, api, p, member, viewer, stranger, imap, credential;

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'sync'] });
	api = client(house);
	p = people(house);
	[member, viewer, stranger] = ['member', 'viewer', 'stranger'].map(
		(who) => api.as({ cookie: p[who].cookie }));
	imap = await mailbox(house, 'review');
	credential = await connect(member, p.account, 'review',
		{ hold_policy: 'rules' });
	await sync(member, p.account, credential);
	const rule = await member.post('/api/rules', { name: 'Money',
		type: 'keyword', value: 'urgent,payment', priority: 45 });
	assert.equal(rule.status, 201, rule.text);
});
after(async () => {
	await imap?.logout();
	await house?.end();
});

const parts = '\n--b\nContent-Type: text/plain; charset=utf-8\n\n' +
	'Your account will be suspended unless you pay. =41\n' +
	'--b\nContent-Type: application/pdf; name="invoice.pdf"\n' +
	'Content-Disposition: attachment; filename="invoice.pdf"\n' +
	'Content-Transfer-Encoding: base64\n\nJVBERi0xLjQK\n--b--\n';
const mixed = (id) => ({ body: parts, more: `Message-ID: <${id}@example.com>\n` +
	'X-Odd:   kept  as it is\n' +
	'Content-Type: multipart/mixed; boundary="b"\n' });

let n = 0;

/** A mail that is held: { id, bytes, subject }. */
async function held(more = {}) {
	const subject = more.subject ?? `Urgent: payment ${++n}`;
	const bytes = message({ ...more, subject });
	await imap.append('INBOX', bytes, more.flags ?? [],
		new Date('2026-11-20T10:00:10Z'));
	await sync(member, p.account, credential);
	const { json } = await member.get(`${HELD}?limit=200`);
	const row = json.emails.find((e) => e.subject === subject);
	assert.ok(row, `'${subject}' is not held`);
	return { ...row, bytes };
}

/** What lies in a folder: subject → { bytes, flags, date }. */
async function lies(folder) {
	const all = {};
	const lock = await imap.getMailboxLock(folder);
	try {
		await imap.noop(); /* where it was open already */
		if (imap.mailbox.exists > 0)
			for await (const m of imap.fetch('1:*', { source: true,
				flags: true, envelope: true, internalDate: true }))
				all[m.envelope.subject] = { bytes: Buffer.from(m.source),
					flags: [...m.flags].filter((f) => f !== '\\Recent'),
					date: m.internalDate,
					id: m.envelope.messageId };
	} finally {
		lock.release();
	}
	return all;
}

const events = (id) => sql(house, `SELECT string_agg(name, ',' ORDER BY id)
	FROM event WHERE name LIKE 'message.%' AND data->>'email_id' = '${id}'`);
const told = (answer, status, code, state) => {
	assert.equal(answer.status, status, answer.text);
	assert.deepEqual([answer.json.ok, answer.json.code,
		answer.json.current_status], [false, code, state], answer.text);
};

describe('held mail', () => {
	test('is for who has signed in, in the document\'s words', async () => {
		const { status, json } = await client(house).get(HELD);
		assert.deepEqual([status, json.ok, json.error, json.code],
			[401, false, 'Authentication required', 'AUTH_REQUIRED']);
	});
	test('is listed as the document prints it', async () => {
		const mail = await held(mixed('list'));
		const { json } = await member.get(`${HELD}?account_id=${
			credential.id.slice(3)}`);
		const { created_at, latency_ms, ...row } = json.emails[0];
		assert.match(created_at, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
		assert.equal(typeof latency_ms, 'number');
		assert.deepEqual(row, { id: mail.id,
			account_id: Number(credential.id.slice(3)),
			subject: mail.subject, sender: 'anna@example.org',
			recipients: 'support@letterrack.test', status: 'HELD',
			risk_score: 45, keywords_matched: ['urgent', 'payment'],
			tags: [], reason: 'rule',
			preview: 'Your account will be suspended unless you pay. =41' });
		assert.deepEqual([json.stats.total_held, json.stats.last_24h,
			typeof json.stats.avg_latency_ms], [1, 1, 'number']);
		const seen = await viewer.get(HELD);
		assert.deepEqual([seen.json.emails[0].subject,
			seen.json.emails[0].preview,
			seen.json.emails[0].keywords_matched],
		[mail.subject, null, null]);
		const none = await stranger.get(HELD);
		assert.deepEqual([none.json.emails, none.json.stats.total_held],
			[[], 0]);
		const other = await member.get(`${HELD}?account_id=99999`);
		assert.deepEqual(other.json.emails, []);
	});
	test('is paged', async () => {
		await held();
		const all = (await member.get(HELD)).json.emails.map((e) => e.id);
		const first = await member.get(`${HELD}?limit=1`);
		assert.deepEqual(first.json.emails.map((e) => e.id), [all[0]]);
		const next = await member.get(
			`${HELD}?limit=1&cursor=${first.json.next_cursor}`);
		assert.deepEqual(next.json.emails.map((e) => e.id), [all[1]]);
		const skipped = await member.get(`${HELD}?limit=1&offset=1`);
		assert.deepEqual(skipped.json.emails.map((e) => e.id), [all[1]]);
	});
	test('is shown', async () => {
		const mail = await held(mixed('show'));
		const { json, status } = await member.get(`${HELD}/${mail.id}`);
		assert.equal(status, 200);
		assert.deepEqual({ subject: json.subject, sender: json.sender,
			body_text: json.body_text, body_html: json.body_html,
			attachments: json.attachments, raw_path: json.raw_path,
			original_internaldate: json.original_internaldate,
			headers: [json.headers['Message-ID'], json.headers['X-Odd'],
				json.headers.Date],
			uid: typeof json.original_uid }, {
			subject: mail.subject, sender: 'anna@example.org',
			body_text: 'Your account will be suspended unless you pay. ' +
				'=41', body_html: null,
			attachments: [{ filename: 'invoice.pdf', size: 9,
				content_type: 'application/pdf' }],
			raw_path: `/api/accounts/acc_${p.account}/emails/eml_${
				mail.id}/raw`,
			original_internaldate: '2026-11-20T10:00:10',
			headers: ['<show@example.com>', 'kept  as it is',
				'Fri, 20 Nov 2026 10:00:00 +0000'],
			uid: 'number' });
		const raw = await member.get(json.raw_path);
		assert.deepEqual(raw.bytes, mail.bytes);
		assert.equal((await viewer.get(`${HELD}/${mail.id}`)).status, 403);
	});
	test('of others is as what is not', async () => {
		const mail = await held();
		for (const ask of [(w, id) => w.get(`${HELD}/${id}`),
			(w, id) => w.get(`${HELD}/${id}/diff`),
			(w, id) => w.post(release(id), {}),
			(w, id) => w.post(discard(id)),
			(w, id) => w.post(`/api/email/${id}/edit`, { subject: 'x' }),
			(w, id) => w.post(`/api/email/${id}/intercept`)])
			for (const [who, id] of [[stranger, mail.id], [member, 99999]]) {
				const answer = await ask(who, id);
				told(answer, 404, 'EMAIL_NOT_FOUND');
				assert.deepEqual([answer.json.email_id, answer.json.error],
					[id, 'Email not found']);
			}
		assert.equal(sql(house, `SELECT state FROM hold
			WHERE email_id = ${mail.id}`), 'held');
	});
});

describe('a release', () => {
	test('puts the very same message back', async () => {
		const mail = await held({ ...mixed('same'),
			flags: ['\\Flagged', '$Mine'] });
		const answer = await member.post(release(mail.id));
		assert.equal(answer.status, 200, answer.text);
		assert.deepEqual(answer.json, { ok: true,
			message: 'Email released to INBOX', email_id: mail.id,
			status: 'RELEASED', released_to: 'INBOX', edited: false,
			attachments_removed: [], edited_message_id: null });
		const { [mail.subject]: now } = await lies('INBOX');
		assert.deepEqual(now.bytes, mail.bytes);
		assert.deepEqual(now.flags.sort(), ['$Mine', '\\Flagged']);
		assert.equal(now.date.toISOString(), '2026-11-20T10:00:10.000Z');
		assert.equal((await lies('Quarantine'))[mail.subject], undefined);
		assert.equal(events(mail.id), 'message.held,message.released');
		const shown = await member.get(`${HELD}/${mail.id}`);
		assert.deepEqual([shown.json.status, shown.json.released_to],
			['RELEASED', 'INBOX']);
		/* and no sync holds it again */
		await sync(member, p.account, credential);
		assert.ok((await lies('INBOX'))[mail.subject]);
		const record = await emailOf(member, p.account, mail.subject);
		assert.deepEqual([record.id, record.interception_status,
			record.status], [`eml_${mail.id}`, 'RELEASED', 'DELIVERED']);
		assert.equal(sql(house, `SELECT string_agg(action, ',' ORDER BY id)
			FROM audit WHERE subject = 'eml_${mail.id}'`), 'hold.release,hold.read');
	});
	test('is done once', async () => {
		const mail = await held();
		const both = await Promise.all([member.post(release(mail.id), {}),
			member.post(release(mail.id), {})]);
		assert.deepEqual(both.map((a) => a.status).sort(), [200, 409]);
		const again = await member.post(release(mail.id), {});
		told(again, 409, 'ALREADY_RELEASED', 'RELEASED');
		assert.equal(again.json.error, 'Email already released');
		assert.equal(again.json.email_id, mail.id);
		told(await member.post(discard(mail.id)), 409, 'ALREADY_RELEASED',
			'RELEASED');
		told(await member.post(`/api/email/${mail.id}/edit`,
			{ subject: 'late' }), 409, 'ALREADY_RELEASED', 'RELEASED');
		assert.equal(events(mail.id), 'message.held,message.released');
	});
	test('under a key is told again', async () => {
		const mail = await held();
		const headers = { 'idempotency-key': `r${mail.id}` };
		const first = await member.post(release(mail.id), {}, headers);
		const again = await member.post(release(mail.id), {}, headers);
		assert.deepEqual([again.status, again.json], [200, first.json]);
		assert.equal(again.headers['idempotency-replayed'], 'true');
	});
	test('goes to another folder', async () => {
		const mail = await held();
		await imap.mailboxCreate('Checked');
		await sync(member, p.account, credential);
		for (const target_folder of ['Nowhere', 'Quarantine']) {
			const no = await member.post(release(mail.id),
				{ target_folder });
			told(no, 400, 'VALIDATION_ERROR');
			assert.ok(no.text.includes('"target_folder"'), no.text);
		}
		const { json } = await member.post(release(mail.id),
			{ target_folder: 'Checked' });
		assert.deepEqual([json.message, json.released_to],
			['Email released to Checked', 'Checked']);
		assert.deepEqual((await lies('Checked'))[mail.subject].bytes,
			mail.bytes);
		assert.equal((await lies('INBOX'))[mail.subject], undefined);
	});
	test('brings what was edited, and no more', async () => {
		const mail = await held(mixed('edit'));
		const { json } = await member.post(release(mail.id), {
			edited_subject: '[REVIEWED] Payment Reminder ü',
			edited_body: 'This is a reviewed payment reminder.' });
		assert.deepEqual(json, { ok: true,
			message: 'Email released to INBOX', email_id: mail.id,
			status: 'RELEASED', released_to: 'INBOX', edited: true,
			attachments_removed: [],
			edited_message_id: '<edited-edit@example.com>' });
		const now = (await lies('INBOX'))['[REVIEWED] Payment Reminder ü'];
		assert.equal(now.id, '<edited-edit@example.com>');
		assert.equal(now.date.toISOString(), '2026-11-20T10:00:10.000Z');
		const text = now.bytes.toString();
		assert.ok(text.includes('X-Odd:   kept  as it is\r\n'), text);
		assert.ok(text.includes('JVBERi0xLjQK\r\n--b--\r\n'), text);
		assert.ok(text.includes('This is a reviewed payment reminder.'));
		assert.ok(!text.includes('suspended'), text);
		assert.deepEqual(Object.keys(await lies('Quarantine'))
			.filter((s) => s === mail.subject), []);
		await sync(member, p.account, credential);
		const record = await emailOf(member, p.account,
			'[REVIEWED] Payment Reminder ü');
		assert.deepEqual([record.id, record.message_id,
			record.interception_status, record.size_bytes],
		[`eml_${mail.id}`, '<edited-edit@example.com>', 'RELEASED',
			now.bytes.length]);
		const raw = await member.get(
			`/api/accounts/acc_${p.account}/emails/eml_${mail.id}/raw`);
		assert.deepEqual(raw.bytes, now.bytes);
		/* what came is kept */
		assert.equal(sql(house, `SELECT encode(sha256, 'hex') FROM hold
			WHERE email_id = ${mail.id}`),
		createHash('sha256').update(mail.bytes).digest('hex'));
		const shown = await member.get(`${HELD}/${mail.id}`);
		assert.ok(shown.json.body_text.includes('suspended'));
	});
	test('leaves attachments out', async () => {
		const mail = await held(mixed('strip'));
		const { json } = await member.post(release(mail.id),
			{ strip_attachments: true });
		assert.deepEqual([json.edited, json.attachments_removed,
			json.edited_message_id],
		[true, ['invoice.pdf'], '<edited-strip@example.com>']);
		const { bytes } = (await lies('INBOX'))[mail.subject];
		assert.ok(!bytes.includes('JVBERi0'), bytes.toString());
		assert.ok(bytes.includes('suspended unless you pay. =41'));
		const record = await emailOf(member, p.account, mail.subject);
		assert.equal(record.has_attachments, false);
		/* where there are none, nothing is edited */
		const bare = await held();
		const same = await member.post(release(bare.id),
			{ strip_attachments: true });
		assert.deepEqual([same.json.edited, same.json.attachments_removed],
			[false, []]);
		assert.deepEqual((await lies('INBOX'))[bare.subject].bytes,
			bare.bytes);
	});
	test('that the server refuses is told, and it is held as before',
		async () => {
			const mail = await held();
			await imap.mailboxCreate('Gone');
			await sync(member, p.account, credential);
			await imap.mailboxDelete('Gone');
			const answer = await member.post(release(mail.id),
				{ target_folder: 'Gone' });
			told(answer, 404, 'NOT_FOUND_FOLDER');
			assert.deepEqual((await lies('Quarantine'))[mail.subject].bytes,
				mail.bytes);
			const { json } = await member.post(release(mail.id), {});
			assert.equal(json.status, 'RELEASED');
		});
	test('is not for viewers', async () => {
		const mail = await held();
		for (const path of [release(mail.id), discard(mail.id),
			`/api/email/${mail.id}/edit`, `/api/email/${mail.id}/intercept`,
			'/api/interception/bulk/release',
			'/api/interception/bulk/discard'])
			assert.equal((await viewer.post(path, {})).status, 403);
	});
});

describe('an edit', () => {
	test('is kept, compared and released', async () => {
		const mail = await held({ body: 'Content-Type: text/html\n\n' +
			'<p>Pay <b>now</b></p>\n' });
		const edit = await member.post(`/api/email/${mail.id}/edit`,
			{ subject: '[REVIEWED] one', body_html: '<p>Pay later</p>' });
		assert.deepEqual(edit.json, { ok: true,
			message: 'Email updated successfully', email_id: mail.id });
		const { json } = await member.get(`${HELD}/${mail.id}/diff`);
		assert.deepEqual([json.changed, json.subject, json.lines], [true,
			{ original: mail.subject, edited: '[REVIEWED] one' },
			[{ op: '-', text: 'Pay now' }, { op: '+', text: 'Pay later' }]]);
		assert.deepEqual((await lies('Quarantine'))[mail.subject].bytes,
			mail.bytes);
		const answer = await member.post(release(mail.id),
			{ edited_subject: '[REVIEWED] two' });
		assert.equal(answer.json.edited, true);
		const now = (await lies('INBOX'))['[REVIEWED] two'];
		assert.ok(now.bytes.includes('<p>Pay later</p>'));
	});
	test('of one form of the text replaces the other', async () => {
		const mail = await held({ more: 'Content-Type: ' +
			'multipart/alternative; boundary="a"\n', body: '\n--a\n' +
			'Content-Type: text/plain\n\nbad plain\n--a\n' +
			'Content-Type: text/html\n\n<p>bad html</p>\n--a--\n' });
		await member.post(`/api/email/${mail.id}/edit`,
			{ body_text: 'good & short' });
		await member.post(release(mail.id), {});
		const text = (await lies('INBOX'))[mail.subject].bytes.toString();
		assert.ok(text.includes('good & short'), text);
		assert.ok(text.includes('good &amp; short'), text);
		assert.ok(!/bad/.test(text), text);
	});
	test('has something to say, on one line', async () => {
		const mail = await held();
		for (const body of [{}, { subject: 'a\r\nBcc: x@example.org' },
			{ subject: 'x'.repeat(999) }, { body_text: 7 }])
			told(await member.post(`/api/email/${mail.id}/edit`, body), 400,
				'VALIDATION_ERROR');
		told(await member.post(release(mail.id),
			{ edited_subject: 'a\nBcc: x@example.org' }), 400,
		'VALIDATION_ERROR');
		assert.ok((await lies('Quarantine'))[mail.subject]);
	});
});

describe('mail that is discarded', () => {
	test('stays where it is, and is not delivered', async () => {
		const mail = await held();
		const first = await member.post(discard(mail.id));
		assert.deepEqual(first.json, { ok: true, message: 'Email discarded',
			email_id: mail.id, status: 'DISCARDED' });
		assert.equal((await member.post(discard(mail.id))).status, 200);
		told(await member.post(release(mail.id), {}), 409,
			'ALREADY_DISCARDED', 'DISCARDED');
		assert.equal(events(mail.id), 'message.held,message.discarded');
		assert.ok((await lies('Quarantine'))[mail.subject]);
		const { json } = await member.get(HELD);
		assert.ok(!json.emails.some((e) => e.id === mail.id));
	});
	test('may be many', async () => {
		const [a, b] = [await held(), await held()];
		const { json } = await member.post('/api/interception/bulk/discard',
			{ email_ids: [a.id, 99999, b.id] });
		assert.deepEqual(json, { ok: true, message: 'Emails discarded',
			total: 3, discarded: [a.id, b.id], failed: [{ email_id: 99999,
				code: 'EMAIL_NOT_FOUND', error: 'Email not found' }] });
	});
});

test('many are released', async () => {
	const [a, b, c] = [await held(), await held(), await held()];
	await member.post(discard(b.id));
	const { json } = await member.post('/api/interception/bulk/release',
		{ email_ids: [a.id, b.id, c.id, 99999] });
	assert.deepEqual([json.released, json.queued,
		json.failed.map((f) => [f.email_id, f.code])], [[a.id, c.id], [],
		[[b.id, 'ALREADY_DISCARDED'], [99999, 'EMAIL_NOT_FOUND']]]);
	const inbox = await lies('INBOX');
	for (const mail of [a, c])
		assert.deepEqual(inbox[mail.subject].bytes, mail.bytes);
});

describe('mail is held by hand', () => {
	test('after it came', async () => {
		const bytes = message({ subject: 'Harmless' });
		await imap.append('INBOX', bytes);
		await sync(member, p.account, credential);
		const { id } = await emailOf(member, p.account, 'Harmless');
		const email = Number(id.slice(4));
		const answer = await member.post(`/api/email/${email}/intercept`);
		assert.deepEqual(answer.json, { ok: true,
			message: 'Email moved to Quarantine', email_id: email,
			status: 'HELD' });
		assert.deepEqual((await lies('Quarantine')).Harmless.bytes, bytes);
		assert.equal((await lies('INBOX')).Harmless, undefined);
		told(await member.post(`/api/email/${email}/intercept`), 409,
			'ALREADY_HELD', 'HELD');
		const { json } = await member.get(`${HELD}/${email}`);
		assert.equal(json.reason, 'hand');
		/* and once more, when it was released */
		await member.post(release(email), {});
		const again = await member.post(`/api/email/${email}/intercept`);
		assert.equal(again.json.status, 'HELD');
	});
	test('where it lies', async () => {
		const sent = await imap.append('INBOX',
			message({ subject: 'Fleeting' }));
		await sync(member, p.account, credential);
		const { id } = await emailOf(member, p.account, 'Fleeting');
		const lock = await imap.getMailboxLock('INBOX');
		await imap.messageDelete(`${sent.uid}`, { uid: true });
		lock.release();
		const answer = await member.post(
			`/api/email/${id.slice(4)}/intercept`);
		told(answer, 404, 'NOT_FOUND_MESSAGE');
		await sync(member, p.account, credential);
	});
});

describe('the inbox', () => {
	test('has all, held or not', async () => {
		const mail = await held({ subject: 'Urgent inbox' });
		const find = async (who, query) => (await who.get(
			`/api/inbox?${query}`)).json;
		const { messages: [row], total } = await find(member,
			'q=Urgent+inbox');
		const { created_at, ...rest } = row;
		assert.match(created_at, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
		assert.deepEqual([total, rest], [1, { id: mail.id,
			account_id: Number(credential.id.slice(3)),
			subject: mail.subject, sender: 'anna@example.org',
			status: 'HELD', interception_status: 'HELD' }]);
		await member.post(release(mail.id), {});
		for (const [status, n] of [['RELEASED', 1], ['DELIVERED', 1],
			['HELD', 0], ['DISCARDED', 0]])
			assert.equal((await find(member,
				`q=Urgent+inbox&status=${status}`)).total, n, status);
		const all = await find(member, '');
		const page = await find(member, 'limit=1&offset=1');
		assert.deepEqual([page.messages[0].id, page.total],
			[all.messages[1].id, all.total]);
		assert.equal((await member.get('/api/inbox?status=x')).status, 400);
		assert.equal((await find(stranger, '')).total, 0);
	});
	test('is searched by text, but not by viewers', async () => {
		await held({ subject: 'Urgent words',
			body: '\nxylophone in the text\n' });
		assert.equal((await member.get('/api/inbox?q=xylophone')).json.total,
			1);
		assert.equal((await viewer.get('/api/inbox?q=xylophone')).json.total,
			0);
	});
});

const SETTINGS = '/api/interception/settings';

describe('the account\'s settings', () => {
	let owner;
	before(() => { owner = api.as({ cookie: p.owner.cookie }); });
	after(() => owner.put(SETTINGS, { review_policy: 'open',
		hold_expiry_days: null }));

	test('are shown and changed', async () => {
		const preset = { review_policy: 'open', hold_expiry_days: null,
			hold_expiry_action: 'discard' };
		assert.deepEqual((await viewer.get(SETTINGS)).json, preset);
		assert.equal((await member.put(SETTINGS, {})).status, 403);
		for (const [body, field] of [[{ review_policy: 'x' },
			'review_policy'], [{ hold_expiry_days: 0 },
			'hold_expiry_days'], [{ hold_expiry_action: 'keep' },
			'hold_expiry_action']]) {
			const answer = await owner.put(SETTINGS, body);
			told(answer, 400, 'VALIDATION_ERROR');
			assert.ok(answer.text.includes(`"${field}"`), answer.text);
		}
		const { json } = await owner.put(SETTINGS, { hold_expiry_days: 30 });
		assert.deepEqual(json, { ...preset, hold_expiry_days: 30 });
		await owner.put(SETTINGS, { hold_expiry_days: null });
		assert.deepEqual((await viewer.get(SETTINGS)).json, preset);
		assert.deepEqual((await stranger.get(SETTINGS)).json, preset);
	});
	test('four eyes: nobody lets go what they have written', async () => {
		await owner.put(SETTINGS, { review_policy: 'four_eyes' });
		const mail = await held();
		const hash = async () => (await owner.get(`${HELD}/${mail.id}`))
			.json.content_hash;
		const came = await hash();
		assert.equal(came, `sha256:${
			createHash('sha256').update(mail.bytes).digest('hex')}`);
		await member.post(`/api/email/${mail.id}/edit`,
			{ body_text: 'Seen.' });
		const written = await hash();
		assert.notEqual(written, came);
		told(await member.post(release(mail.id),
			{ content_hash: written }), 403, 'FOUR_EYES');
		told(await owner.post(release(mail.id), { content_hash: written,
			edited_subject: 'Mine' }), 403, 'FOUR_EYES');
		told(await owner.post(release(mail.id), {}), 400,
			'VALIDATION_ERROR');
		told(await owner.post(release(mail.id), { content_hash: came }), 409,
			'CONTENT_CHANGED');
		const bulk = await owner.post('/api/interception/bulk/release',
			{ email_ids: [mail.id] });
		assert.equal(bulk.json.failed[0].code, 'CONTENT_HASH_REQUIRED');
		assert.equal(sql(house, `SELECT state FROM hold
			WHERE email_id = ${mail.id}`), 'held');
		const { json } = await owner.post(release(mail.id),
			{ content_hash: written });
		assert.equal(json.edited, true, JSON.stringify(json));
		await owner.put(SETTINGS, { review_policy: 'open' });
	});
	test('content that has changed is not let go by its hash', async () => {
		const mail = await held();
		const { json } = await member.get(`${HELD}/${mail.id}`);
		await owner.post(`/api/email/${mail.id}/edit`,
			{ subject: 'Something else' });
		told(await member.post(release(mail.id),
			{ content_hash: json.content_hash }), 409, 'CONTENT_CHANGED');
		assert.ok((await lies('Quarantine'))[mail.subject]);
	});

	/* The raw store. */
	const kept_in = () => `${/^state_dir *= *(\S+)/m.exec(
		readFileSync(house.conf, 'utf8'))[1]}/raw/${p.account}`;
	const age = (mail, column, days) => sql(house, `UPDATE hold
		SET ${column} = now() - interval '${days} days'
		WHERE email_id = ${mail.id}`);
	const state = (mail) => sql(house, `SELECT state FROM hold
		WHERE email_id = ${mail.id}`);

	test('mail that nobody decides about expires', async () => {
		const [old, young] = [await held(), await held()];
		await owner.put(SETTINGS, { hold_expiry_days: 7 });
		age(old, 'held_at', 8);
		age(young, 'held_at', 6);
		await sync(member, p.account, credential);
		assert.deepEqual([state(old), state(young)],
			['discarded', 'held']);
		assert.equal(events(old.id), 'message.held,message.discarded');
		await owner.put(SETTINGS, { hold_expiry_action: 'release' });
		age(young, 'held_at', 8);
		await sync(member, p.account, credential);
		assert.equal(state(young), 'released');
		assert.deepEqual((await lies('INBOX'))[young.subject].bytes,
			young.bytes);
		await owner.put(SETTINGS, { hold_expiry_days: null });
	});
	test('what is over leaves the quarantine, and the disk', async () => {
		const [gone, kept] = [await held(), await held()];
		const file = (mail) => `${kept_in()}/${
			createHash('sha256').update(mail.bytes).digest('hex')}`;
		for (const mail of [gone, kept]) {
			await member.post(discard(mail.id));
			assert.ok(existsSync(file(mail)), file(mail));
		}
		age(gone, 'ended_at', 31);
		age(kept, 'ended_at', 29);
		await sync(member, p.account, credential);
		const left = await lies('Quarantine');
		assert.deepEqual([left[gone.subject], existsSync(file(gone))],
			[undefined, false]);
		assert.ok(left[kept.subject] && existsSync(file(kept)));
		await sync(member, p.account, credential);
		const shown = await member.get(`${HELD}/${gone.id}`);
		assert.deepEqual([shown.status, shown.json.status], [200,
			'DISCARDED']);
	});
	test('what is let pass leaves nothing behind', async () => {
		const files = () => readdirSync(kept_in()).length;
		const were = files();
		await imap.append('INBOX', message({ subject: 'Plain' }));
		await sync(member, p.account, credential);
		assert.equal(files(), were);
	});
});

test('the review door lists mail accounts', async () => {
	const door = client({ ...house, url: house.review_url });
	const { json, status } = await door.as({ cookie: p.viewer.cookie })
		.get('/api/accounts');
	assert.equal(status, 200);
	const [{ last_checked, ...row }] = json;
	assert.match(last_checked, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
	assert.deepEqual([json.length, row], [1, {
		id: Number(credential.id.slice(3)), account_name: 'review',
		email_address: credential.email_address, imap_host: '127.0.0.1',
		imap_port: Number(house.imap_port), is_active: 1,
		provider_type: credential.provider_type,
		quarantine_folder: 'Quarantine' }]);
	const none = await door.as({ cookie: p.stranger.cookie })
		.get('/api/accounts');
	assert.deepEqual(none.json, []);
});

describe('a monitor sees', () => {
	const counted = () => sql(house, `SELECT
		count(*) FILTER (WHERE state IN ('held', 'releasing', 'filed')),
		count(*) FILTER (WHERE state = 'released'),
		percentile_disc(0.5) WITHIN GROUP (ORDER BY latency_ms)
		FILTER (WHERE held_at > now() - interval '24 hours')
		FROM hold`).split('|').map(Number);

	/* Answers are kept for five seconds. */
	async function asTold(read) {
		let told, wanted;
		for (let i = 0; i < 100; i++) {
			[told, wanted] = [await read(), counted()];
			if (String(told) === String(wanted))
				return wanted;
			await new Promise((done) => setTimeout(done, 100));
		}
		return assert.deepEqual(told, wanted);
	}
	test('how much is held, was released, and how long it took', async () => {
		for (const n of await asTold(async () => {
			const { json } = await api.get('/healthz');
			return [json.held_count, json.released_24h,
				json.median_latency_ms];
		}))
			assert.ok(n > 0);
		await asTold(async () => {
			const { text } = await api.get('/api/metrics');
			return ['emails_held_total', 'emails_released_24h',
				'interception_latency_ms_median'].map((name) => {
				assert.match(text, new RegExp(`^# TYPE ${name} gauge$`, 'm'));
				return new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1];
			});
		});
	});
});

describe('nothing that a sender writes lets mail pass', () => {
	test('no Message-ID of what was released, no marker', async () => {
		const first = await held(mixed('known'));
		await member.post(release(first.id), {});
		for (const more of ['Message-ID: <known@example.com>\n',
			'Message-ID: <edited-known@example.com>\n',
			'X-EMT-Released: 1\nX-Letterrack-Release: yes\n'])
			await held({ more });
	});
	test('nor the bytes of what was let go in another form', async () => {
		const first = await held(mixed('form'));
		await member.post(release(first.id), { edited_body: 'Harmless.' });
		await imap.append('INBOX', first.bytes);
		await sync(member, p.account, credential);
		assert.deepEqual((await lies('Quarantine'))[first.subject].bytes,
			first.bytes);
		assert.ok((await lies('INBOX'))[first.subject].bytes
			.includes('Harmless.'));
	});
});
