// A thread that is forwarded: what it says, and what goes along, byte for byte.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../lib/api.mjs';
import { connect, emailOf, mailbox, message, sync } from '../lib/mail.mjs';
import { people } from '../lib/people.mjs';
import { sql } from '../lib/sql.mjs';
import { stack } from '../lib/stack.mjs';

const OUTSIDE = 'colleague@elsewhere.test';
const picture = randomBytes(900), report = randomBytes(5000);
const lines = (bytes) => bytes.toString('base64').replace(/.{76}/g, '$&\n');

let house, api, p, root, member, viewer, stranger, imap, outside, thread;

async function credential(more) {
	const answer = await member.post(`${root}/provider-credentials`, {
		host: '127.0.0.1', security_mode: 'none',
		secret: { username: 'support@letterrack.test',
			password: 'letterrack' }, ...more });
	assert.equal(answer.status, 201, answer.text);
	return answer.json.data;
}

before(async () => {
	house = await stack({ own: true, with: ['dovecot', 'postfix', 'sync'] });
	api = client(house);
	p = people(house);
	[member, viewer, stranger] = ['member', 'viewer', 'stranger'].map(
		(who) => api.as({ cookie: p[who].cookie }));
	root = `/api/accounts/${p.account}`;
	[imap, outside] = [await mailbox(house, 'support'),
		await mailbox(house, 'outside')];
	outside.setMaxListeners(0);
	await imap.append('INBOX', message({ subject: 'The offer',
		from: 'John Doe <john@example.org>',
		more: 'Message-ID: <offer.1@example.org>\n',
		body: 'Content-Type: multipart/mixed; boundary=a\n\n--a\n' +
			'Content-Type: multipart/related; boundary=b\n\n--b\n' +
			'Content-Type: text/html; charset=utf-8\n\n' +
			'<html><head><title>t</title></head><body><p>Grüße &amp; so' +
			'<img src="cid:pic@x"></p></body></html>\n--b\n' +
			'Content-Type: image/png\nContent-ID: <pic@x>\n' +
			`Content-Transfer-Encoding: base64\n\n${lines(picture)}\n--b--\n` +
			'--a\nContent-Type: application/pdf\nContent-Disposition: ' +
			'attachment; filename="Q1 report.pdf"\n' +
			`Content-Transfer-Encoding: base64\n\n${lines(report)}\n--a--\n` }));
	await imap.append('INBOX', message({ subject: 'Re: The offer',
		from: 'Mary <mary@example.org>',
		more: 'Message-ID: <offer.2@example.org>\n' +
			'In-Reply-To: <offer.1@example.org>\n',
		body: '\nI agree to <all> of it.\n' }));
	const smtp = await credential({ provider_kind: 'smtp', label: 'out',
		port: Number(house.submission_port), is_default: true,
		email_address: 'support@letterrack.test' });
	await sync(member, p.account, await connect(member, p.account, 'support',
		{ smtp_credential_id: smtp.id }));
	thread = (await emailOf(member, p.account, 'The offer')).thread_id;
	assert.equal((await emailOf(member, p.account, 'Re: The offer')).thread_id,
		thread);
});
after(async () => {
	await imap?.logout();
	await outside?.logout();
	await house?.end();
});

const forward = (body, who = member, id = thread, more = {}) =>
	who.post(`/api/threads/${id}/forward`, body, more);
const shown = async (id) => (await member.get(`/api/threads/${id}`)).json.thread;

/** What has come outside: its uid. */
async function arrived(id) {
	for (let i = 0; i < 100; i++) {
		await outside.noop();
		const found = await outside.search({ header: { 'message-id': id } },
			{ uid: true });
		if (found.length > 0)
			return found[0];
		await Promise.race([once(outside, 'exists'), pause(200)]);
	}
	return assert.fail(`${id} does not come`);
}

/** Its leaves: [{ type, disposition, name, id, bytes }]. */
async function leaves(uid) {
	const { bodyStructure } = await outside.fetchOne(uid,
		{ bodyStructure: true }, { uid: true });
	const flat = (n) => n.childNodes ? n.childNodes.flatMap(flat) : [n];
	const out = [];
	for (const n of flat(bodyStructure)) {
		const { content } = await outside.download(uid, n.part ?? '1',
			{ uid: true });
		const pieces = [];
		for await (const piece of content)
			pieces.push(piece);
		out.push({ type: n.type, disposition: n.disposition, id: n.id,
			name: n.dispositionParameters?.filename,
			bytes: Buffer.concat(pieces) });
	}
	return out;
}

describe('a thread that is forwarded', () => {
	test('says what is said, has all its mail, and their files', async () => {
		const lock = await outside.getMailboxLock('INBOX');
		try {
			const { status, json, text } = await forward({ to: OUTSIDE,
				body_html: '<p>FYI...</p>', body_text: 'FYI...' });
			assert.equal(status, 200, text);
			const { email } = json;
			assert.deepEqual([json.success, email.subject,
				email.to_addresses], [true, 'Fwd: The offer', [OUTSIDE]]);
			assert.match(email.status, /^(accepted|filed)$/);
			const parts = await leaves(await arrived(email.message_id));
			const of = (type) => parts.filter((part) => part.type === type);
			const plain = of('text/plain')[0].bytes.toString();
			const html = of('text/html')[0].bytes.toString();
			assert.match(plain, /^FYI\.\.\.\r?\n/);
			assert.match(plain, new RegExp('Forwarded message -+\\s+' +
				'From: John Doe <john@example\\.org>\\s+Date: .*\\s+' +
				'Subject: The offer\\s+To: <support@letterrack\\.test>' +
				'\\s+Grüße & so[^]*From: Mary <mary@[^]*' +
				'I agree to <all> of it\\.'));
			assert.match(html, /^<p>FYI\.\.\.<\/p>/);
			assert.match(html, /<p>Grüße &amp; so<img src="cid:pic@x"><\/p>/);
			assert.match(html, /I agree to &lt;all&gt; of it\./);
			assert.ok(!/<(html|head|body|title)/.test(html), html);
			assert.deepEqual(of('image/png').map((f) => [f.id, f.disposition]),
				[['<pic@x>', 'inline']]);
			assert.ok(of('image/png')[0].bytes.equals(picture));
			assert.deepEqual(of('application/pdf').map((f) =>
				[f.name, f.disposition]), [['Q1 report.pdf', 'attachment']]);
			assert.ok(of('application/pdf')[0].bytes.equals(report));
		} finally {
			lock.release();
		}
	});
	test('begins a thread of its own, which its answers join', async () => {
		const before = await shown(thread);
		const { json } = await forward({ to: [OUTSIDE], body_text: 'See below.',
			subject: 'Fwd: look' });
		const own = json.email.thread_id;
		assert.notEqual(own, thread);
		const t = await shown(own);
		assert.deepEqual([t.subject, t.email_count, t.status, t.emails[0].id,
			t.emails[0].is_outgoing, t.emails[0].thread_rule],
		['Fwd: look', 1, 'open', json.email.id, true, 'started']);
		assert.deepEqual(await shown(thread), before);
		const answer = (await member.post(`${root}/emails`, {
			subject: 'Re: Fwd: look', in_reply_to: json.email.message_id,
			references: `<offer.1@example.org> ${json.email.message_id}`,
			from_json: [{ name: null, address: OUTSIDE }] })).json.data;
		assert.equal(answer.thread_id, own);
		assert.match(sql(house, `SELECT string_agg(name, ' ' ORDER BY id)
			FROM event WHERE account_id = ${p.account}
			AND data->>'thread_id' = '${own}'`), /^thread\.created/);
	});
	test('has its reader written down', () => {
		assert.match(sql(house, `SELECT string_agg(DISTINCT detail, ' ')
			FROM audit WHERE account_id = ${p.account}
			AND action = 'content.read'`), /forward/);
	});
	test('is made once under an Idempotency-Key', async () => {
		const key = { 'idempotency-key': 'forward-1' };
		const body = { to: OUTSIDE, body_text: 'once' };
		const first = await forward(body, member, thread, key);
		const again = await forward(body, member, thread, key);
		assert.equal(first.status, 200, first.text);
		assert.equal(again.json.email.id, first.json.email.id);
	});
	test('carries what is attached now, and a signature', async () => {
		const sign = (await member.post('/api/user/signatures',
			{ name: 'Mia', body_text: 'Mia, Sales' })).json.signature_id;
		assert.ok(sign);
		const { status, json, text } = await forward({ to: OUTSIDE,
			body_text: 'With this.', signature_id: sign, attachments: [{
				filename: 'note.txt', content_type: 'text/plain',
				content_b64: Buffer.from('a note').toString('base64') }] });
		assert.equal(status, 200, text);
		const lock = await outside.getMailboxLock('INBOX');
		try {
			const parts = await leaves(await arrived(json.email.message_id));
			const plain = parts.find((part) => part.type === 'text/plain')
				.bytes.toString();
			assert.match(plain, /^With this\.\r?\n\r?\n-- \r?\nMia, Sales\r?\n/);
			assert.ok(plain.indexOf('Mia,') < plain.indexOf('Forwarded'));
			assert.deepEqual(parts.map((part) => part.name).filter((n) => n &&
				!/png/.test(n)).sort(), ['Q1 report.pdf', 'note.txt']);
			assert.equal(parts.find((part) => part.name === 'note.txt').bytes
				.toString(), 'a note');
		} finally {
			lock.release();
		}
	});
	test('and an answer carry a signature of one\'s own', async () => {
		const { signatures } = (await member.get('/api/user/signatures')).json;
		const { status, json, text } = await member.post(
			`/api/threads/${thread}/reply`, { body_text: 'Thank you.',
				body_html: '<p>Thank you.</p>',
				signature_id: signatures[0].id });
		assert.equal(status, 200, text);
		const { thread: t } = (await member.get(
			`/api/threads/${json.email.thread_id}`)).json;
		const mail = t.emails.find((e) => e.id === json.email.id);
		assert.match(mail.body_text, /^Thank you\.\s+-- \s+Mia, Sales/);
		assert.match(mail.body_html, /Thank you\.<\/p><br><br>-- <br>\s+Mia, /);
		const theirs = await api.as({ cookie: p.owner.cookie }).post(
			`/api/threads/${thread}/reply`, { body_text: 'x',
				signature_id: signatures[0].id });
		assert.equal(theirs.status, 400);
		assert.match(theirs.text, /signature_id/);
	});
	test('what was sent is read from there until its copy is filed', async () => {
		const { json } = await member.post('/api/emails/send', { to: OUTSIDE,
			subject: 'kept', body_text: 'Kept at home.' });
		const where = `${root}/emails/eml_${json.email.id}/body`;
		const seen = await member.get(where);
		assert.match(seen.json.data.text, /Kept at home\./);
		const { emails } = await shown(json.email.thread_id);
		assert.match(emails[0].body_text, /Kept at home\./);
	});
	test('is sent to somebody, by who may, and has mail', async () => {
		const nobody = await forward({ body_text: 'x' });
		assert.equal(nobody.status, 400, nobody.text);
		assert.match(nobody.text, /"to"/);
		assert.equal((await forward({ to: OUTSIDE }, viewer)).status, 403);
		const foreign = await forward({ to: OUTSIDE }, stranger);
		assert.deepEqual([foreign.status, foreign.json.code],
			[404, 'THREAD_NOT_FOUND']);
		const empty = (await member.post('/api/threads', { subject: 'x' }))
			.json.thread.id;
		const answer = await forward({ to: OUTSIDE }, member, empty);
		assert.deepEqual([answer.status, answer.json.code],
			[409, 'NOTHING_TO_FORWARD']);
	});
	test('is not sent where a mail cannot be read', async () => {
		const sent = () => sql(house, `SELECT count(*) FROM submission
			WHERE account_id = ${p.account}`);
		await imap.append('INBOX', message({ subject: 'Re: The offer',
			more: 'Message-ID: <offer.3@example.org>\n' +
				'In-Reply-To: <offer.2@example.org>\n',
			body: '\nOne more.\n' }));
		const { id } = (await member.get(`${root}/provider-credentials`)).json
			.data.find((c) => c.provider_kind === 'imap');
		await sync(member, p.account, { id });
		assert.equal((await shown(thread)).email_count, 4);
		sql(house, `UPDATE email SET sha256 = NULL WHERE account_id =
			${p.account} AND message_id = '<offer.3@example.org>'`);
		sql(house, `UPDATE credential SET port = 9 WHERE id = ${id.slice(3)}`);
		const was = sent();
		const answer = await forward({ to: OUTSIDE, body_text: 'x' });
		assert.ok(answer.status >= 500, answer.text);
		assert.equal(sent(), was);
	});
});

describe('a thread that is deleted', () => {
	test('is not brought back by a sync, nor by a move on the server',
		async () => {
			const { id } = (await member.get(`${root}/provider-credentials`))
				.json.data.find((c) => c.provider_kind === 'imap');
			sql(house, `UPDATE credential SET port = ${house.imap_port}
				WHERE id = ${id.slice(3)}`);
			const left = async () => (await member.get(
				`${root}/emails?limit=200&q=offer&direction=inbound`)).json.data
				.filter((e) => e.subject.endsWith('The offer')).length;
			assert.equal(await left(), 3);
			assert.equal((await member.delete(`/api/threads/${thread}`)).status,
				200);
			await sync(member, p.account, { id });
			assert.equal(await left(), 0);
			const lock = await imap.getMailboxLock('INBOX');
			try {
				assert.equal((await imap.search({ subject: 'The offer' }))
					.length, 3);
				await imap.mailboxCreate('Elsewhere');
				await imap.messageMove({ subject: 'The offer' }, 'Elsewhere');
			} finally {
				lock.release();
			}
			for (let i = 0; i < 2; i++)
				await sync(member, p.account, { id });
			assert.equal(await left(), 0);
			assert.equal((await member.get(`/api/threads/${thread}`)).status,
				404);
		});
});
